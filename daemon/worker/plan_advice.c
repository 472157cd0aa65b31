/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "worker/plan_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From here on something is worth a word. */
enum { MANY_FILES = 100, ENOUGH_MEMBERS = 16 };
#define LARGE_CHUNK ((double)(256 << 20))
#define NOT_SMALLER 0.98

__attribute__((format(printf, 2, 3))) static void say(json_t *list, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_array_append_new(list, json_string(text));
}

static const char *bytes_text(double bytes, char ret[32])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1000;
    snprintf(ret, 32, "%.3g %s", bytes, units[unit]);
    return ret;
}

/* Against the chunks that it would have unasked. */
static void advise_chunks(json_t *list, const struct job *job, const struct planned_array *a)
{
    int64_t shape[SIMLAB_MAX_DIMS], chunks[SIMLAB_MAX_DIMS];
    char each[32];
    double bytes = (double)a->meta.itemsize;
    for (int d = 0; d < a->meta.ndim; d++)
        bytes *= (double)a->meta.chunks[d];
    memcpy(shape, a->meta.shape, sizeof shape);
    if (a->has_batch)
        shape[0] = job->expected;
    store_choose_chunks(a->meta.itemsize, a->meta.ndim, shape, a->has_batch, a->has_clock, chunks);
    int64_t unasked = planned_chunks(a->meta.ndim, a->meta.shape, chunks);
    if (a->n_chunks > MANY_FILES && a->n_chunks / 2 > unasked)
        say(list,
            "%s: its chunks are %" PRId64 " files of %s; without \"chunks\" in its encoding they "
            "would be %" PRId64,
            a->name, a->n_chunks, bytes_text(bytes, each), unasked);
    if (bytes > LARGE_CHUNK && unasked > a->n_chunks)
        say(list,
            "%s: a chunk is %s, which workers and readers hold whole; without \"chunks\" in its "
            "encoding there would be %" PRId64,
            a->name, bytes_text(bytes, each), unasked);
}

static void advise_values(json_t *list, const struct planned_array *a)
{
    if (!(a->sample_bytes >= 4096))
        return;
    if (a->is_single && a->is_sampled_whole)
        say(list,
            "%s: all values that were saved are the same as float32: \"dtype\": \"<f4\" in its "
            "encoding takes half",
            a->name);
    if (a->meta.codec.compressor != STORE_RAW && a->sample_stored > NOT_SMALLER * a->sample_bytes)
        say(list,
            "%s: what was saved does not get smaller (%.0f%%): \"compressor\": null in its "
            "encoding saves the attempt",
            a->name, 100 * a->sample_stored / a->sample_bytes);
}

static void advise_members(json_t *list, const struct job *job, const struct plan_measures *m)
{
    double all = m->member * (double)job->n_members;
    if (job->batch_dim && job->n_members > 1 && all < m->set_up)
        say(list,
            "all %" PRId64 " members take %.2g s, less than the set-up of a worker, %.2g s: they "
            "are best run as one batch with others",
            job->n_members, all, m->set_up);
    else if (m->inside > 0 && m->members >= ENOUGH_MEMBERS && m->member > 2 * m->inside)
        say(list,
            "a member takes %.3g µs in its stages, and %.3g µs to be saved: fewer outputs, or "
            "fewer labels, would be worth it",
            m->inside * 1e6, (m->member - m->inside) * 1e6);
}

json_t *plan_advice(const struct job *job, const struct plan_measures *measured,
                    const struct planned_array *arrays, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        if (strcmp(arrays[i].role, "output") != 0)
            continue;
        advise_chunks(list, job, &arrays[i]);
        advise_values(list, &arrays[i]);
    }
    advise_members(list, job, measured);
    return list;
}
