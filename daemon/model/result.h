/* SPDX-License-Identifier: Apache-2.0 */
/* What model/'s functions find. */
#ifndef MODEL_RESULT_H
#define MODEL_RESULT_H

#include "base/errors.h"

enum model_result {
    MODEL_INVALID = 1, /* a document, or what it names, is at fault; the pointer tells where */
    MODEL_TOO_LARGE,   /* members, elements or bytes are more than may be */
    MODEL_LONG         /* it takes long, and that was not wanted (job_sources) */
};

/* A result of base's readers as one of ours. */
static inline int model_result_of_base(int r)
{
    return r <= 0 ? r : r == BASE_TOO_LARGE ? MODEL_TOO_LARGE : MODEL_INVALID;
}

#endif
