/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: members that go wrong in all kinds of ways, or that do what a
 * sandbox refuses. */
#define _GNU_SOURCE
#include <simlab/process.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { DEED, VALUE, THROUGH };

/* The same numbers as in tests/scenario/containment.py. */
enum deed {
    NONE,
    SEGFAULT,
    ABORT,
    LOOP,
    EXIT,
    CONNECT,
    SIGNAL,
    PRY,
    LEAVE,
    READ,
    WRITE,
    STOP,
    EAT,
    FORK,
    LATE,
    BYSTANDER
};

static const struct simlab_variable captive_variables[] = {
    [DEED] = {.name = "deed", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
    [THROUGH] = {.name = "through",
                 .intent = SIMLAB_OUT,
                 .dtype = SIMLAB_I8,
                 .description = "bits of the calls that were not refused"},
};

static int parent_of(int pid)
{
    char path[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
        parent = 0;
    if (file)
        fclose(file);
    return parent;
}

struct tries {
    int n;
    int64_t through;
};

static void tried(struct tries *t, long result)
{
    if (result >= 0 || errno != EPERM)
        t->through |= INT64_C(1) << t->n;
    t->n++;
}

static int64_t connect_out(void)
{
    struct tries t = {0};
    struct sockaddr_un daemon = {.sun_family = AF_UNIX};
    const char *path = getenv("SIMLAB_TEST_SOCKET");
    tried(&t, socket(AF_INET, SOCK_STREAM, 0));
    tried(&t, socket(AF_INET6, SOCK_DGRAM, 0));
    tried(&t, socket(AF_NETLINK, SOCK_RAW, 0));
    tried(&t, socket(AF_UNIX, SOCK_STREAM, 0));
    tried(&t, socket(AF_UNIX, SOCK_DGRAM, 0));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    snprintf(daemon.sun_path, sizeof daemon.sun_path, "%s", path ? path : "");
    if (connect(fd, (struct sockaddr *)&daemon, sizeof daemon) == 0 || errno != EPROTOTYPE)
        t.through |= INT64_C(1) << t.n;
    close(fd);
    return t.through;
}

static int64_t signal_out(void)
{
    struct tries t = {0};
    int guard = getppid(), daemon = parent_of(guard);
    int ends[2];
    if (pipe(ends) < 0)
        return -1;
    tried(&t, kill(daemon, SIGKILL));
    tried(&t, kill(guard, SIGKILL));
    tried(&t, kill(-daemon, SIGKILL));
    tried(&t, syscall(SYS_tgkill, daemon, daemon, SIGKILL));
    tried(&t, syscall(SYS_tkill, daemon, SIGKILL));
    tried(&t, sigqueue(daemon, SIGKILL, (union sigval){0}));
    tried(&t, fcntl(ends[0], F_SETOWN, daemon));
    close(ends[0]);
    close(ends[1]);
    return t.through;
}

static int64_t pry(void)
{
    struct tries t = {0};
    int daemon = parent_of(getppid());
    struct rlimit one = {1, 1};
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)captive_variables, 1};
    tried(&t, ptrace(PTRACE_SEIZE, daemon, NULL, NULL));
    tried(&t, process_vm_readv(daemon, &here, 1, &there, 1, 0));
    tried(&t, prlimit(daemon, RLIMIT_CORE, &one, NULL));
    tried(&t, setpriority(PRIO_PROCESS, (id_t)daemon, 19));
    tried(&t, unshare(CLONE_NEWNS));
    tried(&t, syscall(425, 1, NULL)); /* io_uring_setup */
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        t.through |= INT64_C(1) << t.n;
    return t.through;
}

static void opened(struct tries *t, const char *directory, const char *name, int flags)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory ? directory : "", name);
    int fd = open(path, flags, 0600);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || errno != EACCES)
        t->through |= INT64_C(1) << t->n;
    t->n++;
}

static int64_t read_state(void)
{
    const char *state = getenv("SIMLAB_TEST_STATE");
    char daemon[64];
    struct tries t = {0};
    opened(&t, state, "token", O_RDONLY);
    opened(&t, state, "simlabd.db", O_RDONLY);
    opened(&t, state, "simlabd.db-wal", O_RDWR);
    opened(&t, state, "identity", O_RDONLY);
    snprintf(daemon, sizeof daemon, "/proc/%d", parent_of(getppid()));
    opened(&t, daemon, "mem", O_RDONLY);
    opened(&t, daemon, "environ", O_RDONLY);
    return t.through;
}

static void changed(struct tries *t, int result)
{
    if (result >= 0 || (errno != EACCES && errno != EXDEV))
        t->through |= INT64_C(1) << t->n;
    t->n++;
}

static int64_t write_outside(void)
{
    const char *outside = getenv("SIMLAB_TEST_OUTSIDE"), *state = getenv("SIMLAB_TEST_STATE");
    char there[512], made[512];
    struct tries t = {0};
    snprintf(there, sizeof there, "%s/there", outside ? outside : "");
    snprintf(made, sizeof made, "%s/made", outside ? outside : "");
    opened(&t, outside, "there", O_WRONLY);
    opened(&t, outside, "made", O_WRONLY | O_CREAT);
    opened(&t, state, "simlabd.db", O_WRONLY);
    opened(&t, state, "libraries/made", O_WRONLY | O_CREAT);
    opened(&t, "/tmp", "simlab-test-made", O_WRONLY | O_CREAT);
    changed(&t, truncate(there, 0));
    changed(&t, unlink(there));
    changed(&t, mkdir(made, 0700));
    changed(&t, symlink("there", made));
    changed(&t, rename(there, made));
    int fd = open("own", O_RDWR | O_CREAT, 0600); /* it may in its scratch directory */
    if (fd < 0 || write(fd, "", 1) != 1 || unlink("own") < 0)
        t.through |= INT64_C(1) << t.n;
    close(fd);
    return t.through;
}

static int64_t stop_itself(void)
{
    struct tries t = {0};
    tried(&t, kill(getpid(), SIGSTOP));
    tried(&t, raise(SIGTSTP) == 0 ? 0 : -1);
    tried(&t, kill(0, SIGSTOP));
    return t.through;
}

/* A signal that is none: whether one may be sent. */
static int64_t ask_bystander(void)
{
    const char *pid = getenv("SIMLAB_TEST_BYSTANDER");
    struct tries t = {0};
    tried(&t, kill(pid ? atoi(pid) : 0, 0));
    return t.through;
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static int64_t leave(void)
{
    pthread_t thread;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        wait_for_ever(NULL);
    }
    return child < 0 || pthread_create(&thread, NULL, wait_for_ever, NULL) != 0;
}

static void eat(void)
{
    for (;;) {
        char *volatile more = malloc(1 << 20);
        if (!more)
            abort();
        memset(more, 1, 1 << 20);
    }
}

/* As long as it gets any, as each of them does. */
static int64_t fork_on(void)
{
    pid_t made;
    bool is_first = true;
    while ((made = fork()) >= 0)
        is_first = is_first && made > 0;
    if (!is_first)
        wait_for_ever(NULL);
    return errno != EAGAIN;
}

static int64_t act(int64_t deed)
{
    volatile int64_t *nowhere = NULL;
    switch (deed) {
    case SEGFAULT:
        return *nowhere;
    case ABORT:
        abort();
    case LOOP:
        while (!nowhere)
            continue;
        return 0;
    case EXIT:
        exit(0);
    case CONNECT:
        return connect_out();
    case SIGNAL:
        return signal_out();
    case PRY:
        return pry();
    case LEAVE:
        return leave();
    case READ:
        return read_state();
    case WRITE:
        return write_outside();
    case STOP:
        return stop_itself();
    case EAT:
        eat();
        return 0;
    case FORK:
        return fork_on();
    case BYSTANDER:
        return ask_bystander();
    default:
        return 0;
    }
}

/* A file that has come after the worker. */
static int access_late(void)
{
    const char *path = getenv("SIMLAB_TEST_LATE");
    int fd = open(path ? path : "", O_RDONLY);
    if (fd >= 0)
        close(fd);
    return fd;
}

static int captive_initialize(simlab_context *c)
{
    simlab_f8_put(c, VALUE, 0);
    simlab_i8_put(c, THROUGH, 0);
    return 0;
}

static int captive_run_step(simlab_context *c)
{
    if (simlab_i8_get(c, DEED) == LATE && access_late() < 0)
        return simlab_fail(c, "there is no file: %s", strerror(errno));
    simlab_i8_put(c, THROUGH, act(simlab_i8_get(c, DEED)));
    simlab_f8_put(c, VALUE, simlab_now(c)->step + 1.0);
    return 0;
}

static const struct simlab_process Captive = {
    .name = "Captive",
    .description = "tries what its input says",
    .variables = captive_variables,
    .n_variables = SIMLAB_COUNT(captive_variables),
    .initialize = captive_initialize,
    .run_step = captive_run_step,
};

SIMLAB_LIBRARY("1.0", "members that go wrong, or try what is refused", &Captive)
