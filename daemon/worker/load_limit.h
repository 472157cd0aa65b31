/* SPDX-License-Identifier: Apache-2.0 */
/* Code of a library that is loaded may hang, as an import in Python does that waits for something,
 * and no limit of a member's time is running yet. */
#ifndef WORKER_LOAD_LIMIT_H
#define WORKER_LOAD_LIMIT_H

enum { LOAD_LIMIT_SECONDS = 60 };

/* Unless load_limit_end comes within so many seconds, this process ends with a line on standard
 * error that names the library, which is borrowed until then. */
void load_limit_begin(const char *library, unsigned seconds);
void load_limit_end(void);

#endif
