/* SPDX-License-Identifier: Apache-2.0 */
/* Process libraries: dlopen, the descriptor document, and the code behind a model's types.
 *
 * Invariant: of each name one content is loaded, ever: two builds of a library in C++ share the
 * statics of their templates, whatever dlopen is told. */
#ifndef WORKER_LIBRARY_H
#define WORKER_LIBRARY_H

#include "model/registry.h"
#include "stage/stage.h"
#include "worker/imports.h"
#include "worker/result.h"

struct libraries;

struct libraries *libraries_new(void);
/* Does not dlclose: code may still be named. */
struct libraries *libraries_free(struct libraries *l);

/* Loads one shared object and checks its table (ABI version and revision, sizes); nothing where it
 * is loaded already. `hash`: NULL, or of the content that it has to be, which is compared first.
 * WORKER_REFUSED, with words: also where another content of its name is loaded, and where it needs
 * an object beside itself that is not listed (library/content.h). */
int libraries_open(struct libraries *l, const char *path, const char *hash, struct error *e);

/* The same for the shared object `library` as if it lay at `path`, where NAME.configuration is. */
int libraries_open_as(struct libraries *l, const char *library, const char *path, struct error *e);

/* The descriptor document of a library that is loaded (proto/PROTOCOL.md). A new reference, or
 * WORKER_REFUSED. */
int libraries_describe(const struct libraries *l, const char *name, json_t **ret_document,
                       struct error *e);
size_t libraries_size(const struct libraries *l);
/* A symbol of the i-th library, or of what it is linked with; NULL where there is none. */
void *libraries_symbol(const struct libraries *l, size_t i, const char *name);

/* Tells the code of the registry's types of that of their parents, as far as both are loaded. */
void libraries_link(struct libraries *l, const struct registry *registry);

/* The code of a type, borrowed; NULL where its library is not loaded. */
const struct stage_code *libraries_code(const struct libraries *l, const struct type *type);

/* What the code of a library that is loaded can do, borrowed. `name`: the library's, or that of one
 * of its types or hooks: "library.name". */
const struct imports *libraries_imports(const struct libraries *l, const char *name);

/* The hook "library.name", borrowed; NULL where there is none. */
const struct simlab_hook *libraries_hook(const struct libraries *l, const char *name);

#endif
