/* SPDX-License-Identifier: Apache-2.0 */
/* replay: the job's document out of a store. Its arrays are read from there; the rest is told by
 * its provenance (worker/provenance.h). */
#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "worker/replay_parts.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLAY_OK, REPLAY_FAILED, REPLAY_REFUSED };

/* ---- the document's sections ---- */

static int add_array(struct replay *x, const char *section, const char *name, bool is_of_variable)
{
    struct ndarray a;
    json_t *attrs;
    int r = replay_read_array(x, name, &a, &attrs);
    if (r != 0)
        return r;
    r = replay_add_split(x, section, name, &a, attrs, is_of_variable);
    ndarray_clear(&a);
    json_decref(attrs);
    return r;
}

static int add_arrays(struct replay *x, const char *section)
{
    const json_t *names = json_object_get(x->job, section), *name;
    size_t i;
    int r = 0;
    json_array_foreach((json_t *)names, i, name)
    {
        if (r == 0 && json_is_string(name))
            r = add_array(x, section, json_string_value(name), false);
    }
    return r;
}

static const json_t *swept(const struct replay *x, const char *input)
{
    const json_t *list = json_object_get(x->job, "sweep"), *entry;
    size_t i;
    json_array_foreach((json_t *)list, i, entry)
    {
        const char *name = json_string_value(json_array_get(entry, 1));
        if (name && !strcmp(name, input))
            return entry;
    }
    return NULL;
}

static bool is_listed(const json_t *list, const char *word)
{
    size_t i;
    const json_t *value;
    json_array_foreach((json_t *)list, i, value)
    {
        if (json_is_string(value) && !strcmp(json_string_value(value), word))
            return true;
    }
    return false;
}

static int add_input(struct replay *x, const char *name)
{
    json_t *given = json_object_get(json_object_get(x->job, "given"), name);
    if (swept(x, name))
        return 0;
    if (json_is_object(given))
        return json_object_set(replay_section(x->document, "inputs"), name, given);
    if (given)
        return error_set(x->e, STORE_NO_SUCH, NULL,
                         "the store does not hold what input %.200s was given: it is an output, "
                         "too, and its values were many",
                         name);
    return add_array(x, "inputs", name, !is_listed(json_object_get(x->job, "any"), name));
}

static int add_inputs(struct replay *x)
{
    const json_t *names = json_object_get(x->from, "inputs"), *name;
    size_t i;
    int r = 0;
    replay_section(x->document, "inputs");
    json_array_foreach((json_t *)names, i, name)
    {
        if (r == 0 && json_is_string(name))
            r = add_input(x, json_string_value(name));
    }
    return r;
}

/* ---- sweeps ---- */

static int broken(struct replay *x, const char *what)
{
    return error_set(x->e, STORE_BROKEN, NULL, "what the store tells of its job is damaged: %s",
                     what);
}

/* Members from one value of the entry's factor to the next, and all of them: the lists of the
 * product are a factor each, and the zipped ones together are the fastest. */
static int count_members(struct replay *x, size_t at, int64_t *ret_inner, int64_t *ret_all)
{
    const json_t *list = json_object_get(x->job, "sweep"), *entry;
    int64_t inner = 1, all = 1;
    bool had_zip = false;
    size_t i;
    json_array_foreach((json_t *)list, i, entry)
    {
        const char *form = json_string_value(json_array_get(entry, 0));
        json_int_t n = json_integer_value(json_array_get(entry, 2));
        bool is_zip = form && !strcmp(form, "zip");
        if (!form || n < 1)
            return broken(x, "sweep");
        if (is_zip && had_zip)
            continue;
        had_zip = had_zip || is_zip;
        bool is_own_zip = is_zip && i <= at;
        if (__builtin_mul_overflow(all, n, &all) ||
            (i > at && !is_own_zip && __builtin_mul_overflow(inner, n, &inner)))
            return broken(x, "sweep");
    }
    *ret_inner = inner;
    *ret_all = all;
    return 0;
}

static int add_levels(struct replay *x, const json_t *entry, size_t at, const struct ndarray *a,
                      const json_t *attrs)
{
    const char *form = json_string_value(json_array_get(entry, 0));
    const char *name = json_string_value(json_array_get(entry, 1));
    int64_t n = json_integer_value(json_array_get(entry, 2)), inner, all;
    struct ndarray levels = {0};
    int r = count_members(x, at, &inner, &all);
    if (r == 0 && (!replay_is_of_members(x, a) || a->shape[0] < all))
        r = broken(x, "its arrays lack members of the sweep");
    if (r == 0)
        r = error_errno(x->e, replay_take_rows(a, 0, n, inner, &levels), "hold an array");
    if (r == 0)
        r = replay_add_object(x, name, &levels, attrs,
                              !is_listed(json_object_get(x->job, "any"), name),
                              replay_section(replay_section(x->document, "sweep"), form));
    ndarray_clear(&levels);
    bool is_longer = r == 0 && x->first >= 0 && a->shape[0] > x->first;
    return is_longer ? replay_add_later(x, "inputs", name, a, true) : r;
}

static int add_sweep(struct replay *x)
{
    const json_t *list = json_object_get(x->job, "sweep"), *entry;
    size_t i;
    int r = 0;
    json_array_foreach((json_t *)list, i, entry)
    {
        const char *name = json_string_value(json_array_get(entry, 1));
        struct ndarray a;
        json_t *attrs;
        if (r == 0 && !name)
            r = broken(x, "sweep");
        if (r != 0 || (r = replay_read_array(x, name, &a, &attrs)) != 0)
            break;
        r = add_levels(x, entry, i, &a, attrs);
        ndarray_clear(&a);
        json_decref(attrs);
    }
    return r;
}

/* ---- all of it ---- */

/* The text is sorted; the order of processes matters. */
static json_t *model_of(const struct replay *x)
{
    static const char *const parts[] = {"processes", "given", NULL};
    json_t *model = json_copy(json_object_get(x->from, "model")), *name;
    size_t k;
    for (int i = 0; parts[i]; i++) {
        json_t *part = json_object_get(model, parts[i]), *ordered = json_object();
        json_array_foreach(json_object_get(x->job, "processes"), k, name)
        {
            if (json_is_string(name))
                json_object_set(ordered, json_string_value(name),
                                json_object_get(part, json_string_value(name)));
        }
        if (part)
            json_object_set(model, parts[i], ordered);
        json_decref(ordered);
    }
    return model;
}

/* As the document has them; libraries by their content. */
static void add_plain(struct replay *x)
{
    static const char *const own[] = {"processes", "clocks", "coords", "sweep",
                                      "given",     "any",    NULL};
    json_t *libraries = json_object(), *value;
    const char *key;
    json_object_set_new(x->document, "model", model_of(x));
    json_object_set(x->document, "seed", json_object_get(x->from, "seed"));
    if (json_object_get(x->from, "threads"))
        json_object_set(x->document, "threads", json_object_get(x->from, "threads"));
    json_object_foreach(json_object_get(x->from, "libraries"), key, value)
    {
        json_object_set(libraries, key, json_object_get(value, "sha256"));
    }
    json_object_set_new(x->document, "libraries", libraries);
    json_object_foreach((json_t *)x->job, key, value)
    {
        bool is_own = false;
        for (int i = 0; own[i]; i++)
            is_own = is_own || !strcmp(own[i], key);
        if (!is_own)
            json_object_set(x->document, key, value);
    }
}

/* An open batch begins with those of its sweep, or as many as were expected: with more, its chunks
 * would be cut for these. */
static int settle_first(struct replay *x)
{
    json_int_t expected = json_integer_value(json_object_get(x->job, "open"));
    int64_t inner;
    x->first = -1;
    if (expected < 1)
        return 0;
    x->first = expected;
    return json_object_get(x->job, "sweep") ? count_members(x, 0, &inner, &x->first) : 0;
}

static int make(struct replay *x)
{
    json_int_t steps = json_integer_value(json_object_get(x->job, "from"));
    if (!json_is_object(x->job))
        return error_set(x->e, STORE_NO_SUCH, NULL, "the store does not tell its job");
    if (steps > 0)
        return error_set(x->e, STORE_NO_SUCH, NULL,
                         "its members started from a checkpoint after %lld steps, which the store "
                         "does not hold",
                         (long long)steps);
    x->batch_dim = json_member_string(x->job, "batch_dim");
    add_plain(x);
    int r = settle_first(x);
    r = r ? r : add_arrays(x, "clocks");
    r = r ? r : add_arrays(x, "coords");
    r = r ? r : add_inputs(x);
    r = r ? r : add_sweep(x);
    if (r == 0 && x->appended)
        json_object_set_new(x->document, "appended", json_pack("[O]", x->appended));
    return r;
}

/* A line for each key: a sweep's lists stay in their order. */
static char *document_text(const json_t *document)
{
    struct buffer b = {0};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)document, key, value)
    {
        char *text = json_write(value);
        buffer_printf(&b, "%s\"%s\": %s", b.size ? ",\n  " : "{\n  ", key, text);
        free(text);
    }
    buffer_text(&b, "\n}\n");
    return buffer_take(&b);
}

static int put(struct replay *x)
{
    char *text = document_text(x->document);
    int r = 0;
    if (x->output) {
        char *temporary = mem_printf("%s.partial", x->output);
        r = file_replace(x->output, temporary, text, strlen(text), 0666, FILE_SYNC_NONE);
        free(temporary);
    } else {
        r = fputs(text, stdout) < 0 || fflush(stdout) != 0 ? -EIO : 0;
    }
    free(text);
    return error_errno(x->e, r, "write the job");
}

int worker_replay(const char *path, const char *output)
{
    struct error e = {.message = ""};
    json_t *attrs = NULL, *from = NULL;
    struct replay x = {.output = output, .document = json_object(), .e = &e};
    int r = store_open(path, STORE_READ, &x.store, &e);
    if (r == 0)
        r = store_attributes(x.store, &attrs, &e);
    if (r == 0) {
        from = store_provenance(attrs);
        x.from = from;
        x.job = json_object_get(from, "job");
        r = make(&x);
    }
    r = r ? r : put(&x);
    if (r != 0) {
        error_explain(&e, r, "make the job of a store");
        fprintf(stderr, "simlab-worker replay: %s: %s\n", path, e.message);
    }
    json_decref(x.document);
    json_decref(x.appended);
    json_decref(from);
    json_decref(attrs);
    store_close(x.store);
    return r == 0                                     ? REPLAY_OK
           : r == STORE_NO_SUCH || r == STORE_INVALID ? REPLAY_REFUSED
                                                      : REPLAY_FAILED;
}
