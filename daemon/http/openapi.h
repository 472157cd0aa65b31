/* SPDX-License-Identifier: Apache-2.0 */
/* The description of the interface, proto/openapi.json. */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

extern const char openapi_text[]; /* ends with NUL */

#endif
