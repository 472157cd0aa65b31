/* SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include "cell.h"

struct block {
    PyObject_HEAD void *data;
    Py_ssize_t bytes;
    int is_read_only;
    struct simlab_kept *kept; /* NULL: it is not */
    void (*let_go)(struct simlab_kept *kept);
};

static PyTypeObject *block_type;
static int n_kept;

int block_n_kept(void)
{
    return n_kept;
}

struct block *block_new(const struct simlab_view *view, bool may_write)
{
    struct block *b = PyObject_New(struct block, block_type);
    if (b) {
        b->data = view->data;
        b->bytes = (Py_ssize_t)(view->size * view->itemsize);
        b->is_read_only = !may_write;
        b->kept = NULL;
    }
    return b;
}

int block_keep(struct block *b, simlab_context *c, const struct simlab_view *view)
{
    if (b->kept)
        return 0;
    b->let_go = c->host->let_go;
    b->kept = c->host->keep(c, view);
    if (!b->kept) {
        PyErr_NoMemory();
        return -1;
    }
    n_kept++;
    return 0;
}

void block_let_go(struct block *b)
{
    if (!b->kept)
        return;
    b->let_go(b->kept);
    b->kept = NULL;
    n_kept--;
}

/* ---- the type ---- */

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    struct block *b = (struct block *)self;
    return PyBuffer_FillInfo(view, self, b->data, b->bytes, b->is_read_only, flags);
}

static PyObject *is_current(PyObject *self, void *closure)
{
    (void)closure;
    return PyBool_FromLong(cell_is_value(((struct block *)self)->data));
}

static void block_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    block_let_go((struct block *)self);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyGetSetDef block_attributes[] = {
    {"is_current", is_current, NULL, "Whether it is the memory of a value now.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot block_slots[] = {
    {Py_bf_getbuffer, (void *)(uintptr_t)get_buffer},
    {Py_tp_dealloc, (void *)(uintptr_t)block_free},
    {Py_tp_getset, block_attributes},
    {0, NULL},
};
static PyType_Spec block_spec = {
    .name = "_simlab.Block",
    .basicsize = sizeof(struct block),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = block_slots,
};

PyTypeObject *block_class(void)
{
    if (!block_type)
        block_type = (PyTypeObject *)PyType_FromSpec(&block_spec);
    return block_type;
}
