/* SPDX-License-Identifier: Apache-2.0 */
/* What the last bit of a result depends on besides the job: machines of one fingerprint give equal
 * stores (daemon/README.md, invariant 19). */
#ifndef WORKER_FINGERPRINT_H
#define WORKER_FINGERPRINT_H

/* "x86_64 <12 digits: the processor's features> glibc 2.36". glibc picks variants of exp, sin … by
 * those features. A new string. */
char *fingerprint(void);

#endif
