/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_journal.h"

#include "base/file.h"
#include "base/mem.h"
#include "support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct run_facts facts = {
    .is_known = true, .n_members = 8, .max_attempts = 3, .n_lines = 7, .libraries = "l"};
static const struct run_identity ours = {.job = "abc", .owner = "simlab-worker 1 run\n"};

struct heard {
    int64_t done, dead, layouts;
};

static void hear(void *userdata, const struct wire_message *m)
{
    struct heard *h = userdata;
    h->done += m->type == WIRE_DONE ? m->done.end - m->done.begin : 0;
    h->dead += m->type == WIRE_MEMBER_FAILED;
    h->layouts += m->type == WIRE_LAYOUT;
}

static char *new_store(void)
{
    char template[] = "/tmp/simlab-journal.XXXXXX";
    char *store = file_join(mkdtemp(template), "s"), *sync = mem_printf("%s.sync", store);
    cr_assert_eq(mkdir(sync, 0700), 0);
    free(sync);
    return store;
}

static void remove_store(char *store)
{
    *strrchr(store, '/') = '\0';
    file_remove_tree(store);
    free(store);
}

static void add_all(const struct run_journal *j)
{
    const struct wire_message all[] = {
        {.type = WIRE_READY},
        {.type = WIRE_LAYOUT, .layout = {1, 0, "{}", 0}},
        {.type = WIRE_DONE, .done = {1, 0, 3}},
        {.type = WIRE_MEMBER_FAILED, .member_failed = {1, 3, "why"}},
        {.type = WIRE_DONE, .done = {1, 4, 6}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cr_assert_eq(run_journal_add(j, &all[i]), 0);
}

static struct heard take_up(const char *store)
{
    struct error e = {.message = ""};
    struct run_journal j = {-1};
    struct run_identity id = {.job = "abc"};
    struct run_facts found;
    struct heard heard = {0};
    cr_assert_eq(run_journal_take_up(&j, store, &id, &found, &e), 0, "%s", e.message);
    cr_assert_str_eq(id.owner, ours.owner);
    cr_assert_eq(found.n_members, 8);
    cr_assert_eq(found.n_lines, 0, "its log is told from the start");
    run_journal_replay(&j, hear, &heard);
    const struct wire_message more = {.type = WIRE_DONE, .done = {1, 6, 7}};
    cr_assert_eq(run_journal_add(&j, &more), 0);
    run_journal_close(&j);
    return heard;
}

Test(run_journal, tells_what_was_added_whatever_is_cut)
{
    char *store = new_store(), *path = mem_printf("%s.sync/.run", store);
    struct error e = {.message = ""};
    struct run_journal j = {-1}, other = {-1};
    struct stat st;
    cr_assert(!run_journal_is_there(store));
    cr_assert_eq(run_journal_open(&j, store, &e), -ENOENT);
    cr_assert_eq(run_journal_make(store, &ours, &facts), 0);
    cr_assert_eq(run_journal_open(&j, store, &e), 0, "%s", e.message);
    cr_assert_eq(run_journal_open(&other, store, &e), WORKER_REFUSED, "one has it");
    add_all(&j);
    run_journal_close(&j);
    struct heard heard = take_up(store);
    cr_assert(heard.layouts == 1 && heard.done == 5 && heard.dead == 1);
    heard = take_up(store);
    cr_assert_eq(heard.done, 6);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(truncate(path, st.st_size - 3), 0);
    cr_assert_eq(take_up(store).done, 6, "what was cut is not told, and what follows is");
    cr_assert_eq(take_up(store).done, 7);
    free(path);
    remove_store(store);
}

Test(run_journal, no_room_is_told)
{
    struct run_journal j = {open("/dev/full", O_WRONLY | O_CLOEXEC)};
    const struct wire_message m = {.type = WIRE_DONE, .done = {1, 0, 3}};
    cr_assert_eq(run_journal_add(&j, &m), -ENOSPC);
    run_journal_close(&j);
    cr_assert_eq(run_journal_add(&j, &m), 0, "there is none");
}

Test(run_journal, any_damage_of_the_head_is_refused)
{
    char *store = new_store(), *path = mem_printf("%s.sync/.run", store);
    struct buffer whole = {0};
    struct run_journal j = {-1};
    cr_assert_eq(run_journal_make(store, &ours, &facts), 0);
    cr_assert_eq(file_read(path, 1 << 20, &whole), 0);
    for (size_t i = 0; i + 8 < whole.size; i++) { /* the last few are padding */
        struct run_identity id = {.job = "abc"};
        struct run_facts found;
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        char wrong = (char)(whole.data[i] ^ 0x55);
        cr_assert_eq(pwrite(fd, &wrong, 1, (off_t)i), 1);
        struct error e = {.message = ""};
        cr_assert_eq(run_journal_take_up(&j, store, &id, &found, &e), WORKER_REFUSED, "%zu", i);
        cr_assert_eq(pwrite(fd, &whole.data[i], 1, (off_t)i), 1);
        close(fd);
    }
    buffer_free(&whole);
    free(path);
    remove_store(store);
}
