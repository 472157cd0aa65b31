/* SPDX-License-Identifier: Apache-2.0 */
/* How a request goes: headers, body, handler, work aside, the queue's commit, the answer.
 * libmicrohttpd calls these functions; the closure is the struct http. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/errors.h"
#include "http/request.h"

#include <microhttpd.h>

/* The request line is there. */
void *exchange_begin(void *http, const char *target, struct MHD_Connection *c);
enum MHD_Result exchange_handle(void *http, struct MHD_Connection *c, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **request);
void exchange_completed(void *http, struct MHD_Connection *c, void **request,
                        enum MHD_RequestTerminationCode why);

/* Work that was done aside (work.h) has this result; unless there is more of it, the request goes
 * on. */
void exchange_go_on(struct request *r, int result, const struct error *e);
/* Resumes a waiting request; `failed`: the commit's failure, which becomes its answer. */
void exchange_resume(struct request *r, const struct error *failed);

#endif
