/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGE_THREAD_BEGIN_H
#define STAGE_THREAD_BEGIN_H

#include <pthread.h>

/* Begins a thread with as large a stack as the first thread's may grow, within reason: user code
 * runs there that may expect it. The system shows 15 bytes of its name. 0, or a negative errno. */
int thread_begin(const char *name, void *(*fn)(void *userdata), void *userdata, pthread_t *ret_id);

#endif
