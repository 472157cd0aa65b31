/* SPDX-License-Identifier: Apache-2.0 */
/* Elements from JSON and to JSON. */
#include "base/dtype_parts.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool dtype_number_from_text(const char *text, double *ret)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"NaN", NAN},
                 {"nan", NAN},
                 {"Infinity", INFINITY},
                 {"inf", INFINITY},
                 {"-Infinity", -INFINITY},
                 {"-inf", -INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strcmp(words[i].text, text)) {
            *ret = words[i].value;
            return true;
        }
    }
    return false;
}

/* The value as it stood in the document, cut to what a message can hold. */
static void quote(const json_t *value, char *ret, size_t size)
{
    char *text = json_write(value);
    snprintf(ret, size, "%.60s%s", text, strlen(text) > 60 ? "…" : "");
    free(text);
}

static int refuse(const json_t *value, const char *wanted, struct error *e)
{
    char text[80];
    quote(value, text, sizeof text);
    return error_set(e, BASE_INVALID, NULL, "%s is not %s", text, wanted);
}

static int float_from_json(size_t size, const json_t *value, void *ret, struct error *e)
{
    double number;
    uint64_t large;
    if (json_is_number(value))
        number = json_number_value(value);
    else if (json_is_large(value, &large))
        number = (double)large;
    else if (!json_is_string(value) || !dtype_number_from_text(json_string_value(value), &number))
        return refuse(
            value, "a number (\"NaN\", \"Infinity\" and \"-Infinity\" are written as strings)", e);
    put_float(size, number, ret);
    return 0;
}

static int integer_from_json(const struct dtype_row *d, const json_t *value, void *ret,
                             struct error *e)
{
    char wanted[96];
    snprintf(wanted, sizeof wanted, "an integer from %lld to %llu (%s)", (long long)integer_min(d),
             (unsigned long long)integer_max(d), d->name);
    uint64_t bits;
    if (json_is_integer(value)) {
        json_int_t n = json_integer_value(value);
        if (n < integer_min(d) || (n > 0 && (uint64_t)n > integer_max(d)))
            return refuse(value, wanted, e);
        bits = (uint64_t)n;
    } else if (json_is_large(value, &bits)) {
        if (bits > integer_max(d))
            return refuse(value, wanted, e);
    } else if (json_is_real(value)) {
        /* 2.0 for 2. */
        double n = json_real_value(value);
        if (n != floor(n) || n < (double)integer_min(d) || n >= ldexp(1.0, 64) ||
            (n >= 0 ? (uint64_t)n > integer_max(d) : false))
            return refuse(value, wanted, e);
        bits = n < 0 ? (uint64_t)(int64_t)n : (uint64_t)n;
    } else {
        return refuse(value, wanted, e);
    }
    put_integer(d->size, bits, ret);
    return 0;
}

static int complex_from_json(const struct dtype_row *d, const json_t *value, void *ret,
                             struct error *e)
{
    size_t half = d->size / 2u;
    if (!json_is_array(value)) {
        put_float(half, 0.0, (char *)ret + half);
        return float_from_json(half, value, ret, e);
    }
    if (json_array_size(value) != 2)
        return refuse(value, "a complex number: [real, imaginary]", e);
    int r = float_from_json(half, json_array_get(value, 0), ret, e);
    return r ? r : float_from_json(half, json_array_get(value, 1), (char *)ret + half, e);
}

int dtype_from_json(int dtype, size_t itemsize, const json_t *value, void *ret, struct error *e)
{
    const struct dtype_row *d = dtype_row(dtype);
    switch (d->kind) {
    case 'f':
        return float_from_json(d->size, value, ret, e);
    case 'c':
        return complex_from_json(d, value, ret, e);
    case 'b':
        if (!json_is_boolean(value))
            return refuse(value, "true or false", e);
        *(uint8_t *)ret = json_is_true(value);
        return 0;
    case 'S':
        if (!json_is_string(value) || json_string_length(value) > itemsize ||
            json_is_large(value, &(uint64_t){0})) {
            char wanted[64];
            snprintf(wanted, sizeof wanted, "a text of at most %zu bytes", itemsize);
            return refuse(value, wanted, e);
        }
        memset(ret, 0, itemsize);
        memcpy(ret, json_string_value(value), json_string_length(value));
        return 0;
    default:
        return integer_from_json(d, value, ret, e);
    }
}

static json_t *float_to_json(double number)
{
    if (isnan(number))
        return json_string("NaN");
    if (isinf(number))
        return json_string(number > 0 ? "Infinity" : "-Infinity");
    return json_real(number);
}

json_t *dtype_to_json(int dtype, size_t itemsize, const void *value)
{
    const struct dtype_row *d = dtype_row(dtype);
    switch (d->kind) {
    case 'f':
        return float_to_json(get_float(d->size, value));
    case 'c':
        return json_pack("[o, o]", float_to_json(get_float(d->size / 2u, value)),
                         float_to_json(get_float(d->size / 2u, (const char *)value + d->size / 2)));
    case 'b':
        return json_boolean(*(const uint8_t *)value != 0);
    case 'S': {
        json_t *text = json_stringn(value, strnlen(value, itemsize));
        return text ? text : json_string(""); /* not UTF-8 */
    }
    default: {
        uint64_t bits = get_integer(d, value);
        return d->kind == 'u' ? json_unsigned(bits) : json_integer((json_int_t)bits);
    }
    }
}
