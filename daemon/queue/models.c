/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* QUEUE_NO_SUCH with `e` as it was. */
static int hash_of_name(struct queue *q, const char *name, char **ret_hash, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_MODEL_NAME_GET, TEXT(name));
    if (r)
        return r;
    *ret_hash = database_new_text(s, 0);
    database_end(s);
    return 0;
}

static int definition_of_hash(struct queue *q, const char *hash, struct queue_text *ret,
                              struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_MODEL_GET, TEXT(hash));
    if (r)
        return r;
    bool is_file = !*database_text(s, 0);
    *ret = (struct queue_text){.text = is_file ? NULL : database_new_text(s, 0),
                               .path = is_file ? texts_path(q, hash) : NULL};
    database_end(s);
    return 0;
}

/* 0 where the name is free (*ret_known false) or already this hash's (true). */
static int check_name(struct queue *q, const char *name, const char *hash, bool *ret_known,
                      struct error *e)
{
    char *known = NULL;
    int r = hash_of_name(q, name, &known, e);
    if (r == QUEUE_NO_SUCH)
        r = 0;
    else if (!r && strcmp(known, hash) != 0)
        r = error_set(e, QUEUE_REFUSED, "/name",
                      "the name %s belongs to another model (%.12s…): models do not change, give "
                      "this one (%.12s…) a new name",
                      name, known, hash);
    *ret_known = known != NULL;
    free(known);
    return r;
}

int queue_add_model(struct queue *q, const char *name, const char *hash, const char *definition,
                    struct error *e)
{
    bool named = true;
    int r = name ? check_name(q, name, hash, &named, e) : 0;
    int64_t now = clock_unix();
    if (!r)
        r = database_run(&q->database, e, STATEMENT_MODEL_ADD, TEXT(hash), INTEGER(now),
                         TEXT(definition ? definition : ""));
    if (!r && !named)
        r = database_run(&q->database, e, STATEMENT_MODEL_NAME_ADD, TEXT(name), TEXT(hash),
                         INTEGER(now));
    return r;
}

int queue_model(struct queue *q, const char *name_or_hash, struct queue_text *ret_definition,
                char **ret_hash, struct error *e)
{
    struct queue_text definition;
    char *hash = mem_strdup(name_or_hash);
    /* By hash first, so that no name can stand before a model. */
    int r = definition_of_hash(q, hash, &definition, e);
    if (r == QUEUE_NO_SUCH) {
        free(hash);
        hash = NULL;
        r = hash_of_name(q, name_or_hash, &hash, e);
        if (!r)
            r = definition_of_hash(q, hash, &definition, e);
    }
    if (r) {
        free(hash);
        return r == QUEUE_NO_SUCH ? error_set(e, r, NULL, "there is no model %s", name_or_hash) : r;
    }
    *ret_definition = definition;
    if (ret_hash)
        *ret_hash = hash;
    else
        free(hash);
    return 0;
}

int queue_models(struct queue *q, const char *after, int limit, json_t **ret_page, struct error *e)
{
    json_t *page = json_array();
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, STATEMENT_MODEL_NAME_LIST, TEXT(after ? after : ""),
                          INTEGER(limit));
    for (; !r; r = database_next(&q->database, e, s))
        json_array_append_new(page, json_pack("{s:s, s:s, s:I}", "name", database_text(s, 0),
                                              "hash", database_text(s, 1), "created",
                                              (json_int_t)sqlite3_column_int64(s, 2)));
    if (r != QUEUE_NO_SUCH) {
        json_decref(page);
        return r;
    }
    *ret_page = page;
    return 0;
}
