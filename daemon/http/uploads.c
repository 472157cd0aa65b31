/* SPDX-License-Identifier: Apache-2.0 */
#include "http/uploads.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "http/request.h"
#include "model/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *path_of(const struct http *h, const char *id)
{
    return mem_printf("%s/%s.npy", h->options.uploads, id);
}

int uploads_read(struct http *h, const char *id, struct ndarray *ret, struct error *e)
{
    if (strlen(id) != HASH_TEXT_SIZE - 1 || strspn(id, "0123456789abcdef") != strlen(id))
        return error_set(e, ERROR_INVALID, NULL,
                         "upload \"%.80s\": should be the id that " API_UPLOADS " gave", id);
    struct buffer bytes = {0};
    char *path = path_of(h, id);
    int r = file_read(path, 16 * h->options.max_body, &bytes);
    free(path);
    if (r == -ENOENT)
        r = error_set(e, ERROR_NOT_FOUND, NULL, "there is no upload %s", id);
    else if (r == 0)
        r = ndarray_from_npy(bytes.data, bytes.size, JOB_MAX_ELEMENTS, ret, e);
    else
        error_explain(e, r, "read an upload");
    buffer_free(&bytes);
    return r;
}

/* Equal bytes are one upload: what is there already is not written again. */
static int keep(const struct request *r, const char *id, struct error *e)
{
    char *path = path_of(r->http, id);
    char *temporary = mem_printf("%s/.%s.partial", r->http->options.uploads, id);
    int result = 0;
    if (access(path, F_OK) < 0)
        result = file_replace(path, temporary, r->body, r->size, 0600, FILE_SYNC_DATA);
    if (result < 0)
        result =
            error_set(e, ERROR_STORAGE, NULL, "cannot store the upload: %s", strerror(-result));
    free(path);
    free(temporary);
    return result;
}

static json_t *describe(const char *id, const struct ndarray *a)
{
    json_t *shape = json_array();
    for (int i = 0; i < a->ndim; i++)
        json_array_append_new(shape, json_integer(a->shape[i]));
    char dtype[16];
    dtype_to_numpy(a->dtype, a->itemsize, false, dtype);
    return json_pack("{s:s, s:s, s:o}", "id", id, "dtype", dtype, "shape", shape);
}

int uploads_create(struct request *r, struct error *e)
{
    struct ndarray a;
    char id[HASH_TEXT_SIZE];
    int result = ndarray_from_npy(r->body, r->size, JOB_MAX_ELEMENTS, &a, e);
    if (result == ERROR_SYNTAX)
        result = e->kind = ERROR_INVALID;
    if (result != 0)
        return result;
    hash_bytes(r->body, r->size, id);
    result = keep(r, id, e);
    if (result == 0)
        request_reply(r, MHD_HTTP_CREATED, describe(id, &a));
    ndarray_clear(&a);
    return result;
}
