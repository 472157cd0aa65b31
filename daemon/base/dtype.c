/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dtype_parts.h"

#include "base/mem.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dtype_row dtype_table[SIMLAB_N_DTYPES] = {
    [SIMLAB_F8] = {"f8", 'f', 8},    [SIMLAB_F4] = {"f4", 'f', 4},     [SIMLAB_I1] = {"i1", 'i', 1},
    [SIMLAB_I2] = {"i2", 'i', 2},    [SIMLAB_I4] = {"i4", 'i', 4},     [SIMLAB_I8] = {"i8", 'i', 8},
    [SIMLAB_U1] = {"u1", 'u', 1},    [SIMLAB_U2] = {"u2", 'u', 2},     [SIMLAB_U4] = {"u4", 'u', 4},
    [SIMLAB_U8] = {"u8", 'u', 8},    [SIMLAB_BOOL] = {"bool", 'b', 1}, [SIMLAB_C8] = {"c8", 'c', 8},
    [SIMLAB_C16] = {"c16", 'c', 16}, [SIMLAB_STR] = {"str", 'S', 0},
};

const struct dtype_row *dtype_row(int dtype)
{
    mem_assert(dtype >= 0 && dtype < SIMLAB_N_DTYPES);
    return &dtype_table[dtype];
}

const char *dtype_name(int dtype)
{
    return dtype == SIMLAB_ANY ? "any" : dtype_row(dtype)->name;
}

size_t dtype_size(int dtype)
{
    return dtype == SIMLAB_ANY ? 0 : dtype_row(dtype)->size;
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
    const struct dtype_row *d = dtype_row(dtype);
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
    return dtype_row(dtype)->kind == 'f';
}

bool dtype_is_integer(int dtype)
{
    return dtype_row(dtype)->kind == 'i' || dtype_row(dtype)->kind == 'u';
}

void dtype_fill_value(int dtype, size_t itemsize, void *ret)
{
    const struct dtype_row *d = dtype_row(dtype);
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

double dtype_to_double(int dtype, const void *data, size_t i)
{
    const struct dtype_row *d = dtype_row(dtype);
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
    const struct dtype_row *f = dtype_row(from), *t = dtype_row(to);
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
    const struct dtype_row *d = dtype_row(dtype);
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
