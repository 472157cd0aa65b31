/* SPDX-License-Identifier: Apache-2.0 */
/* Threads beside the one that signals belong to. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Starts a thread to which no signal is delivered. 0 or -errno. */
int thread_start(void *(*run)(void *userdata), void *userdata, pthread_t *ret_thread);

#endif
