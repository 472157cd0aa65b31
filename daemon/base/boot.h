/* SPDX-License-Identifier: Apache-2.0 */
/* Since when the machine is up: what an earlier boot had not written to disk is gone. */
#ifndef BASE_BOOT_H
#define BASE_BOOT_H

enum { BOOT_SIZE = 64 };

/* The machine's boot_id; empty where it has none. */
void boot_id(char ret[BOOT_SIZE]);

#endif
