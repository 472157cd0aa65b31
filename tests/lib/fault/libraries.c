/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of SQLite and ZeroMQ, with faults. A program that has neither never comes here. */
#include "fault.h"

#include <errno.h>
#include <stddef.h>
#include <strings.h>

#define EXPORT __attribute__((visibility("default")))

struct sqlite3;
struct sqlite3_stmt;

static int interrupt(void *userdata)
{
    (void)userdata;
    return 1;
}

/* An interrupted commit may have been done; a rollback that is refused is no fault of a disk. */
static int may_be_interrupted(struct sqlite3_stmt *statement)
{
    const char *(*sql)(struct sqlite3_stmt *) =
        (const char *(*)(struct sqlite3_stmt *))fault_next("sqlite3_sql");
    const char *text = sql(statement);
    return text && strncasecmp(text, "COMMIT", 6) != 0 && strncasecmp(text, "ROLLBACK", 8) != 0;
}

/* A step that is hit finds its files broken; one that needs none of them is interrupted. */
EXPORT int sqlite3_step(struct sqlite3_stmt *statement)
{
    static int (*next)(struct sqlite3_stmt *);
    if (!next)
        next = (int (*)(struct sqlite3_stmt *))fault_next("sqlite3_step");
    int how = fault_hit("sqlite", NULL, -1);
    if (!how)
        return next(statement);
    struct sqlite3 *(*connection)(struct sqlite3_stmt *) =
        (struct sqlite3 * (*)(struct sqlite3_stmt *)) fault_next("sqlite3_db_handle");
    void (*on_progress)(struct sqlite3 *, int, int (*)(void *), void *) = (void (*)(
        struct sqlite3 *, int, int (*)(void *), void *))fault_next("sqlite3_progress_handler");
    if (may_be_interrupted(statement))
        on_progress(connection(statement), 1, interrupt, NULL);
    fault_fail_files(how);
    int r = next(statement);
    fault_pass_files();
    on_progress(connection(statement), 0, NULL, NULL);
    return r;
}

#define MESSAGE(name, parameters, arguments, operation)                                            \
    EXPORT int name parameters                                                                     \
    {                                                                                              \
        static int(*next) parameters;                                                              \
        int how = fault_hit(operation, NULL, -1);                                                  \
        if (how) {                                                                                 \
            errno = how;                                                                           \
            return -1;                                                                             \
        }                                                                                          \
        if (!next)                                                                                 \
            next = (int(*) parameters)fault_next(#name);                                           \
        return next arguments;                                                                     \
    }

MESSAGE(zmq_msg_send, (void *message, void *socket, int flags), (message, socket, flags), "send")
MESSAGE(zmq_msg_recv, (void *message, void *socket, int flags), (message, socket, flags), "receive")
MESSAGE(zmq_send, (void *socket, const void *data, size_t size, int flags),
        (socket, data, size, flags), "send")
