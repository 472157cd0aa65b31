/* SPDX-License-Identifier: Apache-2.0 */
#include "http/uploads.h"

#include "base/aside.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/npy.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "model/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARTIAL_PREFIX ".upload-"
enum {
    UPLOADS_MAX = 16, /* under way at once: each has a descriptor, and memory for a piece */
    PIECE_BYTES = 512 * 1024,
    ROOM = 128 * 1024, /* more than comes at once */
    SYNC_EVERY = 8 * 1024 * 1024
};

struct upload {
    struct http *http;
    const char *directory;
    char *temporary;
    int fd; /* -1 once it is published */
    struct hash *hash;
    size_t size, synced;
    struct buffer head; /* the first NPY_HEADER_BYTES */
    char *piece;        /* what is not written yet */
    size_t n;
    /* once it is published */
    char id[HASH_TEXT_SIZE];
    struct npy_header header;
};

static char *path_of(const char *directory, const char *id)
{
    return mem_printf("%s/%s.npy", directory, id);
}

int uploads_open(const char *directory, const char *id, int *ret_fd, struct error *e)
{
    if (strlen(id) != HASH_TEXT_SIZE - 1 || strspn(id, "0123456789abcdef") != strlen(id))
        return error_set(e, MODEL_INVALID, NULL,
                         "upload \"%.80s\": should be the id that " API_UPLOADS " gave", id);
    char *path = path_of(directory, id);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = fd < 0 ? -errno : 0;
    free(path);
    if (r == -ENOENT)
        return error_set(e, MODEL_INVALID, NULL, "there is no upload %s", id);
    if (r == 0)
        *ret_fd = fd;
    return error_errno(e, r, "read an upload");
}

/* ---- writing, aside ---- */

static int write_piece(void *upload, struct error *e)
{
    struct upload *u = upload;
    size_t room = NPY_HEADER_BYTES - u->head.size;
    buffer_append(&u->head, u->piece, u->n < room ? u->n : room);
    hash_add(u->hash, u->piece, u->n);
    int r = file_append(u->fd, u->piece, u->n);
    if (r < 0)
        return error_errno(e, r, "store the upload");
    u->size += u->n;
    u->n = 0;
    if (u->size - u->synced >= SYNC_EVERY) {
        file_begin_sync(u->fd);
        u->synced = u->size;
    }
    return 0;
}

static int written(struct request *r, void *upload, int result, struct error *e)
{
    (void)r;
    (void)upload;
    (void)e;
    return result;
}

/* Equal bytes are one upload: what is there already stays. */
static int publish(void *upload, struct error *e)
{
    struct upload *u = upload;
    int r = write_piece(u, e);
    if (r == 0)
        r = problem_of_base(
            npy_read_header(u->head.data, u->head.size, u->size, JOB_MAX_ELEMENTS, &u->header, e));
    if (r != 0)
        return r;
    hash_end(u->hash, u->id);
    char *path = path_of(u->directory, u->id);
    if (access(path, F_OK) < 0) {
        r = file_publish(u->fd, u->temporary, path, FILE_SYNC_DATA);
        u->fd = -1;
    }
    free(path);
    return error_errno(e, r, "store the upload");
}

static json_t *describe(const struct upload *u)
{
    const struct npy_header *n = &u->header;
    json_t *shape = json_array();
    for (int i = 0; i < n->ndim; i++)
        json_array_append_new(shape, json_integer(n->shape[i]));
    char dtype[16];
    dtype_to_numpy(n->dtype, n->itemsize, false, dtype);
    return json_pack("{s:s, s:s, s:o}", "id", u->id, "dtype", dtype, "shape", shape);
}

static int published(struct request *r, void *upload, int result, struct error *e)
{
    (void)e;
    if (result == 0)
        reply_json(r, MHD_HTTP_CREATED, describe(upload));
    return result;
}

/* ---- the sink ---- */

static const struct work_kind writing = {.work = write_piece, .done = written};
static const struct work_kind publishing = {.work = publish, .done = published};

static int new_upload(struct http *h, struct upload **ret_upload, struct error *e)
{
    int fd;
    if (h->n_uploads >= UPLOADS_MAX)
        return error_set(e, PROBLEM_BUSY, NULL, "%u uploads are under way already", h->n_uploads);
    char *temporary = mem_printf("%s/" PARTIAL_PREFIX "%u", h->options.uploads, h->next_upload++);
    int r = file_create(temporary, 0600, &fd);
    if (r < 0) {
        free(temporary);
        return error_errno(e, r, "store the upload");
    }
    struct upload *u = mem_new(sizeof *u);
    u->http = h;
    u->directory = h->options.uploads;
    u->temporary = temporary;
    u->fd = fd;
    u->hash = hash_new();
    u->piece = mem_resize(NULL, PIECE_BYTES, 1);
    h->n_uploads++;
    *ret_upload = u;
    return 0;
}

static int take(struct request *r, const char *data, size_t n, struct error *e)
{
    struct upload *u = r->body;
    int result = u ? 0 : new_upload(r->http, &u, e);
    if (result != 0)
        return result;
    r->body = u;
    mem_assert(n <= PIECE_BYTES - u->n);
    memcpy(u->piece + u->n, data, n);
    u->n += n;
    return u->n < PIECE_BYTES - ROOM ? 0 : work_aside(r, &writing, u, false, e);
}

/* A large file takes a while to go. */
struct leftover {
    int fd;
    char *temporary;
};

static void discard(void *leftover)
{
    struct leftover *l = leftover;
    file_discard(l->fd, l->temporary);
}

static void discarded(void *leftover)
{
    struct leftover *l = leftover;
    free(l->temporary);
    free(l);
}

/* What was not published is removed. */
static void drop(struct request *r)
{
    struct upload *u = r->body;
    if (u->fd >= 0) {
        struct leftover *l = mem_new(sizeof *l);
        *l = (struct leftover){u->fd, u->temporary};
        u->temporary = NULL;
        aside_run(u->http->options.aside, discard, discarded, l);
    }
    u->http->n_uploads--;
    free(u->temporary);
    hash_free(u->hash);
    buffer_free(&u->head);
    free(u->piece);
    free(u);
    r->body = NULL;
}

const struct body_sink uploads_sink = {.times = 16, .take = take, .drop = drop};

/* ---- POST /v1/uploads ---- */

int uploads_create(struct request *r, struct error *e)
{
    if (!r->body)
        return error_set(e, PROBLEM_INVALID, NULL,
                         "the body is empty: it should be the bytes of a NumPy .npy file");
    return work_aside(r, &publishing, r->body, true, e);
}

void uploads_clean(const char *directory)
{
    DIR *d = opendir(directory);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));)
        if (!strncmp(entry->d_name, PARTIAL_PREFIX, strlen(PARTIAL_PREFIX)))
            unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
}
