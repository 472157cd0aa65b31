/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

static char *temporary_directory(void)
{
    char template[] = "/tmp/simlab-test-XXXXXX";
    cr_assert(mkdtemp(template));
    return mem_strdup(template);
}

Test(json, hints_at_numbers_that_json_lacks)
{
    struct error e = {.message = ""};
    const char *text = "{\"v\": NaN}";
    cr_assert_null(json_read(text, strlen(text), &e));
    cr_assert(strstr(e.message, "write \"NaN\""), "%s", e.message);
    text = "[-Infinity]";
    cr_assert_null(json_read(text, strlen(text), &e));
    cr_assert(strstr(e.message, "\"-Infinity\""), "%s", e.message);
}

Test(json, refuses_depth_duplicates_and_trailing_text)
{
    struct error e = {.message = ""};
    char deep[300];
    memset(deep, '[', 150);
    memset(deep + 150, ']', 150);
    cr_assert_null(json_read(deep, 300, &e));
    cr_assert(strstr(e.message, "64"), "%s", e.message);
    cr_assert_null(json_read("{\"a\":1,\"a\":2}", 13, &e));
    cr_assert_null(json_read("1 2", 3, &e));
    cr_assert_null(json_read("", 0, &e));
    json_t *brackets = json_read("\"[[[[\\\"[[\"", 10, &e);
    cr_assert(json_is_string(brackets));
    json_decref(brackets);
}

Test(json, no_memory_is_no_answer, .signal = SIGABRT)
{
    json_malloc_t allocate;
    json_get_alloc_funcs(&allocate, NULL);
    allocate(SIZE_MAX / 2);
}

Test(json, names_the_unknown_key_and_the_nearest)
{
    static const char *const allowed[] = {"inputs", "outputs", "clocks", NULL};
    json_t *o = json_pack("{s:i}", "inptus", 1);
    struct error e = {.message = ""};
    cr_assert_eq(json_check_keys(o, allowed, "/a", &e), BASE_INVALID);
    cr_assert_str_eq(e.pointer, "/a/inptus");
    cr_assert(strstr(e.message, "did you mean \"inputs\"?"), "%s", e.message);
    json_decref(o);
    cr_assert_null(json_nearest("zzz", allowed));
}

Test(file, replace_is_whole_or_absent)
{
    char *dir = temporary_directory();
    char *path = file_join(dir, "f"), *temporary = file_join(dir, ".f.partial");
    cr_assert_eq(file_replace(path, temporary, "one", 3, 0644, FILE_SYNC_DATA), 0);
    setenv("SIMLAB_FAULT", "rename:1:EIO", 1);
    cr_assert_eq(file_replace(path, temporary, "two", 3, 0644, FILE_SYNC_NONE), -EIO);
    unsetenv("SIMLAB_FAULT");
    cr_assert_neq(access(temporary, F_OK), 0);
    struct buffer b = {0};
    cr_assert_eq(file_read(path, 100, &b), 0);
    cr_assert_str_eq(b.data, "one");
    buffer_clear(&b);
    cr_assert_eq(file_read(path, 2, &b), -EFBIG);
    buffer_free(&b);
    cr_assert_eq(file_remove_tree(dir), 0);
    cr_assert_neq(access(dir, F_OK), 0);
    free(path);
    free(temporary);
    free(dir);
}

/* A directory whose descriptor has become something else's stands for one on a disk that fails. */
Test(file, tells_that_a_directory_cannot_be_read_to_its_end)
{
    char *dir = temporary_directory(), *below = file_join(dir, "below");
    const struct dirent *entry;
    cr_assert_eq(file_make_directories(below), 0);
    DIR *d = opendir(dir);
    cr_assert_eq(file_next_entry(d, &entry), 0);
    cr_assert_str_eq(entry->d_name, "below");
    cr_assert_eq(file_next_entry(d, &entry), 0);
    cr_assert_null(entry);
    rewinddir(d);
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(dup2(other, dirfd(d)), 0);
    cr_assert_eq(file_next_entry(d, &entry), -ENOTDIR);
    closedir(d);
    close(other);
    cr_assert_eq(file_remove_tree(dir), 0);
    free(below);
    free(dir);
}

Test(file, removes_links_without_following_them)
{
    char *dir = temporary_directory(), *other = temporary_directory();
    char *kept = file_join(other, "kept"), *link = file_join(dir, "link");
    cr_assert_eq(file_make_directories(kept), 0);
    cr_assert_eq(symlink(other, link), 0);
    cr_assert_eq(file_remove_tree(dir), 0);
    cr_assert_eq(access(kept, F_OK), 0);
    cr_assert_eq(file_remove_tree(other), 0);
    free(kept);
    free(link);
    free(dir);
    free(other);
}

Test(file, names_that_may_be_joined)
{
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "a\nb", "/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(file_name_ok(bad[i]), "%s", bad[i]);
    cr_assert(file_name_ok("sweep-1.zarr"));
}

Test(hash, is_sha256)
{
    char text[HASH_TEXT_SIZE];
    hash_bytes("abc", 3, text);
    cr_assert_str_eq(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char a[HASH_TEXT_SIZE], b[HASH_TEXT_SIZE];
    hash_token(a);
    hash_token(b);
    cr_assert_str_neq(a, b);
    cr_assert(hash_equal(a, a) && !hash_equal(a, b) && !hash_equal(a, "a"));
}

Test(buffer, grows_by_doubling)
{
    struct buffer b = {0};
    int grown = 0;
    for (size_t i = 0, capacity = 0; i < 1000000; i++) {
        buffer_append(&b, "x", 1);
        grown += b.capacity != capacity;
        capacity = b.capacity;
    }
    cr_expect_leq(grown, 21);
    buffer_free(&b);
}

Test(buffer, grows_and_is_taken)
{
    struct buffer b = {0};
    for (int i = 0; i < 1000; i++)
        buffer_printf(&b, "%d,", i);
    cr_assert_eq(b.size, strlen(b.data));
    char *text = buffer_take(&b);
    cr_assert(strstr(text, ",999,"));
    cr_assert_null(b.data);
    free(text);
}

struct heard {
    struct loop *loop;
    int fd, calls, ticks;
};

static void on_readable(void *userdata, uint32_t events)
{
    struct heard *h = userdata;
    (void)events;
    h->calls++;
    loop_remove_fd(h->loop, h->fd);
}

static int64_t on_tick(void *userdata, int64_t now)
{
    struct heard *h = userdata;
    h->ticks++;
    return now + 1000000;
}

Test(loop, calls_sources_then_ticks_and_removes_within_a_turn)
{
    struct heard h = {0};
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(loop_new(&h.loop), 0);
    h.fd = ends[0];
    loop_add_tick(h.loop, on_tick, &h);
    cr_assert_eq(loop_add_fd(h.loop, ends[0], EPOLLIN, on_readable, &h), 0);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(loop_turn(h.loop, 0), 0);
    cr_assert_eq(loop_turn(h.loop, 0), 0);
    cr_assert(h.calls == 1 && h.ticks == 2);
    loop_free(h.loop);
    close(ends[0]);
    close(ends[1]);
}

static int64_t on_late_tick(void *userdata, int64_t now)
{
    struct heard *h = userdata;
    if (h->ticks == 1)
        loop_due(h->loop, now);
    return INT64_MAX;
}

Test(loop, what_becomes_due_after_its_tick, .timeout = 60)
{
    struct heard h = {0};
    cr_assert_eq(loop_new(&h.loop), 0);
    loop_add_tick(h.loop, on_tick, &h);
    loop_add_tick(h.loop, on_late_tick, &h);
    cr_assert_eq(loop_turn(h.loop, 0), 0);
    cr_assert_eq(loop_turn(h.loop, -1), 0);
    cr_assert_eq(h.ticks, 2);
    loop_free(h.loop);
}
