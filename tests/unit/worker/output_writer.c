/* SPDX-License-Identifier: Apache-2.0 */
/* Members of random sizes, some of which fail, gathered in ranges of random lengths and orders,
 * with more or less room: the store is the same, byte for byte, as that of one range. */
#include "worker/output_writer.h"

#include "base/json.h"
#include "base/mem.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 12, LABELS = 5, MOST = 9 };

struct plan {
    struct job *job;
    int64_t size[MEMBERS][LABELS];
    int fails_at[MEMBERS]; /* label; LABELS: never */
};

static void random_plan(struct plan *p, uint64_t *state, bool is_batch)
{
    static const char *const encodings[] = {NULL, "{\"chunks\": [4, 2, 3]}",
                                            "{\"chunks\": [1, 2, 4], \"compressor\": null}",
                                            "{\"chunks\": [5, 9, 2], \"dtype\": \"<f4\"}"};
    static const char *const single[] = {NULL, "{\"chunks\": [2, 3]}"};
    p->job = is_batch ? support_job(MEMBERS, LABELS, encodings[support_below(state, 4)])
                      : support_job(0, LABELS, single[support_below(state, 2)]);
    for (int m = 0; m < MEMBERS; m++) {
        p->fails_at[m] = support_below(state, 4) ? LABELS : (int)support_below(state, LABELS);
        for (int label = 0; label < LABELS; label++)
            p->size[m][label] = support_below(state, MOST);
    }
}

/* Members are saved at a random label, go on for some, and are killed; another process goes on. */
static uint64_t *kills; /* NULL: nobody is killed */

static int put(struct output_writer *g, const struct plan *p, int64_t member, int label,
               struct error *e)
{
    double data[MOST];
    int64_t n = p->size[member][label];
    for (int64_t i = 0; i < n; i++)
        data[i] = (double)(member * 100 + label * 10 + i);
    struct simlab_view v = {
        .data = data, .size = n, .shape = {n}, .ndim = 1, .dtype = SIMLAB_F8, .itemsize = 8};
    return output_writer_put(g, member, 0, label, &v, e);
}

static void put_labels(struct output_writer *g, const struct plan *p, int64_t member, int from,
                       int to)
{
    struct error e = {.message = ""};
    for (int label = from; label < to; label++)
        cr_assert_eq(put(g, p, member, label, &e), 0, "%s", e.message);
}

/* As another process finds it: what was staged is there, what was held is not. */
static void renew(struct output_writer *g, const struct plan *p, const struct buffer *saved)
{
    struct error e = {.message = ""};
    struct store *s = NULL;
    char *path = mem_strdup(store_path(g->store)), *layout = json_canonical(g->layout);
    size_t room = g->room;
    json_t *shown = output_writer_saved_layout(saved->data, saved->size);
    cr_assert_eq(shown != NULL, g->proposes);
    store_leave_staged(g->store);
    store_close(g->store);
    output_writer_close(g);
    cr_assert_eq(store_open(path, STORE_JOIN, &s, &e), 0, "%s", e.message);
    store_set_resumable(s);
    g->room = room;
    int r = shown ? output_writer_join(g, p->job, s, shown, &e)
                  : output_writer_open(g, p->job, s, layout, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    json_decref(shown);
    free(layout);
    free(path);
}

static void run_member(struct output_writer *g, const struct plan *p, int64_t begin, int64_t end,
                       int64_t member, bool is_killed);

/* Labels up to `to`, by two processes. Those before it were in the memory of who was killed: they
 * come again, before this one in one range or after it in another. */
static void put_and_kill(struct output_writer *g, const struct plan *p, int64_t begin,
                         int64_t member, int to)
{
    struct error e = {.message = ""};
    struct buffer saved = {0};
    int at = (int)support_below(kills, to + 1),
        killed = at + (int)support_below(kills, to + 1 - at);
    int64_t end = g->end, first = support_below(kills, 2) ? begin : member;
    put_labels(g, p, member, 0, at);
    output_writer_save(g, member, &saved);
    put_labels(g, p, member, at, killed);
    renew(g, p, &saved);
    output_writer_begin(g, first, end);
    for (int64_t m = first; m < member; m++)
        run_member(g, p, first, end, m, false);
    cr_assert_eq(output_writer_restore(g, member, saved.data, saved.size, &e), 0, "%s", e.message);
    buffer_free(&saved);
    put_labels(g, p, member, at, to);
}

static void run_member(struct output_writer *g, const struct plan *p, int64_t begin, int64_t end,
                       int64_t member, bool is_killed)
{
    struct error e = {.message = ""};
    int64_t written = -1;
    int label = p->fails_at[member];
    if (is_killed)
        put_and_kill(g, p, begin, member, label);
    else
        put_labels(g, p, member, 0, label);
    int r =
        label < LABELS ? output_writer_forget(g, member, &e) : output_writer_keep(g, member, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    g->proposes = g->proposes && label < LABELS;
    cr_assert_eq(output_writer_write(g, member, &written, &e), 0, "%s", e.message);
    cr_assert(written >= begin && written <= member + 1);
    cr_assert(member + 1 < end || written == end);
}

static void run_range(struct output_writer *g, const struct plan *p, int64_t begin, int64_t end)
{
    int64_t victim = kills ? begin + support_below(kills, end - begin) : -1;
    output_writer_begin(g, begin, end);
    for (int64_t member = begin; member < end; member++)
        run_member(g, p, begin, end, member, member == victim);
    uint64_t *later = kills;
    kills = NULL;
    if (victim > begin)
        run_range(g, p, begin, victim);
    kills = later;
}

/* Ranges in a random order after those up to the first success, each with a gather of its own, as
 * workers have. */
static void run_cut(const struct plan *p, const char *path, size_t room, int64_t longest,
                    uint64_t *state)
{
    struct store *s = NULL;
    struct error e = {.message = ""};
    cr_assert_eq(store_open(path, STORE_ANEW, &s, &e), 0, "%s", e.message);
    char *layout = NULL;
    int64_t next = 0, n = p->job->n_members;
    int64_t begins[MEMBERS], ends[MEMBERS];
    int ranges = 0;
    while (next < n) {
        struct output_writer g = {.room = room};
        int64_t end = longest == n ? n : next + 1 + support_below(state, longest);
        end = !layout && longest < n ? next + 1 : end < n ? end : n;
        if (!layout) {
            cr_assert_eq(output_writer_open(&g, p->job, s, NULL, &e), 0, "%s", e.message);
            run_range(&g, p, next, end);
            s = g.store;
            if (!g.proposes) {
                layout = json_canonical(g.layout);
                store_join(s);
            }
            output_writer_close(&g);
        } else {
            begins[ranges] = next;
            ends[ranges++] = end;
        }
        next = end;
    }
    for (int left = ranges; left > 0; left--) {
        int k = (int)support_below(state, left);
        struct output_writer g = {.room = room};
        cr_assert_eq(output_writer_open(&g, p->job, s, layout, &e), 0, "%s", e.message);
        run_range(&g, p, begins[k], ends[k]);
        s = g.store;
        output_writer_close(&g);
        begins[k] = begins[left - 1];
        ends[k] = ends[left - 1];
    }
    free(layout);
    cr_assert_eq(store_finish(s, &e), 0, "%s", e.message);
    store_close(s);
}

static void check_values(const struct plan *p, const char *path)
{
    struct store *s;
    struct error e = {.message = ""};
    struct store_meta m;
    cr_assert_eq(store_open(path, STORE_READ, &s, &e), 0, "%s", e.message);
    int r = store_array(s, "p__values", &m, NULL, NULL, &e);
    for (int64_t member = 0; member < p->job->n_members; member++)
        for (int label = 0; label < LABELS && p->fails_at[member] == LABELS; label++) {
            cr_assert_eq(r, 0, "%s", e.message);
            char bytes[MOST * 8];
            int64_t start[3] = {member, label, 0}, count[3] = {1, 1, p->size[member][label]};
            int skip = m.ndim == 2; /* no batch */
            if (count[2] == 0)
                continue;
            cr_assert_eq(store_read(s, "p__values", start + skip, count + skip, bytes, &e), 0, "%s",
                         e.message);
            for (int64_t i = 0; i < count[2]; i++)
                cr_assert_eq(dtype_to_double(m.dtype, bytes, (size_t)i),
                             (double)(member * 100 + label * 10 + i));
        }
    if (r == 0)
        store_meta_clear(&m);
    store_close(s);
}

static void check_plans(uint64_t seed, int rounds, bool is_batch)
{
    for (uint64_t state = seed; rounds > 0; rounds--) {
        struct plan p;
        random_plan(&p, &state, is_batch);
        char whole[600], cut[600], name[64];
        snprintf(name, sizeof name, "whole%d-%d", is_batch, rounds);
        snprintf(whole, sizeof whole, "%s", support_path(name));
        size_t room =
            rounds % 3 == 0 ? OUTPUT_WRITER_BYTES : 8 + (size_t)support_below(&state, 900);
        run_cut(&p, whole, room, p.job->n_members, &state);
        check_values(&p, whole);
        for (int k = 0; k < 5; k++) {
            uint64_t kill_state = state;
            kills = k >= 4 ? &kill_state : NULL;
            snprintf(name, sizeof name, "cut%d-%d-%d", is_batch, rounds, k);
            snprintf(cut, sizeof cut, "%s", support_path(name));
            int64_t n = p.job->n_members;
            run_cut(&p, cut, room, 1 + support_below(&state, kills && n > 1 ? n - 1 : n), &state);
            kills = NULL;
            support_same(whole, cut);
        }
        job_free(p.job);
    }
}

Test(gather, a_batch_is_the_same_however_it_is_cut, .timeout = 120)
{
    check_plans(7, 30, true);
}

Test(gather, one_simulation_is_the_same_however_it_is_cut, .timeout = 120)
{
    check_plans(11, 20, false);
}

/* A long simulation is written as it goes, a label's chunk at a time. */
Test(gather, one_simulation_is_not_buffered_whole)
{
    struct job *job = support_job(0, LABELS, "{\"chunks\": [2, 3]}");
    struct store *s;
    struct output_writer g = {0};
    struct error e = {.message = ""};
    struct plan p = {.job = job};
    for (int label = 0; label < LABELS; label++)
        p.size[0][label] = 3;
    cr_assert_eq(store_open(support_path("single"), STORE_ANEW, &s, &e), 0, "%s", e.message);
    cr_assert_eq(output_writer_open(&g, job, s, NULL, &e), 0, "%s", e.message);
    output_writer_begin(&g, 0, 1);
    for (int label = 0; label < LABELS; label++) {
        cr_assert_eq(put(&g, &p, 0, label, &e), 0, "%s", e.message);
        cr_assert_leq(g.outputs[0].buffer.capacity, 2 * 3 * sizeof(double));
    }
    output_writer_close(&g);
    store_close(s);
    job_free(job);
}

/* ---- open batches ---- */

static struct job *open_job(int members)
{
    struct job *job = support_job(members, LABELS, "{\"chunks\": [8, 2, 3]}");
    job->is_open = true;
    return job;
}

static void plan_open(struct plan *p, struct job *job)
{
    *p = (struct plan){.job = job};
    for (int m = 0; m < MEMBERS; m++) {
        p->fails_at[m] = LABELS;
        for (int label = 0; label < LABELS; label++)
            p->size[m][label] = 3;
    }
}

static struct store *open_writer(const char *path, const struct job *job, const char *layout,
                                 struct output_writer *g)
{
    struct store *s = NULL;
    struct error e = {.message = ""};
    cr_assert_eq(store_open(path, layout ? STORE_JOIN : STORE_ANEW, &s, &e), 0, "%s", e.message);
    cr_assert_eq(output_writer_open(g, job, s, layout, &e), 0, "%s", e.message);
    return s;
}

/* A range that is run by a worker which knows so many members. */
static void run_open(const char *path, struct plan *p, struct job *job, char **layout,
                     int64_t begin, int64_t end)
{
    struct output_writer g = {0};
    struct store *s = open_writer(path, job, *layout, &g);
    p->job = job;
    run_range(&g, p, begin, end);
    if (!*layout)
        *layout = json_canonical(g.layout);
    output_writer_close(&g);
    store_close(s);
}

/* As the end of a job whose members may end early. */
static void end_open(const char *path)
{
    struct store *s = NULL;
    struct error e = {.message = ""};
    const struct store_end how = {.has_rows = true};
    cr_assert_eq(store_open(path, STORE_JOIN, &s, &e), 0, "%s", e.message);
    cr_assert_eq(store_end_array(s, "p__values", &how, &e), 0, "%s", e.message);
    store_close(s);
}

/* Who does not know of the members that were appended leaves alone what others write of them, in
 * the chunks that were the last ones. */
Test(gather, members_that_were_appended_are_in_the_same_chunks)
{
    struct job *few = open_job(10), *many = open_job(12);
    struct plan p;
    char *layout = NULL, path[600];
    snprintf(path, sizeof path, "%s", support_path("appended"));
    plan_open(&p, many);
    run_open(path, &p, few, &layout, 0, 8);
    run_open(path, &p, many, &layout, 10, 12);
    run_open(path, &p, few, &layout, 8, 10);
    p.job = many;
    end_open(path);
    check_values(&p, path);
    free(layout);
    job_free(few);
    job_free(many);
}

/* One that was alone has others in its chunks. */
Test(gather, members_that_were_appended_to_one)
{
    struct job *one = open_job(1), *many = open_job(12);
    struct plan p;
    char *layout = NULL, path[600];
    snprintf(path, sizeof path, "%s", support_path("one"));
    plan_open(&p, many);
    run_open(path, &p, one, &layout, 0, 1);
    run_open(path, &p, many, &layout, 1, 12);
    end_open(path);
    check_values(&p, path);
    free(layout);
    job_free(one);
    job_free(many);
}

/* It is run again, since its worker was killed, and what it saves is staged. */
Test(gather, members_that_were_appended_while_one_is_staged)
{
    struct job *one = open_job(1), *many = open_job(12);
    struct plan p;
    struct error e = {.message = ""};
    char *layout = NULL, path[600];
    snprintf(path, sizeof path, "%s", support_path("staged"));
    plan_open(&p, many);
    run_open(path, &p, one, &layout, 0, 1);
    struct output_writer g = {.room = 8};
    struct store *s = open_writer(path, one, layout, &g);
    output_writer_begin(&g, 0, 1);
    put_labels(&g, &p, 0, 0, LABELS);
    run_open(path, &p, many, &layout, 1, 12);
    int64_t written;
    cr_assert_eq(output_writer_keep(&g, 0, &e), 0, "%s", e.message);
    cr_assert_eq(output_writer_write(&g, 0, &written, &e), 0, "%s", e.message);
    output_writer_close(&g);
    store_close(s);
    p.job = many;
    end_open(path);
    check_values(&p, path);
    free(layout);
    job_free(one);
    job_free(many);
}
