/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/loss.h"

#include "base/boot.h"
#include "base/file.h"
#include "base/mem.h"
#include "queue/witness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEWEST_LOST = QUEUE_RESULTS }; /* its WAL is gone; the rest is whole */

static int64_t size_of(const char *path, const char *suffix)
{
    struct stat st;
    char *name = mem_printf("%s%s", path, suffix);
    int r = stat(name, &st);
    free(name);
    return r == 0 ? (int64_t)st.st_size : 0;
}

/* ---- before SQLite sees it: it would make a new one, and remove the WAL of the old ---- */

static int check_there(const char *path, const struct witness *w, struct error *e)
{
    if (size_of(path, "") > 0)
        return 0;
    bool has_wal = size_of(path, "-wal") > 0;
    if (!w->is_there && !has_wal)
        return 0;
    return error_set(e, QUEUE_DAMAGED, NULL, "the database of jobs, %s, is %s%s", path,
                     access(path, F_OK) == 0 ? "empty" : "missing",
                     has_wal ? ", while its -wal is there" : "");
}

/* ---- what it says ---- */

static int read_former(struct database *d, struct former *ret, struct error *e)
{
    char boot[BOOT_SIZE];
    sqlite3_stmt *s;
    int r = database_row(d, e, &s, STATEMENT_DAEMON_GET, INTEGER(1));
    if (r)
        return r == QUEUE_NO_SUCH
                   ? error_set(e, QUEUE_DAMAGED, NULL, "the database has lost whose it is")
                   : r;
    snprintf(ret->identity, sizeof ret->identity, "%s", database_text(s, 0));
    ret->is_clean = sqlite3_column_int(s, 1) != 0;
    boot_id(boot);
    ret->same_boot = *boot && !strcmp(boot, database_text(s, 2));
    database_end(s);
    return 0;
}

/* A daemon that is killed damages nothing; a machine that goes down may, and so does who cuts or
 * exchanges files. */
static int check_whole(struct database *d, const char *path, const struct former *f, bool had_wal,
                       struct error *e)
{
    int64_t bytes = 0;
    int r = database_size(d, &bytes, e);
    bool is_short = size_of(path, "") < bytes;
    bool is_suspicious = is_short || (f->is_clean ? had_wal : !f->same_boot);
    return r || !is_suspicious ? r : database_check(d, e);
}

static int check_witness(const char *path, const struct former *f, const struct witness *w,
                         struct error *e)
{
    if (!w->is_there)
        return 0;
    if (strcmp(w->identity, f->identity) != 0)
        return error_set(e, QUEUE_DAMAGED, NULL,
                         "%s is not the database that this state directory had", path);
    if (w->is_open && f->is_clean)
        return error_set(e, NEWEST_LOST, NULL,
                         "the newest part of the database of jobs, %s-wal, is lost", path);
    return 0;
}

/* ---- opening ---- */

static int open_known(struct database *d, const struct queue_options *o, const char *root,
                      const struct witness *w, struct former *ret_former, struct error *e)
{
    bool had_wal = size_of(o->path, "-wal") > 0;
    int r = check_there(o->path, w, e);
    if (!r)
        r = database_settle(o->path, e);
    if (r)
        return r;
    r = database_open(d, o->path, root, w->is_there, e);
    if (!r)
        r = read_former(d, ret_former, e);
    if (!r)
        r = check_whole(d, o->path, ret_former, had_wal, e);
    if (!r)
        r = check_witness(o->path, ret_former, w, e);
    if (!r || r == NEWEST_LOST)
        database_accept(d);
    return r;
}

static int move_aside(const char *path, const char *suffix, int number)
{
    char *from = mem_printf("%s%s", path, suffix),
         *to = mem_printf("%s.lost-%d%s", path, number, suffix);
    int r = rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
    free(from);
    free(to);
    return r;
}

/* Under a name where nothing stands yet. */
static int set_aside(const char *path, int *ret_number, struct error *e)
{
    int number = 0;
    char *name = NULL;
    do {
        free(name);
        name = mem_printf("%s.lost-%d", path, ++number);
    } while (access(name, F_OK) == 0);
    free(name);
    int r = move_aside(path, "-wal", number);
    if (r == 0)
        r = move_aside(path, "-shm", number);
    if (r == 0)
        r = move_aside(path, "", number);
    *ret_number = number;
    return error_errno(e, r, "set the damaged database aside");
}

static int refuse(int r, struct error *e)
{
    struct error why = *e;
    return error_set(e, QUEUE_DAMAGED, NULL,
                     "%s. Put the file back, or start once with --accept-loss: %s", why.message,
                     r == NEWEST_LOST
                         ? "then what was reported last of jobs is unknown"
                         : "then a new one is begun, all jobs are unknown, and their stores stay");
}

int loss_open(struct database *d, const struct queue_options *o, const char *root,
              struct former *ret_former, char **ret_loss, struct error *e)
{
    struct witness w = {0}, none = {0};
    int number = 0;
    *ret_loss = NULL;
    int r = o->witness ? witness_read(o->witness, &w, e) : 0;
    if (!r)
        r = open_known(d, o, root, &w, ret_former, e);
    if (r != QUEUE_DAMAGED && r != NEWEST_LOST)
        return r;
    if (!o->accept_loss)
        return refuse(r, e);
    struct error why = *e;
    if (r == NEWEST_LOST) {
        *ret_loss = mem_strdup(why.message);
        return 0;
    }
    database_disconnect(d);
    r = set_aside(o->path, &number, e);
    if (!r)
        r = open_known(d, o, root, &none, ret_former, e);
    if (!r)
        *ret_loss =
            mem_printf("%s; what there was is now %s.lost-%d", why.message, o->path, number);
    return r;
}
