/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: what user code may do to the machine around it, as its input
 * says. */
#include <simlab/process.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACT, AMOUNT, VALUE };

enum act {
    NOTHING,
    HANGS_AT_START, /* in initialize */
    PRINTS,         /* each step, and something unfinished at the end */
    PRINTS_AND_ABORTS,
    FLOODS,            /* `amount` long lines */
    FORGES,            /* a line of the daemon */
    LEAVES_ORPHANS,    /* `amount` programs that outlive their parents, and end */
    HIDES,             /* a program as daemons do, and aborts */
    HANGS_WITH_HIDDEN, /* … and hangs; the program keeps its descriptors */
    EATS,              /* `amount` MiB */
    KILLS_ITSELF,
    BREAKS_A_PIPE, /* the value is the errno */
    SEES_THREADS,  /* the value is OMP_NUM_THREADS */
    SEES_SYSTEMD,  /* the value is how many of systemd's variables there are */
    SEES_OOM_SCORE
};

static const struct simlab_variable variables[] = {
    [ACT] = {.name = "act", .dtype = SIMLAB_I8, .default_value = "0"},
    [AMOUNT] = {.name = "amount", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};

static void hang(void)
{
    for (;;)
        pause();
}

static void flood(int64_t n)
{
    char text[900];
    memset(text, 'x', sizeof text);
    for (int64_t i = 0; i < n; i++)
        printf("%.*s\n", (int)sizeof text, text);
}

/* Forks twice, in a session of its own. Prints the number of what is left. */
static void hide(int closes)
{
    int ends[2];
    pid_t hidden = 0;
    char *const argv[] = {(char *)"tail", (char *)"-f", (char *)"/dev/null", NULL};
    char *const nothing[] = {NULL};
    if (pipe(ends) < 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        hidden = fork();
        if (hidden == 0) {
            for (int fd = closes ? 0 : 3; closes && fd < 1024; fd++)
                close(fd);
            chdir("/");
            execve("/usr/bin/tail", argv, closes ? nothing : __environ);
            _exit(1);
        }
        _exit(write(ends[1], &hidden, sizeof hidden) < 0);
    }
    waitpid(child, NULL, 0);
    if (read(ends[0], &hidden, sizeof hidden) == (ssize_t)sizeof hidden)
        fprintf(stderr, "hidden %d\n", (int)hidden);
    close(ends[0]);
    close(ends[1]);
}

static double broken_pipe(void)
{
    int ends[2];
    if (pipe(ends) < 0)
        return -1;
    close(ends[0]);
    errno = 0;
    ssize_t n = write(ends[1], "x", 1);
    double value = n < 0 ? errno : 0;
    close(ends[1]);
    return value;
}

static double eat(int64_t amount)
{
    for (int64_t i = 0; i < amount; i++) {
        char *volatile mib = malloc(1 << 20);
        if (!mib)
            return -1;
        memset(mib, 1, 1 << 20);
    }
    return (double)amount;
}

static double oom_score(void)
{
    FILE *f = fopen("/proc/self/oom_score_adj", "r");
    double value = -1;
    if (f && fscanf(f, "%lf", &value) != 1)
        value = -1;
    if (f)
        fclose(f);
    return value;
}

static double systemd_variables(void)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                        "LISTEN_FDS",    "LISTEN_PID",    "JOURNAL_STREAM"};
    int n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        n += getenv(names[i]) != NULL;
    return n;
}

static double act_of(enum act act, int64_t amount, int64_t step)
{
    const char *threads = getenv("OMP_NUM_THREADS");
    switch (act) {
    case PRINTS:
        printf("step %d\n%s", (int)step, step == 2 ? "unfinished" : "");
        break;
    case PRINTS_AND_ABORTS:
        fprintf(stderr, "first\nthe last words\n");
        abort();
    case FLOODS:
        flood(step == 0 ? amount : 0);
        break;
    case FORGES:
        printf("a\033[2Jb\r\xe2\x80\xae%c\n", 0x9b);
        break;
    case LEAVES_ORPHANS:
        for (int64_t i = 0; i < amount; i++)
            if (system("(true &)") != 0)
                return -1;
        break;
    case HIDES:
        hide(1);
        abort();
    case HANGS_WITH_HIDDEN:
        hide(0);
        hang();
        break;
    case EATS:
        return eat(amount);
    case KILLS_ITSELF:
        raise(SIGKILL);
        break;
    case BREAKS_A_PIPE:
        return broken_pipe();
    case SEES_THREADS:
        return threads ? atof(threads) : 0;
    case SEES_SYSTEMD:
        return systemd_variables();
    case SEES_OOM_SCORE:
        return oom_score();
    default:
        break;
    }
    return 0;
}

static int initialize(simlab_context *c)
{
    if (simlab_i8_get(c, ACT) == HANGS_AT_START)
        hang();
    simlab_f8_put(c, VALUE, 0);
    return 0;
}

static int run_step(simlab_context *c)
{
    simlab_f8_put(
        c, VALUE,
        act_of((enum act)simlab_i8_get(c, ACT), simlab_i8_get(c, AMOUNT), simlab_now(c)->step));
    return 0;
}

static const struct simlab_process Acts = {
    .name = "Acts",
    .description = "does to the machine what its input says",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
};

SIMLAB_LIBRARY("1.0", "what user code may do", &Acts)
