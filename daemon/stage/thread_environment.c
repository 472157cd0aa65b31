/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/thread_environment.h"

#include <pthread.h>
#include <string.h>

static void note_floating(struct thread_environment *e)
{
    unsigned control = thread_environment_control();
    if (e->version > 0 && control == e->control)
        return;
    fegetenv(&e->floating);
    e->control = control;
    e->version++;
}

/* The kernel's sets have 64 bits. */
static void note_thread(struct thread_environment *e)
{
    sigset_t mask;
    locale_t locale = uselocale((locale_t)0);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (e->locale == locale && memcmp(&e->mask, &mask, sizeof(uint64_t)) == 0)
        return;
    e->locale = locale;
    e->mask = mask;
    e->version++;
}

void thread_environment_note(struct thread_environment *e, bool for_others)
{
    note_floating(e);
    if (for_others)
        note_thread(e);
}

void thread_environment_take_over(const struct thread_environment *e, uint32_t *seen)
{
    if (*seen == e->version)
        return;
    fesetenv(&e->floating);
    uselocale(e->locale);
    pthread_sigmask(SIG_SETMASK, &e->mask, NULL);
    *seen = e->version;
}

void thread_environment_put_back(const struct thread_environment *e)
{
    fesetenv(&e->floating);
}
