/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that are but checked: no memory is taken for what their arrays would hold, and what is too
 * large is refused by arithmetic. */
#include "checked.h"
#include "support.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/resource.h>

static struct registry *reference;

static void open_reference(void)
{
    reference = support_reference();
}

static void close_reference(void)
{
    reference = registry_unref(reference);
}

TestSuite(checks, .init = open_reference, .fini = close_reference);

static const struct job_sources quick = {.is_check = true, .is_quick = true};

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* One array of the largest size would not fit. The address sanitizer needs all addresses: under it
 * the answers alone are looked at. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit limit = {400u << 20, 400u << 20};
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
#endif
}

static json_t *logistic(const char *clocks, const char *more)
{
    return support_json("{'model': {'processes': {'pop': 'reference.Logistic'}}, 'clocks': {%s}, "
                        "'main_clock': 't', %s}",
                        clocks, more);
}

static void accept(json_t *document, int64_t members)
{
    struct job *j = NULL;
    struct error e = {0};
    cr_assert_eq(job_new(reference, document, &quick, &j, &e), 0, "%s: %s", e.pointer, e.message);
    cr_assert_eq(j->n_members, members);
    job_free(j);
    json_decref(document);
}

static void refuse(json_t *document, int result, const char *pointer, const char *says)
{
    struct job *j = NULL;
    struct error e = {0};
    cr_assert_eq(job_new(reference, document, &quick, &j, &e), result, "%s", e.message);
    cr_assert_str_eq(e.pointer, pointer, "%s", e.message);
    cr_assert(strstr(e.message, says), "%s", e.message);
    json_decref(document);
}

#define LARGEST "'linspace': [1, 2, 67108864]"

Test(checks, what_is_generated_takes_no_memory)
{
    limit_memory();
    accept(logistic("'t': {'linspace': [0, 1, 40000000]}", "'inputs': {'pop__r': 1}"), 1);
    accept(logistic("'t': {'arange': [0, 10000000, 1]}, 's': {'arange': [0, 10000000, 1]}, "
                    "'o': [3, 5000, 9999999]",
                    "'inputs': {'pop__r': 1}"),
           1);
    accept(logistic("'t': [0, 1]", "'sweep': {'product': {'pop__r': {'linspace': [0, 1, 8000]}, "
                                   "'pop__k': {'arange': [1, 8001]}}}"),
           64000000);
    accept(logistic("'t': [0, 1]", "'batch_dim': 'b', 'check_dims': 'transpose', 'inputs': "
                                   "{'pop__r': {'dims': ['b'], " LARGEST "}}"),
           67108864);
}

Test(checks, all_arrays_are_counted_together)
{
    limit_memory();
    refuse(logistic("'t': [0, 1]",
                    "'inputs': {'pop__r': 1}, 'coords': {'a': {" LARGEST "}, 'b': {" LARGEST "}}"),
           MODEL_TOO_LARGE, "/coords/b",
           "have 1073741872 bytes together: at most 1073741824 are taken");
    /* Labels count as what a run needs of them. */
    refuse(logistic("'t': {" LARGEST "}", "'inputs': {'pop__r': 1}"), MODEL_TOO_LARGE, "/clocks/t",
           "have 1610612736 bytes together");
    refuse(logistic("'t': [0, 1]", "'sweep': {'product': {'pop__r': {'linspace': [0, 1, 8192]}, "
                                   "'pop__k': {'arange': [1, 8193]}}}"),
           MODEL_TOO_LARGE, "/sweep/product/pop__k", "bytes together");
    refuse(logistic("'t': [0, 1]",
                    "'inputs': {'pop__r': 1}, 'coords': {'a': {'linspace': [0, 1, 67108865]}}"),
           MODEL_TOO_LARGE, "/coords/a/linspace", "67108865 values: at most 67108864");
}

/* A list of texts is as wide as its widest. */
Test(checks, a_list_of_texts_that_would_be_wide)
{
    limit_memory();
    char wide[60001];
    memset(wide, 'w', 60000);
    wide[60000] = '\0';
    json_t *document = logistic("'t': [0, 1]", "'inputs': {'pop__r': 1}, 'coords': {'a': []}");
    json_t *list = json_object_get(json_object_get(document, "coords"), "a");
    for (int i = 0; i < 20000; i++)
        json_array_append_new(list, json_string(i == 7 ? wide : ""));
    refuse(document, MODEL_TOO_LARGE, "/coords/a", "more than 17895 elements of 60000 bytes");
}

/* What the ends of a progression cannot tell takes long, where it is long. */
Test(checks, what_takes_long_is_not_done_where_it_was_not_wanted)
{
    const char *uneven = "'t': {'linspace': [1, 1.0000000001, 10000000]}";
    refuse(logistic(uneven, "'inputs': {'pop__r': 1}"), MODEL_LONG, "", "");
    struct job *j = NULL;
    struct error e = {0};
    const struct job_sources slow = {.is_check = true};
    json_t *document = logistic(uneven, "'inputs': {'pop__r': 1}");
    cr_assert_eq(job_new(reference, document, &slow, &j, &e), MODEL_INVALID);
    cr_assert_str_eq(e.pointer, "/clocks/t/1");
    json_decref(document);
}

Test(checks, bounds_of_a_progression_are_seen_at_its_ends)
{
    refuse(logistic("'t': [0, 1]", "'batch_dim': 'b', 'inputs': {'pop__r': 1, 'pop__k': "
                                   "{'dims': ['b'], 'linspace': [1, -1, 1000000]}}"),
           MODEL_INVALID, "/inputs/pop__k", "is not in (0, inf]");
    refuse(logistic("'t': {'linspace': [1, 0, 1000000]}", "'inputs': {'pop__r': 1}"), MODEL_INVALID,
           "/clocks/t/1", "must ascend");
}
