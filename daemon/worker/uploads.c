/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/uploads.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define UPLOAD_MAX_BYTES ((size_t)JOB_MAX_ELEMENTS * 16 + 65536)

static int read_upload(void *userdata, const char *id, struct ndarray *ret, struct error *e)
{
    const char *const *directory = userdata;
    if (!*directory || !file_name_ok(id))
        return error_set(e, MODEL_INVALID, NULL, "there is no upload %s", id);
    char *name = mem_printf("%s.npy", id);
    char *path = file_join(*directory, name);
    struct buffer bytes = {0};
    int r = file_read(path, UPLOAD_MAX_BYTES, &bytes);
    if (r < 0)
        r = error_set(e, r == -ENOENT ? (int)MODEL_INVALID : r, NULL,
                      "cannot read the upload %s: %s", id, strerror(-r));
    else
        r = model_result_of_base(
            ndarray_from_npy(bytes.data, bytes.size, JOB_MAX_ELEMENTS, ret, e));
    buffer_free(&bytes);
    free(path);
    free(name);
    return r;
}

static int open_upload(void *userdata, const char *id, int *ret_fd, struct error *e)
{
    const char *const *directory = userdata;
    if (!*directory || !file_name_ok(id))
        return error_set(e, MODEL_INVALID, NULL, "there is no upload %s", id);
    char *name = mem_printf("%s.npy", id);
    char *path = file_join(*directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = fd < 0 ? -errno : 0;
    free(path);
    free(name);
    if (r < 0)
        return error_set(e, r == -ENOENT ? (int)MODEL_INVALID : r, NULL,
                         "cannot read the upload %s: %s", id, strerror(-r));
    *ret_fd = fd;
    return 0;
}

struct job_sources uploads_sources(const char *const *directory)
{
    return (struct job_sources){
        .upload = read_upload, .open = open_upload, .userdata = (void *)directory};
}
