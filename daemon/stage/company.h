/* SPDX-License-Identifier: Apache-2.0 */
/* Companies: processes that have to run in one worker, whichever it is, since they share what only
 * works in one: instances that are pinned, objects, and the values that such compute on demand.
 *
 * Company 0 is the lead's, and stays there. The others can be moved between two steps
 * (stage/home.h): all of them that are bound to a worker say SIMLAB_MOVABLE, and nothing of them is
 * called by the time loop itself. Who is of no company is run by whoever comes first. */
#ifndef STAGE_COMPANY_H
#define STAGE_COMPANY_H

struct program;

enum { COMPANY_NONE = -1, COMPANY_LEAD = 0 };

/* Of a program whose processes and slots are there: its `companies`. Returns how many companies
 * there are, the lead's included. */
int company_find(const struct program *p, int *ret_companies);

#endif
