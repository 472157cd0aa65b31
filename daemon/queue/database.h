/* SPDX-License-Identifier: Apache-2.0 */
/* One SQLite connection: its statements, its schema, and the one transaction of a turn.
 *
 * Invariants
 *  1. The first write of a turn begins the transaction; database_commit or database_rollback ends
 *     it. Reads see the turn's own changes.
 *  2. A failure inside the transaction breaks the turn: SQLite may have rolled back by itself, or
 *     an operation may be half done. Until the rollback no more is written, and the commit fails.
 *     So callers need no savepoints, but decide every refusal before their first write.
 *  3. No statement is left running when a function of queue.h returns.
 *  4. Once a checkpoint could not be synced, none is made, nor at the close, before the database
 *     was opened anew: SQLite would not write again what a checkpoint before that one had written.
 *  5. Behind the last commit nothing in the WAL is relied upon, and nothing is written over it that
 *     failed: once a write of it or its sync failed, it is cut to what it was when the turn began,
 * before the next turn (base/rewrite.h says why). So each commit follows frames that are on the
 * disk, and the WAL's blocks are all written. */
#ifndef QUEUE_DATABASE_H
#define QUEUE_DATABASE_H

#include "queue/queue.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum database_statement {
#define STATEMENT(name, sql) STATEMENT_##name,
#include "queue/statements.def"
#undef STATEMENT
    STATEMENT_COUNT
};

struct database {
    sqlite3 *connection;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int lock;        /* descriptor of <path>.lock, or -1: one daemon per database */
    bool in_turn;    /* a transaction is open */
    bool broken;     /* invariant 2 */
    bool is_unsound; /* invariant 4 */
    int failed;      /* -errno of the last failure, with words; 0 from the next commit on */
    struct error failure;
    int wal_pages, wal_written; /* pages of the WAL; those that are in the database file, too */
    off_t wal_size;             /* bytes of it, when the turn began */
    bool is_cut_due;            /* invariant 5 */
    int64_t wal_restarts;       /* how often it began anew */
    bool wal_is_held;           /* it did not, though all of it was written back: it is read */
};

/* Results are queue.h's. A failure of SQLite is a negative errno with words: EBUSY where another
 * program holds the lock, ENOSPC, ENOMEM, EROFS, EACCES, EIO. */

enum { DATABASE_BUSY_MS = 250 }; /* so long another program's lock is waited for */

/* Takes the lock file beside it, before all else: QUEUE_REFUSED where another process holds it.
 * database_close after a failure, too. */
int database_lock(struct database *d, const char *path, struct error *e);
/* Opens or makes the file (mode 0600) and migrates it. `root`: of the stores, for the paths of
 * older versions; `is_known`: there has been a database. QUEUE_REFUSED where it is newer;
 * QUEUE_DAMAGED where it is not ours, holds nothing though it should, or cannot be read. */
int database_open(struct database *d, const char *path, const char *root, bool is_known,
                  struct error *e);
/* Before the first database_open of a process: what a former one wrote is on the disk, or rewritten
 * (base/rewrite.h), though it was killed while the disk failed. */
int database_settle(const char *path, struct error *e);
/* It is what it should be: from here on its last close writes the WAL back. Until then files that
 * may be damaged, or not ours, are left as they are. */
void database_accept(struct database *d);
/* Opens it anew, where the last commit has reached the disk and nobody else in this process has it
 * open. Where it fails nothing can be asked until it succeeds. */
int database_reopen(struct database *d, const char *path, struct error *e);
/* A checkpoint could not be synced: invariant 4. */
void database_distrust(struct database *d);
bool database_is_sync_failure(sqlite3 *connection); /* the last failure was one */
/* The lock stays. */
void database_disconnect(struct database *d);
void database_close(struct database *d);

/* Bytes of all its pages, those of the WAL included. */
int database_size(struct database *d, int64_t *ret_bytes, struct error *e);
/* Reads all of it: QUEUE_DAMAGED. Some 300 MB a second from memory. */
int database_check(struct database *d, struct error *e);

int database_commit(struct database *d, struct error *e);
void database_rollback(struct database *d);
/* Writes the WAL back as far as no reader hinders it: pages in it, and pages written back. 0 or
 * -errno. */
int database_checkpoint(struct database *d, int *ret_in_log, int *ret_written);

/* For those that call SQLite themselves: takes note of its last failure, and says it. */
int database_fail(struct database *d, struct error *e);
int database_errno(int code); /* of SQLite's */

/* The schema that this program knows. */
int database_schema_version(void);

struct database_value {
    enum { DATABASE_END, DATABASE_INTEGER, DATABASE_REAL, DATABASE_TEXT } kind;
    int64_t integer;
    double real;
    const char *text; /* NULL is SQL's NULL; lives until the statement is reset */
};
#define INTEGER(x) ((struct database_value){.kind = DATABASE_INTEGER, .integer = (x)})
#define REAL(x)    ((struct database_value){.kind = DATABASE_REAL, .real = (x)})
#define TEXT(x)    ((struct database_value){.kind = DATABASE_TEXT, .text = (x)})

#define DATABASE_VALUES(...) ((const struct database_value[]){__VA_ARGS__, {.kind = DATABASE_END}})

/* Executes a write with values for ?1, ?2 …: database_run(d, e, STATEMENT_…, INTEGER(1), …). */
#define database_run(d, e, id, ...) database_run_values(d, e, id, DATABASE_VALUES(__VA_ARGS__))
int database_run_values(struct database *d, struct error *e, enum database_statement id,
                        const struct database_value *values);

/* Reads one row: 0 with the statement at it (database_end when it was read), or QUEUE_NO_SUCH
 * with `e` as it was. */
#define database_row(d, e, ret, id, ...)                                                           \
    database_row_values(d, e, ret, id, DATABASE_VALUES(__VA_ARGS__))
int database_row_values(struct database *d, struct error *e, sqlite3_stmt **ret,
                        enum database_statement id, const struct database_value *values);
void database_end(sqlite3_stmt *s);

/* Reads rows: for (r = database_rows(…, &s, …); r == 0; r = database_next(d, e, s)).
 * QUEUE_NO_SUCH ends it well, and the statement is reset then; on a break the caller calls
 * database_end. */
#define database_rows database_row
int database_next(struct database *d, struct error *e, sqlite3_stmt *s);

/* Column i of the row as a new string, or NULL; borrowed; as a number. */
char *database_new_text(sqlite3_stmt *s, int i);
const char *database_text(sqlite3_stmt *s, int i);

#endif
