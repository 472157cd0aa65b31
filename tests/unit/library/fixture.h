/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of "libraries" and one for their copies; what describes them is a shell script, which
 * takes a library's text for its document. A text of "crash" or "hang" is no document. */
#ifndef UNIT_LIBRARY_FIXTURE_H
#define UNIT_LIBRARY_FIXTURE_H

#include "base/errors.h"
#include "base/hash.h"

#include <jansson.h>
#include <stdbool.h>

struct fixture {
    char *directory; /* goes at the end */
    char *libraries, *root, *program;
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);

/* Writes NAME.so (or another file) below the directory of libraries. Not by renaming, so that it
 * can be read half-written. */
void fixture_write(const struct fixture *f, const char *file, const char *text);
/* A library of one type, "LIBRARY.T", whose description tells builds apart. */
void fixture_library(const struct fixture *f, const char *name, const char *build);
/* The same as JSON text, in a buffer of its own. */
const char *fixture_document(const char *name, const char *build);
/* Path of a file in the directory of libraries; of one below the copies. Borrowed, until the eighth
 * call after. */
const char *fixture_path(const struct fixture *f, const char *file);
const char *fixture_copy(const struct fixture *f, const char *hash, const char *file);
/* How often the script was run. */
int fixture_runs(const struct fixture *f);
/* Whether there is such a file. */
bool fixture_there(const char *path);

#endif
