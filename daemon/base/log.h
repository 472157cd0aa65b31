/* SPDX-License-Identifier: Apache-2.0 */
/* Structured lines on stderr, with the priorities that journald reads ("<6>…") where stderr is a
 * journal stream and plain words elsewhere. Only the top layers log; libraries return errors. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Lines above `level` are dropped. `who` stands before each line; borrowed. Not thread safe; call
 * once at start. */
void log_open(const char *who, enum log_level level);

/* One line; a newline is added. Thread safe (one write). */
__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
