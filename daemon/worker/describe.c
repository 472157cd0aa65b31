/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "library/content.h"
#include "worker/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int worker_describe(const char *path)
{
    struct error e = {0};
    json_t *document = NULL;
    struct libraries *l = libraries_new();
    char *name = content_name(path);
    int r = libraries_open(l, path, NULL, &e);
    if (r == 0)
        r = libraries_describe(l, name, &document, &e);
    if (r == 0) {
        char *text = json_write(document);
        if (puts(text) < 0 || fflush(stdout) != 0)
            r = error_errno(&e, -errno, "write to standard output");
        free(text);
        json_decref(document);
    }
    if (r)
        log_error("%s", e.message);
    free(name);
    libraries_free(l);
    return r == 0 ? 0 : 2;
}
