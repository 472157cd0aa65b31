/* SPDX-License-Identifier: Apache-2.0 */
#include "base/boot.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

void boot_id(char ret[BOOT_SIZE])
{
    struct buffer text = {0};
    ret[0] = '\0';
    if (file_read("/proc/sys/kernel/random/boot_id", 256, &text) == 0 && text.data)
        snprintf(ret, BOOT_SIZE, "%.*s", (int)strcspn(text.data, "\n"), text.data);
    buffer_free(&text);
}
