/* SPDX-License-Identifier: Apache-2.0 */
/* What processes of random models do: what one sets is a hash of all that it reads, so that
 * whatever is read too early, too late or torn changes what comes after it. */
#ifndef RANDOM_MODELS_STAGES_H
#define RANDOM_MODELS_STAGES_H

#include <simlab/process.h>

int stages_any(simlab_context *c); /* all but finalize */
int stages_finalize(simlab_context *c);
int stages_compute(simlab_context *c, int32_t var);
int stages_save(simlab_context *c);
int stages_restore(simlab_context *c);
int stages_watch(simlab_hook_context *h);

/* Calls into types that are not thread-safe while another was; forgotten then. */
int stages_overlaps(void);

uint64_t stages_mix_view(uint64_t h, const struct simlab_view *v);

#endif
