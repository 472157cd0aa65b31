/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of units, as UDUNITS-2 reads them: products, quotients and whole powers of names ("kg m-2",
 * "m/yr", "W.m-2", "1e-3", "degrees_north"), with "… since DATE" or "… @ NUMBER" after them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>

/* Whether it is one. The names are those that people use: of UDUNITS' rarer ones many are not
 * known. Of a date it is not asked whether it is in the calendar. */
bool units_is_known(const char *text);

#endif
