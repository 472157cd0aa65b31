/* SPDX-License-Identifier: Apache-2.0 */
/* The least that takes documents and keeps them: libmicrohttpd, jansson, SQLite (WAL, synchronous
 * FULL), one transaction for all that came in one turn, answers after its commit: bare SOCKET
 * DATABASE. What `make bench` compares submissions with. */
#include <jansson.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct request {
    struct MHD_Connection *connection;
    char body[65536];
    size_t size;
    char answer[64];
    struct request *next;
};

static sqlite3 *database;
static sqlite3_stmt *insert, *begin, *commit;
static struct request *waiting;
static int in_turn;

static void run(sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE)
        abort();
    sqlite3_reset(s);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(database, sql, -1, &s, NULL) != SQLITE_OK)
        abort();
    return s;
}

static void open_database(const char *path)
{
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "CREATE TABLE job (id INTEGER PRIMARY KEY, document TEXT)",
                     NULL, NULL, NULL) != SQLITE_OK)
        abort();
    insert = prepare("INSERT INTO job (document) VALUES (?1)");
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
}

static void store(struct request *r)
{
    json_t *document = json_loadb(r->body, r->size, JSON_REJECT_DUPLICATES, NULL);
    char *text = json_dumps(document, JSON_COMPACT);
    if (!in_turn)
        run(begin);
    in_turn = 1;
    sqlite3_bind_text(insert, 1, text, -1, SQLITE_STATIC);
    run(insert);
    snprintf(r->answer, sizeof r->answer, "{\"id\": \"%lld\"}",
             (long long)sqlite3_last_insert_rowid(database));
    free(text);
    json_decref(document);
}

static enum MHD_Result handle(void *closure, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    (void)closure, (void)url, (void)method, (void)version;
    struct request *r = *state;
    if (!r) {
        *state = r = calloc(1, sizeof *r);
        r->connection = c;
        return MHD_YES;
    }
    if (*size > 0) {
        if (*size > sizeof r->body - r->size)
            return MHD_NO;
        memcpy(r->body + r->size, data, *size);
        r->size += *size;
        *size = 0;
        return MHD_YES;
    }
    if (!r->answer[0]) {
        store(r);
        r->next = waiting;
        waiting = r;
        MHD_suspend_connection(c);
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(r->answer), r->answer, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_queue_response(c, MHD_HTTP_CREATED, response);
    MHD_destroy_response(response);
    return result;
}

static void completed(void *closure, struct MHD_Connection *c, void **state,
                      enum MHD_RequestTerminationCode why)
{
    (void)closure, (void)c, (void)why;
    free(*state);
    *state = NULL;
}

static void turn(struct MHD_Daemon *d)
{
    MHD_run(d);
    if (in_turn)
        run(commit);
    in_turn = 0;
    int resumed = waiting != NULL;
    for (; waiting; waiting = waiting->next)
        MHD_resume_connection(waiting->connection);
    if (resumed)
        MHD_run(d);
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 3)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    open_database(argv[2]);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 511) < 0)
        return 1;
    struct MHD_Daemon *d = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    puts("ready");
    fflush(stdout);
    struct pollfd p = {MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, POLLIN, 0};
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms;
        poll(&p, 1, MHD_get_timeout(d, &ms) == MHD_YES ? (int)ms : 1000);
        turn(d);
    }
}
