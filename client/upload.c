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
    json_t *known; /* path → id */
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

static int upload(struct uploads *u, const char *path, const char **ret_id)
{
    const char *known = document_string(u->known, path, NULL);
    if (known) {
        *ret_id = known;
        return 0;
    }
    size_t size;
    FILE *f = open_array(path, &size);
    if (!f)
        return API_EXIT_USAGE;
    struct request request = {
        .method = "POST", .path = API_UPLOADS, .file = f, .size = size, .content_type = API_OCTETS};
    struct reply reply;
    int code = request_send(u->server, &request, &reply);
    const char *id = document_string(reply.json, "id", NULL);
    if (code || !id) {
        text_complain("%s: %s", path, code ? reply.reason : "the daemon gave no id for it");
        code = code ? code : API_EXIT_UNREACHABLE;
    } else {
        json_object_set_new(u->known, path, json_string(id));
        *ret_id = document_string(u->known, path, NULL);
    }
    reply_clear(&reply);
    fclose(f);
    return code;
}

/* The path where `value` is {"file": PATH} and stands where data may, else NULL. */
static const char *file_of(const char *pointer, const char *key, const json_t *value)
{
    bool is_data = !strcmp(key, "data") || !strncmp(pointer, "/sweep/", 7);
    return is_data && json_object_size(value) == 1 ? document_string(value, "file", NULL) : NULL;
}

static int upload_at(struct uploads *u, const char *file, const char *pointer, json_t **ret_new)
{
    const char *id;
    char *path = text_printf("%s%s", *file == '/' ? "" : u->folder, file);
    int code = upload(u, path, &id);
    if (code)
        text_complain("that file is asked for at %s", pointer);
    else
        *ret_new = json_pack("{s:s}", "upload", id);
    free(path);
    return code;
}

/* Arrays are not looked into: they hold numbers, and may be long. */
static int visit(struct uploads *u, json_t *object, const char *pointer)
{
    const char *key;
    json_t *member;
    int code = 0;
    json_object_foreach(object, key, member)
    {
        if (!json_is_object(member) || !strcmp(key, "attrs"))
            continue;
        const char *file = file_of(pointer, key, member);
        char *place = text_printf("%s/%s", pointer, key);
        json_t *reference = NULL;
        code = file ? upload_at(u, file, place, &reference) : visit(u, member, place);
        free(place);
        if (code)
            break;
        if (reference)
            json_object_set_new(object, key, reference);
    }
    return code;
}

int upload_files(struct server *s, const char *job_path, json_t *document)
{
    static const char *const places[] = {"inputs", "clocks", "setup", "sweep"};
    const char *slash = strcmp(job_path, "-") ? strrchr(job_path, '/') : NULL;
    struct uploads u = {.server = s, .known = json_object()};
    u.folder = text_printf("%.*s", slash ? (int)(slash + 1 - job_path) : 0, job_path);
    int code = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && !code; i++) {
        char *pointer = text_printf("/%s", places[i]);
        code = visit(&u, json_object_get(document, places[i]), pointer);
        free(pointer);
    }
    json_decref(u.known);
    free(u.folder);
    return code;
}
