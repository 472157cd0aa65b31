/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of model/ share. */
#ifndef UNIT_MODEL_SUPPORT_H
#define UNIT_MODEL_SUPPORT_H

#include "model/job.h"

/* A JSON file; aborts where it cannot be read. A new reference. */
json_t *support_file(const char *path);

/* JSON with ' for ", printf formatted (no ' in texts). A new reference; aborts on a mistake. */
__attribute__((format(printf, 1, 2))) json_t *support_json(const char *format, ...);

/* The reference library (tests/unit/model/reference.json, made from what `simlab-worker describe`
 * prints of it, less what is default). */
struct registry *support_reference(void);

/* A library "t" of these types (a JSON array, as support_json takes it), finished. */
struct registry *support_library(const char *types);

/* The names of tests/golden, NULL at the end. */
extern const char *const support_golden[];
extern const char *const support_errors[];

/* Calls fn with copies of `document` in which one value is replaced by something odd; each value in
 * turn, with each odd thing. */
void support_mutate(const json_t *document, void (*fn)(const json_t *mutant, void *userdata),
                    void *userdata);

/* A generator for random graphs (splitmix64; Steele, Lea, Flood 2014). */
uint64_t support_random(uint64_t *state);

#endif
