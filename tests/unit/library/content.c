/* SPDX-License-Identifier: Apache-2.0 */
/* What a library's content is: its hash, its copy, and whether it may have changed. */
#include "fixture.h"

#include "library/content.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *hash_of(const struct fixture *f, const char *file, char ret[HASH_TEXT_SIZE])
{
    struct error e = {.message = ""};
    cr_assert_eq(content_hash(fixture_path(f, file), ret, &e), 0, "%s", e.message);
    return ret;
}

/* Nothing beside it: `sha256sum NAME.so`. Else the sum of what `sha256sum` prints. */
Test(content, hash)
{
    struct fixture f;
    char hash[HASH_TEXT_SIZE], expected[HASH_TEXT_SIZE], a[HASH_TEXT_SIZE], b[HASH_TEXT_SIZE],
        text[400];
    fixture_open(&f);
    fixture_write(&f, "ver.so", "a library");
    hash_bytes("a library", 9, expected);
    cr_assert_str_eq(hash_of(&f, "ver.so", hash), expected);
    fixture_write(&f, "ver.files", "\n  \n");
    cr_assert_str_eq(hash_of(&f, "ver.so", hash), expected, "a list of nothing");
    cr_assert_eq(mkdir(fixture_path(&f, "data"), 0755), 0);
    fixture_write(&f, "data/z.txt", "zzz");
    fixture_write(&f, "helper.so", "helps");
    fixture_write(&f, "ver.files", "helper.so \r\ndata/z.txt\nhelper.so");
    hash_bytes("zzz", 3, a);
    hash_bytes("helps", 5, b);
    snprintf(text, sizeof text, "%s\n%s  data/z.txt\n%s  helper.so\n", expected, a, b);
    hash_bytes(text, strlen(text), expected);
    cr_assert_str_eq(hash_of(&f, "ver.so", hash), expected);
    fixture_write(&f, "data/z.txt", "zzy");
    cr_assert_str_neq(hash_of(&f, "ver.so", hash), expected);
    fixture_close(&f);
}

Test(content, lists_that_are_none)
{
    static const char *const lists[] = {"../secret", "/etc/passwd", "data/../../x", ".hidden",
                                        "ver.so",    "ver.json",    "ver.files",    "a//b"};
    struct fixture f;
    char hash[HASH_TEXT_SIZE];
    fixture_open(&f);
    fixture_write(&f, "ver.so", "a library");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct error e = {.message = ""};
        fixture_write(&f, "ver.files", lists[i]);
        cr_assert_eq(content_hash(fixture_path(&f, "ver.so"), hash, &e), LIBRARY_REFUSED, "%s",
                     lists[i]);
        cr_assert(strstr(e.message, "ver.files lists"), "%s", e.message);
    }
    struct error e = {.message = ""};
    fixture_write(&f, "ver.files", "absent");
    cr_assert_eq(content_hash(fixture_path(&f, "ver.so"), hash, &e), -ENOENT);
    cr_assert(strstr(e.message, "/absent"), "%s", e.message);
    cr_assert_eq(unlink(fixture_path(&f, "ver.files")), 0);
    cr_assert_eq(mkfifo(fixture_path(&f, "ver.files"), 0600), 0);
    cr_assert_eq(content_hash(fixture_path(&f, "ver.so"), hash, &e), LIBRARY_REFUSED);
    cr_assert_eq(mkfifo(fixture_path(&f, "fifo.so"), 0600), 0);
    cr_assert_eq(content_hash(fixture_path(&f, "fifo.so"), hash, &e), LIBRARY_REFUSED);
    cr_assert(strstr(e.message, "no plain file"), "%s", e.message);
    fixture_close(&f);
}

Test(content, copy)
{
    struct fixture f;
    struct error e = {.message = ""};
    char hash[HASH_TEXT_SIZE], again[HASH_TEXT_SIZE];
    struct stat s;
    fixture_open(&f);
    fixture_write(&f, "ver.so", "a library");
    cr_assert_eq(mkdir(fixture_path(&f, "data"), 0755), 0);
    fixture_write(&f, "data/z.txt", "zzz");
    fixture_write(&f, "ver.files", "data/z.txt\n");
    cr_assert_eq(mkdir(f.root, 0755), 0);
    cr_assert_eq(content_copy(fixture_path(&f, "ver.so"), f.root, hash, &e), 0, "%s", e.message);
    char *copy = file_join(f.root, "ver.so");
    cr_assert_eq(content_hash(copy, again, &e), 0);
    cr_assert_str_eq(again, hash, "it has all that counts");
    cr_assert_eq(stat(copy, &s), 0);
    cr_assert_eq(s.st_mode & 0777, 0444);
    free(copy);
    fixture_close(&f);
}

Test(content, signature)
{
    struct fixture f;
    char before[HASH_TEXT_SIZE], after[HASH_TEXT_SIZE];
    fixture_open(&f);
    cr_assert_eq(content_signature(fixture_path(&f, "ver.so"), before), -ENOENT);
    fixture_write(&f, "ver.so", "a library");
    fixture_write(&f, "ver.files", "z.txt\n");
    fixture_write(&f, "z.txt", "zzz");
    cr_assert_eq(content_signature(fixture_path(&f, "ver.so"), before), 0);
    cr_assert_eq(content_signature(fixture_path(&f, "ver.so"), after), 0);
    cr_assert_str_eq(before, after);
    fixture_write(&f, "z.txt", "zzzz");
    cr_assert_eq(content_signature(fixture_path(&f, "ver.so"), after), 0);
    cr_assert_str_neq(before, after, "what it lists counts");
    fixture_close(&f);
}
