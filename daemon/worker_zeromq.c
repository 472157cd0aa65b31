/* SPDX-License-Identifier: Apache-2.0 */
/* ZeroMQ for simlab-worker, loaded when it is first called: the linker finds its functions here.
 * Only a session needs it, and with it and the twelve libraries that it needs itself each start
 * (run, describe, plot) took a millisecond longer, and each fork had twice as much to copy. */
#include "base/log.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <zmq.h>

#define LIBRARY "libzmq.so.5"

/* X(result, name, parameters, arguments): what is called of it. */
#define ZMQ_FUNCTIONS(X)                                                                           \
    X(void *, zmq_ctx_new, (void), ())                                                             \
    X(int, zmq_ctx_term, (void *context), (context))                                               \
    X(void *, zmq_socket, (void *context, int type), (context, type))                              \
    X(int, zmq_close, (void *socket), (socket))                                                    \
    X(int, zmq_bind, (void *socket, const char *endpoint), (socket, endpoint))                     \
    X(int, zmq_connect, (void *socket, const char *endpoint), (socket, endpoint))                  \
    X(int, zmq_disconnect, (void *socket, const char *endpoint), (socket, endpoint))               \
    X(int, zmq_getsockopt, (void *socket, int option, void *value, size_t *size),                  \
      (socket, option, value, size))                                                               \
    X(int, zmq_setsockopt, (void *socket, int option, const void *value, size_t size),             \
      (socket, option, value, size))                                                               \
    X(int, zmq_poll, (zmq_pollitem_t * items, int n, long ms), (items, n, ms))                     \
    X(int, zmq_send, (void *socket, const void *data, size_t size, int flags),                     \
      (socket, data, size, flags))                                                                 \
    X(int, zmq_recv, (void *socket, void *data, size_t size, int flags),                           \
      (socket, data, size, flags))                                                                 \
    X(int, zmq_msg_init, (zmq_msg_t * message), (message))                                         \
    X(int, zmq_msg_init_size, (zmq_msg_t * message, size_t size), (message, size))                 \
    X(int, zmq_msg_send, (zmq_msg_t * message, void *socket, int flags), (message, socket, flags)) \
    X(int, zmq_msg_recv, (zmq_msg_t * message, void *socket, int flags), (message, socket, flags)) \
    X(int, zmq_msg_close, (zmq_msg_t * message), (message))                                        \
    X(int, zmq_msg_more, (const zmq_msg_t *message), (message))                                    \
    X(void *, zmq_msg_data, (zmq_msg_t * message), (message))                                      \
    X(size_t, zmq_msg_size, (const zmq_msg_t *message), (message))                                 \
    X(const char *, zmq_strerror, (int error), (error))

#define FIELD(result, name, parameters, arguments) result(*name) parameters;
static struct {
    ZMQ_FUNCTIONS(FIELD)
} library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* As the dynamic linker does where a program cannot be started. */
static _Noreturn void give_up(void)
{
    log_error("cannot load ZeroMQ: %s", dlerror());
    _Exit(127);
}

/* Looked up among all that is loaded, as the linker would have: what was preloaded comes first. */
static void *find(const char *name)
{
    void *function = dlsym(RTLD_DEFAULT, name);
    if (!function)
        give_up();
    return function;
}

static void load(void)
{
    if (!dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL))
        give_up();
#define FIND(result, name, parameters, arguments) library.name = (result(*) parameters)find(#name);
    ZMQ_FUNCTIONS(FIND)
}

#define DEFINE(result, name, parameters, arguments)                                                \
    result name parameters                                                                         \
    {                                                                                              \
        pthread_once(&once, load);                                                                 \
        return library.name arguments;                                                             \
    }
ZMQ_FUNCTIONS(DEFINE)
