/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_journal.h"

#include "base/boot.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/mem.h"
#include "store/sync_lock.h"
#include "worker/run_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of this machine and release: others are refused by the first two. */
struct head {
    char magic[8];
    char version[40];
    char boot[BOOT_SIZE];
    struct run_identity id;
    struct run_facts facts;
    char sum[HASH_TEXT_SIZE]; /* of what is before it */
};

static const char magic[8] = "simlabR1";
static const char at_work[] = "another run is at work on it";
enum { LEAVING_MS = 5000, LOOK_MS = 20 };

static char *path_of(const char *store)
{
    return mem_printf("%s.sync/.run", store);
}

void run_journal_close(struct run_journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
}

static int lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &whole) < 0 ? -errno : 0;
}

/* ---- writing ---- */

static void head_of(const struct run_identity *id, const struct run_facts *facts, struct head *ret)
{
    memset(ret, 0, sizeof *ret);
    memcpy(ret->magic, magic, sizeof magic);
    strncpy(ret->version, SIMLAB_VERSION, sizeof ret->version - 1);
    boot_id(ret->boot);
    ret->id = *id;
    ret->facts = *facts;
    ret->facts.n_lines = 0; /* a run that goes on tells its member's whole log */
    hash_bytes(ret, offsetof(struct head, sum), ret->sum);
}

int run_journal_make(const char *store, const struct run_identity *id,
                     const struct run_facts *facts)
{
    struct head head;
    char *path = path_of(store), *temporary = mem_printf("%s.partial", path);
    head_of(id, facts, &head);
    int r = file_replace(path, temporary, &head, sizeof head, 0666, FILE_SYNC_NONE);
    free(temporary);
    free(path);
    return r;
}

static bool is_kept(const struct wire_message *m)
{
    return m->type == WIRE_LAYOUT || m->type == WIRE_DONE || m->type == WIRE_MEMBER_FAILED;
}

int run_journal_add(const struct run_journal *j, const struct wire_message *m)
{
    return j->fd < 0 || !is_kept(m) ? 0 : run_channel_send(j->fd, m);
}

/* ---- reading ---- */

bool run_journal_is_there(const char *store)
{
    char *path = path_of(store);
    bool is_there = access(path, F_OK) == 0;
    free(path);
    return is_there;
}

static bool is_whole(const struct head *h)
{
    char sum[HASH_TEXT_SIZE];
    hash_bytes(h, offsetof(struct head, sum), sum);
    return memcmp(sum, h->sum, sizeof sum) == 0;
}

static int check(const struct head *h, const struct run_identity *id, struct error *e)
{
    char boot[BOOT_SIZE];
    boot_id(boot);
    if (memcmp(h->magic, magic, sizeof magic) != 0 ||
        strncmp(h->version, SIMLAB_VERSION, sizeof h->version) != 0)
        return error_set(e, WORKER_REFUSED, NULL,
                         "its journal is damaged, or of another release of simlab-worker");
    if (!is_whole(h))
        return error_set(e, WORKER_REFUSED, NULL, "its journal is damaged");
    if (strcmp(h->id.job, id->job) != 0)
        return error_set(e, WORKER_REFUSED, NULL,
                         "it is the store of another job: of other text, or with other options");
    if (strcmp(h->boot, boot) != 0)
        return error_set(e, WORKER_REFUSED, NULL,
                         "the machine was started anew since: what was not on its disk then is "
                         "lost. Remove the store, and what stands beside it with .sync at the end, "
                         "and run the job from its start");
    return 0;
}

static int read_head(int fd, struct head *ret, struct error *e)
{
    size_t n;
    int r = file_read_at(fd, ret, sizeof *ret, 0, &n);
    if (r < 0)
        return error_errno(e, r, "read its journal");
    return n == sizeof *ret ? 0 : error_set(e, WORKER_REFUSED, NULL, "its journal is cut");
}

static bool is_locked(const char *store, const char *name)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = mem_printf("%s.sync/%s", store, name);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool is = fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    free(path);
    return is;
}

/* Where a run was killed, its last process ends in a moment. */
static bool is_at_work(const char *store)
{
    for (int64_t until = loop_now() + LEAVING_MS; loop_now() < until; poll(NULL, 0, LOOK_MS)) {
        if (is_locked(store, ".run"))
            return true;
        if (!is_locked(store, ".running"))
            return false;
    }
    return true;
}

static int open_journal(const char *store, int *ret, struct error *e)
{
    char *path = path_of(store);
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int r = fd < 0 ? -errno : 0;
    free(path);
    if (r == -ENOENT)
        return error_set(e, r, NULL, "it has no journal");
    if (r == 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
        r = -EINVAL;
    if (r == 0)
        r = lock(fd);
    if (r == 0)
        *ret = fd;
    else if (fd >= 0)
        close(fd);
    return r == -EAGAIN || r == -EACCES ? error_set(e, WORKER_REFUSED, NULL, "%s", at_work)
                                        : error_errno(e, r, "open its journal");
}

int run_journal_open(struct run_journal *j, const char *store, struct error *e)
{
    int r = open_journal(store, &j->fd, e);
    if (r != 0)
        j->fd = -1;
    else
        lseek(j->fd, 0, SEEK_END);
    return r;
}

int run_journal_take_up(struct run_journal *j, const char *store, struct run_identity *id,
                        struct run_facts *ret_facts, struct error *e)
{
    struct head head;
    if (is_at_work(store))
        return error_set(e, WORKER_REFUSED, NULL, "%s", at_work);
    int r = run_journal_open(j, store, e);
    if (r)
        return r;
    r = read_head(j->fd, &head, e);
    r = r ? r : check(&head, id, e);
    if (r) {
        run_journal_close(j);
        return r;
    }
    memcpy(id->owner, head.id.owner, sizeof id->owner);
    *ret_facts = head.facts;
    return 0;
}

/* What follows the last whole message was cut by a death, or is none: it is dropped. */
void run_journal_replay(const struct run_journal *j, run_journal_fn tell, void *userdata)
{
    struct run_channel c = {.fd = dup(j->fd)};
    struct wire_message m;
    off_t end = sizeof(struct head);
    lseek(j->fd, end, SEEK_SET);
    while (run_channel_next(&c, &m)) {
        if (is_kept(&m))
            tell(userdata, &m);
        end = lseek(j->fd, 0, SEEK_CUR) - (off_t)(c.bytes.size - c.taken);
    }
    run_channel_clear(&c);
    if (ftruncate(j->fd, end) == 0)
        lseek(j->fd, end, SEEK_SET);
}

/* ---- members ---- */

int run_journal_enter(const char *store)
{
    char *path = mem_printf("%s.sync/.running", store);
    int fd, r = sync_lock_take(path, false, &fd, NULL);
    free(path);
    return r;
}
