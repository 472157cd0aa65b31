/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: whole or absent, whatever the pieces in which they come and however they end. */
#include "fixture.h"

#include "base/aside.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct server *s;

static void setup(void)
{
    s = server_new(16384);
}

static void teardown(void)
{
    server_free(s);
}

TestSuite(uploads, .init = setup, .fini = teardown);

/* Version 1, "<f8", shape (1,): 2.5. */
static const char npy[] = "\x93NUMPY\x01\x00\x3a\x00{'descr': '<f8', 'fortran_order': False, "
                          "'shape': (1,), }\n\x00\x00\x00\x00\x00\x00\x04\x40";
enum { NPY_SIZE = sizeof npy - 1 };

static struct peer *begin(size_t length)
{
    struct peer *c = peer_unix(s);
    char *head = mem_printf("POST /v1/uploads HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            length);
    peer_text(c, head);
    free(head);
    return c;
}

/* The answer's body, a new reference. */
static json_t *end(struct peer *c, int status)
{
    peer_await_close(c);
    cr_assert_eq(atoi(c->received.data + 9), status, "%s", c->received.data);
    json_t *body = json_loads(strstr(c->received.data, "\r\n\r\n") + 4, 0, NULL);
    peer_free(c);
    return body;
}

static json_t *upload(const char *bytes, size_t size, size_t piece, int status)
{
    struct peer *c = begin(size);
    for (size_t i = 0; i < size; i += piece)
        peer_send(c, bytes + i, size - i < piece ? size - i : piece);
    return end(c, status);
}

/* What goes is removed aside. */
static int count_files(void)
{
    int n = 0;
    aside_finish(s->aside);
    DIR *d = opendir(s->uploads);
    cr_assert(d);
    for (struct dirent *entry; (entry = readdir(d));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    return n;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_member_string(object, key);
    cr_assert(value, "no %s", key);
    return value;
}

Test(uploads, are_kept_once_under_their_hash)
{
    char id[HASH_TEXT_SIZE];
    hash_bytes(npy, NPY_SIZE, id);
    for (size_t piece = 1; piece <= NPY_SIZE; piece += 24) {
        json_t *made = upload(npy, NPY_SIZE, piece, 201);
        cr_assert_str_eq(text(made, "id"), id);
        cr_assert_str_eq(text(made, "dtype"), "<f8");
        json_decref(made);
        cr_assert_eq(count_files(), 1);
    }
    struct buffer kept = {0};
    char *path = mem_printf("%s/%s.npy", s->uploads, id);
    cr_assert_eq(file_read(path, 1000, &kept), 0);
    cr_assert(kept.size == NPY_SIZE && !memcmp(kept.data, npy, NPY_SIZE));
    buffer_free(&kept);
    free(path);
}

Test(uploads, larger_than_the_header_and_a_piece)
{
    size_t n = 20000, size = 128 + 8 * n;
    char *bytes = mem_new(size);
    char header[119];
    int length = snprintf(header, sizeof header,
                          "{'descr': '<f8', 'fortran_order': False, 'shape': (%zu,), }", n);
    memcpy(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    memset(bytes + 10, ' ', 118);
    memcpy(bytes + 10, header, (size_t)length);
    for (size_t i = 128; i < size; i++)
        bytes[i] = (char)(i * 7);
    char id[HASH_TEXT_SIZE];
    hash_bytes(bytes, size, id);
    json_t *made = upload(bytes, size, 5000, 201);
    cr_assert_str_eq(text(made, "id"), id);
    json_decref(made);
    json_decref(upload(bytes, size - 1, 5000, 422)); /* does not fit its shape */
    cr_assert_eq(count_files(), 1);
    free(bytes);
}

Test(uploads, what_is_refused_or_cut_off_leaves_nothing)
{
    json_decref(upload("no array", 8, 3, 422));
    json_decref(upload(npy, NPY_SIZE - 1, 7, 422));
    expect_problem(s, "POST", "/v1/uploads", "", 422, "empty", "");
    struct peer *c = begin(NPY_SIZE);
    peer_send(c, npy, 20);
    cr_assert_eq(count_files(), 1);
    peer_free(c);
    for (int turn = 0; turn < 100 && count_files() > 0; turn++)
        server_turn(s);
    cr_assert_eq(count_files(), 0);
}

Test(uploads, full_disk)
{
    struct rlimit was, small = {.rlim_cur = 16};
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    small.rlim_max = was.rlim_max;
    struct peer *c = begin(NPY_SIZE);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    peer_send(c, npy, NPY_SIZE);
    json_t *problem = end(c, 507);
    setrlimit(RLIMIT_FSIZE, &was);
    cr_assert(strstr(text(problem, "detail"), "cannot store the upload"));
    json_decref(problem);
    cr_assert_eq(count_files(), 0);
    json_decref(upload(npy, NPY_SIZE, NPY_SIZE, 201));
}

Test(uploads, leftovers_of_a_killed_daemon_are_removed)
{
    char *path = mem_printf("%s/.upload-7", s->uploads);
    char *temporary = mem_printf("%s/t", s->directory);
    cr_assert_eq(file_replace(path, temporary, "x", 1, 0600, FILE_SYNC_NONE), 0);
    json_decref(upload(npy, NPY_SIZE, NPY_SIZE, 201));
    server_reopen(s);
    cr_assert_eq(access(path, F_OK), -1);
    cr_assert_eq(count_files(), 1);
    free(path);
    free(temporary);
}

Test(uploads, are_data_of_jobs)
{
    json_t *made = upload(npy, NPY_SIZE, NPY_SIZE, 201);
    char *job = mem_printf("{\"model\": {\"processes\": {\"grow\": \"toy.Growth\"}},"
                           "\"clocks\": {\"time\": {\"data\": [0, 1]}}, \"main_clock\": \"time\","
                           "\"inputs\": {\"grow__rate\": 1, \"grow__start\": {\"dims\": [\"x\"],"
                           "\"data\": {\"upload\": \"%s\"}}}, \"outputs\": {\"grow__n\": null}}",
                           text(made, "id"));
    cr_assert_eq(ask(s, "POST", "/v1/jobs", "", job, NULL), 201);
    char *id = strstr(job, text(made, "id"));
    id[0] = id[0] == '0' ? '1' : '0';
    expect_problem(s, "POST", "/v1/jobs", job, 422, "upload", NULL);
    memcpy(id, "../token", 8);
    expect_problem(s, "POST", "/v1/jobs", job, 422, "upload", NULL);
    free(job);
    json_decref(made);
}
