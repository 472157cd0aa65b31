/* SPDX-License-Identifier: Apache-2.0 */
/* The model that was drawn, as a registry and a job have it. */
#ifndef RANDOM_MODELS_DOCUMENT_H
#define RANDOM_MODELS_DOCUMENT_H

#include "base/json.h"

/* The descriptors of its library, "t". */
json_t *document_types(void);
/* A job of MEMBERS members; of one simulation where `is_one`. To be called once after draw_model.
 */
json_t *document_job(bool is_one);

#endif
