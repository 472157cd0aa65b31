/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to dtype.c and dtype_json.c: the table of types, and one element in and out of bytes. */
#ifndef BASE_DTYPE_PARTS_H
#define BASE_DTYPE_PARTS_H

#include "base/dtype.h"

#include <stdint.h>
#include <string.h>

struct dtype_row {
    const char *name;
    char kind; /* NumPy's kind letter */
    unsigned char size;
};

/* Aborts where there is no such dtype. */
const struct dtype_row *dtype_row(int dtype);

/* Greatest and least value of an integer type, as far as int64 and uint64 can tell. */
static inline uint64_t integer_max(const struct dtype_row *d)
{
    unsigned bits = d->size * 8u;
    return d->kind == 'i' ? UINT64_MAX >> (65 - bits) : UINT64_MAX >> (64 - bits);
}

static inline int64_t integer_min(const struct dtype_row *d)
{
    return d->kind == 'i' ? -(int64_t)integer_max(d) - 1 : 0;
}

static inline void put_integer(size_t size, uint64_t bits, void *ret)
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

static inline void put_float(size_t size, double value, void *ret)
{
    if (size == 4)
        memcpy(ret, &(float){(float)value}, 4);
    else
        memcpy(ret, &value, 8);
}

static inline uint64_t get_integer(const struct dtype_row *d, const void *value)
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

static inline double get_float(size_t size, const void *value)
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

#endif
