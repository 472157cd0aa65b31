/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/clean_room.h"
#include "worker/clean_room_parts.h"

#include "base/mem.h"

#include <locale.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N_LIMITS = RLIM_NLIMITS, RANDOM_STATE = 128, NAME_SIZE = 16 };

enum { IO_PRIORITY_PROCESS = 1, IO_PRIORITY_CLASS = 13 }; /* linux/ioprio.h, which few have */

/* Options of prctl() that are a number each. */
static const struct {
    int get, set;
    bool by_pointer; /* GET writes through its argument */
} attributes[] = {
    {PR_GET_PDEATHSIG, PR_SET_PDEATHSIG, true},
    {PR_GET_CHILD_SUBREAPER, PR_SET_CHILD_SUBREAPER, true},
    {PR_GET_DUMPABLE, PR_SET_DUMPABLE, false},
    {PR_GET_TIMERSLACK, PR_SET_TIMERSLACK, false},
    {PR_GET_KEEPCAPS, PR_SET_KEEPCAPS, false},
};
enum { N_ATTRIBUTES = sizeof attributes / sizeof *attributes };

struct identity {
    uid_t uid[3];
    gid_t gid[3];
    pid_t session, group;
    dev_t root_device;
    ino_t root;
};

struct settings {
    struct signals signals;
    struct environment environment;
    struct rlimit limits[N_LIMITS];
    int priority, policy;
    struct sched_param policy_parameters;
    long io_priority;
    cpu_set_t processors;
    bool has_processors;
    int attributes[N_ATTRIBUTES];
    char name[NAME_SIZE];
    mode_t umask; /* of this file's first look: libraries do not change it */
    struct identity identity;
};

/* The C library's, which has one for the process, points here. */
static char random_state[RANDOM_STATE];

/* ---- environment and locale ---- */

static bool put_back_environment(struct settings *s)
{
    return environment_put_back(&s->environment);
}

static bool put_back_locale(struct settings *s)
{
    (void)s;
    if (uselocale((locale_t)0) != LC_GLOBAL_LOCALE)
        uselocale(LC_GLOBAL_LOCALE);
    const char *now = setlocale(LC_ALL, NULL);
    return (now && !strcmp(now, "C")) || setlocale(LC_ALL, "C");
}

/* ---- limits, priority, and what else is the process's ---- */

static void note_limits(struct settings *s)
{
    for (int i = 0; i < N_LIMITS; i++)
        getrlimit((__rlimit_resource_t)i, &s->limits[i]);
}

static bool put_back_limits(struct settings *s)
{
    bool ok = true;
    for (int i = 0; i < N_LIMITS; i++) {
        struct rlimit now;
        const struct rlimit *was = &s->limits[i];
        if (getrlimit((__rlimit_resource_t)i, &now) < 0 ||
            (now.rlim_cur == was->rlim_cur && now.rlim_max == was->rlim_max))
            continue;
        ok = setrlimit((__rlimit_resource_t)i, was) == 0 && ok;
    }
    return ok;
}

/* Of the calling thread; 0 where it has none of its own. */
static long io_priority(void)
{
    long value = syscall(SYS_ioprio_get, IO_PRIORITY_PROCESS, 0);
    return value >> IO_PRIORITY_CLASS == 0 ? 0 : value;
}

static void note_priority(struct settings *s)
{
    s->priority = getpriority(PRIO_PROCESS, 0);
    s->policy = sched_getscheduler(0);
    sched_getparam(0, &s->policy_parameters);
    s->io_priority = io_priority();
    s->has_processors = sched_getaffinity(0, sizeof s->processors, &s->processors) == 0;
}

static bool put_back_priority(struct settings *s)
{
    bool ok = sched_getscheduler(0) == s->policy ||
              sched_setscheduler(0, s->policy, &s->policy_parameters) == 0;
    if (getpriority(PRIO_PROCESS, 0) != s->priority)
        ok = setpriority(PRIO_PROCESS, 0, s->priority) == 0 && ok;
    if (io_priority() != s->io_priority)
        ok = syscall(SYS_ioprio_set, IO_PRIORITY_PROCESS, 0, s->io_priority) == 0 && ok;
    return ok;
}

static bool put_back_affinity(struct settings *s)
{
    cpu_set_t now;
    return !s->has_processors || sched_getaffinity(0, sizeof now, &now) < 0 ||
           CPU_EQUAL(&now, &s->processors) ||
           sched_setaffinity(0, sizeof s->processors, &s->processors) == 0;
}

static int attribute(int i)
{
    int value = 0;
    if (attributes[i].by_pointer)
        return prctl(attributes[i].get, &value) < 0 ? -1 : value;
    return prctl(attributes[i].get);
}

static void note_attributes(struct settings *s)
{
    for (int i = 0; i < N_ATTRIBUTES; i++)
        s->attributes[i] = attribute(i);
    prctl(PR_GET_NAME, s->name);
}

static bool put_back_attributes(struct settings *s)
{
    char name[NAME_SIZE] = "";
    bool ok = true;
    for (int i = 0; i < N_ATTRIBUTES; i++)
        if (s->attributes[i] >= 0 && attribute(i) != s->attributes[i])
            ok = prctl(attributes[i].set, s->attributes[i]) == 0 && ok;
    prctl(PR_GET_NAME, name);
    if (strcmp(name, s->name) != 0)
        prctl(PR_SET_NAME, s->name);
    return ok;
}

static bool put_back_umask(struct settings *s)
{
    umask(s->umask);
    return true;
}

void settings_restart_random(void)
{
    unsigned short zero[3] = {0};
    initstate(1, random_state, sizeof random_state); /* srand(1) in the state it begins with */
    seed48(zero);
}

static void note_identity(struct identity *ret)
{
    struct stat root = {0};
    memset(ret, 0, sizeof *ret);
    getresuid(&ret->uid[0], &ret->uid[1], &ret->uid[2]);
    getresgid(&ret->gid[0], &ret->gid[1], &ret->gid[2]);
    ret->session = getsid(0);
    ret->group = getpgrp();
    if (stat("/", &root) == 0) {
        ret->root_device = root.st_dev;
        ret->root = root.st_ino;
    }
}

/* None of these comes back. */
static bool is_identity_same(struct settings *s)
{
    struct identity now;
    note_identity(&now);
    return memcmp(&now, &s->identity, sizeof now) == 0;
}

/* ---- all of them ---- */

static bool hold_signals(struct settings *s)
{
    (void)s;
    return signals_hold();
}

static bool end_timers(struct settings *s)
{
    signals_end_timers(&s->signals);
    return true;
}

static bool put_back_signals(struct settings *s)
{
    return signals_put_back(&s->signals);
}

/* In this order: no signal comes while its handler is gone, and limits may keep files from being
 * opened. */
static const struct {
    bool (*put_back)(struct settings *s);
    const char *what;
} items[] = {
    {hold_signals, "signal mask"},
    {put_back_environment, "environment"},
    {put_back_locale, "locale"},
    {put_back_umask, "umask"},
    {put_back_limits, "resource limits"},
    {put_back_priority, "priority"},
    {put_back_affinity, "processors"},
    {put_back_attributes, "attributes (prctl)"},
    {is_identity_same, "user, session or root directory"},
    {end_timers, "timers"},
    {put_back_signals, "signal handlers"},
};

struct settings *settings_new(void)
{
    struct settings *s = mem_new(sizeof *s);
    signals_open(&s->signals);
    s->umask = umask(0);
    umask(s->umask);
    return s;
}

struct settings *settings_free(struct settings *s)
{
    if (!s)
        return NULL;
    environment_clear(&s->environment);
    signals_close(&s->signals);
    free(s);
    return NULL;
}

void settings_note(struct settings *s)
{
    put_back_umask(s);
    put_back_locale(s);
    signals_note(&s->signals);
    environment_note(&s->environment);
    note_limits(s);
    note_priority(s);
    note_attributes(s);
    note_identity(&s->identity);
}

int settings_put_back(struct settings *s, struct error *why)
{
    int r = 0;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (!items[i].put_back(s) && r == 0)
            r = error_set(why, CLEAN_ROOM_RENEW, NULL, "it changed its process's %s for good",
                          items[i].what);
    return r;
}

mode_t settings_umask(const struct settings *s)
{
    return s->umask;
}
