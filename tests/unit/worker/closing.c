/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a job's store: it comes to the same bytes however often it is begun, whatever dead
 * members left; and what is lost is named, never made up. */
#include "worker/closing.h"

#include "base/file.h"
#include "base/mem.h"
#include "range_scene.h"
#include "store/claim.h"
#include "support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(closing, .timeout = 60);

/* `faults`: of members, of which 1 fails at once. Chunks are of two members. */
static char *make(struct range_scene *s, const char *name, const char *faults, int64_t members)
{
    char *store = mem_strdup(support_path(name));
    char *text = mem_printf(
        "{\"model\": {\"processes\": {\"m\": \"varied.Member\"}}, \"main_clock\": \"time\", "
        "\"clocks\": {\"time\": {\"data\": [0, 1, 2]}}, \"batch_dim\": \"b\", "
        "\"inputs\": {\"m__fault\": {\"dims\": [\"b\"], \"data\": %s}}, "
        "\"outputs\": {\"m__value\": \"time\", \"m__vector\": null}, "
        "\"encoding\": {\"m__value\": {\"chunks\": [2, 3]}, \"m__vector\": {\"chunks\": [2, 4]}}}",
        faults);
    range_scene_open_job(s, "varied", text);
    free(text);
    struct range_runner *m = range_scene_runner(s, NULL, store, NULL);
    range_scene_run(m, 0, members, 0);
    range_runner_free(m);
    return store;
}

struct closer {
    struct closing c;
    int64_t looks, most;
    struct error e;
};

static int on_look(void *userdata, int64_t done, int64_t total)
{
    struct closer *x = userdata;
    cr_assert(done <= total && done == x->looks + 1);
    return ++x->looks == x->most ? -ECANCELED : 0;
}

static int close_until(const struct range_scene *s, const char *store, const int64_t (*dead)[2],
                       size_t n, int64_t most, struct error *e)
{
    struct closer x = {
        .c = {.job = s->job,
              .store = {.path = store, .owner = RANGE_SCENE_OWNER, .layout = s->layout},
              .dead = dead,
              .n_dead = n,
              .look = on_look},
        .most = most};
    x.c.userdata = &x;
    error_clear(e);
    return closing_run(&x.c, e);
}

static int try_close(const struct range_scene *s, const char *store, struct error *e)
{
    return close_until(s, store, NULL, 0, 0, e);
}

Test(closing, may_be_interrupted_and_done_again)
{
    struct range_scene s, other;
    struct error e = {.message = ""};
    char *undisturbed = make(&other, "undisturbed.zarr", "[0, 0, 0, 0, 0]", 5);
    range_scene_finish(&other, undisturbed, NULL, 0);
    char *store = make(&s, "again.zarr", "[0, 0, 0, 0, 0]", 5);
    int64_t most = 1;
    while (close_until(&s, store, NULL, 0, most, &e) == -ECANCELED)
        most++;
    cr_assert(most > 6, "%d chunks were looked at", (int)most);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(try_close(&s, store, &e), 0, "%s", e.message);
        support_same(undisturbed, store);
    }
    range_scene_close(&s);
    range_scene_close(&other);
    free(undisturbed);
    free(store);
}

/* As if they had failed at once, though all was written before they were found dead. */
Test(closing, leaves_nothing_of_the_dead)
{
    static const int64_t dead[][2] = {{1, 2}, {2, 4}};
    struct range_scene s, other;
    struct error e = {.message = ""};
    char *undisturbed = make(&other, "dead0.zarr", "[0, 1, 1, 1, 0]", 5);
    range_scene_finish(&other, undisturbed, dead, 2);
    char *store = make(&s, "dead1.zarr", "[0, 0, 0, 0, 0]", 5);
    /* The inputs of the two differ: only outputs are compared. */
    cr_assert_eq(close_until(&s, store, dead, 2, 0, &e), 0, "%s", e.message);
    char *chunk = mem_printf("%s/m__value/1.0", store);
    cr_assert(access(chunk, F_OK) < 0, "the chunk of members 2 and 3 is there");
    char *command =
        mem_printf("diff -r %s/m__value %s/m__value && diff -r %s/m__vector %s/m__vector",
                   undisturbed, store, undisturbed, store);
    cr_assert_eq(system(command), 0);
    free(command);
    free(chunk);
    free(undisturbed);
    free(store);
    range_scene_close(&s);
    range_scene_close(&other);
}

Test(closing, without_a_member_it_is_as_if_none_had_run)
{
    static const int64_t dead[][2] = {{0, 3}};
    struct range_scene s;
    struct error e = {.message = ""};
    char *store = make(&s, "none.zarr", "[0, 0, 0]", 3);
    cr_assert_eq(close_until(&s, store, dead, 1, 0, &e), 0, "%s", e.message);
    char *output = file_join(store, "m__value"), *clock = mem_printf("%s/time/0", store);
    cr_assert(access(output, F_OK) < 0);
    cr_assert(access(clock, F_OK) == 0);
    free(output);
    free(clock);
    free(store);
    range_scene_close(&s);
}

/* What was done is lost: it says which chunk. What the job itself knows is written again. */
Test(closing, tells_what_is_lost)
{
    static const char *const outputs[] = {"m__value/0.0", "m__vector/1.0"};
    static const char *const own[] = {"time/0", "time/.zarray", "m__fault/0", ".zattrs"};
    struct range_scene s, other;
    struct error e = {.message = ""};
    char *undisturbed = make(&other, "whole.zarr", "[0, 0, 0]", 3);
    range_scene_finish(&other, undisturbed, NULL, 0);
    for (int how = 0; how < 4; how++) {
        char *store = make(&s, "lost.zarr", "[0, 0, 0]", 3);
        char *path = file_join(store, outputs[how % 2]);
        cr_assert_eq(how < 2 ? unlink(path) : truncate(path, 3), 0);
        cr_assert_eq(try_close(&s, store, &e), WORKER_STORE, "%s", e.message);
        cr_assert(strstr(e.message, strchr(outputs[how % 2], '/') + 1), "%s", e.message);
        cr_assert_eq(store_release(store, RANGE_SCENE_OWNER, &e), 0, "%s", e.message);
        cr_assert_eq(file_remove_tree(store), 0);
        free(path);
        free(store);
        range_scene_close(&s);
    }
    char *store = make(&s, "own.zarr", "[0, 0, 0]", 3);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        char *path = file_join(store, own[i]);
        cr_assert_eq(i % 2 ? unlink(path) : truncate(path, 1), 0);
        cr_assert_eq(try_close(&s, store, &e), 0, "%s: %s", own[i], e.message);
        support_same(undisturbed, store);
        free(path);
    }
    free(store);
    free(undisturbed);
    range_scene_close(&s);
    range_scene_close(&other);
}

Test(closing, waits_for_a_store_that_is_away)
{
    static const char *const parts[] = {"", "/m__value", "/m__value/.zarray", ".sync",
                                        ".sync/owner"};
    struct range_scene s;
    struct error e = {.message = ""};
    char *store = make(&s, "away.zarr", "[0, 0, 0]", 3);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *path = mem_printf("%s%s", store, parts[i]), *aside = mem_printf("%s.aside", store);
        cr_assert_eq(rename(path, aside), 0);
        cr_assert_eq(try_close(&s, store, &e), -ENOENT, "%s: %s", parts[i], e.message);
        cr_assert(strstr(e.message, "has vanished"), "%s", e.message);
        cr_assert(access(path, F_OK) < 0, "%s was made anew", parts[i]);
        cr_assert_eq(rename(aside, path), 0);
        free(path);
        free(aside);
    }
    cr_assert_eq(try_close(&s, store, &e), 0, "%s", e.message);
    free(store);
    range_scene_close(&s);
}

Test(closing, leaves_the_store_of_another_alone)
{
    struct range_scene s;
    struct error e = {.message = ""};
    char *store = make(&s, "other.zarr", "[0, 0, 0]", 3),
         *mark = mem_printf("%s.sync/owner", store);
    FILE *f = fopen(mark, "w");
    cr_assert(f && fputs("simlabd fedcba9876543210fedcba9876543210 job 1\n", f) > 0);
    fclose(f);
    cr_assert(try_close(&s, store, &e) > 0);
    cr_assert(strstr(e.message, "belongs to another"), "%s", e.message);
    free(mark);
    free(store);
    range_scene_close(&s);
}

Test(closing, reads_ranges_of_the_dead)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "[1]",
                                      "[[1]]",
                                      "[[1, 2, 3]]",
                                      "[[2, 1]]",
                                      "[[1, 1]]",
                                      "[[-1, 2]]",
                                      "[[0, 11]]",
                                      "[[4, 6], [5, 7]]",
                                      "[[\"1\", 2]]",
                                      "[[0.5, 2]]"};
    int64_t(*dead)[2];
    size_t n;
    struct error e = {.message = ""};
    cr_assert_eq(closing_read_ranges("[[0, 2], [2, 3], [9, 10]]", 10, &dead, &n, &e), 0);
    cr_assert(n == 3 && dead[2][0] == 9 && dead[2][1] == 10);
    free(dead);
    cr_assert_eq(closing_read_ranges("[]", 10, &dead, &n, &e), 0);
    cr_assert_eq(n, 0);
    free(dead);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(closing_read_ranges(bad[i], 10, &dead, &n, &e), WORKER_REFUSED, "%s", bad[i]);
}
