/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/thread_begin.h"

#include <sys/resource.h>

static size_t stack_size(void)
{
    const size_t least = (size_t)8 << 20, most = (size_t)256 << 20;
    struct rlimit limit = {0};
    getrlimit(RLIMIT_STACK, &limit);
    return limit.rlim_cur < least ? least : limit.rlim_cur > most ? most : (size_t)limit.rlim_cur;
}

int thread_begin(const char *name, void *(*fn)(void *userdata), void *userdata, pthread_t *ret_id)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_size());
    int r = pthread_create(ret_id, &attributes, fn, userdata);
    pthread_attr_destroy(&attributes);
    if (r == 0)
        pthread_setname_np(*ret_id, name);
    return -r;
}
