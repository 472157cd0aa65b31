/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/c_locale.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_SIZE = 2048,  /* less than PIPE_BUF: whole among others' */
    WAITING_MAX = 512, /* lines */
    STOP_SECONDS = 1
};

/* Set by log_open and log_start, before any other thread starts. */
static const char *log_who = "simlabd";
static enum log_level log_threshold = LOG_LEVEL_INFO;
static bool log_to_journal, log_with_time;

/* ---- lines ---- */

/* JOURNAL_STREAM names the descriptor that it speaks of; standard error may be another by now. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *who, enum log_level level)
{
    log_who = who;
    log_threshold = level;
    log_to_journal = is_journal();
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    default:
        return "";
    }
}

/* "2026-11-26T03:16:05Z ", or nothing; no more than 32 bytes. */
static void format_time(char *ret)
{
    struct tm tm;
    time_t now = time(NULL);
    *ret = '\0';
    if (!log_with_time || !gmtime_r(&now, &tm))
        return;
    strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ ", &tm);
}

/* Into `ret` of LINE_SIZE bytes. */
static size_t format_line(enum log_level level, const char *message, size_t size, char *ret)
{
    char time[32];
    format_time(time);
    int n = log_to_journal
                ? snprintf(ret, LINE_SIZE / 2, "<%d>", (int)level)
                : snprintf(ret, LINE_SIZE / 2, "%s%.64s: %s", time, log_who, level_word(level));
    size_t length = (size_t)n;
    length += text_printable(message, size, ret + length, LINE_SIZE - 1 - length);
    ret[length] = '\n';
    return length + 1;
}

/* ---- the thread that writes ---- */

struct line {
    struct line *next;
    unsigned long n; /* lines that are lost where this one is */
    size_t size;
    char text[];
};

enum writer_state { WRITER_OFF, WRITER_ON, WRITER_STOPPING, WRITER_STUCK };

static struct writer {
    pthread_mutex_t mutex;
    pthread_cond_t filled, drained;
    pthread_t thread;
    /* Under the mutex. */
    enum writer_state state;
    struct line *first, *last;
    size_t n; /* of the list, and the one that is being written */
    unsigned long lost;
} writer = {.mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP, .filled = PTHREAD_COND_INITIALIZER};

static int write_all(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, text, size);
        if (n >= 0) {
            text += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) { /* who shares it has made it so */
            struct pollfd fd = {STDERR_FILENO, POLLOUT, 0};
            poll(&fd, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static void append(const char *text, size_t size, unsigned long n)
{
    struct line *l = mem_new(sizeof *l + size);
    l->n = n;
    l->size = size;
    memcpy(l->text, text, size);
    if (writer.first)
        writer.last->next = l;
    else
        writer.first = l;
    writer.last = l;
    writer.n++;
}

static void append_lost(void)
{
    char message[64], text[LINE_SIZE];
    int n =
        snprintf(message, sizeof message, "%lu %s lost: nobody took %s", writer.lost,
                 writer.lost == 1 ? "line was" : "lines were", writer.lost == 1 ? "it" : "them");
    size_t size = format_line(LOG_LEVEL_WARNING, message, (size_t)n, text);
    append(text, size, writer.lost);
    writer.lost = 0;
}

/* True where the thread takes care of it. */
static bool give(const char *text, size_t size)
{
    pthread_mutex_lock(&writer.mutex);
    bool taken = writer.state != WRITER_OFF;
    if (writer.state == WRITER_STUCK || (taken && writer.n + 2 > WAITING_MAX)) {
        writer.lost++;
    } else if (taken) {
        if (writer.lost > 0)
            append_lost();
        append(text, size, 1);
        pthread_cond_signal(&writer.filled);
    }
    pthread_mutex_unlock(&writer.mutex);
    return taken;
}

/* With the mutex held, but for the writing. */
static void write_first(void)
{
    struct line *l = writer.first;
    writer.first = l->next;
    pthread_mutex_unlock(&writer.mutex);
    int r = write_all(l->text, l->size);
    pthread_mutex_lock(&writer.mutex);
    writer.n--;
    if (r < 0)
        writer.lost += l->n;
    else if (!writer.first && writer.lost > 0)
        append_lost(); /* the next line may be long in coming */
    free(l);
}

static void *run(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&writer.mutex);
    while (writer.first || writer.state == WRITER_ON) {
        if (writer.first)
            write_first();
        else
            pthread_cond_wait(&writer.filled, &writer.mutex);
    }
    pthread_cond_signal(&writer.drained);
    pthread_mutex_unlock(&writer.mutex);
    return NULL;
}

int log_start(void)
{
    log_with_time = true;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&writer.drained, &clock);
    pthread_condattr_destroy(&clock);
    writer.state = WRITER_ON;
    int r = thread_start(run, NULL, &writer.thread);
    if (r != 0)
        writer.state = WRITER_OFF;
    else
        mem_before_abort(log_stop); /* the last lines tell what led to it */
    return r;
}

void log_stop(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_SECONDS;
    if (pthread_mutex_lock(&writer.mutex) != 0) /* `append` found no memory, and aborts */
        return;
    if (writer.state != WRITER_ON) {
        pthread_mutex_unlock(&writer.mutex);
        return;
    }
    writer.state = WRITER_STOPPING;
    pthread_cond_signal(&writer.filled);
    int r = 0;
    while (writer.n > 0 && r == 0)
        r = pthread_cond_timedwait(&writer.drained, &writer.mutex, &until);
    bool drained = writer.n == 0;
    writer.state = drained ? WRITER_OFF : WRITER_STUCK; /* its thread ends with the process */
    pthread_mutex_unlock(&writer.mutex);
    if (drained)
        pthread_join(writer.thread, NULL);
}

/* ---- */

void log_line(enum log_level level, const char *format, ...)
{
    if (level > log_threshold)
        return;
    char message[LINE_SIZE], text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int n = c_locale_vprint(message, sizeof message, format, arguments);
    va_end(arguments);
    if (n < 0)
        return;
    size_t size = (size_t)n < sizeof message ? (size_t)n : sizeof message - 1;
    size = format_line(level, message, size, text);
    if (!give(text, size))
        write_all(text, size); /* there is nowhere left to say that it failed */
}
