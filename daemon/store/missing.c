/* SPDX-License-Identifier: Apache-2.0 */
#include "store/missing.h"

#include "base/dtype.h"
#include "store/filter.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ITEM = 16, AREA = 2 * ITEM };

struct coding {
    const struct filter *filters;
    int n;
    unsigned char areas[2][AREA];
};

/* The element that comes back; through the integers that the last filter gives. */
static void encode_and_decode(struct coding *c, const void *value, void *ret)
{
    void *const scratch[2] = {c->areas[0], c->areas[1]};
    unsigned char encoded[ITEM] = {0};
    size_t size = filter_itemsize(c->filters, c->n, 0);
    memcpy(encoded, filter_encode(c->filters, c->n, value, 1, scratch), size);
    filter_decode(c->filters, c->n, encoded, 1, scratch, ret);
}

/* One that survives: what the least, or of unsigned ones the greatest, integer stands for. */
static void suggest(struct coding *c, const struct store_meta *m, char *ret, size_t size)
{
    const struct filter *last = &c->filters[c->n - 1];
    void *const scratch[2] = {c->areas[0], c->areas[1]};
    size_t itemsize = dtype_size(last->astype);
    unsigned char encoded[ITEM], value[ITEM] = {0}, again[ITEM] = {0};
    dtype_fill_value(last->astype, itemsize, encoded);
    if (last->astype_big)
        dtype_swap(last->astype, encoded, 1);
    filter_decode(c->filters, c->n, encoded, 1, scratch, value);
    encode_and_decode(c, value, again);
    bool survives = memcmp(value, again, m->itemsize) == 0;
    if (m->big_endian)
        dtype_swap(m->dtype, value, 1);
    *ret = '\0';
    if (survives)
        snprintf(ret, size, ", such as %.17g", dtype_to_double(m->dtype, value, 0));
}

static int check_fill(struct coding *c, const struct store_meta *m, struct error *e)
{
    unsigned char fill[ITEM], back[ITEM] = {0};
    char such[60];
    memcpy(fill, m->fill, m->itemsize);
    if (m->big_endian)
        dtype_swap(m->dtype, fill, 1);
    encode_and_decode(c, fill, back);
    if (memcmp(fill, back, m->itemsize) == 0)
        return 0;
    suggest(c, m, such, sizeof such);
    return error_set(e, STORE_INVALID, "/filters",
                     "these filters make integers of floats, so that NaN, and what a member that "
                     "failed has not computed, would read as numbers: give a \"fill_value\" that "
                     "they keep%s, or null where there is never any",
                     such);
}

int missing_encode(struct store_meta *m, int values, struct error *e)
{
    struct filter filters[FILTER_MAX];
    int n = 0, r = 0;
    bool to_integers = false;
    if (m->filters)
        r = filter_parse(m->filters, m->dtype, m->big_endian, filters, &n, NULL, e);
    for (int i = 0; r == 0 && i < n; i++) {
        char where[32];
        snprintf(where, sizeof where, "/filters/%d", i);
        to_integers |= dtype_is_float(filters[i].dtype) && !dtype_is_float(filters[i].astype);
        if (filters[i].kind == FILTER_DELTA && dtype_is_float(filters[i].dtype))
            r = error_set(e, STORE_INVALID, where,
                          "differences of floats lose all that comes after a NaN, or after a "
                          "member that failed: take \"fixedscaleoffset\", or leave it to the "
                          "compressor");
    }
    if (r == 0 && to_integers && m->has_fill)
        r = check_fill(&(struct coding){.filters = filters, .n = n}, m, e);
    bool has_nan = !dtype_is_integer(values) && values != SIMLAB_BOOL && values != SIMLAB_STR;
    m->nan_is_fill = has_nan && m->has_fill && (to_integers || dtype_is_integer(m->dtype));
    return r;
}
