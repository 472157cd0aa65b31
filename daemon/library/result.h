/* SPDX-License-Identifier: Apache-2.0 */
/* What library/'s functions find, with words. */
#ifndef LIBRARY_RESULT_H
#define LIBRARY_RESULT_H

enum library_result {
    LIBRARY_REFUSED = 1, /* it is no library that can be offered, or the copy is not what it was */
    LIBRARY_CHANGES      /* it is being written just now: look again */
};

#endif
