/* SPDX-License-Identifier: Apache-2.0 */
#include "model/label.h"

#include "base/dtype.h"

#include <stdio.h>

const char *label_below_clock(const struct making *m, const struct clock *c)
{
    const json_t *given = json_object_get(json_object_get(m->document, "clocks"), c->name);
    return json_object_get(given, "data")    ? "/data"
           : json_object_get(given, "times") ? "/times"
                                             : "";
}

const char *label_below(const char *below, size_t i, char ret[LABEL_BELOW_SIZE])
{
    snprintf(ret, LABEL_BELOW_SIZE, "%s/%zu", below, i);
    return ret;
}

struct label label_of(int dtype, size_t itemsize, const void *element)
{
    struct label l = {.is_integer = dtype_is_integer(dtype),
                      .value = dtype_to_double(dtype, element, 0)};
    if (l.is_integer)
        dtype_cast(dtype, itemsize, element, SIMLAB_I8, sizeof l.integer, &l.integer, 1);
    return l;
}

int label_compare(const struct label *a, const struct label *b)
{
    if (a->is_integer && b->is_integer)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return (a->value > b->value) - (a->value < b->value);
}

const char *label_text(const struct label *l, char ret[NUMBER_TEXT_SIZE])
{
    if (!l->is_integer)
        return number_text(l->value, ret);
    snprintf(ret, NUMBER_TEXT_SIZE, "%lld", (long long)l->integer);
    return ret;
}
