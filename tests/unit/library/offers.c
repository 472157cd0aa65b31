/* SPDX-License-Identifier: Apache-2.0 */
/* The whole, on a loop: what happens in a directory, and what is on offer then. */
#include "fixture.h"

#include "library/check.h"
#include "library/offers.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene {
    struct fixture f;
    const char *directories[3];
    struct loop *loop;
    struct offers *offers;
    int changes;
    json_t *needed;
};

static void changed(void *scene)
{
    ((struct scene *)scene)->changes++;
}

static int needed(void *scene, int64_t *cursor, json_t *hashes)
{
    *cursor = 0;
    json_object_update(hashes, ((struct scene *)scene)->needed);
    return 0;
}

static int64_t tick(void *scene, int64_t now)
{
    struct scene *s = scene;
    return s->offers ? offers_tick(s->offers, now) : INT64_MAX;
}

static void begin(struct scene *s)
{
    const struct offers_options o = {.directories = s->directories,
                                     .root = s->f.root,
                                     .program = s->f.program,
                                     .changed = changed,
                                     .needed = needed,
                                     .userdata = s};
    struct error e = {.message = ""};
    cr_assert_eq(offers_open(s->loop, &o, &s->offers, &e), 0, "%s", e.message);
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){0};
    log_open("test", LOG_LEVEL_ERROR);
    fixture_open(&s->f);
    s->directories[0] = s->f.libraries;
    s->needed = json_object();
    cr_assert_eq(loop_new(&s->loop), 0);
    loop_add_tick(s->loop, tick, s);
}

static void end(struct scene *s)
{
    s->offers = offers_close(s->offers);
}

static void scene_close(struct scene *s)
{
    end(s);
    loop_free(s->loop);
    json_decref(s->needed);
    fixture_close(&s->f);
}

static void until_known(struct scene *s)
{
    while (!offers_are_known(s->offers))
        cr_assert_eq(loop_turn(s->loop, -1), 0);
}

/* "" where there is no such type. */
static const char *build_of(const struct scene *s, const char *type)
{
    const struct type *t = registry_type(offers_registry(s->offers), type);
    return t ? t->description : "";
}

static void until_build(struct scene *s, const char *type, const char *build)
{
    while (strcmp(build_of(s, type), build) != 0)
        cr_assert_eq(loop_turn(s->loop, -1), 0);
}

static bool is_left_out(const struct scene *s, const char *says)
{
    char *text = json_write(registry_left_out(offers_registry(s->offers)));
    bool found = strstr(text, says) != NULL;
    free(text);
    return found;
}

static void until_left_out(struct scene *s, const char *says)
{
    while (!is_left_out(s, says))
        cr_assert_eq(loop_turn(s->loop, -1), 0);
}

Test(offers, what_is_there_and_what_comes)
{
    struct scene s;
    scene_open(&s);
    fixture_library(&s.f, "ver", "1");
    begin(&s);
    cr_assert(!offers_are_known(s.offers));
    until_known(&s);
    cr_assert_str_eq(build_of(&s, "ver.T"), "1");
    fixture_library(&s.f, "ver", "2"); /* as cp would */
    until_build(&s, "ver.T", "2");
    fixture_library(&s.f, "new", "1");
    until_build(&s, "new.T", "1");
    char *other = file_join(s.f.directory, "other");
    cr_assert_eq(rename(fixture_path(&s.f, "ver.so"), other), 0);
    until_build(&s, "ver.T", ""); /* it is gone */
    cr_assert_str_eq(build_of(&s, "new.T"), "1");
    cr_assert_eq(rename(other, fixture_path(&s.f, "ver.so")), 0); /* as mv would */
    until_build(&s, "ver.T", "2");
    cr_assert_eq(fixture_runs(&s.f), 3, "each content is described once");
    free(other);
    scene_close(&s);
}

Test(offers, a_snapshot_outlives_the_change)
{
    struct scene s;
    scene_open(&s);
    fixture_library(&s.f, "ver", "1");
    begin(&s);
    until_known(&s);
    const struct registry *held = registry_ref(offers_registry(s.offers));
    fixture_library(&s.f, "ver", "2");
    until_build(&s, "ver.T", "2");
    cr_assert_str_eq(registry_type(held, "ver.T")->description, "1");
    registry_unref(held);
    scene_close(&s);
}

Test(offers, a_bad_build_does_not_stop_a_good_one)
{
    struct scene s;
    scene_open(&s);
    fixture_library(&s.f, "ver", "1");
    fixture_library(&s.f, "fine", "1");
    begin(&s);
    until_known(&s);
    fixture_write(&s.f, "ver.so", "crash");
    until_left_out(&s, "killed by signal 11");
    cr_assert(is_left_out(&s, "new jobs get the content before it"));
    cr_assert_str_eq(build_of(&s, "ver.T"), "1");
    /* Also of the next daemon. */
    end(&s);
    begin(&s);
    until_known(&s);
    cr_assert_str_eq(build_of(&s, "ver.T"), "1");
    cr_assert(is_left_out(&s, "new jobs get the content before it"));
    fixture_library(&s.f, "ver", "3");
    until_build(&s, "ver.T", "3");
    cr_assert(!is_left_out(&s, "ver"));
    scene_close(&s);
}

/* A library that hangs keeps neither the others nor the end waiting. */
Test(offers, a_library_that_hangs)
{
    struct scene s;
    scene_open(&s);
    fixture_write(&s.f, "a.so", "hangs");
    fixture_library(&s.f, "ver", "1");
    begin(&s);
    until_build(&s, "ver.T", "1");
    cr_assert(!offers_are_known(s.offers));
    scene_close(&s);
}

/* What the kernel does not tell is found by a look. */
Test(offers, a_look_that_is_asked_for)
{
    struct scene s;
    scene_open(&s);
    cr_assert_eq(rmdir(s.f.libraries), 0);
    begin(&s);
    until_known(&s);
    cr_assert_eq(registry_size(offers_registry(s.offers)), 0);
    cr_assert_eq(mkdir(s.f.libraries, 0755), 0);
    fixture_library(&s.f, "ver", "1");
    offers_rescan(s.offers);
    until_build(&s, "ver.T", "1");
    fixture_library(&s.f, "ver", "2"); /* it is watched now */
    until_build(&s, "ver.T", "2");
    scene_close(&s);
}

Test(offers, a_file_that_a_library_lists)
{
    struct scene s;
    scene_open(&s);
    fixture_library(&s.f, "ver", "1");
    fixture_write(&s.f, "ver.files", "helper.so\n");
    fixture_write(&s.f, "helper.so", "one");
    begin(&s);
    until_known(&s);
    cr_assert_eq(json_array_size(registry_left_out(offers_registry(s.offers))), 0,
                 "a library's own object is no process library");
    int before = s.changes;
    char hash[HASH_TEXT_SIZE];
    strcpy(hash, registry_library(offers_registry(s.offers), "ver")->hash);
    fixture_write(&s.f, "helper.so", "two");
    while (!strcmp(registry_library(offers_registry(s.offers), "ver")->hash, hash))
        cr_assert_eq(loop_turn(s.loop, -1), 0);
    cr_assert_gt(s.changes, before);
    scene_close(&s);
}

Test(offers, check_keeps_nothing)
{
    struct fixture f;
    struct error e = {.message = ""};
    struct registry *r = NULL;
    fixture_open(&f);
    fixture_library(&f, "ver", "1");
    fixture_write(&f, "bad.so", "crash");
    const char *const directories[] = {f.libraries, "/no/such/directory", NULL};
    setenv("TMPDIR", f.directory, 1);
    log_open("test", LOG_LEVEL_ERROR);
    cr_assert_eq(check_libraries(directories, f.program, NULL, &r, &e), 0, "%s", e.message);
    cr_assert(registry_type(r, "ver.T"));
    cr_assert_eq(json_array_size(registry_left_out(r)), 1);
    cr_assert(!fixture_there(f.root));
    registry_unref(r);
    fixture_close(&f);
}
