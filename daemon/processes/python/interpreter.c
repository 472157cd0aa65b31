/* SPDX-License-Identifier: Apache-2.0 */
#define PYTHON_STARTS /* PyConfig is no part of the stable interface */
#include "interpreter.h"

#include <dlfcn.h>
#include <stdio.h>

static _Thread_local int depth; /* of enter within enter */

/* Extension modules, NumPy's, look for the interpreter's symbols among the global ones. */
static void make_global(void)
{
    Dl_info info;
    if (dladdr((void *)(uintptr_t)Py_InitializeFromConfig, &info) && info.dli_fname)
        dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
}

/* Nothing of the process is changed that is others': no locale, no signal handlers. Texts have the
 * same hash in each worker, so that sets have the same order. The packages are those of the Python
 * that this was built for: another one may come first in $PATH. */
static PyStatus configure(PyConfig *config)
{
    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.configure_locale = 0;
    before.coerce_c_locale = 0;
    before.utf8_mode = 1;
    before.parse_argv = 0;
    PyStatus status = Py_PreInitialize(&before);
    PyConfig_InitPythonConfig(config);
    config->parse_argv = 0;
    config->install_signal_handlers = 0;
    config->write_bytecode = 0;
    config->configure_c_stdio = 0;
    config->use_hash_seed = 1;
    config->hash_seed = 0;
    config->safe_path = 1;
    if (PyStatus_Exception(status))
        return status;
    return PyConfig_SetBytesString(config, &config->program_name, PYTHON_PROGRAM);
}

int interpreter_start(const char **ret_why)
{
    PyConfig config;
    if (Py_IsInitialized())
        return 0;
    make_global();
    PyStatus status = configure(&config);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        *ret_why = status.err_msg ? status.err_msg : "Python does not start";
        return -1;
    }
    PyEval_SaveThread();
    return 0;
}

/* One state a thread: extension modules ask Python for it, too. */
static PyThreadState *own_state(void)
{
    PyThreadState *state = PyGILState_GetThisThreadState();
    return state ? state : PyThreadState_New(PyInterpreterState_Main());
}

void interpreter_enter(void)
{
    if (depth++ == 0)
        PyEval_RestoreThread(own_state());
}

void interpreter_leave(void)
{
    if (--depth == 0)
        PyEval_SaveThread();
}

struct interpreter_pause interpreter_pause(void)
{
    struct interpreter_pause pause = {.depth = depth};
    depth = 0;
    pause.state = PyEval_SaveThread();
    return pause;
}

void interpreter_resume(struct interpreter_pause pause)
{
    PyEval_RestoreThread(pause.state);
    depth = pause.depth;
}
