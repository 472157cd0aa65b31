/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/objects.h"

#include <link.h>
#include <stdlib.h>

struct look {
    size_t n, skipped;
    json_t *paths; /* NULL: count only */
};

static int on_object(struct dl_phdr_info *info, size_t size, void *userdata)
{
    struct look *look = userdata;
    (void)size;
    if (look->n++ < look->skipped || !look->paths)
        return 0;
    char *real = realpath(info->dlpi_name, NULL);
    json_t *path = real ? json_string(real) : NULL; /* not of the kernel's, nor where no UTF-8 */
    if (path)
        json_array_append_new(look->paths, path);
    free(real);
    return 0;
}

size_t objects_count(void)
{
    struct look look = {0};
    dl_iterate_phdr(on_object, &look);
    return look.n;
}

json_t *objects_after(size_t n)
{
    struct look look = {.skipped = n, .paths = json_array()};
    dl_iterate_phdr(on_object, &look);
    return look.paths;
}
