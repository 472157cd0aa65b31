/* SPDX-License-Identifier: Apache-2.0 */
#include "http/openapi.h"

#include "http/request.h"

#include <string.h>

/* The file stands in the program as it is (the Makefile names it as a source of this one). */
__asm__(".pushsection .rodata\n"
        ".global openapi_text\n"
        "openapi_text:\n"
        ".incbin \"proto/openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");

int openapi_show(struct request *r, struct error *e)
{
    (void)e;
    request_reply_response(r, MHD_HTTP_OK,
                           MHD_create_response_from_buffer(
                               strlen(openapi_text), (void *)openapi_text, MHD_RESPMEM_PERSISTENT));
    request_set_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "%s", API_JSON);
    return 0;
}
