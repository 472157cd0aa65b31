/* SPDX-License-Identifier: Apache-2.0 */
/* Environments of Python: each has a build of the library that hosts modules (processes/python), by
 * which they find its interpreter and its packages. DIRECTORY/python.so is that of the environment
 * "default", DIRECTORY/NAME/python.so of another. */
#ifndef LIBRARY_ENVIRONMENTS_H
#define LIBRARY_ENVIRONMENTS_H

#define ENVIRONMENTS_DEFAULT "default"

struct environments {
    const char **names; /* the default first, whether it is there or not; NULL at the end */
    char **hosts;       /* paths; of the default NULL where it is not there */
    int n;
};

/* Any thread may call this. A directory that is not there has none. */
void environments_find(const char *directory, struct environments *ret);
void environments_clear(struct environments *e);

/* The host of `name`; NULL where there is none. Borrowed. */
const char *environments_host(const struct environments *e, const char *name);
/* Of a name that has no host: "…: there is …", for people; the caller frees. */
char *environments_why_missing(const struct environments *e, const char *name);

#endif
