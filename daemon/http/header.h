/* SPDX-License-Identifier: Apache-2.0 */
/* Request lines and headers, byte by byte: what would mean different things to us and to another
 * reader (a proxy, a person) is refused. libmicrohttpd ends texts at a NUL, and takes the first of
 * two headers. */
#ifndef HTTP_HEADER_H
#define HTTP_HEADER_H

#include "base/errors.h"

struct request;

/* 0 or a problem: bytes that the library has not told, headers that stand twice, lengths and
 * codings of the body that do not go together, sizes. */
int header_check(const struct request *r, const char *method, const char *version, struct error *e);

#endif
