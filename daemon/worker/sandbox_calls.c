/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if defined ARCHITECTURE && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

enum {
    X32_CALL = 0x40000000, /* the other numbers of x86-64's calls */
    SOCKET_TYPE = 0xf,     /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
    ROOM = 1024            /* instructions */
};

/* Call numbers that the headers of an older system lack; the same on all processors. */
enum {
    CALL_IO_URING_SETUP = 425,
    CALL_IO_URING_ENTER,
    CALL_IO_URING_REGISTER,
    CALL_OPEN_TREE,
    CALL_MOVE_MOUNT,
    CALL_FSOPEN,
    CALL_FSCONFIG,
    CALL_FSMOUNT,
    CALL_FSPICK,
    CALL_PIDFD_SEND_SIGNAL = 424,
    CALL_CLONE3 = 435,
    CALL_PIDFD_GETFD = 438,
    CALL_PROCESS_MADVISE = 440,
    CALL_MOUNT_SETATTR = 442,
    CALL_PROCESS_MRELEASE = 448
};

static const int refused[] = {
    /* other processes */
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_tkill,
    SYS_migrate_pages,
    SYS_move_pages,
    CALL_PIDFD_SEND_SIGNAL,
    CALL_PIDFD_GETFD,
    CALL_PROCESS_MADVISE,
    CALL_PROCESS_MRELEASE,
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    SYS_ptrace, /* what looks for leaks stops its own threads with it */
#endif
    /* what goes around a filter */
    CALL_IO_URING_SETUP,
    CALL_IO_URING_ENTER,
    CALL_IO_URING_REGISTER,
    /* the system */
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    CALL_OPEN_TREE,
    CALL_MOVE_MOUNT,
    CALL_FSOPEN,
    CALL_FSCONFIG,
    CALL_FSMOUNT,
    CALL_FSPICK,
    CALL_MOUNT_SETATTR,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_fanotify_init,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_quotactl,
    SYS_acct,
    SYS_syslog,
    SYS_vhangup,
#if defined __x86_64__
    SYS_iopl,
    SYS_ioperm,
    SYS_kexec_file_load,
#endif
};

/* Refused where the low half of an argument, under the mask, is (or is not) the value. */
static const struct condition {
    int call, argument;
    uint32_t mask, value;
    bool refuses_equal;
} conditions[] = {
    {SYS_socket, 0, ~0u, AF_UNIX, false},
    {SYS_socket, 1, SOCKET_TYPE, SOCK_SEQPACKET, false},
    {SYS_socketpair, 0, ~0u, AF_UNIX, false},
    {SYS_prlimit64, 0, ~0u, 0, false},
    {SYS_setpriority, 1, ~0u, 0, false},
    {SYS_fcntl, 1, ~0u, F_SETOWN, true}, /* signals come from there, too */
    {SYS_fcntl, 1, ~0u, F_SETOWN_EX, true},
    {SYS_ioctl, 1, ~0u, FIOSETOWN, true},
    {SYS_ioctl, 1, ~0u, SIOCSPGRP, true},
    {SYS_ioctl, 1, ~0u, TIOCSTI, true},
};

/* Whose first argument is a process; of kill, a negative number is a group, -1 all. And which
 * argument is the signal. */
static const struct {
    int call, signal;
} signalling[] = {
    {SYS_kill, 1}, {SYS_tgkill, 2}, {SYS_rt_sigqueueinfo, 1}, {SYS_rt_tgsigqueueinfo, 2}};

static const int stopping[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

static const uint32_t namespaces[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,   CLONE_NEWUSER,
                                      CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};

struct program {
    struct sock_filter at[ROOM];
    unsigned n;
};

static void add(struct program *p, unsigned code, unsigned yes, unsigned no, uint32_t value)
{
    if (p->n < ROOM)
        p->at[p->n] = (struct sock_filter){(uint16_t)code, (uint8_t)yes, (uint8_t)no, value};
    p->n++;
}

static void load(struct program *p, size_t offset)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void load_argument(struct program *p, int argument)
{
    load(p, offsetof(struct seccomp_data, args) + (size_t)argument * sizeof(uint64_t));
}

static void load_call(struct program *p)
{
    load(p, offsetof(struct seccomp_data, nr));
}

/* Goes on where what is loaded is not (or, with `unless`, is) the value. */
static void refuse(struct program *p, unsigned test, uint32_t value, bool unless, int error)
{
    add(p, BPF_JMP | test | BPF_K, unless, !unless, value);
    add(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)error);
}

static void add_condition(struct program *p, const struct condition *c)
{
    load_call(p);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)c->call);
    load_argument(p, c->argument);
    add(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, c->mask);
    refuse(p, BPF_JEQ, c->value, !c->refuses_equal, EPERM);
}

static void spare(struct program *p, pid_t process)
{
    struct condition c = {.mask = ~0u, .value = (uint32_t)process, .refuses_equal = true};
    for (size_t i = 0; i < sizeof signalling / sizeof *signalling; i++) {
        c.call = signalling[i].call;
        add_condition(p, &c);
    }
}

static void refuse_stops(struct program *p)
{
    for (size_t i = 0; i < sizeof signalling / sizeof *signalling; i++)
        for (size_t k = 0; k < sizeof stopping / sizeof *stopping; k++)
            add_condition(p, &(struct condition){signalling[i].call, signalling[i].signal, ~0u,
                                                 (uint32_t)stopping[k], true});
}

static void make(struct program *p, pid_t daemon, pid_t guard)
{
    load(p, offsetof(struct seccomp_data, arch));
    refuse(p, BPF_JEQ, ARCHITECTURE, true, EPERM);
    load_call(p);
    refuse(p, BPF_JGE, X32_CALL, false, EPERM);
    refuse(p, BPF_JEQ, CALL_CLONE3, false, ENOSYS); /* its flags are in memory: clone does it */
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        refuse(p, BPF_JEQ, (uint32_t)refused[i], false, EPERM);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        add_condition(p, &conditions[i]);
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
        add_condition(p, &(struct condition){SYS_clone, 0, namespaces[i], namespaces[i], true});
    refuse_stops(p);
    if (daemon > 0 && guard > 0) {
        spare(p, daemon);
        spare(p, -daemon);
        spare(p, guard);
        spare(p, -guard);
        spare(p, -1);
    }
    add(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

int sandbox_calls_refuse(pid_t daemon, pid_t guard)
{
    struct program p = {.n = 0};
    make(&p, daemon, guard);
    if (p.n > ROOM)
        return -E2BIG;
    struct sock_fprog filter = {(unsigned short)p.n, p.at};
    /* SPEC_ALLOW: older kernels would slow down all that a filtered process computes. */
    unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
    return r < 0 ? -errno : r > 0 ? -EAGAIN : 0;
}

#else

int sandbox_calls_refuse(pid_t daemon, pid_t guard)
{
    (void)daemon;
    (void)guard;
    return -ENOSYS;
}

#endif
