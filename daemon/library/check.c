/* SPDX-License-Identifier: Apache-2.0 */
#include "library/check.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "library/copies.h"
#include "library/originals.h"
#include "library/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void check_one(struct copies *copies, struct original *o)
{
    struct error e = {.message = ""};
    json_t *document = NULL;
    char hash[HASH_TEXT_SIZE] = "";
    int r = copies_take(copies, o->path, hash, &document, &e);
    error_explain(&e, r, "copy it");
    original_taken(o, o->seen, hash, document, r ? e.message : NULL, false, 0);
    json_decref(document);
}

static struct registry *check_all(const char *const *directories, struct copies *copies)
{
    struct originals originals = {0};
    struct original *next;
    struct look look;
    originals_look(directories, NULL, &look);
    originals_merge(&originals, &look, true, 0);
    while ((next = originals_next(&originals, 0)))
        check_one(copies, next);
    struct snapshot *s = snapshot_new(&originals);
    struct registry *registry = snapshot_registry(s);
    for (int i = 0; i < look.n_directories; i++)
        if (look.errors[i])
            log_warning("no process libraries in %s: %s", directories[i], strerror(look.errors[i]));
    snapshot_free(s);
    look_clear(&look);
    originals_clear(&originals);
    return registry;
}

int check_libraries(const char *const *directories, const char *program,
                    const char *const *arguments, struct registry **ret_registry, struct error *e)
{
    const char *tmp = getenv("TMPDIR");
    char *root = mem_printf("%s/simlabd-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    struct copies *copies = NULL;
    int r = mkdtemp(root) ? 0 : error_errno(e, -errno, "make a directory for copies of libraries");
    if (r == 0)
        r = copies_open(root, program, arguments, &copies, e);
    if (r == 0)
        *ret_registry = check_all(directories, copies);
    copies_free(copies);
    file_remove_tree(root);
    free(root);
    return r;
}
