/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor document of a copy (proto/PROTOCOL.md, section 1), kept beside it as NAME.json:
 * {"describer", "document"}, so that a library is described once. */
#ifndef LIBRARY_DOCUMENT_H
#define LIBRARY_DOCUMENT_H

#include "base/errors.h"
#include "library/result.h"

#include <jansson.h>
#include <stddef.h>

/* Who describes: what another one told is not taken. Its number is raised by whoever changes what
 * worker/descriptor.c says. */
#define DOCUMENT_DESCRIBER SIMLAB_VERSION "/2"
#define DOCUMENT_MAX_BYTES ((size_t)32 << 20)

/* A new reference. LIBRARY_REFUSED where there is none, or another describer's; -errno; with words.
 */
int document_read(const char *root, const char *hash, const char *name, json_t **ret_document,
                  struct error *e);
/* Into `directory`, as NAME.json. 0 or -errno with words. */
int document_write(const char *directory, const char *name, const json_t *document,
                   struct error *e);

#endif
