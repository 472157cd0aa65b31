/* SPDX-License-Identifier: Apache-2.0 */
/* Uploaded arrays: <uploads>/<SHA-256>.npy, whole or absent, never changed. */
#ifndef HTTP_UPLOADS_H
#define HTTP_UPLOADS_H

#include "base/ndarray.h"
#include "http/server.h"

/* ERROR_NOT_FOUND where there is none of that id, ERROR_INVALID where it is no id. */
int uploads_read(struct http *h, const char *id, struct ndarray *ret, struct error *e);

#endif
