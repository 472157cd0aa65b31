/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker prints, read by a loop of our own; the lines are looked for in the log. */
#include "pool/output.h"
#include "base/log.h"
#include "base/mem.h"
#include "proto/where.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[128];
static int where_fd, fd;
static struct where *where;
static struct loop *loop;
static struct output *output;
static FILE *log_file;

static void setup(void)
{
    strcpy(directory, "/tmp/simlab-output-XXXXXX");
    cr_assert(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/worker-1.where", directory);
    cr_assert_eq(where_create(path, &where_fd), 0);
    cr_assert_eq(where_open(where_fd, &where), 0);
    log_file = tmpfile();
    cr_assert(log_file);
    cr_assert_eq(dup2(fileno(log_file), STDERR_FILENO), STDERR_FILENO);
    log_open("simlabd", LOG_LEVEL_INFO);
    cr_assert_eq(loop_new(&loop), 0);
    cr_assert_eq(output_new(loop, "local-1.1", where_fd, &output, &fd), 0);
}

static void teardown(void)
{
    output = output_free(output);
    loop_free(loop);
    where_close(where);
    close(where_fd);
    close(fd);
    unlink(path);
    rmdir(directory);
}

TestSuite(output, .init = setup, .fini = teardown, .timeout = 60);

static void print(const char *text, size_t n)
{
    cr_assert_eq(write(fd, text, n), (ssize_t)n);
}

static void print_text(const char *text)
{
    print(text, strlen(text));
}

/* What is in the log since the last call. */
static const char *logged(void)
{
    static char text[1 << 20];
    static long at;
    fseek(log_file, at, SEEK_SET);
    text[fread(text, 1, sizeof text - 1, log_file)] = '\0';
    at = ftell(log_file);
    return text;
}

static void at(int64_t job, int64_t member)
{
    where_set_pid(where, 1);
    where_set_lease(where, job, 1, 10);
    if (member >= 0)
        where_begin_member(where, member, 1);
}

static void turn(void)
{
    cr_assert_eq(loop_turn(loop, 0), 0);
}

Test(output, lines_say_whose_they_are)
{
    print_text("early\n");
    turn();
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1: early\n");
    at(7, -1);
    print_text("between\n\n  \n");
    turn();
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7: between\n");
    at(7, 3);
    print_text("one\ntwo\nthr");
    turn();
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7, member 3: one\n"
                               "simlabd: worker local-1.1, job 7, member 3: two\n");
    print_text("ee\r\n");
    turn();
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7, member 3: three\n");
    cr_assert_str_eq(output_last(output, 7, 3), "three");
    cr_assert_str_eq(output_last(output, 7, 4), "");
}

Test(output, marks_tell_members_apart)
{
    at(7, 3);
    print_text("of 3\nhalf\x1e"
               "7 3\nof 4\n\x1e"
               "7 4\nof 5\n\x1e"
               "nonsense\n");
    at(7, 5);
    turn();
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7, member 3: of 3\n"
                               "simlabd: worker local-1.1, job 7, member 3: half\n"
                               "simlabd: worker local-1.1, job 7, member 4: of 4\n"
                               "simlabd: worker local-1.1, job 7, member 5: of 5\n"
                               "simlabd: worker local-1.1, job 7, member 5: \\x1enonsense\n");
}

Test(output, what_is_unfinished_is_not_the_next_ones)
{
    at(7, 3);
    print_text("half");
    turn();
    at(7, 4);
    print_text("whole\n");
    turn();
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7, member 3: half\n"
                               "simlabd: worker local-1.1, job 7, member 4: whole\n");
    print_text("last");
    turn();
    output_drain(output);
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7, member 4: last\n");
}

/* Had it been read when its member ended, then there is no mark. */
Test(output, what_is_unfinished_is_told_when_its_member_has_ended)
{
    at(7, 3);
    print_text("last");
    turn();
    int64_t due = output_tick(output, loop_now());
    cr_assert_leq(due, loop_now() + 1000);
    due = output_tick(output, due);
    cr_assert_lt(due, INT64_MAX, "its member goes on");
    cr_assert_str_eq(logged(), "");
    at(7, -1);
    cr_assert_eq(output_tick(output, due + 1000), INT64_MAX);
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7, member 3: last\n");
    at(7, 4);
    print_text("half");
    turn();
    print_text(" read\x1e"
               "7 4\n");
    at(7, -1);
    output_tick(output, loop_now() + 1000);
    cr_assert_str_eq(logged(), "simlabd: worker local-1.1, job 7, member 4: half read\n");
}

Test(output, long_and_binary_lines)
{
    char *text = mem_array(30000, 1);
    memset(text, 'a', 30000);
    text[29999] = '\n';
    at(7, 3);
    print(text, 30000);
    print("b\0c\xff\n", 5);
    turn();
    const char *said = logged();
    cr_assert(strstr(said, "aaa…\n"));
    cr_assert_lt(strlen(said), 2000);
    cr_assert(strstr(said, "member 3: b c\\xff\n"), "%s", said);
    free(text);
}

Test(output, floods_are_told)
{
    at(7, 3);
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 100; k++)
            print_text("line\n");
        turn();
    }
    int told = 0;
    const char *said = logged();
    for (const char *p = said; (p = strstr(p, ": line\n")); p++)
        told++;
    cr_assert(told >= OUTPUT_BURST && told < 5000, "%d", told);
    int64_t now = loop_now();
    cr_assert_leq(output_tick(output, now), now + 1000);
    cr_assert_eq(output_tick(output, now + 1001), INT64_MAX);
    unsigned long dropped = 0;
    said = logged();
    const char *word = strstr(said, "a second: ");
    cr_assert(word && sscanf(word, "a second: %lu lines were dropped", &dropped) == 1, "%s", said);
    cr_assert_eq(dropped, 10000 - (unsigned long)told);
}

Test(output, its_end)
{
    close(fd);
    turn();
    turn();
    output_drain(output);
    fd = open("/dev/null", O_WRONLY);
    cr_assert_str_eq(logged(), "");
}
