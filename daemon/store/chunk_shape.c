/* SPDX-License-Identifier: Apache-2.0 */
/* Chunk shapes. */
#include "store/store.h"

enum {
    PLAN_BYTES = 1 << 20,
    PLAN_MAX_ROW = 4096,
    /* Of a great batch, which has about so many chunk rows, but larger chunks only up to a bound.
     */
    PLAN_GREAT_ROWS = 800,
    PLAN_SHORT_ROWS = 64, /* where a member's data are so short that its chunks stay small */
    PLAN_GREAT_BYTES = 8 << 20
};

/* Products that stay at a bound instead of overflowing; beyond it only "too large" matters. */
static int64_t times(int64_t a, int64_t b)
{
    const int64_t bound = INT64_C(1) << 40;
    return b > 0 && a > bound / b ? bound : a * b;
}

/* The extent cut into equal pieces (but for the last) of at most `most`. */
static int64_t even_piece(int64_t extent, int64_t most)
{
    if (most < 1)
        most = 1;
    if (extent <= most)
        return extent > 0 ? extent : 1;
    int64_t pieces = (extent - 1) / most + 1;
    return (extent - 1) / pieces + 1;
}

/* Members of a chunk row, of so many bytes each. */
static int64_t choose_row(int64_t members, int64_t bytes)
{
    int64_t room = times(members, bytes) / PLAN_GREAT_ROWS, most = members / PLAN_SHORT_ROWS;
    room = room < PLAN_BYTES ? PLAN_BYTES : room > PLAN_GREAT_BYTES ? PLAN_GREAT_BYTES : room;
    most = most < PLAN_MAX_ROW ? PLAN_MAX_ROW : most;
    return room / bytes < most ? room / bytes : most;
}

void store_choose_chunks(size_t itemsize, int ndim, const int64_t *shape, bool has_batch,
                         bool has_clock, int64_t *ret_chunks)
{
    int inner = (has_batch && ndim > 0) + (has_clock && ndim > (has_batch ? 1 : 0));
    int64_t bytes = (int64_t)itemsize > 0 ? (int64_t)itemsize : 1;
    /* The last dims whole as long as they fit, the one that does not is cut, those before are 1.
     * A chunk may be half as large again before it is cut: a raster of 1.1 MiB stays whole. */
    int64_t room = PLAN_BYTES + PLAN_BYTES / 2;
    for (int d = ndim - 1; d >= inner; d--) {
        int64_t most = times(bytes, shape[d]) <= room ? shape[d] : PLAN_BYTES / bytes;
        ret_chunks[d] = even_piece(shape[d], most);
        bytes = times(bytes, ret_chunks[d]);
    }
    int clock = inner - 1;
    if (inner > 0 && !(has_batch && clock == 0)) {
        ret_chunks[clock] = even_piece(shape[clock], PLAN_BYTES / bytes);
        bytes = times(bytes, ret_chunks[clock]);
    }
    if (has_batch && ndim > 0) {
        int64_t most = choose_row(shape[0], bytes);
        for (int d = 1; d < ndim; d++) /* a chunk row is of whole members */
            if (ret_chunks[d] < shape[d])
                most = 1;
        ret_chunks[0] = even_piece(shape[0], most);
    }
}
