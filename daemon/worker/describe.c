/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "library/content.h"
#include "worker/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where NAME.so would be beside NAME.configuration; the caller frees. NULL: it is named otherwise.
 */
static char *path_beside(const char *configuration)
{
    static const char suffix[] = ".configuration";
    size_t n = strlen(configuration), k = sizeof suffix - 1;
    bool is_one =
        n > k && configuration[n - k - 1] != '/' && !strcmp(configuration + n - k, suffix);
    return is_one ? mem_printf("%.*s.so", (int)(n - k), configuration) : NULL;
}

static int open_configured(struct libraries *l, const char *library, const char *configuration,
                           const char *path, struct error *e)
{
    if (!path)
        return error_set(e, WORKER_REFUSED, NULL,
                         "%s: should be named NAME.configuration: NAME is the library's name then",
                         configuration);
    if (access(configuration, R_OK) < 0)
        return error_set(e, WORKER_REFUSED, NULL, "cannot read %s: %s", configuration,
                         strerror(errno));
    return libraries_open_as(l, library, path, e);
}

/* What the library prints goes to standard error: to standard output goes the document. */
static int set_output_apart(FILE **ret_out, struct error *e)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    *ret_out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!*ret_out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return error_errno(e, -errno, "set standard output apart");
    return 0;
}

int worker_describe(const char *library, const char *configuration)
{
    FILE *out;
    struct error e = {0};
    json_t *document = NULL;
    struct libraries *l = libraries_new();
    char *path = configuration ? path_beside(configuration) : mem_strdup(library);
    char *name = content_name(path ? path : library);
    int r = set_output_apart(&out, &e);
    if (r == 0)
        r = configuration ? open_configured(l, library, configuration, path, &e)
                          : libraries_open(l, path, NULL, &e);
    if (r == 0)
        r = libraries_describe(l, name, &document, &e);
    if (r == 0) {
        char *text = json_write(document);
        if (fprintf(out, "%s\n", text) < 0 || fflush(out) != 0)
            r = error_errno(&e, -errno, "write to standard output");
        free(text);
        json_decref(document);
    }
    if (r)
        log_error("%s", e.message);
    free(name);
    free(path);
    libraries_free(l);
    return r == 0 ? 0 : 2;
}
