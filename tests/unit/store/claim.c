/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a store is: one of those who claim a path gets it, links are not followed, and what a claim
 * that came to nothing left is taken over by the same daemon only. */
#include "store/claim.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "store_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char one[] = "0123456789abcdef0123456789abcdef";
static const char two[] = "fedcba9876543210fedcba9876543210";

enum { OWNER_SIZE = 128 };

static const char *owner_of(const char *identity, int64_t job, char ret[OWNER_SIZE])
{
    snprintf(ret, OWNER_SIZE, "simlabd %s job %lld\n", identity, (long long)job);
    return ret;
}

struct claimed {
    char *path, *sync, *mark;
    char owner[OWNER_SIZE];
};

static struct claimed begin(void)
{
    struct claimed c = {.path = fixture_store_path()};
    c.sync = mem_printf("%s.sync", c.path);
    c.mark = file_join(c.sync, "owner");
    owner_of(one, 7, c.owner);
    return c;
}

static void end(struct claimed *c)
{
    fixture_remove(c->path);
    free(c->sync);
    free(c->mark);
}

static int claim(const struct claimed *c, const char *identity, int64_t job)
{
    char owner[OWNER_SIZE];
    struct error e = {0};
    int r = store_claim(c->path, owner_of(identity, job, owner), &e);
    cr_assert((r == 0) == !e.message[0], "%d: %s", r, e.message);
    if (r)
        cr_assert(strstr(e.message, c->path), "%s", e.message);
    return r;
}

static void put(const char *path, const char *text)
{
    char *temporary = mem_printf("%s~", path);
    cr_assert_eq(file_replace(path, temporary, text, strlen(text), 0666, FILE_SYNC_NONE), 0);
    free(temporary);
}

static bool stands(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

Test(claim, makes_both_directories_and_the_mark)
{
    struct claimed c = begin();
    struct error e = {0};
    struct buffer text = {0};
    cr_assert_eq(store_check_owner(c.path, c.owner, &e), STORE_NO_SUCH);
    cr_assert_eq(store_claim(c.path, c.owner, &e), 0, "%s", e.message);
    cr_assert_eq(store_check_owner(c.path, c.owner, &e), 0, "%s", e.message);
    cr_assert_eq(file_read(c.mark, 1000, &text), 0);
    cr_assert_str_eq(text.data, "simlabd 0123456789abcdef0123456789abcdef job 7\n");
    buffer_free(&text);
    store_unclaim(c.path, c.owner);
    cr_assert(!stands(c.path) && !stands(c.sync));
    end(&c);
}

Test(claim, gives_a_path_to_one_of_many, .timeout = 60)
{
    for (int round = 0; round < 20; round++) {
        struct claimed c = begin();
        pid_t pids[8];
        int got = 0;
        for (int i = 0; i < 8; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                char identity[64], owner[OWNER_SIZE];
                snprintf(identity, sizeof identity, "%032d", i);
                _exit(store_claim(c.path, owner_of(identity, 1, owner), NULL) == 0);
            }
        }
        for (int i = 0; i < 8; i++) {
            int status;
            waitpid(pids[i], &status, 0);
            got += WIFEXITED(status) && WEXITSTATUS(status) == 1;
        }
        cr_assert_eq(got, 1, "%d got it", got);
        end(&c);
    }
}

Test(claim, refuses_what_stands_there)
{
    struct claimed c = begin();
    cr_assert_eq(mkdir(c.path, 0777), 0);
    cr_assert_eq(claim(&c, one, 7), STORE_CONFLICT);
    cr_assert(!stands(c.sync), "nothing is left beside what is refused");
    cr_assert_eq(rmdir(c.path), 0);
    cr_assert_eq(claim(&c, two, 1), 0);
    cr_assert_eq(claim(&c, one, 7), STORE_CONFLICT);
    cr_assert_eq(store_check_owner(c.path, c.owner, NULL), STORE_CONFLICT);
    cr_assert_eq(store_claim_again(c.path, c.owner, NULL), STORE_CONFLICT);
    store_unclaim(c.path, c.owner);
    cr_assert_eq(store_release(c.path, c.owner, NULL), STORE_CONFLICT);
    cr_assert(stands(c.mark), "another's mark stays");
    end(&c);
}

Test(claim, takes_over_what_was_never_acknowledged)
{
    struct claimed c = begin();
    char *file = file_join(c.path, ".zgroup");
    cr_assert_eq(claim(&c, one, 7), 0);
    cr_assert_eq(claim(&c, one, 7), 0);
    cr_assert_eq(claim(&c, one, 8), 0);
    cr_assert_eq(store_check_owner(c.path, c.owner, NULL), STORE_CONFLICT);
    cr_assert_eq(claim(&c, one, 7), 0);
    put(file, "{}");
    cr_assert_eq(claim(&c, one, 7), STORE_CONFLICT, "it has something in it");
    cr_assert_eq(unlink(file), 0);
    cr_assert_eq(rmdir(c.path), 0);
    cr_assert_eq(claim(&c, one, 9), 0, "killed between the two directories");
    cr_assert(stands(c.path));
    free(file);
    end(&c);
}

Test(claim, an_empty_mark_is_written_again)
{
    static const char zeros[40];
    struct claimed c = begin();
    for (size_t size = 0; size <= sizeof zeros; size += sizeof zeros) {
        char *temporary = mem_printf("%s~", c.mark);
        cr_assert_eq(store_claim_again(c.path, c.owner, NULL), 0);
        cr_assert_eq(file_replace(c.mark, temporary, zeros, size, 0666, FILE_SYNC_NONE), 0);
        cr_assert_eq(store_check_owner(c.path, c.owner, NULL), STORE_NO_SUCH);
        cr_assert_eq(store_claim_again(c.path, c.owner, NULL), 0);
        cr_assert_eq(store_check_owner(c.path, c.owner, NULL), 0);
        free(temporary);
    }
    end(&c);
}

Test(claim, follows_no_link)
{
    struct claimed c = begin();
    char *elsewhere = mem_printf("%s.elsewhere", c.path);
    cr_assert_eq(mkdir(elsewhere, 0777), 0);
    const char *targets[] = {elsewhere, "nowhere"};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(symlink(targets[i], c.path), 0);
        cr_assert_eq(claim(&c, one, 7), STORE_CONFLICT);
        cr_assert_eq(store_check_owner(c.path, c.owner, NULL), STORE_NO_SUCH);
        cr_assert_eq(store_claim_again(c.path, c.owner, NULL), STORE_CONFLICT);
        unlink(c.path);
        cr_assert_eq(store_release(c.path, c.owner, NULL), 0);
        cr_assert_eq(symlink(targets[i], c.sync), 0);
        cr_assert_eq(claim(&c, one, 7), STORE_CONFLICT);
        cr_assert_eq(store_claim_again(c.path, c.owner, NULL), STORE_CONFLICT);
        unlink(c.sync);
    }
    /* A link that is planted after the claim. */
    cr_assert_eq(claim(&c, one, 7), 0);
    cr_assert(rmdir(c.path) == 0 && symlink(elsewhere, c.path) == 0);
    cr_assert_eq(store_check_owner(c.path, c.owner, NULL), STORE_NO_SUCH);
    cr_assert_eq(rmdir(elsewhere), 0, "nothing was made where links lead");
    free(elsewhere);
    end(&c);
}

/* What a power cut leaves of a store of which nothing is committed. */
Test(claim, is_made_again)
{
    struct claimed c = begin();
    struct error e = {0};
    cr_assert_eq(claim(&c, one, 7), 0);
    put(c.mark, "");
    cr_assert_eq(store_check_owner(c.path, c.owner, NULL), STORE_NO_SUCH);
    cr_assert_eq(claim(&c, two, 7), STORE_CONFLICT);
    cr_assert_eq(store_claim_again(c.path, c.owner, &e), 0, "%s", e.message);
    cr_assert_eq(store_check_owner(c.path, c.owner, NULL), 0);
    file_remove_tree(c.sync);
    cr_assert_eq(store_check_owner(c.path, c.owner, NULL), STORE_NO_SUCH);
    cr_assert_eq(store_claim_again(c.path, c.owner, &e), 0, "%s", e.message);
    rmdir(c.path);
    cr_assert_eq(store_claim_again(c.path, c.owner, &e), 0, "%s", e.message);
    cr_assert_eq(store_check_owner(c.path, c.owner, NULL), 0);
    end(&c);
}

Test(claim, is_given_back)
{
    struct claimed c = begin();
    char *file = file_join(c.path, ".zgroup"), *lock = file_join(c.sync, "a");
    struct error e = {0};
    cr_assert_eq(claim(&c, one, 7), 0);
    cr_assert_eq(store_release(c.path, c.owner, &e), 0, "%s", e.message);
    cr_assert(!stands(c.path) && !stands(c.sync), "a store in which nothing was stored goes too");
    cr_assert_eq(store_release(c.path, c.owner, &e), 0, "%s", e.message);
    cr_assert_eq(claim(&c, one, 7), 0);
    put(file, "{}");
    put(lock, "");
    unlink(c.mark);
    cr_assert_eq(store_release(c.path, c.owner, &e), 0, "%s", e.message);
    cr_assert(stands(file) && !stands(c.sync));
    pid_t pid = fork(); /* that it is gone is on the disk, or is not said */
    if (pid == 0) {
        setenv("SIMLAB_FAULT", "fsync:1:EIO", 1);
        _exit(store_release(c.path, c.owner, &e) == -EIO ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    cr_assert_eq(status, 0);
    free(file);
    free(lock);
    end(&c);
}
