/* SPDX-License-Identifier: Apache-2.0 */
/* verify: compares a store with what was said of it when its job ended. */
#include "base/json.h"
#include "base/mem.h"
#include "store/checksums.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERIFY_OK, VERIFY_FAILED = 1, VERIFY_REFUSED = 2, TOLD_MOST = 1000 };

struct verify {
    json_t *faults; /* the first */
    int64_t n_faults;
    int64_t (*damaged)[2]; /* members, as they were found */
    size_t n_damaged, capacity;
    bool repairs; /* something is damaged that is no member's */
};

static void on_fault(void *verify, const struct checksums_fault *f)
{
    struct verify *v = verify;
    bool is_members = f->members[1] > f->members[0];
    v->n_faults++;
    v->repairs = v->repairs || (!is_members && !f->is_foreign);
    if (is_members) {
        v->damaged = mem_grow(v->damaged, v->n_damaged, &v->capacity, sizeof *v->damaged);
        memcpy(v->damaged[v->n_damaged++], f->members, sizeof f->members);
    }
    if (json_array_size(v->faults) == TOLD_MOST)
        return;
    char *file = mem_printf("%s%s%s", f->array ? f->array : "", f->array ? "/" : "", f->key);
    json_t *fault =
        json_pack("{s:s, s:s, s:b}", "file", file, "what", f->what, "foreign", (int)f->is_foreign);
    if (fault && is_members)
        json_object_set_new(
            fault, "members",
            json_pack("[I, I]", (json_int_t)f->members[0], (json_int_t)f->members[1]));
    json_array_append_new(v->faults, fault);
    free(file);
}

static int by_begin(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

/* Ascending, joined. */
static json_t *damaged_members(struct verify *v)
{
    json_t *list = json_array();
    if (v->n_damaged > 0)
        qsort(v->damaged, v->n_damaged, sizeof *v->damaged, by_begin);
    for (size_t i = 0; i < v->n_damaged;) {
        int64_t begin = v->damaged[i][0], end = v->damaged[i][1];
        for (i++; i < v->n_damaged && v->damaged[i][0] <= end; i++)
            end = v->damaged[i][1] > end ? v->damaged[i][1] : end;
        json_array_append_new(list, json_pack("[I, I]", (json_int_t)begin, (json_int_t)end));
    }
    return list;
}

static void print(struct verify *v, int64_t n_files)
{
    json_t *answer = json_pack("{s:I, s:I, s:O, s:o, s:b}", "files", (json_int_t)n_files,
                               "n_faults", (json_int_t)v->n_faults, "faults", v->faults, "damaged",
                               damaged_members(v), "repairs", (int)v->repairs);
    char *text = json_show(answer);
    puts(text);
    free(text);
    json_decref(answer);
}

static int read_input(struct buffer *ret)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buffer_append(ret, block, (size_t)n);
        if (ret->size > (size_t)CHECKSUMS_MAX + 4096)
            return -EFBIG;
    }
}

int worker_verify(const char *store, const char *members)
{
    struct error e = {.message = ""};
    struct verify v = {0};
    struct buffer text = {0};
    char *end;
    struct checksums_check check = {.fault = on_fault, .userdata = &v};
    check.n_members = strtoll(members, &end, 10);
    if (check.n_members < 1 || *end) {
        fprintf(stderr, "simlab-worker verify: %s is no number of members\n", members);
        return VERIFY_REFUSED;
    }
    v.faults = json_array();
    int r = error_errno(&e, read_input(&text), "read the checksums");
    if (r == 0)
        r = checksums_compare(store, text.data ? text.data : "", text.size, &check, &e);
    if (r == 0)
        print(&v, check.n_files);
    else
        fprintf(stderr, "simlab-worker verify: %s\n", e.message);
    buffer_free(&text);
    json_decref(v.faults);
    free(v.damaged);
    return r == 0 ? VERIFY_OK : VERIFY_FAILED;
}
