/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>

static void expect_model(struct queue *q, const char *name, const char *definition,
                         const char *hash)
{
    struct queue_text got;
    char *got_hash;
    struct error e = {0};
    expect_ok(queue_model(q, name, &got, &got_hash, &e), &e);
    cr_expect_str_eq(got.text, definition);
    cr_expect_str_eq(got_hash, hash);
    queue_text_clear(&got);
    free(got_hash);
}

Test(models, by_name_and_by_hash)
{
    struct fixture f;
    struct error e = {0};
    struct queue_text definition;
    fixture_open(&f);
    expect_ok(queue_add_model(f.q, "a", "hash1", "{1}", &e), &e);
    expect_ok(queue_add_model(f.q, NULL, "hash2", "{2}", &e), &e);
    expect_ok(queue_add_model(f.q, "b", "hash2", "{2}", &e), &e);
    fixture_commit(&f);
    fixture_reopen(&f);
    expect_model(f.q, "a", "{1}", "hash1");
    expect_model(f.q, "hash1", "{1}", "hash1");
    expect_model(f.q, "b", "{2}", "hash2");
    cr_expect_eq(queue_model(f.q, "c", &definition, NULL, &e), QUEUE_NO_SUCH);
    cr_expect_str_eq(e.message, "there is no model c");
    fixture_close(&f);
}

Test(models, do_not_change)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    expect_ok(queue_add_model(f.q, "a", "hash1", "{1}", &e), &e);
    expect_ok(queue_add_model(f.q, "a", "hash1", "{1}", &e), &e);
    fixture_commit(&f);
    cr_expect_eq(queue_add_model(f.q, "a", "hash2", "{2}", &e), QUEUE_REFUSED);
    cr_expect_str_eq(e.pointer, "/name");
    cr_expect(!queue_dirty(f.q));
    expect_model(f.q, "a", "{1}", "hash1");
    fixture_close(&f);
}

Test(models, a_name_cannot_stand_before_a_hash)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    expect_ok(queue_add_model(f.q, NULL, "hash1", "{1}", &e), &e);
    expect_ok(queue_add_model(f.q, "hash1", "hash2", "{2}", &e), &e);
    expect_model(f.q, "hash1", "{1}", "hash1");
    fixture_close(&f);
}

Test(models, pages)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    for (int i = 0; i < 25; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%02d", (i * 7) % 25);
        expect_ok(queue_add_model(f.q, name, "hash", "{}", &e), &e);
    }
    int seen = 0;
    char after[16] = "";
    for (size_t n = 10; n == 10;) {
        json_t *page;
        expect_ok(queue_models(f.q, seen ? after : NULL, 10, &page, &e), &e);
        n = json_array_size(page);
        for (size_t i = 0; i < n; i++, seen++) {
            json_t *model = json_array_get(page, i);
            snprintf(after, sizeof after, "m%02d", seen);
            cr_expect_str_eq(json_string_value(json_object_get(model, "name")), after);
            cr_expect_str_eq(json_string_value(json_object_get(model, "hash")), "hash");
            cr_expect_gt(json_integer_value(json_object_get(model, "created")), 0);
        }
        json_decref(page);
    }
    cr_expect_eq(seen, 25);
    fixture_close(&f);
}
