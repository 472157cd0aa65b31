/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include "http/problem.h"

#include <stdlib.h>
#include <string.h>

#define MAX_KEY 255

const char *request_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool request_parse_number(const char *text, int64_t *ret)
{
    size_t n = strlen(text);
    if (n == 0 || n > 18 || strspn(text, "0123456789") != n || (text[0] == '0' && n > 1))
        return false;
    *ret = strtoll(text, NULL, 10);
    return true;
}

int request_number(const struct request *r, const char *name, int64_t otherwise, int64_t *ret,
                   struct error *e)
{
    const char *text = request_query(r, name);
    if (!text) {
        *ret = otherwise;
        return 0;
    }
    if (!request_parse_number(text, ret))
        return error_set(e, PROBLEM_INVALID, NULL, "?%s=%.40s: should be a number from 0 on", name,
                         text);
    return 0;
}

int request_limit(const struct request *r, int *ret_limit, struct error *e)
{
    int64_t limit;
    int result = request_number(r, "limit", API_LIMIT_DEFAULT, &limit, e);
    if (result == 0 && (limit < 1 || limit > API_LIMIT_MAX))
        result = error_set(e, PROBLEM_INVALID, NULL, "?limit=%lld: should be from 1 to %d",
                           (long long)limit, API_LIMIT_MAX);
    if (result == 0)
        *ret_limit = (int)limit;
    return result;
}

int request_idempotency_key(const struct request *r, const char **ret_key, struct error *e)
{
    const char *key = request_header(r, API_IDEMPOTENCY_KEY);
    size_t n = key ? strlen(key) : 1;
    bool plain = true;
    for (const char *p = key; p && *p; p++)
        plain = plain && *p > ' ' && *p < 0x7f;
    if (n < 1 || n > MAX_KEY || !plain)
        return error_set(e, PROBLEM_SYNTAX, NULL,
                         "%s: should be 1 to %d printable ASCII characters without spaces",
                         API_IDEMPOTENCY_KEY, MAX_KEY);
    *ret_key = key;
    return 0;
}
