/* SPDX-License-Identifier: Apache-2.0 */
/* What store/'s functions find, with words. A disk that fails is a negative errno, with words. */
#ifndef STORE_RESULT_H
#define STORE_RESULT_H

#include "base/errors.h"

enum store_result {
    STORE_NO_SUCH = 1, /* no group at the path, or no such array in it */
    STORE_INVALID,     /* a name, encoding, box or picture that cannot be */
    STORE_CONFLICT,    /* what stands there is another, or is not to be changed */
    STORE_BROKEN       /* what stands there was cut or changed: metadata, a chunk */
};

/* A result of base's readers as one of ours. */
static inline int store_result_of_base(int r)
{
    return r <= 0 ? r : STORE_INVALID;
}

#endif
