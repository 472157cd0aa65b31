/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are taken when, and what they offer: looks and results are made up here. */
#include "library/originals.h"
#include "library/snapshot.h"

#include "base/json.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct file {
    int directory;
    const char *path, *signature;
};

/* A look that shows these files, NULL at the end; `error` is that of directory 0. */
static bool look(struct originals *o, const struct file *files, bool are_settled, int error,
                 int64_t now)
{
    int errors[2] = {error, 0};
    struct look l = {.errors = errors, .n_directories = 2};
    struct seen seen[8] = {0};
    for (; files[l.n].path; l.n++) {
        seen[l.n] =
            (struct seen){.directory = files[l.n].directory, .path = (char *)files[l.n].path};
        snprintf(seen[l.n].signature, HASH_TEXT_SIZE, "%s", files[l.n].signature);
    }
    l.seen = seen;
    return originals_merge(o, &l, are_settled, now);
}

static void finish(struct original *o, const char *hash, const char *reason, int64_t now)
{
    json_t *document = reason ? NULL
                              : json_pack("{s:i, s:s, s:s, s:[{s:s}]}", "abi", 1, "library",
                                          o->name, "hash", hash, "types", "name", "T");
    cr_assert(o->is_taking);
    original_taken(o, o->seen, hash, document, reason, false, now);
    json_decref(document);
}

static char hash_text[2][HASH_TEXT_SIZE];

static const char *hash(char digit)
{
    static int n;
    char *text = hash_text[n++ % 2];
    memset(text, digit, HASH_TEXT_SIZE - 1);
    return text;
}

/* NULL where nothing is due. */
static struct original *next(struct originals *o, int64_t now, const char *path)
{
    struct original *found = originals_next(o, now);
    if (!path)
        cr_assert(!found, "%s", found->path);
    else
        cr_assert(found && !strcmp(found->path, path), "%s", found ? found->path : "nothing");
    return found;
}

static const struct file none[] = {{0}};

Test(originals, a_file_is_taken_once_it_has_settled)
{
    struct originals o = {0};
    const struct file one[] = {{0, "/l/ver.so", "1"}, {0}}, two[] = {{0, "/l/ver.so", "2"}, {0}};
    look(&o, one, true, 0, 1000); /* at start all are taken as they are */
    finish(next(&o, 1000, "/l/ver.so"), hash('a'), NULL, 1000);
    next(&o, 1000, NULL);
    cr_assert_eq(originals_due(&o), INT64_MAX);
    look(&o, two, false, 0, 2000); /* it is being written */
    next(&o, 2000, NULL);
    cr_assert_eq(originals_due(&o), 2000 + ORIGINALS_SETTLE_MS);
    look(&o, one, false, 0, 2500);
    look(&o, two, false, 0, 2600);
    next(&o, 3100, NULL);
    look(&o, two, false, 0, 3600);
    finish(next(&o, 3600, "/l/ver.so"), hash('b'), NULL, 3600);
    look(&o, one, false, 0, 4000);
    originals_settled(&o, 0, "ver.so"); /* it was closed */
    finish(next(&o, 4000, "/l/ver.so"), hash('a'), NULL, 4000);
    originals_clear(&o);
}

/* A half-written one is not bad for ever. */
Test(originals, a_bad_one_is_taken_again)
{
    struct originals o = {0};
    const struct file one[] = {{0, "/l/ver.so", "1"}, {0}}, two[] = {{0, "/l/ver.so", "2"}, {0}};
    look(&o, one, true, 0, 1000);
    finish(next(&o, 1000, "/l/ver.so"), "", "it is cut", 1000);
    look(&o, two, true, 0, 1100);
    finish(next(&o, 1100, "/l/ver.so"), hash('a'), NULL, 1100);
    cr_assert(!o.list[0].reason);
    /* The same bad one now and then: it may have been the machine. */
    look(&o, one, true, 0, 2000);
    finish(next(&o, 2000, "/l/ver.so"), "", "no memory", 2000);
    cr_assert_str_eq(o.list[0].hash, hash('a'), "the content before goes on serving");
    int64_t pause = 0;
    for (int i = 0; i < 12; i++) {
        int64_t due = originals_due(&o);
        cr_assert_geq(due - o.list[0].retry_at, 0);
        next(&o, due - 1, NULL);
        struct original *again = next(&o, due, "/l/ver.so");
        int64_t before = pause;
        finish(again, "", "no memory", due);
        pause = again->retry_at - due;
        cr_assert_geq(pause, before);
        cr_assert_leq(pause, 600000);
    }
    originals_retry(&o);
    next(&o, originals_due(&o), "/l/ver.so");
    originals_clear(&o);
}

Test(originals, one_that_changes_while_it_is_taken)
{
    struct originals o = {0};
    const struct file one[] = {{0, "/l/ver.so", "1"}, {0}};
    look(&o, one, true, 0, 1000);
    struct original *original = next(&o, 1000, "/l/ver.so");
    next(&o, 1000, NULL);
    cr_assert(!original_taken(original, original->seen, "", NULL, "is being written", true, 1500));
    cr_assert(!original->reason);
    next(&o, 1500, NULL);
    cr_assert_eq(originals_due(&o), 1500 + ORIGINALS_SETTLE_MS);
    originals_clear(&o);
}

Test(originals, those_that_are_gone_go_after_a_moment)
{
    struct originals o = {0};
    const struct file one[] = {{0, "/l/ver.so", "1"}, {0}};
    look(&o, one, true, 0, 1000);
    finish(next(&o, 1000, "/l/ver.so"), hash('a'), NULL, 1000);
    cr_assert(!look(&o, none, false, 0, 2000)); /* a linker removes and makes it */
    cr_assert_eq(o.n, 1);
    look(&o, one, false, 0, 2100);
    cr_assert(!look(&o, none, false, 0, 5000));
    cr_assert_eq(originals_due(&o), 5000 + ORIGINALS_SETTLE_MS);
    cr_assert(!look(&o, none, false, EACCES, 7000), "a directory that cannot be read says nothing");
    cr_assert_eq(originals_due(&o), INT64_MAX);
    cr_assert(!look(&o, none, false, ENOENT, 8000));
    cr_assert(look(&o, none, false, ENOENT, 9000));
    cr_assert_eq(o.n, 0);
    /* One that a former daemon had, and that is not there. */
    originals_remember(&o, 0, "/l/old.so", hash('c'), NULL);
    cr_assert(look(&o, none, true, 0, 9000));
    cr_assert_eq(o.n, 0);
    originals_clear(&o);
}

Test(originals, one_is_removed_beside_all_looks)
{
    struct originals o = {0};
    const struct file files[] = {
        {0, "/l/a.so", "1"}, {0, "/l/b.so", "1"}, {0, "/l/c.so", "1"}, {0}};
    look(&o, files, true, 0, 0);
    finish(next(&o, 0, "/l/a.so"), hash('a'), NULL, 0);
    originals_remove(&o, "/l/b.so");
    originals_remove(&o, "/l/b.so"); /* it has gone meanwhile */
    cr_assert_eq(o.n, 2);
    cr_assert_null(originals_find(&o, "/l/b.so"));
    cr_assert_str_eq(originals_find(&o, "/l/a.so")->hash, hash('a'));
    finish(next(&o, 0, "/l/c.so"), hash('c'), NULL, 0);
    originals_remove(&o, "/l/c.so");
    originals_remove(&o, "/l/a.so");
    cr_assert_eq(o.n, 0);
    originals_clear(&o);
}

static const char *reason_of(const struct registry *r, const char *path)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)registry_left_out(r), i, entry)
    {
        const char *of = json_member_string(entry, "path");
        if (of && !strcmp(of, path))
            return json_member_string(entry, "reason");
    }
    return "";
}

Test(originals, which_one_serves)
{
    struct originals o = {0};
    const struct file files[] = {{0, "/l/bad.so", "1"},
                                 {0, "/l/ver.so", "1"},
                                 {1, "/m/bad.so", "1"},
                                 {1, "/m/ver.so", "1"},
                                 {0}};
    look(&o, files, true, 0, 0);
    finish(next(&o, 0, "/l/bad.so"), "", "it crashes", 0);
    finish(next(&o, 0, "/l/ver.so"), hash('a'), NULL, 0);
    finish(next(&o, 0, "/m/bad.so"), hash('b'), NULL, 0);
    finish(next(&o, 0, "/m/ver.so"), hash('c'), NULL, 0);
    struct snapshot *s = snapshot_new(&o);
    struct registry *r = snapshot_registry(s);
    cr_assert_str_eq(registry_library(r, "ver")->hash, hash('a'), "of the first directory");
    cr_assert_str_eq(registry_library(r, "bad")->hash, hash('b'), "the first is bad");
    cr_assert_str_eq(reason_of(r, "/l/bad.so"), "it crashes; /m/bad.so serves");
    cr_assert_str_eq(reason_of(r, "/m/ver.so"), "/l/ver.so has the same name, and serves");
    cr_assert_eq(registry_size(r), 2);
    char *offered = snapshot_offered(s);
    cr_assert(strstr(offered, "/m/bad.so") && !strstr(offered, "/l/bad.so"), "%s", offered);
    free(offered);
    registry_unref(r);
    snapshot_free(s);
    /* A new build that is bad. */
    const struct file later[] = {{0, "/l/ver.so", "2"}, {0}};
    look(&o, later, true, 0, 10);
    finish(next(&o, 10, "/l/ver.so"), "", "it is broken", 10);
    s = snapshot_new(&o);
    r = snapshot_registry(s);
    cr_assert_str_eq(registry_library(r, "ver")->hash, hash('a'));
    cr_assert_str_eq(reason_of(r, "/l/ver.so"),
                     "it is broken; new jobs get the content before it, aaaaaaaaaaaa…");
    registry_unref(r);
    snapshot_free(s);
    originals_clear(&o);
}
