/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: each member says what it finds that it did not leave itself, and
 * then leaves its process as its input says. */
#define _GNU_SOURCE
#include <simlab/process.h>

#include <dirent.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEED, FOUND, VALUE };

static const struct simlab_variable untidy_variables[] = {
    [DEED] = {.name = "deed", .dtype = SIMLAB_I8, .default_value = "0"},
    [FOUND] = {.name = "found", .dtype = SIMLAB_I8, .intent = SIMLAB_OUT},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};

/* As it was when the library was loaded, before any member. */
static struct {
    mode_t umask;
    char directory[4096];
    struct rlimit limit;
    int priority;
} first;

static mode_t umask_now(void)
{
    mode_t now = umask(0);
    umask(now);
    return now;
}

__attribute__((constructor)) static void look_at_first(void)
{
    first.umask = umask_now();
    if (!getcwd(first.directory, sizeof first.directory))
        abort();
    getrlimit(RLIMIT_FSIZE, &first.limit);
    first.priority = getpriority(PRIO_PROCESS, 0);
}

static void handle(int s)
{
    (void)s;
}

static int is_moved(void)
{
    char now[4096];
    return !getcwd(now, sizeof now) || strcmp(now, first.directory) != 0;
}

static int has_files(const char *path)
{
    int n = 0;
    DIR *d = path ? opendir(path) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return !d || n > 0;
}

static int has_timer(void)
{
    struct itimerval now;
    getitimer(ITIMER_REAL, &now);
    return now.it_value.tv_sec != 0 || now.it_value.tv_usec != 0;
}

static int has_signals(void)
{
    sigset_t mask;
    struct sigaction action;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGUSR1, NULL, &action);
    return sigismember(&mask, SIGUSR2) || action.sa_handler == handle;
}

static int has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static int has_threads(void)
{
    static int at_first;
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    at_first = at_first ? at_first : n;
    return n != at_first;
}

static int has_limit(void)
{
    struct rlimit now;
    getrlimit(RLIMIT_FSIZE, &now);
    return now.rlim_cur != first.limit.rlim_cur;
}

static int64_t look(void)
{
    const int found[] = {fegetround() != FE_TONEAREST,
                         umask_now() != first.umask,
                         is_moved(),
                         getenv("UNTIDY") != NULL,
                         strcmp(localeconv()->decimal_point, ".") != 0,
                         has_files("."),
                         has_files(getenv("TMPDIR")),
                         has_timer(),
                         has_signals(),
                         has_children(),
                         has_threads(),
                         has_limit(),
                         getpriority(PRIO_PROCESS, 0) != first.priority,
                         rand() != 1804289383};
    int64_t mask = 0;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        mask |= (int64_t)found[i] << i;
    return mask;
}

/* Another one in another rounding, and without tiny numbers. */
static double value(void)
{
    volatile double sum = 0, tiny = 5e-324;
    for (volatile int i = 3; i < 40; i += 2)
        sum += 1.0 / i;
    return sum + (tiny > 0 ? 0 : 1);
}

static void write_file(const char *directory)
{
    char path[4352];
    snprintf(path, sizeof path, "%s/state.dat", directory);
    FILE *f = fopen(path, "w");
    if (f) {
        fputs("a member was here\n", f);
        fclose(f);
    }
}

static void *stay(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void leave_child(void)
{
    pid_t child = fork();
    if (child == 0)
        stay(NULL);
}

static void leave_orphan(void)
{
    pid_t child = fork();
    if (child == 0) {
        setsid();
        leave_child();
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void leave_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, stay, NULL);
}

static void lower_limit(void)
{
    struct rlimit limit = {10, first.limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void take_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, handle);
    raise(SIGUSR2);
}

static void set_timer(void)
{
    struct itimerval soon = {.it_value.tv_usec = 200000};
    setitimer(ITIMER_REAL, &soon, NULL);
}

static void set_locale(simlab_context *c)
{
    /* A test that has no such locale tests nothing. */
    if (!setlocale(LC_ALL, "xx_XX") || strcmp(localeconv()->decimal_point, ",") != 0)
        simlab_fail(c, "there is no locale xx_XX with a decimal comma");
}

static int do_deed(simlab_context *c, int64_t deed)
{
    switch (deed) {
    case 1:
        return fesetround(FE_UPWARD);
    case 2:
        umask(0777);
        break;
    case 3:
        return chdir("/");
    case 4:
        return setenv("UNTIDY", "1", 1);
    case 5:
        set_locale(c);
        break;
    case 6:
        write_file(".");
        break;
    case 7:
        write_file(getenv("TMPDIR"));
        break;
    case 8:
        set_timer();
        break;
    case 9:
        take_signals();
        break;
    case 10:
        leave_child();
        break;
    case 11:
        leave_orphan();
        break;
    case 12:
        lower_limit();
        break;
    case 13:
        rand();
        break;
    case 14: /* from here on the next member needs another process */
        leave_thread();
        break;
    case 15:
        return open("/dev/null", O_WRONLY) < 0;
    case 16:
        return close(open("/dev/null", O_RDONLY) - 1); /* one of ours */
    default:
        break;
    }
    return 0;
}

static int initialize(simlab_context *c)
{
    simlab_i8_put(c, FOUND, look());
    simlab_f8_put(c, VALUE, value());
    return 0;
}

static int run_step(simlab_context *c)
{
    return do_deed(c, simlab_i8_get(c, DEED));
}

static const struct simlab_process Untidy = {
    .name = "Untidy",
    .description = "finds what the member before has left, and leaves something",
    SIMLAB_VARIABLES(untidy_variables),
    .initialize = initialize,
    .run_step = run_step,
};

SIMLAB_LIBRARY("1.0", "members that do not tidy up", &Untidy)
