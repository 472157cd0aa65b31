/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "library/copies.h"

#include "base/file.h"
#include "base/json.h"
#include "library/content.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct copies *open_copies(const struct fixture *f)
{
    struct copies *c = NULL;
    struct error e = {.message = ""};
    cr_assert_eq(copies_open(f->root, f->program, NULL, &c, &e), 0, "%s", e.message);
    return c;
}

/* The library is taken, and its document tells this build. */
static void taken(const struct fixture *f, struct copies *c, const char *file, const char *build,
                  char ret_hash[HASH_TEXT_SIZE])
{
    struct error e = {.message = ""};
    json_t *document = NULL;
    cr_assert_eq(copies_take(c, fixture_path(f, file), ret_hash, &document, &e), 0, "%s",
                 e.message);
    json_t *type = json_array_get(json_object_get(document, "types"), 0);
    cr_assert_str_eq(json_member_string(type, "description"), build);
    cr_assert_str_eq(json_member_string(document, "hash"), ret_hash);
    json_decref(document);
}

static void refused(const struct fixture *f, struct copies *c, const char *file, int result,
                    const char *says)
{
    struct error e = {.message = ""};
    json_t *document = NULL;
    char hash[HASH_TEXT_SIZE];
    cr_assert_eq(copies_take(c, fixture_path(f, file), hash, &document, &e), result, "%s",
                 e.message);
    cr_assert(strstr(e.message, says), "%s", e.message);
    cr_assert(!document);
}

static int entries(const char *directory)
{
    int n = -2; /* less . and .. */
    DIR *d = opendir(directory);
    cr_assert(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

Test(copies, contents_live_side_by_side)
{
    struct fixture f;
    char one[HASH_TEXT_SIZE], two[HASH_TEXT_SIZE], again[HASH_TEXT_SIZE];
    fixture_open(&f);
    struct copies *c = open_copies(&f);
    fixture_library(&f, "ver", "1");
    taken(&f, c, "ver.so", "1", one);
    fixture_library(&f, "ver", "2");
    taken(&f, c, "ver.so", "2", two);
    cr_assert_str_neq(one, two);
    fixture_library(&f, "ver", "1");
    taken(&f, c, "ver.so", "1", again);
    cr_assert_str_eq(again, one);
    cr_assert_eq(fixture_runs(&f), 2, "each content is described once");
    cr_assert(fixture_there(fixture_copy(&f, one, "ver.so")));
    cr_assert(fixture_there(fixture_copy(&f, two, "ver.json")));
    cr_assert_eq(entries(f.root), 2);
    copies_free(c);
    /* Also by the next daemon. */
    c = open_copies(&f);
    taken(&f, c, "ver.so", "1", again);
    cr_assert_eq(fixture_runs(&f), 2);
    copies_free(c);
    fixture_close(&f);
}

Test(copies, one_content_of_two_names)
{
    struct fixture f;
    char hash[HASH_TEXT_SIZE], other[HASH_TEXT_SIZE];
    fixture_open(&f);
    struct copies *c = open_copies(&f);
    fixture_library(&f, "ver", "1");
    taken(&f, c, "ver.so", "1", hash);
    fixture_write(&f, "other.so", fixture_document("ver", "1"));
    refused(&f, c, "other.so", LIBRARY_REFUSED, "it is described as library \"ver\"");
    cr_assert(!fixture_there(fixture_copy(&f, hash, "other.so")));
    fixture_library(&f, "other", "1");
    taken(&f, c, "other.so", "1", other);
    copies_free(c);
    fixture_close(&f);
}

Test(copies, what_is_bad_leaves_no_copy)
{
    struct fixture f;
    fixture_open(&f);
    struct copies *c = open_copies(&f);
    fixture_write(&f, "ver.so", "crash");
    refused(&f, c, "ver.so", LIBRARY_REFUSED, "it cannot be described: killed by signal 11");
    fixture_write(&f, "ver.so", "nothing here");
    refused(&f, c, "ver.so", LIBRARY_REFUSED, "cannot load ");
    refused(&f, c, "ver.so", LIBRARY_REFUSED, "/lib/ver.so: no luck");
    fixture_write(&f, "ver.so", "{\"library\": ");
    refused(&f, c, "ver.so", LIBRARY_REFUSED, "no JSON object");
    fixture_write(&f, "ver.so",
                  "{\"abi\": 1, \"library\": \"ver\", \"types\": [{\"name\": \"a b\"}]}");
    refused(&f, c, "ver.so", LIBRARY_REFUSED, "nothing in it is good: \"a b\" is no name");
    fixture_write(&f, "ver.so", "{\"abi\": 1, \"library\": \"ver\"}");
    refused(&f, c, "ver.so", LIBRARY_REFUSED, "types are not a list");
    cr_assert_eq(entries(f.root), 0);
    copies_free(c);
    fixture_close(&f);
}

/* An object that came from beside the original is not the copy's. */
Test(copies, objects_from_beside_the_original)
{
    struct fixture f;
    char text[5000];
    fixture_open(&f);
    struct copies *c = open_copies(&f);
    snprintf(
        text, sizeof text,
        "{\"abi\": 1, \"library\": \"ver\", \"types\": [], \"objects\": [\"/usr/lib/libm.so\", "
        "\"%s/helper.so\"]}",
        f.libraries);
    fixture_write(&f, "ver.so", text);
    refused(&f, c, "ver.so", LIBRARY_REFUSED, "list it in ver.files");
    copies_free(c);
    fixture_close(&f);
}

Test(copies, a_damaged_copy_is_made_again)
{
    struct fixture f;
    char hash[HASH_TEXT_SIZE], now[HASH_TEXT_SIZE];
    fixture_open(&f);
    struct copies *c = open_copies(&f);
    fixture_library(&f, "ver", "1");
    fixture_write(&f, "ver.files", "data\n");
    fixture_write(&f, "data", "one");
    taken(&f, c, "ver.so", "1", hash);
    const char *copy = fixture_copy(&f, hash, "data");
    cr_assert_eq(chmod(copy, 0600), 0);
    FILE *file = fopen(copy, "w");
    fputs("two", file);
    fclose(file);
    taken(&f, c, "ver.so", "1", hash);
    cr_assert_eq(content_hash(fixture_copy(&f, hash, "ver.so"), now, NULL), 0);
    cr_assert_str_eq(now, hash);
    copies_free(c);
    fixture_close(&f);
}

Test(copies, another_describers_document_is_made_again)
{
    struct fixture f;
    char hash[HASH_TEXT_SIZE];
    fixture_open(&f);
    struct copies *c = open_copies(&f);
    fixture_library(&f, "ver", "1");
    taken(&f, c, "ver.so", "1", hash);
    const char *path = fixture_copy(&f, hash, "ver.json");
    cr_assert_eq(chmod(path, 0600), 0);
    FILE *file = fopen(path, "w");
    fputs("{\"describer\": \"0.0.1/1\", \"document\": {}}", file);
    fclose(file);
    taken(&f, c, "ver.so", "1", hash);
    cr_assert_eq(fixture_runs(&f), 2);
    taken(&f, c, "ver.so", "1", hash);
    cr_assert_eq(fixture_runs(&f), 2);
    copies_free(c);
    fixture_close(&f);
}

Test(copies, what_a_former_daemon_left_goes)
{
    struct fixture f;
    fixture_open(&f);
    copies_free(open_copies(&f));
    char *left = file_join(f.root, ".new-abcdef");
    cr_assert_eq(mkdir(left, 0755), 0);
    copies_free(open_copies(&f));
    cr_assert(!fixture_there(left));
    free(left);
    fixture_close(&f);
}

static void sweep(struct copies *c, const json_t *needed, int64_t seconds, int removed)
{
    struct error e = {.message = ""};
    int n = 0;
    cr_assert_eq(copies_sweep(c, needed, seconds, &n, &e), 0, "%s", e.message);
    cr_assert_eq(n, removed);
}

Test(copies, what_nobody_needs_goes_after_a_while)
{
    struct fixture f;
    char one[HASH_TEXT_SIZE], two[HASH_TEXT_SIZE];
    fixture_open(&f);
    struct copies *c = open_copies(&f);
    fixture_library(&f, "ver", "1");
    taken(&f, c, "ver.so", "1", one);
    fixture_library(&f, "ver", "2");
    taken(&f, c, "ver.so", "2", two);
    json_t *needed = json_pack("{s:b}", one, 1);
    sweep(c, needed, 1000, 0);
    /* Time goes by. */
    struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    cr_assert_eq(utimensat(AT_FDCWD, fixture_copy(&f, one, ""), past, 0), 0);
    cr_assert_eq(utimensat(AT_FDCWD, fixture_copy(&f, two, ""), past, 0), 0);
    sweep(c, needed, 1000, 1);
    cr_assert(fixture_there(fixture_copy(&f, one, "ver.so")));
    cr_assert(!fixture_there(fixture_copy(&f, two, "")));
    json_decref(needed);
    needed = json_object();
    sweep(c, needed, 1000, 0); /* its time begins when it is needed no more */
    sweep(c, needed, 0, 1);
    cr_assert_eq(entries(f.root), 0);
    json_decref(needed);
    copies_free(c);
    fixture_close(&f);
}

struct hanging {
    struct fixture *f;
    struct copies *c;
    struct error e;
    int result;
};

static void *take_hanging(void *hanging)
{
    struct hanging *h = hanging;
    char hash[HASH_TEXT_SIZE];
    json_t *document = NULL;
    h->result = copies_take(h->c, fixture_path(h->f, "ver.so"), hash, &document, &h->e);
    return NULL;
}

Test(copies, what_hangs_can_be_stopped)
{
    struct fixture f;
    pthread_t thread;
    fixture_open(&f);
    struct hanging h = {.f = &f, .c = open_copies(&f)};
    fixture_write(&f, "ver.so", "hangs");
    cr_assert_eq(pthread_create(&thread, NULL, take_hanging, &h), 0);
    copies_stop(h.c);
    pthread_join(thread, NULL);
    cr_assert_eq(h.result, LIBRARY_REFUSED);
    cr_assert(strstr(h.e.message, "was stopped"), "%s", h.e.message);
    copies_free(h.c);
    fixture_close(&f);
}
