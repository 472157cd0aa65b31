/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptions of the interface and of a job: proto/openapi.json, proto/job.schema.json. */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

extern const char openapi_text[], openapi_job_schema_text[]; /* end with NUL */

#endif
