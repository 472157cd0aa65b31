/* SPDX-License-Identifier: Apache-2.0 */
#include "cell.h"

#include "block.h"
#include "numpy.h"

#include <stdlib.h>
#include <string.h>

enum { SCALAR_MOST = 16, TABLE_FIRST = 256 };

/* Over the value. */
struct array {
    PyObject *array;
    struct block *block; /* its base, borrowed */
};

struct cell {
    struct simlab_view *view;
    int users;
    /* Which may be read, and written; made for this memory and shape. */
    struct array arrays[2];
    const void *data;
    int32_t dtype, ndim, itemsize;
    int64_t shape[SIMLAB_MAX_DIMS];
    /* What stands for a scalar of these bytes. */
    PyObject *scalar;
    char bytes[SCALAR_MOST];
    int64_t mark; /* of all of the above */
};

/* By the view's address: open addressing, a power of two of places. */
static struct {
    struct cell **at;
    size_t size, n;
} cells;

/* ---- the table ---- */

static size_t place_of(const struct simlab_view *view)
{
    size_t mask = cells.size - 1, i = ((uintptr_t)view >> 4) * 0x9E3779B97F4A7C15u >> 20 & mask;
    while (cells.at[i] && cells.at[i]->view != view)
        i = (i + 1) & mask;
    return i;
}

static bool table_grow(void)
{
    size_t old_size = cells.size, size = old_size ? 2 * old_size : TABLE_FIRST;
    struct cell **old = cells.at, **at = calloc(size, sizeof(struct cell *));
    if (!at)
        return false;
    cells.at = at;
    cells.size = size;
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            cells.at[place_of(old[i]->view)] = old[i];
    free(old);
    return true;
}

/* Those behind it in the same run of places are put again. */
static void table_remove(const struct cell *cell)
{
    size_t mask = cells.size - 1, i = place_of(cell->view);
    cells.at[i] = NULL;
    cells.n--;
    for (i = (i + 1) & mask; cells.at[i]; i = (i + 1) & mask) {
        struct cell *moved = cells.at[i];
        cells.at[i] = NULL;
        cells.at[place_of(moved->view)] = moved;
    }
}

struct cell *cell_join(struct simlab_view *view)
{
    if (2 * (cells.n + 1) > cells.size && !table_grow())
        return NULL;
    struct cell **place = &cells.at[place_of(view)];
    if (!*place) {
        *place = calloc(1, sizeof **place);
        if (!*place)
            return NULL;
        (*place)->view = view;
        cells.n++;
    }
    (*place)->users++;
    return *place;
}

void cell_leave(struct cell *cell)
{
    if (!cell || --cell->users > 0)
        return;
    table_remove(cell);
    cell_forget(cell);
    Py_CLEAR(cell->scalar);
    free(cell);
}

/* ---- values ---- */

void cell_forget(struct cell *cell)
{
    Py_CLEAR(cell->arrays[0].array);
    Py_CLEAR(cell->arrays[1].array);
    cell->data = NULL;
}

/* By somebody beside the cell; parts of it hold it, too. */
static bool is_viewed(const struct array *a)
{
    return Py_REFCNT(a->array) > 1 || Py_REFCNT((PyObject *)a->block) > 1;
}

int cell_keep(struct cell *cell, simlab_context *c)
{
    for (int i = 0; i < 2; i++) {
        const struct array *a = &cell->arrays[i];
        if (!a->array)
            continue;
        if (!is_viewed(a))
            block_let_go(a->block);
        else if (cell->data == cell->view->data && block_keep(a->block, c, cell->view) < 0)
            return -1;
    }
    return 0;
}

bool cell_is_value(const void *data)
{
    for (size_t i = 0; i < cells.size; i++)
        if (cells.at[i] && cells.at[i]->view->data == data)
            return true;
    return false;
}

static bool is_current(const struct cell *cell)
{
    const struct simlab_view *v = cell->view;
    if (cell->data != v->data || cell->dtype != v->dtype || cell->ndim != v->ndim ||
        cell->itemsize != v->itemsize || cell->mark != v->mark)
        return false;
    for (int i = 0; i < v->ndim; i++)
        if (cell->shape[i] != v->shape[i])
            return false;
    return true;
}

PyObject *cell_array(const struct cell *cell, bool may_write)
{
    return is_current(cell) ? cell->arrays[may_write].array : NULL;
}

bool cell_owns(const struct cell *cell, const PyObject *array)
{
    return array == cell_array(cell, false) || array == cell_array(cell, true);
}

static PyObject *read_array(struct cell *cell, bool may_write)
{
    const struct simlab_view *v = cell->view;
    if (!is_current(cell)) {
        cell_forget(cell);
        cell->data = v->data;
        cell->dtype = v->dtype;
        cell->ndim = v->ndim;
        cell->itemsize = v->itemsize;
        cell->mark = v->mark;
        memcpy(cell->shape, v->shape, (size_t)v->ndim * sizeof *v->shape);
    }
    struct array *a = &cell->arrays[may_write];
    if (!a->array) {
        a->block = block_new(v, may_write);
        a->array = a->block ? numpy_array(v, (PyObject *)a->block) : NULL;
        Py_XDECREF((PyObject *)a->block);
    }
    Py_XINCREF(a->array);
    return a->array;
}

static PyObject *read_scalar(struct cell *cell)
{
    const struct simlab_view *v = cell->view;
    if (v->itemsize > SCALAR_MOST)
        return numpy_scalar(v, v->mark != MARK_PYTHON);
    size_t n = (size_t)v->itemsize;
    if (!cell->scalar || cell->dtype != v->dtype || cell->itemsize != v->itemsize ||
        cell->mark != v->mark || memcmp(cell->bytes, v->data, n) != 0) {
        PyObject *scalar = numpy_scalar(v, v->mark != MARK_PYTHON);
        if (!scalar)
            return NULL;
        cell_remember(cell, scalar, v->mark);
        Py_DECREF(scalar);
    }
    Py_INCREF(cell->scalar);
    return cell->scalar;
}

void cell_remember(struct cell *cell, PyObject *object, int64_t mark)
{
    struct simlab_view *v = cell->view;
    cell->mark = v->mark = mark;
    Py_CLEAR(cell->scalar);
    if (v->itemsize > SCALAR_MOST)
        return;
    cell_forget(cell); /* it has no array */
    cell->dtype = v->dtype;
    cell->itemsize = v->itemsize;
    memcpy(cell->bytes, v->data, (size_t)v->itemsize);
    Py_INCREF(object);
    cell->scalar = object;
}

PyObject *cell_read(struct cell *cell, bool may_write)
{
    if (cell->view->ndim == 0)
        return read_scalar(cell);
    if (cell->view->dtype == SIMLAB_STR)
        return numpy_copy(cell->view);
    return read_array(cell, may_write);
}
