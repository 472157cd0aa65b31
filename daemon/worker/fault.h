/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several threads ends the process: by a crash, an abort, a trap, or exit(). It is noted
 * on the board, which outlives the process; then the end takes its course, as without us. */
#ifndef WORKER_FAULT_H
#define WORKER_FAULT_H

#include "base/position.h"

struct simulation;

/* From now on, for this board. Signals that somebody handles (a library, a sanitizer) are left to
 * it. Call it before clean_room_settle. */
void fault_watch(struct position_board *board);
/* Before the board is unmapped: what ends the process afterwards is noted nowhere. */
void fault_forget(void);

/* Of a thread that runs a member beside others: where the process ends by it, `tell` is called, by
 * a signal handler. NULL: it runs none. */
void fault_set_member(void (*tell)(void *userdata, int64_t member), void *userdata, int64_t member);

/* Of which simulation an address is that was touched and may not be: a debug run's; NULL: none's.
 */
void fault_explain(const struct simulation *s);

#endif
