/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify.h"

#include "client/answer.h"
#include "client/document.h"
#include "client/ended.h"
#include "client/options.h"
#include "client/request.h"
#include "client/text.h"
#include "client/worker.h"
#include "proto/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHOWN = 20 };

/* ---- simlab-worker verify -------------------------------------------------------------------- */

/* In the child: standard input is the file, standard output the pipe. */
_Noreturn static void become_worker(int checksums, int output, const char *store,
                                    const char *members)
{
    const char *const arguments[] = {"simlab-worker", "verify", store, members, NULL};
    if (dup2(checksums, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        worker_exec(arguments);
    _exit(API_EXIT_UNREACHABLE);
}

/* The exit code of the child; JSON that it printed, or NULL. */
static int run_worker(int checksums, const char *store, const char *members, json_t **ret)
{
    int pipe_ends[2], status;
    fflush(NULL);
    pid_t child = pipe(pipe_ends) == 0 ? fork() : -1;
    if (child == 0)
        become_worker(checksums, pipe_ends[1], store, members);
    if (child < 0) {
        text_complain("cannot run simlab-worker: %s", strerror(errno));
        return API_EXIT_UNREACHABLE;
    }
    close(pipe_ends[1]);
    FILE *output = text_need(fdopen(pipe_ends[0], "r"));
    *ret = json_loadf(output, 0, NULL);
    fclose(output);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && *ret)
        return 0;
    json_decref(*ret);
    *ret = NULL;
    return API_EXIT_UNREACHABLE;
}

/* A file in memory, read from its beginning; -1 after a complaint. */
static int hold(const char *bytes, size_t size)
{
    int fd = memfd_create("checksums", MFD_CLOEXEC);
    size_t at = 0;
    while (fd >= 0 && at < size) {
        ssize_t n = pwrite(fd, bytes + at, size - at, (off_t)at);
        if (n < 0 && errno != EINTR) {
            close(fd);
            fd = -1;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0)
        text_complain("cannot hold the checksums: %s", strerror(errno));
    return fd;
}

static int compare(const struct reply *checksums, const char *store, json_int_t members,
                   json_t **ret_found)
{
    int held = hold(checksums->body, checksums->size);
    if (held < 0)
        return API_EXIT_UNREACHABLE;
    char *number = text_printf("%lld", (long long)members);
    int code = run_worker(held, store, number, ret_found);
    free(number);
    close(held);
    return code;
}

int verify_job(struct server *s, const char *id, json_t **ret_found, char **ret_store)
{
    char *part = text_url(id);
    char *path = text_printf("%s/%s%s", API_JOBS, part, API_JOB_CHECKSUMS);
    json_t *job = NULL;
    struct reply checksums = {0};
    struct request request = {.method = "GET", .path = path};
    int code = request_get_part(s, API_JOBS, id, &answer_job, &job);
    const char *store = document_string(job, "store", NULL);
    if (!code)
        code = ended_ask(s, &request, &checksums);
    if (!code && (!store || !checksums.body)) {
        text_complain("job %s has no store", id);
        code = API_EXIT_USAGE;
    }
    if (!code)
        code = compare(&checksums, store, document_integer(job, "members", 1), ret_found);
    if (!code)
        *ret_store = text_copy(store);
    reply_clear(&checksums);
    json_decref(job);
    free(path);
    free(part);
    return code;
}

/* ---- what people see ------------------------------------------------------------------------- */

static void complain_of(const char *id, const json_t *fault)
{
    const json_t *members = json_object_get(fault, "members");
    json_int_t begin = json_integer_value(json_array_get(members, 0));
    json_int_t end = json_integer_value(json_array_get(members, 1));
    char *of = end - begin > 1
                   ? text_printf(" (members %lld to %lld)", (long long)begin, (long long)end - 1)
               : end > begin ? text_printf(" (member %lld)", (long long)begin)
                             : text_copy("");
    text_complain("job %s: %s %s%s", id, document_string(fault, "file", "?"),
                  document_string(fault, "what", "?"), of);
    free(of);
}

void verify_complain(const char *id, const json_t *found)
{
    const json_t *faults = json_object_get(found, "faults");
    json_int_t n = document_integer(found, "n_faults", 0), i;
    for (i = 0; i < n && i < SHOWN && i < (json_int_t)json_array_size(faults); i++)
        complain_of(id, json_array_get(faults, (size_t)i));
    if (n > i)
        text_complain("job %s: and %lld more; --json has the first thousand", id,
                      (long long)(n - i));
}

static int verify_one(struct server *s, const struct options *o, const char *id)
{
    json_t *found = NULL;
    char *store = NULL;
    int code = verify_job(s, id, &found, &store);
    if (code)
        return code;
    bool is_well = document_integer(found, "n_faults", 0) == 0;
    if (o->json) {
        char *text = document_text(found);
        text_put_json(stdout, text, strlen(text));
        free(text);
    } else if (is_well) {
        text_line(stdout, "job %s: all %lld files of %s are as they were stored", id,
                  (long long)document_integer(found, "files", 0), store);
    } else {
        verify_complain(id, found);
        text_complain("job %s: `simlab retry --damaged %s` computes it again", id, id);
    }
    json_decref(found);
    free(store);
    return is_well ? API_EXIT_OK : API_EXIT_FAILED;
}

int verify_run(struct server *s, const struct options *o)
{
    return options_each(s, o, verify_one);
}
