/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/witness.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int witness_read(const char *path, struct witness *ret, struct error *e)
{
    struct buffer text = {0};
    struct witness w = {0};
    char state[8];
    int r = file_read(path, 1024, &text);
    if (r == 0 && text.data && sscanf(text.data, "%32[0-9a-f] %7[a-z]", w.identity, state) == 2) {
        w.is_there = strlen(w.identity) == QUEUE_IDENTITY_SIZE - 1;
        w.is_open = !strcmp(state, "open");
    }
    buffer_free(&text);
    if (r < 0 && r != -ENOENT)
        return error_set(e, r, NULL, "cannot read %s: %s", path, strerror(-r));
    *ret = w;
    return 0;
}

int witness_write(const char *path, const char *identity, bool is_open, struct error *e)
{
    char *text = mem_printf("%s %s\n", identity, is_open ? "open" : "closed");
    char *temporary = mem_printf("%s.partial", path);
    int r = file_replace(path, temporary, text, strlen(text), 0600, FILE_SYNC_DATA);
    free(text);
    free(temporary);
    return r < 0 ? error_set(e, r, NULL, "cannot write %s: %s", path, strerror(-r)) : 0;
}
