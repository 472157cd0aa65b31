/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dtype.h"

#include "base/json.h"
#include "base/mem.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dtype_row {
    const char *name;
    char kind; /* NumPy's kind letter */
    unsigned char size;
} dtype_table[SIMLAB_N_DTYPES] = {
    [SIMLAB_F8] = {"f8", 'f', 8},    [SIMLAB_F4] = {"f4", 'f', 4},     [SIMLAB_I1] = {"i1", 'i', 1},
    [SIMLAB_I2] = {"i2", 'i', 2},    [SIMLAB_I4] = {"i4", 'i', 4},     [SIMLAB_I8] = {"i8", 'i', 8},
    [SIMLAB_U1] = {"u1", 'u', 1},    [SIMLAB_U2] = {"u2", 'u', 2},     [SIMLAB_U4] = {"u4", 'u', 4},
    [SIMLAB_U8] = {"u8", 'u', 8},    [SIMLAB_BOOL] = {"bool", 'b', 1}, [SIMLAB_C8] = {"c8", 'c', 8},
    [SIMLAB_C16] = {"c16", 'c', 16}, [SIMLAB_STR] = {"str", 'S', 0},
};

static const struct dtype_row *row(int dtype)
{
    mem_assert(dtype >= 0 && dtype < SIMLAB_N_DTYPES);
    return &dtype_table[dtype];
}

const char *dtype_name(int dtype)
{
    return row(dtype)->name;
}

size_t dtype_size(int dtype)
{
    return row(dtype)->size;
}

bool dtype_from_name(const char *name, int *ret_dtype)
{
    for (int i = 0; i < SIMLAB_N_DTYPES; i++) {
        if (!strcmp(dtype_table[i].name, name)) {
            *ret_dtype = i;
            return true;
        }
    }
    return false;
}

void dtype_to_numpy(int dtype, size_t itemsize, bool big_endian, char *ret)
{
    const struct dtype_row *d = row(dtype);
    size_t size = d->size ? d->size : itemsize;
    char order = d->kind == 'S' || size == 1 ? '|' : big_endian ? '>' : '<';
    snprintf(ret, 16, "%c%c%zu", order, d->kind, size);
}

bool dtype_from_numpy(const char *text, int *ret_dtype, size_t *ret_itemsize, bool *ret_big_endian)
{
    bool big = __BYTE_ORDER == __BIG_ENDIAN;
    if (*text && strchr("<>|=", *text)) {
        if (*text == '<' || *text == '>')
            big = *text == '>';
        text++;
    }
    char kind = *text;
    if (!kind || text[1] < '0' || text[1] > '9')
        return false;
    char *end;
    unsigned long size = strtoul(text + 1, &end, 10);
    if (*end || size == 0 || size > 1 << 20)
        return false;
    for (int i = 0; i < SIMLAB_N_DTYPES; i++) {
        const struct dtype_row *d = &dtype_table[i];
        if (d->kind == kind && (d->size == size || kind == 'S')) {
            *ret_dtype = i;
            *ret_itemsize = size;
            *ret_big_endian = big && size > 1 && kind != 'S';
            return true;
        }
    }
    return false;
}

bool dtype_is_float(int dtype)
{
    return row(dtype)->kind == 'f';
}

bool dtype_is_integer(int dtype)
{
    return row(dtype)->kind == 'i' || row(dtype)->kind == 'u';
}

/* Greatest and least value of an integer type, as far as int64 and uint64 can tell. */
static uint64_t integer_max(const struct dtype_row *d)
{
    unsigned bits = d->size * 8u;
    return d->kind == 'i' ? UINT64_MAX >> (65 - bits) : UINT64_MAX >> (64 - bits);
}

static int64_t integer_min(const struct dtype_row *d)
{
    return d->kind == 'i' ? -(int64_t)integer_max(d) - 1 : 0;
}

static void put_integer(size_t size, uint64_t bits, void *ret)
{
    switch (size) {
    case 1:
        memcpy(ret, &(uint8_t){(uint8_t)bits}, 1);
        break;
    case 2:
        memcpy(ret, &(uint16_t){(uint16_t)bits}, 2);
        break;
    case 4:
        memcpy(ret, &(uint32_t){(uint32_t)bits}, 4);
        break;
    default:
        memcpy(ret, &bits, 8);
    }
}

static void put_float(size_t size, double value, void *ret)
{
    if (size == 4)
        memcpy(ret, &(float){(float)value}, 4);
    else
        memcpy(ret, &value, 8);
}

void dtype_fill_value(int dtype, size_t itemsize, void *ret)
{
    const struct dtype_row *d = row(dtype);
    if (d->kind == 'f') {
        put_float(d->size, NAN, ret);
    } else if (d->kind == 'c') {
        put_float(d->size / 2u, NAN, ret);
        put_float(d->size / 2u, NAN, (char *)ret + d->size / 2);
    } else if (d->kind == 'i' || d->kind == 'u') {
        put_integer(d->size, integer_max(d), ret);
    } else {
        memset(ret, 0, d->size ? d->size : itemsize);
    }
}

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
    return error_set(e, ERROR_INVALID, NULL, "%s is not %s", text, wanted);
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
    const struct dtype_row *d = row(dtype);
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

static uint64_t get_integer(const struct dtype_row *d, const void *value)
{
    union {
        int8_t i1;
        int16_t i2;
        int32_t i4;
        uint8_t u1;
        uint16_t u2;
        uint32_t u4;
        uint64_t u8;
    } v;
    memcpy(&v, value, d->size);
    switch (d->size) {
    case 1:
        return d->kind == 'i' ? (uint64_t)(int64_t)v.i1 : v.u1;
    case 2:
        return d->kind == 'i' ? (uint64_t)(int64_t)v.i2 : v.u2;
    case 4:
        return d->kind == 'i' ? (uint64_t)(int64_t)v.i4 : v.u4;
    default:
        return v.u8;
    }
}

static double get_float(size_t size, const void *value)
{
    float f4;
    double f8;
    if (size == 4) {
        memcpy(&f4, value, 4);
        return (double)f4;
    }
    memcpy(&f8, value, 8);
    return f8;
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
    const struct dtype_row *d = row(dtype);
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

double dtype_to_double(int dtype, const void *data, size_t i)
{
    const struct dtype_row *d = row(dtype);
    const char *value = (const char *)data + i * d->size;
    switch (d->kind) {
    case 'f':
        return get_float(d->size, value);
    case 'c':
        return get_float(d->size / 2u, value);
    case 'b':
        return *(const uint8_t *)value != 0;
    case 'S':
        return NAN;
    case 'i':
        return (double)(int64_t)get_integer(d, value);
    default:
        return (double)get_integer(d, value);
    }
}

static uint64_t double_to_integer(const struct dtype_row *d, double number)
{
    if (isnan(number))
        return 0;
    if (number <= (double)integer_min(d))
        return (uint64_t)integer_min(d);
    if (number >= (double)integer_max(d))
        return integer_max(d);
    return number < 0 ? (uint64_t)(int64_t)number : (uint64_t)number;
}

static void cast_one(const struct dtype_row *from, const char *source, const struct dtype_row *to,
                     char *target)
{
    bool from_integer = from->kind == 'i' || from->kind == 'u' || from->kind == 'b';
    double number = 0.0, imaginary = 0.0;
    uint64_t bits = 0;
    if (from_integer)
        bits = get_integer(from, source);
    else
        number = get_float(from->kind == 'c' ? from->size / 2u : from->size, source);
    if (from->kind == 'c')
        imaginary = get_float(from->size / 2u, source + from->size / 2);
    if (from_integer)
        number = from->kind == 'i' ? (double)(int64_t)bits : (double)bits;
    switch (to->kind) {
    case 'f':
        put_float(to->size, number, target);
        break;
    case 'c':
        put_float(to->size / 2u, number, target);
        put_float(to->size / 2u, imaginary, target + to->size / 2);
        break;
    case 'b':
        *target = from_integer ? bits != 0 : number != 0.0 || imaginary != 0.0;
        break;
    default:
        put_integer(to->size, from_integer ? bits : double_to_integer(to, number), target);
    }
}

static void cast_text(size_t from_size, const char *source, size_t to_size, char *target, size_t n)
{
    size_t kept = from_size < to_size ? from_size : to_size;
    for (size_t i = 0; i < n; i++) {
        memset(target + i * to_size, 0, to_size);
        memcpy(target + i * to_size, source + i * from_size, kept);
    }
}

void dtype_cast(int from, size_t from_size, const void *source, int to, size_t to_size,
                void *target, size_t n)
{
    const struct dtype_row *f = row(from), *t = row(to);
    mem_assert((f->kind == 'S') == (t->kind == 'S'));
    if (f->kind == 'S') {
        cast_text(from_size, source, to_size, target, n);
    } else if (from == to) {
        memcpy(target, source, n * f->size);
    } else {
        for (size_t i = 0; i < n; i++)
            cast_one(f, (const char *)source + i * f->size, t, (char *)target + i * t->size);
    }
}

void dtype_swap(int dtype, void *data, size_t n)
{
    const struct dtype_row *d = row(dtype);
    size_t size = d->kind == 'c' ? d->size / 2u : d->size;
    if (d->kind == 'c')
        n *= 2;
    char *p = data;
    for (size_t i = 0; size > 1 && i < n; i++, p += size) {
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            char was = p[a];
            p[a] = p[b];
            p[b] = was;
        }
    }
}
