/* SPDX-License-Identifier: Apache-2.0 */
/* Members by the values of their inputs: what is read, what is refused and where, and which hold.
 */
#include "support.h"

#include "model/condition.h"
#include "model/job.h"

#include <criterion/criterion.h>
#include <string.h>

static const char batch[] =
    "{'batch_dim': 'm', 'inputs': {'a__x': {'dims': ['m'], 'data': [1, 2, 3, 4]}, "
    "'a__y': {'dims': 'm', 'linspace': [0, 0.3, 4]}, 'a__z': 7, "
    "'a__v': {'dims': ['m', 'x'], 'data': [[1, 2], [3, 4], [5, 6], [7, 8]]}}, "
    "'coords': {'site': {'dims': ['m'], 'data': [10, 20, 30, 40]}}, "
    "'appended': [{'inputs': {'a__x': [5], 'a__y': [9]}, 'coords': {'site': [50]}}, "
    "{'inputs': {'a__x': {'arange': [6, 8]}, 'a__y': [9, 9]}, 'coords': {'site': [60, 70]}}]}";
/* 2 x 3 x 2: p varies slowest, what is zipped fastest. */
static const char sweep[] = "{'sweep': {'product': {'a__p': [0, 1], 'a__q': {'arange': [3]}}, "
                            "'zip': {'a__r': [5, 6], 'a__s': {'data': [7, 8]}}}}";

static const struct job_sources sources = {.is_check = true};

/* One letter for each member: "x..x". */
static void expect(const char *document, const char *text, const char *expected)
{
    json_t *d = support_json("%s", document);
    struct condition *c = NULL;
    struct error e = {0};
    size_t n = strlen(expected);
    bool holds[64];
    cr_assert_eq(condition_new(text, d, &sources, &c, &e), 0, "%s: %s", text, e.message);
    for (size_t begin = 0; begin < n; begin++) {
        cr_assert_eq(condition_look(c, (int64_t)begin, (int64_t)(n - begin), holds, &e), 0, "%s",
                     e.message);
        for (size_t i = begin; i < n; i++)
            cr_assert_eq(holds[i - begin], expected[i] == 'x', "%s: member %zu from %zu on", text,
                         i, begin);
    }
    cr_assert_eq(condition_look(c, (int64_t)n - 1, 1, holds, &e), 0);
    condition_free(c);
    json_decref(d);
}

Test(conditions, hold_for_members)
{
    expect(batch, "a__x > 2", "..xxxxx");
    expect(batch, "a__x>=2 and a__x<3 or a__x = 6", ".x...x.");
    expect(batch, "a__x = 6 or a__x>=2 and a__x<3", ".x...x.");
    expect(batch, "(a__x = 6 or a__x>=2) and a__x<3", ".x.....");
    expect(batch, "not a__x == 2 and not not a__x != 7", "x.xxxx.");
    expect(batch, " not (a__x <= 2 or site>=4e1)\n", "..x....");
    expect(batch, "a__x > -1e300", "xxxxxxx");
    expect("{'batch_dim': 'm', 'inputs': {'not__x': {'dims': ['m'], 'data': [1, 2]}}}",
           "not not__x = 1", ".x");
}

Test(conditions, hold_for_a_sweep)
{
    expect(sweep, "a__p = 1", "......xxxxxx");
    expect(sweep, "a__q = 1", "..xx....xx..");
    expect(sweep, "a__r = 5", "x.x.x.x.x.x.");
    expect(sweep, "a__s > 7 and a__q < 2 and a__p < 1", ".x.x........");
}

static void refuse(const char *document, const char *text, const char *says)
{
    json_t *d = support_json("%s", document);
    struct condition *c = NULL;
    struct error e = {0};
    cr_assert_eq(condition_new(text, d, &sources, &c, &e), MODEL_INVALID, "%.80s", text);
    cr_assert(strstr(e.message, says), "%.80s: %s", text, e.message);
    json_decref(d);
}

Test(conditions, that_are_none)
{
    refuse(batch, "", "at its end there should be the name of an input");
    refuse(batch, "a__x", "at its end there should be one of <");
    refuse(batch, "a__x >", "at its end there should be a number");
    refuse(batch, "a__x > 1 a__y > 2",
           "at \"a__y > 2\" (byte 9) there should be \"and\" or \"or\"");
    refuse(batch, "a__x > 1x", "there should be a number");
    refuse(batch, "(a__x > 1", "at its end there should be \")\"");
    refuse(batch, "a__w > 1",
           "a__w is no input of which each member has a number: did you mean a__");
    refuse(batch, "a__z > 1", "a__z is not one number for each member");
    refuse(batch, "a__v > 1", "a__v is not one number for each member");
    refuse(sweep, "rate > 1", "one that has is a__p");
    refuse("{'inputs': {'a__z': 1}}", "b > 1", "this job has no such input");
    char text[CONDITION_MAX_BYTES + 2];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refuse(batch, text, "more than 4096 bytes");
    text[CONDITION_MAX_BYTES] = '\0';
    refuse(batch, text, "nested too deeply");
    strcpy(text, "a__x > 1");
    for (int i = 0; i < CONDITION_MAX_TERMS; i++)
        strcat(text, " or a__x > 1");
    refuse(batch, text, "more than 64 comparisons");
}

Test(conditions, members_that_there_are_not)
{
    json_t *d = support_json("%s", batch);
    struct condition *c = NULL;
    struct error e = {0};
    bool holds[8];
    cr_assert_eq(condition_new("a__x > 1", d, &sources, &c, &e), 0);
    cr_assert_eq(condition_look(c, 0, 8, holds, &e), MODEL_INVALID);
    cr_assert(strstr(e.message, "a__x has no value for member 7"), "%s", e.message);
    condition_free(c);
    json_decref(d);
}
