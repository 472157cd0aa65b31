/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as texts. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#define NUMBER_TEXT_SIZE 32

/* The shortest text that reads back as the same double, laid out as Python's repr() does, but
 * without a trailing ".0": "0.55", "2", "1e-05", "1e+16", "nan", "inf", "-inf". Returns `ret`. */
const char *number_text(double value, char ret[NUMBER_TEXT_SIZE]);

#endif
