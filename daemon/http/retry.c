/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that have ended: retrying them, and what their stores held by then. */
#include "base/json.h"
#include "base/mem.h"
#include "http/jobs.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RANGES_MAX = 1000000 };

/* The body: {"damaged": [[begin, end], …], "repairs": true}, both of which may be absent. */
struct retry_request {
    int64_t (*damaged)[2];
    struct queue_retry how;
};

static int read_range(const json_t *range, size_t i, int64_t ret[2], struct error *e)
{
    const json_t *begin = json_array_get(range, 0), *end = json_array_get(range, 1);
    if (json_array_size(range) != 2 || !json_is_integer(begin) || !json_is_integer(end)) {
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/damaged/%zu", i);
        return error_set(e, PROBLEM_INVALID, pointer, "should be members [begin, end]");
    }
    ret[0] = json_integer_value(begin);
    ret[1] = json_integer_value(end);
    return 0;
}

static int read_damaged(const json_t *list, struct retry_request *ret, struct error *e)
{
    size_t n = json_array_size(list);
    int result = 0;
    if (list && (!json_is_array(list) || n > RANGES_MAX))
        return error_set(e, PROBLEM_INVALID, "/damaged",
                         "should be a list of at most %d ranges of members", RANGES_MAX);
    ret->damaged = mem_array(n + 1, sizeof *ret->damaged);
    for (size_t i = 0; i < n && result == 0; i++)
        result = read_range(json_array_get(list, i), i, ret->damaged[i], e);
    ret->how.damaged = (const int64_t(*)[2])ret->damaged;
    ret->how.n_damaged = n;
    return result;
}

static int read_body(struct request *r, struct retry_request *ret, struct error *e)
{
    static const char *const keys[] = {"damaged", "repairs", NULL};
    json_t *body;
    if (!r->body)
        return 0;
    int result = body_text_parse(r->body, &body, e);
    if (result != 0)
        return result;
    const json_t *repairs = json_object_get(body, "repairs");
    if (!json_is_object(body))
        result = error_set(e, PROBLEM_INVALID, "",
                           "should be an object such as {\"damaged\": [[0, 10]]}");
    else
        result = problem_of_base(json_check_keys(body, keys, "", e));
    if (result == 0 && repairs && !json_is_boolean(repairs))
        result = error_set(e, PROBLEM_INVALID, "/repairs", "should be true or false");
    if (result == 0)
        result = read_damaged(json_object_get(body, "damaged"), ret, e);
    ret->how.repairs = json_is_true(repairs);
    json_decref(body);
    return result;
}

int jobs_claim_again(void *http, int64_t job, const struct queue_retry_store *store,
                     struct error *e)
{
    struct http *h = http;
    char owner[QUEUE_OWNER_SIZE];
    int r = claims_add_again(&h->claims, store, queue_owner(h->queue, job, owner), e);
    if (r <= 0)
        return r;
    struct error why = *e;
    return error_set(e, QUEUE_REFUSED, NULL, "%s", why.message);
}

int jobs_retry(struct request *r, struct error *e)
{
    struct retry_request body = {0};
    int64_t id;
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = read_body(r, &body, e);
    body.how.claim = jobs_claim_again;
    body.how.userdata = r->http;
    if (result == 0)
        result = problem_of_queue(queue_retry(r->http->queue, id, &body.how, e));
    free(body.damaged);
    return result == 0 ? jobs_show(r, e) : result;
}

/* ---- GET /v1/jobs/{job}/checksums ---- */

/* It changes where the job is retried: nobody else gets the same answer. */
static int reply_checksums(struct request *r, const char *path, int64_t id, struct error *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return error_set(e, PROBLEM_NOT_FOUND, NULL,
                         "what the store of job %" PRId64 " held is not known: the job has not "
                         "ended well, or by a former version",
                         id);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int result = error_set(e, -errno, NULL, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return result;
    }
    struct answer *answer =
        answers_add_file(&r->http->answers, NULL, fd, (size_t)st.st_size, API_TEXT);
    if (answer) {
        reply_shared(r, MHD_HTTP_OK, answer);
        return 0;
    }
    close(fd);
    return error_set(e, PROBLEM_BUSY, NULL, "too many files are being read at once");
}

int jobs_checksums(struct request *r, struct error *e)
{
    struct queue_job j;
    int result = jobs_find(r, &j, e);
    if (result != 0)
        return result;
    int64_t id = j.id;
    if (!job_state_is_final(j.state))
        result = error_set(e, PROBLEM_CONFLICT, NULL,
                           "job %" PRId64 " is %s: its store can be verified once it has ended", id,
                           job_state_name(j.state));
    else if (j.has_locks)
        result = error_set(
            e, PROBLEM_BUSY, NULL,
            "job %" PRId64 " has just ended: its checksums are being kept; try again", id);
    queue_job_clear(&j);
    if (result != 0)
        return result;
    char *path = mem_printf("%s/%" PRId64, r->http->options.checksums, id);
    result = reply_checksums(r, path, id, e);
    free(path);
    return result;
}
