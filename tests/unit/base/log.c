/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the log, into pipes that are read, not read, and gone. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(log, .timeout = 60);

Test(text, shows_what_would_be_obeyed)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain, with a \\ and a \"", "plain, with a \\ and a \""},
        {"a\tb\nc\rd", "a\\tb\\nc\\rd"},
        {"\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"},
        {"\xc2\x85\xc2\x9b"
         "31m\u2028\u2029",
         "\\u0085\\u009b31m\\u2028\\u2029"},
        {"\u202aa\u202e\u2066\u2069", "\\u202aa\\u202e\\u2066\\u2069"},
        {"é ∂ 𝛼 \u200b\xc2\xa0", "é ∂ 𝛼 \u200b\xc2\xa0"},
        {"\xff\xc3", "\\xff\\xc3"},
        {"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x80",
         "\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\\xe2\\x80"},
    };
    char shown[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = text_printable(cases[i].text, strlen(cases[i].text), shown, sizeof shown);
        cr_assert_str_eq(shown, cases[i].shown);
        cr_assert_eq(n, strlen(shown));
    }
    cr_assert_eq(text_printable("a\0b", 3, shown, sizeof shown), 6);
    cr_assert_str_eq(shown, "a\\x00b");
}

Test(text, is_cut_between_characters)
{
    char shown[8];
    cr_assert_eq(text_printable("1234567", 7, shown, 8), 7);
    text_printable("12345678", 8, shown, 8);
    cr_assert_str_eq(shown, "1234…");
    text_printable("123é5678", 9, shown, 8);
    cr_assert_str_eq(shown, "123…");
    text_printable("1\x1b\x1b", 3, shown, 8);
    cr_assert_str_eq(shown, "1…");
    cr_assert_eq(text_printable("1234", 4, shown, 4), 3);
    cr_assert_str_eq(shown, "…");
}

/* Standard error becomes a pipe; returns its reading end. */
static int to_pipe(void)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

static FILE *reader(void)
{
    FILE *f = fdopen(to_pipe(), "r");
    cr_assert(f);
    return f;
}

static const char *next(FILE *f)
{
    static char line[4096];
    cr_assert(fgets(line, sizeof line, f));
    return line;
}

Test(log, one_line_whatever_it_says)
{
    FILE *f = reader();
    log_open("who", LOG_LEVEL_INFO);
    log_warning("%s", "one\nwho: error: two \x1b[31m");
    cr_assert_str_eq(next(f), "who: warning: one\\nwho: error: two \\x1b[31m\n");
    log_debug("not told");
    log_info("%0*d", 5000, 1);
    const char *line = next(f);
    cr_assert_lt(strlen(line), 2048);
    cr_assert(strstr(line, "0…\n"));
    fclose(f);
}

Test(log, a_time_where_the_program_stays)
{
    FILE *f = reader();
    log_open("who", LOG_LEVEL_INFO);
    cr_assert_eq(log_start(), 0);
    log_info("word");
    int year, month, day, hour, minute, second, n = 0;
    const char *line = next(f);
    sscanf(line, "%d-%d-%dT%d:%d:%dZ who: word\n%n", &year, &month, &day, &hour, &minute, &second,
           &n);
    cr_assert(year >= 2024 && n > 0, "%s", line);
    log_stop();
    log_info("after");
    cr_assert(strstr(next(f), "after"));
    fclose(f);
}

Test(log, none_in_the_journal)
{
    FILE *f = reader();
    struct stat st;
    char stream[64];
    cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_open("who", LOG_LEVEL_INFO);
    cr_assert_eq(log_start(), 0);
    log_error("word");
    cr_assert_str_eq(next(f), "<3>word\n");
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_open("who", LOG_LEVEL_INFO);
    log_error("word");
    cr_assert(strstr(next(f), "who: error: word"), "that is another descriptor's");
    log_stop();
    fclose(f);
}

Test(log, does_not_wait_for_who_does_not_read)
{
    enum { LINES = 3000 };
    int fd = to_pipe();
    log_open("who", LOG_LEVEL_INFO);
    cr_assert_eq(log_start(), 0);
    for (int i = 0; i < LINES; i++)
        log_info("line %d of many", i);
    FILE *f = fdopen(fd, "r");
    unsigned long told = 0, lost = 0, n;
    while (told + lost < LINES) {
        const char *line = next(f), *word = strstr(line, "warning: ");
        if (word && sscanf(word, "warning: %lu lines were lost", &n) == 1)
            lost += n;
        else
            told++;
    }
    cr_assert_eq(told + lost, LINES);
    cr_assert(lost > 0 && told > 500, "%lu told, %lu lost", told, lost);
    log_stop();
    fclose(f);
}

Test(log, ends_where_nobody_reads)
{
    int fd = to_pipe();
    log_open("who", LOG_LEVEL_INFO);
    cr_assert_eq(log_start(), 0);
    for (int i = 0; i < 1000; i++)
        log_info("line %d of many", i);
    log_stop();
    log_info("nor does this wait");
    close(fd);
}

Test(log, is_told_before_an_abort)
{
    enum { LINES = 480, ROOM = 65536 }; /* for all: nobody has to read meanwhile */
    int fd = to_pipe();
    cr_assert_eq(fcntl(fd, F_SETPIPE_SZ, ROOM), ROOM);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        log_open("who", LOG_LEVEL_INFO);
        if (log_start() == 0)
            for (int i = 0; i < LINES; i++)
                log_info("line %d of many", i);
        mem_assert(pid != 0);
    }
    cr_assert_gt(pid, 0);
    cr_assert_eq(dup2(open("/dev/null", O_WRONLY), STDERR_FILENO), STDERR_FILENO);
    FILE *f = fdopen(fd, "r");
    for (int i = 0; i < LINES; i++)
        cr_assert(strstr(next(f), "of many"), "%d", i);
    cr_assert(strstr(next(f), "bug: pid != 0 does not hold"));
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    fclose(f);
}

Test(log, whose_reader_is_gone)
{
    signal(SIGPIPE, SIG_IGN);
    close(to_pipe());
    log_open("who", LOG_LEVEL_INFO);
    cr_assert_eq(log_start(), 0);
    for (int i = 0; i < 100; i++)
        log_info("line %d", i);
    log_stop();
}
