/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon consists of. */
#ifndef SIMLABD_H
#define SIMLABD_H

#include "base/errors.h"
#include "config.h"
#include "library/environments.h"
#include "service.h"
#include "state_directory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simlabd {
    struct config config;
    struct service service;
    struct state_directory state;
    struct environments environments; /* of Python */
    struct offers *offers;            /* of libraries */
    bool is_announced, are_pinned;
    int64_t pin_due; /* until they are */
    int64_t announced_by;
    struct queue *queue;
    struct loop *loop;
    struct aside *aside;
    struct dispatch *dispatch;
    struct pool *pool;
    struct planner *planner;
    struct remover *remover; /* of jobs */
    struct http *http;
    int signals;
    bool stopping;
    int64_t leave_by; /* workers are asked for checkpoints, until then; 0: they are not */
    struct {          /* workers of the former daemon */
        struct queue_sighting *sightings;
        size_t n;
        bool is_unknown; /* what one of them was at */
    } left;
    char workerless[1024]; /* why no worker is ready */
    int committed;         /* result of this turn's commit, with words */
    struct error failure;
    struct {
        int64_t since; /* loop_now; 0: it works */
        bool is_told;
        struct error why;
    } database_trouble;
};

#endif
