/* SPDX-License-Identifier: Apache-2.0 */
#include "http/openapi.h"

#include "http/reply.h"
#include "http/request.h"

/* The files stand in the program as they are (the Makefile names them as sources of this one). */
#define EMBED(symbol, file)                                                                        \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " symbol "\n" symbol ":\n"                                                    \
            ".incbin \"" file "\"\n"                                                               \
            ".byte 0\n"                                                                            \
            ".popsection\n")

EMBED("openapi_text", "proto/openapi.json");
EMBED("openapi_job_schema_text", "proto/job.schema.json");

static int show(struct request *r, const char *text, const char *type)
{
    reply_constant(r, MHD_HTTP_OK, type, text);
    return 0;
}

int openapi_show(struct request *r, struct error *e)
{
    (void)e;
    return show(r, openapi_text, API_JSON);
}

int openapi_show_job_schema(struct request *r, struct error *e)
{
    (void)e;
    return show(r, openapi_job_schema_text, API_SCHEMA_JSON);
}
