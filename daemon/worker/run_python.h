/* SPDX-License-Identifier: Apache-2.0 */
/* Modules in Python of a local run: a directory of libraries that goes with it. */
#ifndef WORKER_RUN_PYTHON_H
#define WORKER_RUN_PYTHON_H

#include "base/errors.h"

#include <stddef.h>

/* Makes a directory below $TMPDIR (else /tmp) in which each module is a library: links to the host
 * library, and to what belongs to it. `modules`: paths of NAME.py, or of packages, NULL at the end.
 * What NAME.files beside one lists belongs to it; without that, the module alone. `model`: one more
 * module, or NULL; all modules and packages that lie beside it are libraries, too, and belong to
 * each of them. `python`: the directory of environments (library/environments.h), or NULL; `job`: a
 * document, which may name one. The caller frees the path, and removes what stands there. 0, or a
 * negative errno with words. */
int run_python_make(const char *python, const char *job, size_t size, const char *const *modules,
                    const char *model, char **ret_path, struct error *e);

#endif
