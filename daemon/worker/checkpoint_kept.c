/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/checkpoint_kept.h"

#include "base/json.h"
#include "base/mem.h"
#include "worker/fingerprint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void checkpoint_kept_hash(const struct job *job, char ret[HASH_TEXT_SIZE])
{
    json_t *all = json_pack("{s:s, s:o, s:o, s:O}", "release", SIMLAB_VERSION, "static",
                            job_static_inputs(job), "libraries", job_pins(job), "model",
                            job->model->definition);
    char *prints = fingerprint();
    mem_assert(all);
    json_object_set_new(all, "machine", json_string(prints));
    char *text = json_canonical(all);
    hash_bytes(text, strlen(text), ret);
    free(text);
    free(prints);
    json_decref(all);
}

static int check(const struct job *job, const struct checkpoint_content *c, int64_t member,
                 struct error *e)
{
    char fits[HASH_TEXT_SIZE];
    checkpoint_kept_hash(job, fits);
    if (c->member != member || c->steps != job->from.steps)
        return error_set(e, WORKER_REFUSED, NULL, "it is of another member, or another step");
    return strcmp(c->fits, fits) == 0
               ? 0
               : error_set(e, WORKER_REFUSED, NULL,
                           "it is of another model, other static inputs, another content of a "
                           "library, another release, or another machine");
}

int checkpoint_kept_read(const struct job *job, const char *store, int64_t member,
                         struct checkpoint_content *ret, void **ret_memory, struct error *e)
{
    char *path = job_kept_path(store, member, job->from.steps);
    void *memory = NULL;
    int r = checkpoint_file_read(path, ret, &memory, e);
    if (r == -ENOENT)
        r = error_set(e, WORKER_REFUSED, NULL, "there is no %s", path);
    if (r == 0)
        r = check(job, ret, member, e);
    free(path);
    if (r)
        free(memory);
    else
        *ret_memory = memory;
    return r;
}
