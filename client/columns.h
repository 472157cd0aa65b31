/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of members from a table: a CSV file whose first line names inputs, and each other line is
 * a member. Fields may stand in double quotes; empty lines are passed over. */
#ifndef CLIENT_COLUMNS_H
#define CLIENT_COLUMNS_H

#include <jansson.h>

/* {name: [values]}, a new reference. 0, or an exit code after a complaint that names file and line.
 */
int columns_read(const char *path, json_t **ret_inputs);

#endif
