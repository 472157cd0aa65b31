/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/fingerprint.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

#include <gnu/libc-version.h>
#include <string.h>
#include <sys/utsname.h>

/* The first processor's lines that tell its kind; frequencies and the like change. */
static void features(struct buffer *ret)
{
    static const char *const keys[] = {"vendor_id", "flags", "Features", "CPU part", "isa"};
    struct buffer text = {0};
    if (file_read("/proc/cpuinfo", 16 << 20, &text) == 0 && text.data) {
        char *rest = text.data, *line;
        while ((line = strsep(&rest, "\n")) && *line)
            for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
                if (strncmp(line, keys[i], strlen(keys[i])) == 0)
                    buffer_printf(ret, "%s\n", line);
    }
    buffer_free(&text);
}

char *fingerprint(void)
{
    struct utsname machine = {.machine = "unknown"};
    uname(&machine);
    struct buffer text = {0};
    features(&text);
    char hash[HASH_TEXT_SIZE];
    hash_bytes(text.data ? text.data : "", text.size, hash);
    buffer_free(&text);
    return mem_printf("%s %.12s glibc %s", machine.machine, hash, gnu_get_libc_version());
}
