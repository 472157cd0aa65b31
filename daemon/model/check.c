/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"
#include "model/type_parts.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool in_bounds(const struct bounds *b, double value)
{
    /* NaN passes, as in xarray-simlab: it is neither below nor above. */
    bool below = b->low_open ? value <= b->low : value < b->low;
    bool above = b->high_open ? value >= b->high : value > b->high;
    return !below && !above;
}

/* v's choices as elements, one after another: NULL where it has none. */
static char *choice_elements(const struct variable *v)
{
    if (!v->choices)
        return NULL;
    size_t i;
    json_t *choice;
    char *elements = mem_array(json_array_size(v->choices), v->itemsize);
    json_array_foreach(v->choices, i, choice)
    {
        /* They were checked when the descriptor was read. */
        int r = dtype_from_json(v->dtype, v->itemsize, choice, elements + i * v->itemsize, NULL);
        mem_assert(r == 0);
    }
    return elements;
}

static bool same_element(const struct variable *v, const void *a, const void *b)
{
    if (dtype_is_float(v->dtype)) /* -0 is 0 */
        return dtype_to_double(v->dtype, a, 0) == dtype_to_double(v->dtype, b, 0);
    return memcmp(a, b, v->itemsize) == 0;
}

static bool is_choice(const struct variable *v, const char *choices, const void *element)
{
    for (size_t i = 0; i < json_array_size(v->choices); i++)
        if (same_element(v, choices + i * v->itemsize, element))
            return true;
    return false;
}

static char *element_text(int dtype, size_t itemsize, const void *element)
{
    json_t *value = dtype_to_json(dtype, itemsize, element);
    char *text = json_write(value);
    json_decref(value);
    return text;
}

/* `value` is freed. */
static void say_why(const struct variable *v, char *value, bool bounds, char *why, size_t size)
{
    if (bounds) {
        char interval[80];
        bounds_text(&v->bounds, interval, sizeof interval);
        snprintf(why, size, "%s is not in %s", value, interval);
    } else {
        char *choices = json_write(v->choices);
        snprintf(why, size, "%s is none of %s", value, choices);
        free(choices);
    }
    free(value);
}

bool check_values(const struct variable *v, int dtype, size_t itemsize, const void *data, size_t n,
                  size_t *ret_at, char *why, size_t size)
{
    bool has_order = dtype != SIMLAB_STR && dtype != SIMLAB_C8 && dtype != SIMLAB_C16;
    bool bounded = v->bounds.given && has_order, ok = true;
    char *choices = choice_elements(v);
    for (size_t i = 0; (bounded || choices) && ok && i < n; i++) {
        const char *element = (const char *)data + i * itemsize;
        bool inside = !bounded || in_bounds(&v->bounds, dtype_to_double(dtype, data, i));
        ok = inside && (!choices || is_choice(v, choices, element));
        if (ok)
            continue;
        *ret_at = i;
        say_why(v, element_text(dtype, itemsize, element), !inside, why, size);
    }
    free(choices);
    return ok;
}
