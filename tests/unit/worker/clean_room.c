/* SPDX-License-Identifier: Apache-2.0 */
/* What a member may do to its process, one after the other: the next finds nothing of it, or is to
 * be run elsewhere. */
#include "worker/clean_room.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "support.h"
#include "worker/guard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct clean_room *room;
static char directory[4096];
static pid_t guard; /* above this process, in some tests */
static struct imports imports = {.reach = REACH_ALL};

static void enter_room(void)
{
    struct error e = {.message = ""};
    snprintf(directory, sizeof directory, "%s", support_path("members"));
    cr_assert_eq(file_make_directories(directory), 0);
    cr_assert_eq(clean_room_new(directory, guard, &room, &e), 0, "%s", e.message);
}

static void leave_room(void)
{
    room = clean_room_free(room);
}

/* One member: 0, or RENEW whose words hold `says`. */
static void member(void (*does)(void), const char *says)
{
    struct error why = {.message = ""};
    clean_room_enter(room, &imports);
    does();
    int r = clean_room_leave(room, &imports, &why);
    cr_assert_eq(r, says ? CLEAN_ROOM_RENEW : 0, "%d: %s", r, why.message);
    if (says)
        cr_assert(strstr(why.message, says), "%s", why.message);
}

TestSuite(clean_room, .init = enter_room, .fini = leave_room);

/* ---- numbers ---- */

static void rounds_upwards(void)
{
    fesetround(FE_UPWARD);
    feenableexcept(FE_DIVBYZERO);
    feraiseexcept(FE_INEXACT);
}

static void flushes_tiny_numbers(void)
{
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
}

static void leaves_registers_in_use(void)
{
#if defined(__x86_64__)
    static const long long value = 1;
    __asm__ volatile("movq %0, %%mm0" : : "m"(value)); /* and no emms */
#endif
}

static void check_numbers(void)
{
    volatile double tiny = 5e-324, one = 1, three = 3;
    volatile long double third = 1;
    cr_assert_eq(fegetround(), FE_TONEAREST);
    cr_assert_eq(fegetexcept(), 0);
    cr_assert_eq(fetestexcept(FE_ALL_EXCEPT), 0);
    cr_assert_gt(tiny, 0);
    cr_assert_eq(one / three, 0x1.5555555555555p-2);
    third = third / 3;
    cr_assert(third > 0.333L && third < 0.334L);
}

Test(clean_room, the_floating_point_environment)
{
    static void (*const deeds[])(void) = {rounds_upwards, flushes_tiny_numbers,
                                          leaves_registers_in_use};
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        member(deeds[i], NULL);
        cr_assert_eq(fegetround(), FE_TONEAREST, "in our own code");
        member(check_numbers, NULL);
    }
}

/* Whatever the libraries import: an instruction is enough. */
Test(clean_room, the_floating_point_environment_always)
{
    struct error why = {.message = ""};
    static const struct imports none;
    clean_room_enter(NULL, &none);
    rounds_upwards();
    flushes_tiny_numbers();
    cr_assert_eq(clean_room_leave(NULL, &none, &why), 0);
    clean_room_enter(NULL, &none);
    check_numbers();
}

Test(clean_room, as_loading_a_fast_library_leaves_it)
{
    flushes_tiny_numbers();
    clean_room_settle(room);
    check_numbers();
}

Test(clean_room, threads_of_a_runtime_may_have_taken_it_over)
{
    imports.has_pool = true;
    member(rounds_upwards, "floating-point environment");
}

static double random_numbers(void)
{
    double sum = rand() + drand48();
    return sum + (double)random();
}

static double first_random, next_random;

static void draws(void)
{
    next_random = random_numbers();
}

static void draws_and_seeds(void)
{
    static char state[64];
    first_random = random_numbers();
    srand(17);
    srand48(17);
    initstate(5, state, sizeof state);
    rand();
}

Test(clean_room, random_numbers)
{
    member(draws, NULL);
    member(draws_and_seeds, NULL);
    member(draws, NULL);
    cr_assert_eq(first_random, next_random);
}

/* ---- settings ---- */

static void changes_settings(void)
{
    umask(0777);
    cr_assert_eq(chdir("/"), 0);
    setenv("SIMLAB_TEST_NEW", "1", 1);
    setenv("TMPDIR", "/", 1);
    unsetenv("HOME");
    cr_assert(setlocale(LC_ALL, "C.UTF-8"));
    static volatile locale_t theirs; /* or it would be a leak */
    theirs = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    uselocale(theirs);
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 1);
    prctl(PR_SET_NAME, "other");
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 10;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static char *current_directory(void)
{
    static char path[4096];
    cr_assert(getcwd(path, sizeof path));
    return path;
}

Test(clean_room, settings)
{
    setenv("HOME", "/somewhere", 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    clean_room_settle(room);
    mode_t mask = umask(027);
    umask(mask);
    int priority = getpriority(PRIO_PROCESS, 0);
    char name[16], now[16];
    struct rlimit before, after;
    prctl(PR_GET_NAME, name);
    getrlimit(RLIMIT_FSIZE, &before);
    int signal_before = -1;
    prctl(PR_GET_PDEATHSIG, &signal_before);
    if (geteuid() != 0)
        cr_log_info("a priority cannot be raised again by this user");
    member(changes_settings, geteuid() == 0 ? NULL : "priority");
    cr_assert_eq(umask(mask), mask);
    cr_assert_str_eq(current_directory(), directory);
    cr_assert_null(getenv("SIMLAB_TEST_NEW"));
    cr_assert_str_eq(getenv("TMPDIR"), directory);
    cr_assert_str_eq(getenv("HOME"), "/somewhere");
    cr_assert_str_eq(setlocale(LC_ALL, NULL), "C");
    cr_assert_eq(uselocale((locale_t)0), LC_GLOBAL_LOCALE);
    cr_assert(geteuid() != 0 || getpriority(PRIO_PROCESS, 0) == priority);
    prctl(PR_GET_NAME, now);
    cr_assert_str_eq(now, name);
    int signal_now = -1, reaper = -1;
    prctl(PR_GET_PDEATHSIG, &signal_now);
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    cr_assert_eq(signal_now, signal_before);
    cr_assert_eq(reaper, 1, "%d", reaper);
    getrlimit(RLIMIT_FSIZE, &after);
    cr_assert_eq(after.rlim_cur, before.rlim_cur);
}

static void writes_into_the_environment(void)
{
    getenv("HOME")[1] = 'X';
}

static void changes_the_environment(void)
{
    setenv("SIMLAB_TEST_NEW", "1", 1);
}

Test(clean_room, the_environment_in_place)
{
    setenv("HOME", "/somewhere", 1);
    clean_room_settle(room);
    for (int i = 0; i < 2; i++) {
        member(writes_into_the_environment, NULL);
        cr_assert_str_eq(getenv("HOME"), "/somewhere");
    }
}

/* However often it was put back: it takes no more memory, and what a library has kept is there. */
Test(clean_room, the_environment_again_and_again)
{
    setenv("HOME", "/somewhere", 1);
    clean_room_settle(room);
    member(changes_the_environment, NULL);
    const char *home = getenv("HOME");
    for (int i = 0; i < 3; i++) {
        member(changes_the_environment, NULL);
        cr_assert_null(getenv("SIMLAB_TEST_NEW"));
        cr_assert_eq(getenv("HOME"), home, "the same place");
        setenv("SIMLAB_TEST_OURS", i % 2 ? "1" : "2", 1); /* as the threads of another job */
        clean_room_settle(room);
    }
    member(changes_the_environment, NULL);
    cr_assert_str_eq(getenv("HOME"), "/somewhere");
    cr_assert_str_eq(getenv("SIMLAB_TEST_OURS"), "2");
}

static void lowers_a_limit_for_good(void)
{
    cr_assert_eq(setresuid(65534, 65534, 65534), 0);
    setrlimit(RLIMIT_CPU, &(struct rlimit){1000, 1000});
}

static void leaves_its_session(void)
{
    setsid();
}

Test(clean_room, what_cannot_be_put_back)
{
    if (geteuid() == 0)
        member(lowers_a_limit_for_good, "for good");
    pid_t other = fork(); /* a leader of a group cannot leave its session */
    if (other == 0) {
        clean_room_settle(room);
        member(leaves_its_session, "session");
        _exit(0);
    }
    int status;
    waitpid(other, &status, 0);
    cr_assert_eq(status, 0);
}

/* ---- signals and timers ---- */

static void handle(int signal)
{
    (void)signal;
}

static void takes_signals(void)
{
    static char stack[65536];
    sigset_t all;
    for (int i = 1; i < 32; i++)
        signal(i, handle);
    signal(SIGCHLD, SIG_IGN);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    raise(SIGUSR1);
    kill(getpid(), SIGTERM);
    sigqueue(getpid(), SIGRTMIN, (union sigval){0});
    sigqueue(getpid(), SIGRTMIN, (union sigval){0});
}

Test(clean_room, signals)
{
    struct sigaction action;
    sigset_t mask;
    stack_t stack_before, stack; /* a sanitizer has one */
    sigaltstack(NULL, &stack_before);
    member(takes_signals, NULL);
    for (int i = 1; i < 32; i++) {
        sigaction(i, NULL, &action);
        cr_assert(action.sa_handler != handle, "signal %d", i);
    }
    sigaction(SIGCHLD, NULL, &action);
    cr_assert(action.sa_handler == SIG_DFL);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_assert(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGTERM));
    sigaltstack(NULL, &stack);
    cr_assert(stack.ss_flags == stack_before.ss_flags && stack.ss_sp == stack_before.ss_sp);
}

static void is_told_to_end(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pid_t other = fork();
    if (other == 0) {
        kill(getppid(), SIGTERM);
        _exit(0);
    }
    waitpid(other, NULL, 0);
}

/* That was for us, and not for the member. */
Test(clean_room, signals_from_outside, .signal = SIGTERM)
{
    member(is_told_to_end, NULL);
}

static void sets_timers(void)
{
    const struct itimerval soon = {.it_value.tv_usec = 1};
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_sec = 1000}, NULL);
    setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = 1000}, NULL);
    cr_assert_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_sec = 1000}, NULL);
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    for (sigset_t pending; sigpending(&pending) == 0 && !sigismember(&pending, SIGALRM);)
        continue; /* so it has fired, and waits */
}

Test(clean_room, timers)
{
    member(sets_timers, NULL);
    struct itimerval now;
    getitimer(ITIMER_REAL, &now);
    cr_assert_eq(now.it_value.tv_sec, 0);
    getitimer(ITIMER_PROF, &now);
    cr_assert_eq(now.it_value.tv_sec, 0);
    struct buffer text = {0};
    if (file_read("/proc/self/timers", 65536, &text) == 0)
        cr_assert_eq(text.size, 0, "%s", text.data);
    buffer_free(&text);
}

/* ---- descriptors ---- */

static int pipe_ends[2];

static void leaves_a_pipe(void)
{
    cr_assert_eq(pipe(pipe_ends), 0);
}

static void leaves_a_written_file(void)
{
    cr_assert(fopen("/dev/null", "w"));
}

static void leaves_a_file_of_its_directory(void)
{
    fclose(fopen("data", "w"));
    cr_assert(fopen("data", "r"));
}

static FILE *table;

static void opens_its_table(void)
{
    table = fopen("/proc/self/exe", "r");
    cr_assert(table);
}

static void closes_its_table(void)
{
    fclose(table);
}

static void opens_and_closes(void)
{
    fclose(fopen("data", "w"));
}

static int known;

static void closes_ours(void)
{
    close(known);
}

static void replaces_ours(void)
{
    dup2(STDERR_FILENO, known);
}

static void leaks(void)
{
    for (int i = 0; i < 10; i++)
        cr_assert(open("/proc/self/exe", O_RDONLY) >= 0);
}

Test(clean_room, descriptors)
{
    member(opens_and_closes, NULL);
    member(opens_its_table, NULL);
    member(closes_its_table, NULL);
    member(leaves_a_pipe, "left descriptor");
    member(leaves_a_written_file, "left descriptor");
    member(leaves_a_file_of_its_directory, "left descriptor");
    known = open("/proc/self/exe", O_RDONLY);
    member(replaces_ours, "replaced descriptor");
    member(closes_ours, "closed descriptor");
    for (int i = 0; i < 6; i++)
        member(leaks, NULL);
    member(leaks, "left descriptor");
}

/* ---- threads and children ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;

static void *waits(void *unused)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return unused;
}

static void leaves_a_thread(void)
{
    cr_assert_eq(pthread_create(&thread, NULL, waits, NULL), 0);
}

static void joins_threads(void)
{
    for (int i = 0; i < 20; i++) {
        pthread_t mine;
        cr_assert_eq(pthread_create(&mine, NULL, waits, NULL), 0);
        pthread_join(mine, NULL);
    }
}

Test(clean_room, threads)
{
    for (int i = 0; i < 20; i++)
        member(joins_threads, NULL);
    pthread_mutex_lock(&gate);
    member(leaves_a_thread, "left 1 thread running");
    pthread_mutex_unlock(&gate);
    pthread_join(thread, NULL);
    pthread_mutex_lock(&gate);
    imports.has_pool = true;
    member(leaves_a_thread, NULL);
    pthread_mutex_unlock(&gate);
    pthread_join(thread, NULL);
}

static pid_t child, orphan;

static void leaves_a_child(void)
{
    child = fork();
    if (child == 0)
        for (;;)
            pause();
}

/* Its parent, which led a session of its own, is gone: it is the guard's child. */
static void leaves_an_orphan(void)
{
    int told[2];
    cr_assert_eq(pipe2(told, O_CLOEXEC), 0);
    pid_t between = fork();
    if (between == 0) {
        setsid();
        pid_t left = fork();
        if (left == 0)
            for (;;)
                pause();
        _exit(write(told[1], &left, sizeof left) != sizeof left);
    }
    waitpid(between, NULL, 0);
    cr_assert_eq(read(told[0], &orphan, sizeof orphan), (ssize_t)sizeof orphan);
    close(told[0]);
    close(told[1]);
}

static bool is_gone(pid_t pid)
{
    struct proc p;
    return !proc_read(pid, &p) || p.is_zombie;
}

Test(clean_room, children)
{
    member(leaves_a_child, NULL);
    cr_assert(is_gone(child));
    cr_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

Test(clean_room, orphans)
{
    int status;
    leave_room();
    pid_t above = fork();
    if (above == 0) {
        if (guard_start(NULL, NULL) != 0)
            _exit(2);
        guard = getppid();
        enter_room();
        member(leaves_an_orphan, NULL);
        bool gone = is_gone(orphan);
        leave_room();
        _exit(!gone);
    }
    waitpid(above, &status, 0);
    cr_assert_eq(status, 0);
    enter_room();
}

static void ends_its_thread(void)
{
    pthread_exit(NULL);
}

Test(clean_room, the_end_of_the_thread, .signal = SIGABRT)
{
    member(ends_its_thread, NULL);
}

/* ---- files ---- */

static void leaves_files(void)
{
    cr_assert_eq(mkdir("a", 0700), 0);
    cr_assert_eq(mkdir("a/b", 0700), 0);
    fclose(fopen("a/b/c", "w"));
    cr_assert_eq(symlink("/proc/self", "link"), 0);
    cr_assert_eq(symlink("..", "a/up"), 0);
    chmod("a/b", 0);
    chmod("a", 0);
    chmod(directory, 0500);
}

static void removes_its_directory(void)
{
    cr_assert_eq(rmdir(directory), 0);
}

static void replaces_its_directory(void)
{
    cr_assert_eq(rmdir(directory), 0);
    cr_assert_eq(symlink("/", directory), 0);
}

static void check_empty(void)
{
    struct stat st;
    cr_assert_str_eq(current_directory(), directory);
    cr_assert_eq(lstat(directory, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0700);
    cr_assert_eq(rmdir(directory), 0, "it is not empty: %s", strerror(errno));
    cr_assert_eq(mkdir(directory, 0700), 0);
    cr_assert_eq(chdir(directory), 0);
}

Test(clean_room, files)
{
    static void (*const deeds[])(void) = {leaves_files, removes_its_directory,
                                          replaces_its_directory, leaves_files};
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        member(deeds[i], NULL);
        check_empty();
    }
}

/* ---- our own code in between ---- */

Test(clean_room, a_pause_is_ours)
{
    struct clean_room_pause pause;
    struct error why = {.message = ""};
    clean_room_enter(room, &imports);
    fesetround(FE_UPWARD);
    umask(0777);
    clean_room_pause(room, &imports, &pause);
    cr_assert_eq(fegetround(), FE_TONEAREST);
    cr_assert_neq(umask(0777), 0777);
    clean_room_resume(&pause);
    cr_assert_eq(fegetround(), FE_UPWARD);
    cr_assert_eq(umask(0777), 0777);
    cr_assert_eq(clean_room_leave(room, &imports, &why), 0, "%s", why.message);
}
