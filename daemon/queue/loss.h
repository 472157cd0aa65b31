/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the database, and sees to it that none is lost in silence. Internal. */
#ifndef QUEUE_LOSS_H
#define QUEUE_LOSS_H

#include "queue/database.h"

/* What the database says of the daemon that had it open last. */
struct former {
    char identity[QUEUE_IDENTITY_SIZE];
    bool is_clean;  /* it stopped in order */
    bool same_boot; /* the machine did not go down since it was opened */
};

/* QUEUE_DAMAGED, with what is lost and what to do, where the database is not what the witness
 * (witness.h) says that there was, or cannot be read; where loss is accepted, it is set aside and a
 * new one begun, and *ret_loss says so (a new string, else NULL). */
int loss_open(struct database *d, const struct queue_options *o, const char *root,
              struct former *ret_former, char **ret_loss, struct error *e);

#endif
