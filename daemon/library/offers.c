/* SPDX-License-Identifier: Apache-2.0 */
#include "library/offers_internal.h"

#include "base/aside.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "library/copies.h"
#include "library/offered.h"
#include "library/pushed.h"
#include "library/snapshot.h"
#include "library/sweeper.h"
#include "library/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS = 2,      /* one library that hangs does not keep the others waiting */
    RESCAN_MS = 30000 /* for what the kernel does not tell */
};

/* ---- registries ---- */

struct building {
    struct offers *offers;
    struct snapshot *snapshot;
    bool is_written;     /* there was a look: what is offered is known */
    struct push *pushes; /* that it is made for */
    struct registry *registry;
};

static void write_offered(struct offers *o, const struct snapshot *s)
{
    char *text = snapshot_offered(s);
    if ((!o->offered || strcmp(o->offered, text) != 0) &&
        offered_write(o->options.root, text) == 0) {
        free(o->offered);
        o->offered = text;
        text = NULL;
    }
    free(text);
}

static void build(void *task)
{
    struct building *b = task;
    b->registry = snapshot_registry(b->snapshot);
    if (b->is_written)
        write_offered(b->offers, b->snapshot);
}

static void built(void *task)
{
    struct building *b = task;
    struct offers *o = b->offers;
    const struct registry *old = o->registry;
    o->registry = b->registry;
    o->is_building = false;
    if (!o->is_closing) {
        snapshot_log_contents(old, o->registry);
        o->options.changed(o->options.userdata);
    }
    registry_unref(old);
    pushes_answer(o, b->pushes);
    snapshot_free(b->snapshot);
    free(b);
    offers_go_on(o);
}

static void start_building(struct offers *o)
{
    struct building *b = mem_new(sizeof *b);
    *b = (struct building){.offers = o,
                           .snapshot = snapshot_new(&o->originals),
                           .is_written = o->has_looked,
                           .pushes = pushes_take(o)};
    o->is_dirty = false;
    o->is_building = true;
    aside_run(o->aside, build, built, b);
}

/* While a library is being taken, a type that extends one of its types is left out for a moment. */
static void complain_of_left_out(struct offers *o)
{
    if (o->is_dirty || o->is_building || o->n_taking > 0 || o->complained == o->registry)
        return;
    snapshot_log_left_out(o->complained, o->registry);
    registry_unref(o->complained);
    o->complained = registry_ref(o->registry);
}

void offers_go_on(struct offers *o)
{
    if (o->is_closing)
        return;
    if (o->is_dirty && !o->is_building)
        start_building(o);
    complain_of_left_out(o);
    if (!o->is_known && o->has_looked && o->n_taking == 0 && !o->is_building) {
        o->is_known = true;
        log_info("%zu process types", registry_size(o->registry));
    }
}

/* ---- taking ---- */

struct taking {
    struct offers *offers;
    char *path;
    char signature[HASH_TEXT_SIZE], hash[HASH_TEXT_SIZE];
    json_t *document;
    int result;
    struct error why;
};

static void take(void *task)
{
    struct taking *t = task;
    t->result = copies_take(t->offers->copies, t->path, t->hash, &t->document, &t->why);
    error_explain(&t->why, t->result, "copy it");
}

static void taken(void *task)
{
    struct taking *t = task;
    struct offers *o = t->offers;
    struct original *original = originals_find(&o->originals, t->path);
    o->n_taking--;
    if (original &&
        original_taken(original, t->signature, t->hash, t->document,
                       t->result ? t->why.message : NULL, t->result == LIBRARY_CHANGES, loop_now()))
        o->is_dirty = true;
    json_decref(t->document);
    free(t->path);
    free(t);
    offers_go_on(o);
}

static void start_taking(struct offers *o, const struct original *original)
{
    struct taking *t = mem_new(sizeof *t);
    t->offers = o;
    t->path = mem_strdup(original->path);
    memcpy(t->signature, original->seen, HASH_TEXT_SIZE);
    o->n_taking++;
    aside_run(o->aside, take, taken, t);
}

/* ---- looking ---- */

struct looking {
    struct offers *offers;
    struct look look;
    json_t *settled;
    bool is_forced;
};

static void look(void *task)
{
    struct looking *l = task;
    originals_look(l->offers->options.directories, l->offers->pushed, &l->look);
}

static void mark_settled(struct offers *o, const json_t *settled)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)settled, name, value)
    {
        originals_settled(&o->originals, atoi(name), strchr(name, '/') + 1);
    }
}

static void complain_of_directories(const struct offers *o, const struct look *l)
{
    for (int i = 0; i < o->originals.n_plain; i++)
        if (l->errors[i])
            log_warning("no process libraries in %s: %s", o->options.directories[i],
                        strerror(l->errors[i]));
}

static void looked(void *task)
{
    struct looking *l = task;
    struct offers *o = l->offers;
    struct original *next;
    int64_t now = loop_now();
    o->is_looking = false;
    o->is_dirty |= originals_merge(&o->originals, &l->look, l->is_forced, now);
    mark_settled(o, l->settled);
    while (!o->is_closing && (next = originals_next(&o->originals, now)))
        start_taking(o, next);
    if (l->is_forced)
        complain_of_directories(o, &l->look);
    o->is_dirty |= !o->has_looked;
    o->has_looked = true;
    look_clear(&l->look);
    json_decref(l->settled);
    free(l);
    offers_go_on(o);
}

static void start_looking(struct offers *o, int64_t now)
{
    struct looking *l = mem_new(sizeof *l);
    *l = (struct looking){.offers = o, .settled = o->settled, .is_forced = o->is_forced};
    o->settled = json_object();
    o->is_forced = false;
    o->is_looking = true;
    o->look_at = now + RESCAN_MS;
    if (o->watch)
        watch_renew(o->watch);
    aside_run(o->aside, look, looked, l);
}

static void on_event(void *offers, int directory, const char *file, bool is_settled)
{
    struct offers *o = offers;
    int64_t due = loop_now() + (is_settled ? 0 : ORIGINALS_SETTLE_MS);
    if (file && is_settled) {
        char *name = mem_printf("%d/%s", directory, file);
        json_object_set_new(o->settled, name, json_true());
        free(name);
    }
    if (due < o->look_at)
        o->look_at = due;
}

void offers_rescan(struct offers *o)
{
    originals_retry(&o->originals);
    o->is_forced = true;
    o->look_at = 0;
}

/* ---- what was on offer before ---- */

struct remembering {
    struct offers *offers;
    struct originals found;
};

static void remember(void *task)
{
    struct remembering *m = task;
    offered_read(m->offers->options.root, m->offers->options.directories, m->offers->pushed,
                 m->offers->copies, &m->found);
}

static void remembered(void *task)
{
    struct remembering *m = task;
    struct offers *o = m->offers;
    o->originals.list = m->found.list;
    o->originals.n = m->found.n;
    o->is_remembering = false;
    o->is_dirty = o->originals.n > 0;
    free(m);
    offers_go_on(o);
}

/* ---- life ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The end of a task turns the loop. */
int64_t offers_tick(struct offers *o, int64_t now)
{
    int64_t due = INT64_MAX;
    pushes_start(o);
    if (o->is_looking || o->is_remembering || sweeper_is_busy(o->sweeper))
        return due;
    if (o->is_known && o->n_taking == 0)
        due = sweeper_tick(o->sweeper, &o->originals, now);
    if (sweeper_is_busy(o->sweeper) || pushes_are_removing(o))
        return due;
    int64_t look_due = earlier(o->look_at, originals_due(&o->originals));
    if (now < look_due)
        return earlier(due, look_due);
    start_looking(o, now);
    return INT64_MAX;
}

const struct registry *offers_registry(const struct offers *o)
{
    return o->registry;
}

bool offers_are_known(const struct offers *o)
{
    return o->is_known;
}

static void start_remembering(struct offers *o)
{
    struct remembering *m = mem_new(sizeof *m);
    m->offers = o;
    o->is_remembering = true;
    aside_run(o->aside, remember, remembered, m);
}

/* Those of modules that were pushed to an environment that has gone since are left as they are. */
static int open_pushed(struct offers *o)
{
    const struct environments *e = o->options.environments;
    int r = 0;
    while (o->options.directories[o->originals.n_plain])
        o->originals.n_plain++;
    if (!o->options.pushed)
        return 0;
    o->originals.environments = e->names;
    o->pushed = mem_array((size_t)e->n + 1, sizeof *o->pushed);
    for (int i = 0; i < e->n && r == 0; i++) {
        o->pushed[i] = file_join(o->options.pushed, e->names[i]);
        r = pushed_open(o->pushed[i]);
    }
    return r;
}

int offers_open(struct loop *loop, const struct offers_options *options, struct offers **ret_offers,
                struct error *e)
{
    struct offers *o = mem_new(sizeof *o);
    *o = (struct offers){
        .loop = loop, .options = *options, .is_forced = true, .settled = json_object()};
    struct registry *empty = registry_new();
    registry_finish(empty);
    o->registry = empty;
    int r = copies_open(options->root, options->program, options->describing, &o->copies, e);
    if (r == 0)
        r = error_errno(e, open_pushed(o), "make the directories of pushed modules");
    if (r == 0)
        r = error_errno(e, aside_new(loop, THREADS, &o->aside), "start the libraries' threads");
    if (r < 0) {
        offers_close(o);
        return r;
    }
    o->sweeper = sweeper_new(o->aside, o->copies, options->needed, options->userdata);
    int watched = watch_open(loop, options->directories, on_event, o, &o->watch);
    if (watched < 0)
        log_warning("directories of libraries are not watched, but looked at every %d s: %s",
                    RESCAN_MS / 1000, strerror(-watched));
    start_remembering(o);
    *ret_offers = o;
    return 0;
}

struct offers *offers_close(struct offers *o)
{
    if (!o)
        return NULL;
    o->is_closing = true;
    if (o->copies)
        copies_stop(o->copies);
    o->aside = aside_free(o->aside);
    pushes_clear(o);
    for (int i = 0; o->pushed && o->pushed[i]; i++)
        free((char *)o->pushed[i]);
    free((void *)o->pushed);
    watch_close(o->watch);
    originals_clear(&o->originals);
    registry_unref(o->registry);
    registry_unref(o->complained);
    sweeper_free(o->sweeper);
    copies_free(o->copies);
    json_decref(o->settled);
    free(o->offered);
    free(o);
    return NULL;
}
