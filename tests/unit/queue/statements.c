/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define STATEMENT(name, sql) #name,
#include "queue/statements.def"
#undef STATEMENT
};
static const char *const texts[] = {
#define STATEMENT(name, sql) sql,
#include "queue/statements.def"
#undef STATEMENT
};

Test(statements, none_scans_or_sorts)
{
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char sql[2000];
        sqlite3_stmt *s;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", texts[i]);
        cr_assert_eq(sqlite3_prepare_v2(f.q->database.connection, sql, -1, &s, NULL), SQLITE_OK,
                     "%s", sql);
        while (sqlite3_step(s) == SQLITE_ROW) {
            const char *plan = database_text(s, 3);
            cr_expect(!strstr(plan, "TEMP B-TREE"), "%s: %s", names[i], plan);
            /* sqlite_sequence has one row. */
            cr_expect(!strstr(plan, "SCAN") || strstr(plan, "sqlite_sequence"), "%s: %s", names[i],
                      plan);
        }
        sqlite3_finalize(s);
    }
    fixture_close(&f);
}
