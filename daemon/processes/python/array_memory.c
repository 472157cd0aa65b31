/* SPDX-License-Identifier: Apache-2.0 */
#include "array_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, LARGEST = 65536, N_CLASSES = LARGEST / LINE + 1, KEPT_MOST = 1 << 20 };

/* As NumPy's header has them, since 1.22: they are part of its binary interface. */
struct handler {
    char name[127];
    uint8_t version;
    void *userdata;
    void *(*take)(void *userdata, size_t bytes);
    void *(*take_zeros)(void *userdata, size_t n, size_t bytes);
    void *(*resize)(void *userdata, void *block, size_t bytes);
    void (*give)(void *userdata, void *block, size_t bytes);
};
enum { API_FEATURE_VERSION = 211, API_SET_HANDLER = 304, FEATURES_WITH_HANDLERS = 0xf };

/* By lines: a kept block's first word leads to the next one. */
static struct {
    pthread_t owner;
    void *first[N_CLASSES];
    size_t bytes;
} kept;

static size_t lines_of(size_t bytes)
{
    return bytes ? (bytes + LINE - 1) / LINE : 1;
}

static bool is_owner(void)
{
    return pthread_equal(pthread_self(), kept.owner);
}

static void *take(void *unused, size_t bytes)
{
    (void)unused;
    if (bytes > LARGEST)
        return malloc(bytes);
    size_t lines = lines_of(bytes);
    void *block = is_owner() ? kept.first[lines] : NULL;
    if (!block)
        return aligned_alloc(LINE, lines * LINE);
    memcpy(&kept.first[lines], block, sizeof(void *));
    kept.bytes -= lines * LINE;
    return block;
}

static void *take_zeros(void *unused, size_t n, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(n, bytes, &all))
        return NULL;
    if (all > LARGEST)
        return calloc(n, bytes);
    void *block = take(unused, all);
    return block ? memset(block, 0, all) : NULL;
}

static void *resize(void *unused, void *block, size_t bytes)
{
    (void)unused;
    return realloc(block, lines_of(bytes) * LINE);
}

/* NumPy's own word for the size is not that of `take` where a dimension has no extent, or an array
 * was reshaped in place. What was resized may begin anywhere. */
static bool is_to_be_kept(void *block, size_t lines)
{
    return lines > 0 && lines < N_CLASSES && (uintptr_t)block % LINE == 0 && is_owner() &&
           kept.bytes + lines * LINE <= KEPT_MOST;
}

static void give(void *unused, void *block, size_t bytes)
{
    (void)unused;
    (void)bytes;
    size_t lines = block ? malloc_usable_size(block) / LINE : 0;
    if (!is_to_be_kept(block, lines)) {
        free(block);
        return;
    }
    memcpy(block, &kept.first[lines], sizeof(void *));
    kept.first[lines] = block;
    kept.bytes += lines * LINE;
}

static struct handler handler = {.name = "simlab",
                                 .version = 1,
                                 .take = take,
                                 .take_zeros = take_zeros,
                                 .resize = resize,
                                 .give = give};

/* NumPy's table of functions: NULL where it has none that is known here. */
static void **table_of(PyObject *numpy)
{
    PyObject *core = PyObject_GetAttrString(numpy, "_core"); /* since 2.0 */
    if (!core) {
        PyErr_Clear();
        core = PyObject_GetAttrString(numpy, "core");
    }
    PyObject *umath = core ? PyObject_GetAttrString(core, "_multiarray_umath") : NULL;
    PyObject *capsule = umath ? PyObject_GetAttrString(umath, "_ARRAY_API") : NULL;
    void **table = capsule ? PyCapsule_GetPointer(capsule, NULL) : NULL;
    Py_XDECREF(capsule);
    Py_XDECREF(umath);
    Py_XDECREF(core);
    PyErr_Clear();
    return table;
}

static bool has_handlers(void **table)
{
    unsigned (*feature_version)(void);
    memcpy(&feature_version, &table[API_FEATURE_VERSION], sizeof feature_version);
    return feature_version() >= FEATURES_WITH_HANDLERS;
}

int array_memory_start(PyObject *numpy)
{
    void **table = table_of(numpy);
    PyObject *(*set_handler)(PyObject * handler);
    if (!table || !has_handlers(table))
        return 0;
    kept.owner = pthread_self();
    PyObject *capsule = PyCapsule_New(&handler, "mem_handler", NULL);
    memcpy(&set_handler, &table[API_SET_HANDLER], sizeof set_handler);
    PyObject *before = capsule ? set_handler(capsule) : NULL;
    Py_XDECREF(before);
    Py_XDECREF(capsule);
    return before ? 0 : -1;
}
