/* SPDX-License-Identifier: Apache-2.0 */
/* A saved run in a file: whole, or refused. */
#ifndef WORKER_CHECKPOINT_FILE_H
#define WORKER_CHECKPOINT_FILE_H

#include "base/hash.h"
#include "worker/result.h"

#include "base/errors.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct checkpoint_content {
    int64_t member, steps;     /* that were done */
    char fits[HASH_TEXT_SIZE]; /* the job, release and machine that it is of */
    const void *state;         /* simulation_save */
    size_t n_state;
    const char *outputs; /* output_writer_save */
    size_t n_outputs;
    int64_t n_lines;   /* that the member has logged */
    const char *lines; /* the first of them, each with its NUL */
    size_t n_lines_bytes;
};

/* How a file is written. */
struct checkpoint_writing {
    int directory;              /* of the store, whose file system is synced before the file takes
                                 * its name, and it after; -1: a power cut need not be survived */
    const atomic_bool *is_void; /* becomes true: nobody needs it, -ECANCELED */
};

/* In the place of what stands at `path`, whole. 0 or -errno. */
int checkpoint_file_write(const char *path, const struct checkpoint_content *c,
                          const struct checkpoint_writing *how);

/* 0, with *ret_memory (free()) that the content lies in; -ENOENT; a negative errno, or
 * WORKER_REFUSED where it is cut, damaged, or none, with words. */
int checkpoint_file_read(const char *path, struct checkpoint_content *ret, void **ret_memory,
                         struct error *e);

/* Which one it is, without a look at its content: the sum that stands at its end. 0 or -errno. */
int checkpoint_file_sum(const char *path, char ret[HASH_TEXT_SIZE]);

#endif
