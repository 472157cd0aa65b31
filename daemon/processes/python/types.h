/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of a module as process types. */
#ifndef PYTHON_TYPES_H
#define PYTHON_TYPES_H

#include "interpreter.h"

#include <simlab/process.h>

enum { RUNTIME_ARGUMENTS_MOST = 8 };

/* What a stage method is given, in order: see runtime.c. */
struct stage_method {
    bool is_there;
    int n_arguments;
    int arguments[RUNTIME_ARGUMENTS_MOST];
};

/* A class: the userdata of its process type. Never freed: instances may outlive the library. */
struct class
{
    struct simlab_process process;
    struct simlab_variable *variables;
    PyObject *table; /* as simlab/processes/table.py made it: all texts of the two above are its */
    PyObject *bound; /* the class whose instances run */
    PyObject **names, **rows;
    bool *is_object; /* by row: it leads to an any_object */
    int64_t *times;  /* by row: the mark of dates in the units that are declared; 0: none */
    PyObject *functions[SIMLAB_N_STAGES]; /* of `bound`; NULL: none */
    struct stage_method methods[SIMLAB_N_STAGES];
};

/* The process type of a class's table. NULL and an exception where it cannot be. */
struct class *class_new(PyObject *table);

#endif
