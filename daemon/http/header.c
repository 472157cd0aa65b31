/* SPDX-License-Identifier: Apache-2.0 */
#include "http/header.h"

#include "http/problem.h"
#include "http/request.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* libmicrohttpd 0.9.75 refuses some requests by pages of its own (as HTML), and closes, before it
 * asks us: what finds no room in a connection's memory (414, 431), which is more than these; a
 * Content-Length that is no number ("2, 2", "-1": 400; 2^64: 413), and a chunk's size that is none
 * (400). It has no option for other ones. (The header of that 400 is sent twice.) */
enum { TARGET_MAX = 8 * 1024, HEADER_MAX = 32 * 1024 };

/* A walk over the request's bytes as libmicrohttpd 0.9.75 leaves them: separators and ends of lines
 * became NULs, so a NUL that was sent shows as a gap between what it tells. */
struct walk {
    const char *at; /* where the next header should begin */
    bool is_whole;
    unsigned hosts, lengths, codings;
    bool is_chunked;
};

/* CR and LF, or LF alone; the last line with LF alone takes the empty one with it. (NUL and LF look
 * like CR and LF: such a NUL hides nothing.) */
static const char *after_line(const char *end)
{
    return end + (end[1] == '\0' ? 2 : 1);
}

static void count(struct walk *w, const char *name, const char *value)
{
    w->hosts += !strcasecmp(name, MHD_HTTP_HEADER_HOST);
    w->lengths += !strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) != 0)
        return;
    w->codings++;
    w->is_chunked = !strcasecmp(value, "chunked");
}

static enum MHD_Result visit(void *walk, enum MHD_ValueKind kind, const char *name,
                             size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    struct walk *w = walk;
    count(w, name, value ? value : "");
    bool is_token = name_size > 0 && strcspn(name, " \t") == name_size;
    const char *begin = name + name_size + 1;
    if (!w->is_whole || name != w->at || !is_token || value < begin ||
        strspn(begin, " \t") != (size_t)(value - begin)) {
        w->is_whole = false;
        return MHD_YES;
    }
    w->at = after_line(value + value_size);
    return MHD_YES;
}

/* METHOD NUL target NUL version, and the end of the line. */
static bool line_is_whole(const struct request *r, const char *method, const char *version,
                          struct walk *w)
{
    w->at = after_line(version + strlen(version));
    return r->target == method + strlen(method) + 1 && version == r->target + r->target_size + 1;
}

static bool is_known_library(void)
{
    return !strcmp(MHD_get_version(), "0.9.75");
}

static size_t header_size(const struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

int header_check(const struct request *r, const char *method, const char *version, struct error *e)
{
    struct walk w = {.is_whole = true};
    size_t size = header_size(r);
    w.is_whole = line_is_whole(r, method, version, &w);
    MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, visit, &w);
    ptrdiff_t rest = method + size - w.at; /* the empty line */
    if (is_known_library() && !(w.is_whole && rest >= 0 && rest <= 2))
        return error_set(e, PROBLEM_SYNTAX, NULL,
                         "the request's header has a NUL, a name with blanks, or a line that goes "
                         "on on the next one");
    if (r->target_size > TARGET_MAX)
        return error_set(e, PROBLEM_TARGET, NULL, "the path has %zu bytes: at most %d are taken",
                         r->target_size, TARGET_MAX);
    if (size > HEADER_MAX)
        return error_set(e, PROBLEM_HEADER, NULL,
                         "the request's header has %zu bytes: at most %d are taken", size,
                         HEADER_MAX);
    if (w.hosts > 1 || w.lengths > 1 || w.codings > 1 || (w.lengths && w.codings))
        return error_set(e, PROBLEM_SYNTAX, NULL,
                         "Host, and either Content-Length or Transfer-Encoding, may stand once");
    if (w.codings && !w.is_chunked)
        return error_set(e, PROBLEM_CODING, NULL,
                         "the only Transfer-Encoding that is taken is \"chunked\"");
    return 0;
}
