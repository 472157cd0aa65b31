/* SPDX-License-Identifier: Apache-2.0 */
/* Process libraries: dlopen, the descriptor document, and the code behind a model's types. */
#ifndef WORKER_LIBRARY_H
#define WORKER_LIBRARY_H

#include "model/registry.h"
#include "stage/stage.h"
#include "worker/result.h"

struct libraries;

struct libraries *libraries_new(void);
/* Does not dlclose: code may still be named. */
struct libraries *libraries_free(struct libraries *l);

/* Opens one shared object and checks its table (ABI version and revision, sizes). WORKER_REFUSED,
 * with words. */
int libraries_open(struct libraries *l, const char *path, struct error *e);
/* Opens every *.so of a directory, in order of name. One that cannot be opened is logged and left
 * out. */
int libraries_open_directory(struct libraries *l, const char *directory, struct error *e);

/* The descriptor document of the i-th library opened (proto/PROTOCOL.md). A new reference. */
int libraries_describe(const struct libraries *l, size_t i, json_t **ret_document, struct error *e);
size_t libraries_size(const struct libraries *l);
/* A symbol of the i-th library, or of what it is linked with; NULL where there is none. */
void *libraries_symbol(const struct libraries *l, size_t i, const char *name);

/* A registry of all that is open; as in the daemon, a library whose descriptors are refused is
 * logged and left out. The caller frees it, before the libraries. */
int libraries_registry(struct libraries *l, struct registry **ret_registry, struct error *e);

/* The code of a type, borrowed; NULL where its library is not open. */
const struct stage_code *libraries_code(const struct libraries *l, const struct type *type);

/* The hook "library.name", borrowed; NULL where there is none. */
const struct simlab_hook *libraries_hook(const struct libraries *l, const char *name);

#endif
