/* SPDX-License-Identifier: Apache-2.0 */
/* The process types that models are made of, with the libraries that they come from. A registry is
 * filled (registry_new, registry_add …, registry_finish) and then never changes: any thread may
 * read it that holds a reference. What is bad is left out alone, with its reason: a type without
 * its library, a library without the others. */
#ifndef MODEL_REGISTRY_H
#define MODEL_REGISTRY_H

#include "model/type.h"

struct library {
    char *name;
    char *version;
    char *hash;    /* of its content (library/content.h) */
    char *runtime; /* NULL, or its kind and which (simlab/process.h) */
};

struct registry;

/* With one reference. */
struct registry *registry_new(void);
/* Any thread may call these. `registry_unref` returns NULL; NULL is allowed. */
const struct registry *registry_ref(const struct registry *r);
struct registry *registry_unref(const struct registry *r);

/* Adds one library's descriptor document (hostile: a library may print anything; its form is in
 * proto/PROTOCOL.md). Types and hooks that are bad are left out. `extends` and foreign types may
 * name types of libraries added earlier or later. 0; MODEL_INVALID (pointer into the document; also
 * where the library is there already): then the registry is unchanged, and the caller may say so by
 * registry_leave_out. */
int registry_add(struct registry *r, const json_t *document, struct error *e);

/* Remembers what is not there, for those who ask for it. `type` ("library.Type", or a hook's
 * "library.name"): NULL where the whole library is left out; `path`: of its file, or NULL. */
void registry_leave_out(struct registry *r, const char *library, const char *type, const char *path,
                        const char *reason);

/* Resolves `extends`, merges variables. A type whose parent is missing, left out or cyclic is left
 * out. To be called once, after the last registry_add. */
void registry_finish(struct registry *r);

/* The variable that a foreign one leads to by its declaration: foreign variables of foreign ones
 * are followed from type to type, as declared, to one that is none. *ret_type is the type that has
 * it. MODEL_INVALID where a type or variable is missing, or the chain is a circle (no pointer). */
int registry_target(const struct registry *r, const struct type *type, const struct variable *v,
                    const struct type **ret_type, const struct variable **ret_variable,
                    struct error *e);

/* The same for an environment of Python. Takes the reference to `variant`; NULL: it is this one. */
void registry_add_variant(struct registry *r, const char *environment,
                          const struct registry *variant);
/* Borrowed; NULL where there is no such environment. `environment` NULL: the first, this one. */
const struct registry *registry_variant(const struct registry *r, const char *environment);
/* The names of all environments, NULL at the end. Borrowed. */
const char *const *registry_environments(const struct registry *r);

/* NULL where there is none. */
const struct type *registry_type(const struct registry *r, const char *name);
size_t registry_size(const struct registry *r);
const struct type *registry_at(const struct registry *r, size_t i); /* in order of addition */
const struct library *registry_library(const struct registry *r, const char *name);
size_t registry_n_libraries(const struct registry *r);
const struct library *registry_library_at(const struct registry *r, size_t i);
/* The hook "library.name" as described ({"name", "description", "stage", "level", "when"}),
 * borrowed; NULL where there is none. registry_hooks: all of them, "library.name" → that. Borrowed.
 */
const json_t *registry_hook(const struct registry *r, const char *name);
const json_t *registry_hooks(const struct registry *r);
/* Names of all types, NULL at the end, for json_nearest. Borrowed. */
const char *const *registry_names(const struct registry *r);

/* [{"library", "type" or null, "path" or null, "reason"}], borrowed. */
const json_t *registry_left_out(const struct registry *r);
/* For the refusal of a type or hook that is not there: why it was left out, or what it may have
 * meant: ": it was left out: …", ": did you mean "…"?", or "". */
enum { REGISTRY_WHY_SIZE = 700 };
const char *registry_why_missing(const struct registry *r, const char *name,
                                 char ret[REGISTRY_WHY_SIZE]);

#endif
