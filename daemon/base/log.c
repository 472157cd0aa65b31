/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Set once by log_open, before any thread starts. */
static const char *log_who = "simlabd";
static enum log_level log_threshold = LOG_LEVEL_INFO;
static int log_to_journal;

void log_open(const char *who, enum log_level level)
{
    log_who = who;
    log_threshold = level;
    log_to_journal = getenv("JOURNAL_STREAM") != NULL;
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

void log_line(enum log_level level, const char *format, ...)
{
    if (level > log_threshold)
        return;
    char line[2048];
    int n = log_to_journal ? snprintf(line, sizeof line, "<%d>", (int)level)
                           : snprintf(line, sizeof line, "%s: %s", log_who, level_word(level));
    va_list arguments;
    va_start(arguments, format);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, arguments);
    va_end(arguments);
    if (m < 0)
        return;
    size_t length = (size_t)n + (size_t)m;
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = (size_t)n; i < length; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[length] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length + 1);
    (void)written; /* there is nowhere left to say it */
}
