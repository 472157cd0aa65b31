/* SPDX-License-Identifier: Apache-2.0 */
#include "client/upload.h"

#include "client/document.h"
#include "client/request.h"
#include "client/text.h"
#include "proto/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct uploads {
    struct server *server;
    char *folder;  /* with a slash at its end; "": the working directory */
    json_t *known; /* path as the job has it → id */
};

static FILE *open_array(const char *path, size_t *ret_size)
{
    static const char magic[] = "\x93NUMPY";
    char head[sizeof magic - 1];
    struct stat st;
    FILE *f = fopen(path, "re");
    if (!f || fstat(fileno(f), &st)) {
        text_complain("cannot read %s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode) || fread(head, 1, sizeof head, f) != sizeof head ||
               memcmp(head, magic, sizeof head)) {
        text_complain("%s is no .npy file (as numpy.save writes them)", path);
    } else {
        rewind(f);
        *ret_size = (size_t)st.st_size;
        return f;
    }
    if (f)
        fclose(f);
    return NULL;
}

static int upload(struct uploads *u, const char *file, const char *path)
{
    size_t size;
    FILE *f = open_array(path, &size);
    if (!f)
        return API_EXIT_USAGE;
    struct request request = {.method = "POST",
                              .path = API_UPLOADS,
                              .file = f,
                              .size = size,
                              .content_type = API_OCTETS,
                              .shape = &answer_upload};
    struct reply reply;
    int code = request_send(u->server, &request, &reply);
    if (code) {
        text_complain("%s: %s", path, reply.reason);
    } else {
        json_object_set(u->known, file, json_object_get(reply.json, "id"));
    }
    reply_clear(&reply);
    fclose(f);
    return code;
}

/* What stands beside another source of data is left as it is, for the daemon to refuse. */
static const char *file_of(const json_t *object)
{
    static const char *const others[] = {"data", "linspace", "arange", "upload"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (json_object_get(object, others[i]))
            return NULL;
    return document_string(object, "file", NULL);
}

/* Where `object` names a file, it names the upload instead. */
static int replace_file(struct uploads *u, json_t *object, const char *pointer)
{
    const char *given = file_of(object);
    if (!given)
        return 0;
    char *file = text_copy(given), *path = text_printf("%s%s", *file == '/' ? "" : u->folder, file);
    int code = json_object_get(u->known, file) ? 0 : upload(u, file, path);
    if (code) {
        text_complain("that file is asked for at %s/file", pointer);
    } else {
        json_object_del(object, "file");
        json_object_set(object, "upload", json_object_get(u->known, file));
    }
    free(path);
    free(file);
    return code;
}

/* The arrays of one section, by name. Lists are not looked into: they hold numbers, and may be
 * long; nor is what else an array has: attributes may name files of their own. */
static int replace_files(struct uploads *u, const json_t *arrays, const char *pointer)
{
    const char *name;
    json_t *array;
    int code = 0;
    json_object_foreach((json_t *)arrays, name, array)
    {
        char *at = text_printf("%s/%s", pointer, name), *below = text_printf("%s/data", at);
        code = replace_file(u, array, at);
        json_t *data = json_object_get(array, "data");
        if (!code && json_object_size(data) == 1)
            code = replace_file(u, data, below);
        free(at);
        free(below);
        if (code)
            break;
    }
    return code;
}

int upload_files(struct server *s, const char *job_path, json_t *document)
{
    static const char *const sections[][2] = {{"inputs"},
                                              {"clocks"},
                                              {"coords"},
                                              {"sweep", "product"},
                                              {"sweep", "zip"},
                                              {"setup", "coords"},
                                              {"setup", "data_vars"}};
    const char *slash = strcmp(job_path, "-") ? strrchr(job_path, '/') : NULL;
    struct uploads u = {.server = s, .known = json_object()};
    u.folder = text_printf("%.*s", slash ? (int)(slash + 1 - job_path) : 0, job_path);
    int code = 0;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !code; i++) {
        const char *outer = sections[i][0], *inner = sections[i][1];
        const json_t *arrays = json_object_get(document, outer);
        char *pointer = text_printf("/%s%s%s", outer, inner ? "/" : "", inner ? inner : "");
        code = replace_files(&u, inner ? json_object_get(arrays, inner) : arrays, pointer);
        free(pointer);
    }
    json_decref(u.known);
    free(u.folder);
    return code;
}
