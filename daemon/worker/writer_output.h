/* SPDX-License-Identifier: Apache-2.0 */
/* One output of an output_writer: its buffer, its parts, its way into the store. Results are
 * output_writer.h's. Internal. */
#ifndef WORKER_WRITER_OUTPUT_H
#define WORKER_WRITER_OUTPUT_H

#include "worker/output_writer.h"

/* A result of the store: its own failure is never blamed on a member. */
int writer_output_broken(struct output_writer *g, int r);

/* Its array is known: makes it, or opens it where it stands. */
int writer_output_ready(struct output_writer *g, int output, struct error *e);

/* Rows and labels of a buffer, once the array is known. */
void writer_output_plan(struct writer_output *o, size_t room);

/* For a row that is put back: the buffer holds it from this label on, and the rows before it are
 * kept there, or written. */
int writer_output_place(struct output_writer *g, int output, int64_t row, int64_t label,
                        struct error *e);

/* As output_writer's; the array is known. */
int writer_output_put(struct output_writer *g, int output, int64_t member, int64_t at,
                      const struct simlab_view *view, struct error *e);
int writer_output_keep(struct output_writer *g, int output, int64_t member, struct error *e);
int writer_output_forget(struct output_writer *g, int output, int64_t member, struct error *e);
int writer_output_write(struct output_writer *g, int output, int64_t member, struct error *e);

#endif
