/* SPDX-License-Identifier: Apache-2.0 */
#include "http/uploads.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/npy.h"
#include "http/problem.h"
#include "http/request.h"
#include "model/job.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARTIAL_PREFIX ".upload-"
enum { SYNC_EVERY = 8 * 1024 * 1024 };

struct upload {
    char *temporary;
    int fd; /* -1 once it is published */
    struct hash *hash;
    size_t size, synced;
    struct buffer head; /* the first NPY_HEADER_BYTES */
};

static char *path_of(const struct http *h, const char *id)
{
    return mem_printf("%s/%s.npy", h->options.uploads, id);
}

int uploads_read(struct http *h, const char *id, struct ndarray *ret, struct error *e)
{
    if (strlen(id) != HASH_TEXT_SIZE - 1 || strspn(id, "0123456789abcdef") != strlen(id))
        return error_set(e, MODEL_INVALID, NULL,
                         "upload \"%.80s\": should be the id that " API_UPLOADS " gave", id);
    struct buffer bytes = {0};
    char *path = path_of(h, id);
    int r = file_read(path, 16 * h->options.max_body, &bytes);
    free(path);
    if (r == -ENOENT)
        r = error_set(e, MODEL_INVALID, NULL, "there is no upload %s", id);
    else if (r == 0)
        r = model_result_of_base(
            ndarray_from_npy(bytes.data, bytes.size, JOB_MAX_ELEMENTS, ret, e));
    else
        error_errno(e, r, "read an upload");
    buffer_free(&bytes);
    return r;
}

/* ---- POST /v1/uploads ---- */

static int upload_new(struct http *h, struct upload **ret_upload, struct error *e)
{
    int fd;
    char *temporary = mem_printf("%s/" PARTIAL_PREFIX "%u", h->options.uploads, h->next_upload++);
    int r = file_create(temporary, 0600, &fd);
    if (r < 0) {
        free(temporary);
        return error_errno(e, r, "store the upload");
    }
    struct upload *u = mem_new(sizeof *u);
    u->temporary = temporary;
    u->fd = fd;
    u->hash = hash_new();
    *ret_upload = u;
    return 0;
}

struct upload *upload_free(struct upload *u)
{
    if (!u)
        return NULL;
    if (u->fd >= 0)
        file_discard(u->fd, u->temporary);
    free(u->temporary);
    hash_free(u->hash);
    buffer_free(&u->head);
    free(u);
    return NULL;
}

int upload_receive(struct http *h, struct upload **upload, const void *data, size_t n,
                   struct error *e)
{
    int r = *upload ? 0 : upload_new(h, upload, e);
    if (r != 0)
        return r;
    struct upload *u = *upload;
    size_t room = NPY_HEADER_BYTES - u->head.size;
    buffer_append(&u->head, data, n < room ? n : room);
    hash_add(u->hash, data, n);
    r = file_append(u->fd, data, n);
    if (r < 0)
        return error_errno(e, r, "store the upload");
    u->size += n;
    if (u->size - u->synced >= SYNC_EVERY) {
        file_begin_sync(u->fd);
        u->synced = u->size;
    }
    return 0;
}

/* Equal bytes are one upload: what is there already stays. */
static int publish(const struct http *h, struct upload *u, const char *id, struct error *e)
{
    char *path = path_of(h, id);
    int r = 0;
    if (access(path, F_OK) < 0) {
        r = file_publish(u->fd, u->temporary, path, FILE_SYNC_DATA);
        u->fd = -1;
    }
    free(path);
    return error_errno(e, r, "store the upload");
}

static json_t *describe(const char *id, const struct npy_header *n)
{
    json_t *shape = json_array();
    for (int i = 0; i < n->ndim; i++)
        json_array_append_new(shape, json_integer(n->shape[i]));
    char dtype[16];
    dtype_to_numpy(n->dtype, n->itemsize, false, dtype);
    return json_pack("{s:s, s:s, s:o}", "id", id, "dtype", dtype, "shape", shape);
}

int uploads_create(struct request *r, struct error *e)
{
    struct upload *u = r->upload;
    struct npy_header n;
    char id[HASH_TEXT_SIZE];
    if (!u)
        return error_set(e, PROBLEM_INVALID, NULL,
                         "the body is empty: it should be the bytes of a NumPy .npy file");
    int result = problem_of_base(
        npy_read_header(u->head.data, u->head.size, u->size, JOB_MAX_ELEMENTS, &n, e));
    if (result != 0)
        return result;
    hash_end(u->hash, id);
    result = publish(r->http, u, id, e);
    if (result == 0)
        request_reply(r, MHD_HTTP_CREATED, describe(id, &n));
    return result;
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
