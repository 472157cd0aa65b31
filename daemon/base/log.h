/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on standard error: with the priorities that journald reads ("<6>…") where it is a stream of
 * the journal, else plain words, after a time once log_start was called. Only the top layers log;
 * libraries return errors.
 *
 * Invariants
 *  1. A line is one line, whatever stands in its arguments: text_printable shows what would break
 *     or forge one.
 *  2. After log_start, log_line never waits for who reads standard error: a thread writes, from a
 *     list of bounded length. (Not a descriptor that does not block: others share this one, a file
 *     on a slow disk blocks all the same, and another user's pipe or terminal cannot be opened
 *     anew.) What does not fit is dropped, counted, and told with the next line that fits. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Lines above `level` are dropped. `who` stands before each line; borrowed. Not thread safe; call
 * it at start, before any thread. */
void log_open(const char *who, enum log_level level);

/* For a program that stays: from now on lines have a time, and a thread writes them. 0 or -errno.
 * Without it, log_line writes by itself. */
int log_start(void);
/* Waits a second at most for what is to be written; then log_line writes by itself again, or, where
 * nobody reads, is silent. Without log_start nothing. It is called before mem_* aborts, too. */
void log_stop(void);

/* One line; a newline is added. Thread safe. */
__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
