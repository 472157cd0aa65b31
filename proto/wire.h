/* SPDX-License-Identifier: Apache-2.0 */
/* The codec of PROTOCOL.md section 2: one message is one frame. Structs, encoder and decoder come
 * from messages.def. Pure functions without state; any thread.
 *
 * A frame: u16 number of the message, then its fields. All numbers are little-endian; F64 is IEEE
 * 754. A text is a u32 length n, n bytes of UTF-8 without NUL, and one NUL. Nothing follows. */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 8

/* Why a worker gives a lease, or a store to be closed, back before all was done. */
enum wire_cause {
    WIRE_CAUSE_NONE,   /* it was cancelled, or the worker leaves; of a store: it can never be closed
                        */
    WIRE_CAUSE_STORE,  /* the store failed: `error`; ENOENT: it has vanished */
    WIRE_CAUSE_WORKER, /* trouble of this worker's own: another may do it, and this one is replaced
                        */
    WIRE_CAUSE_LAYOUT, /* a member saves what the layout lacks: LAYOUT was said before */
    WIRE_CAUSE_HELPER, /* of a local run: a process that helped with the member has ended */
    WIRE_N_CAUSES
};

enum wire_direction { WIRE_TO_DAEMON, WIRE_TO_WORKER };

/* No frame to the daemon is larger than this; its socket closes connections that send one. */
#define WIRE_MAX_TO_DAEMON (4194304 + 4096)
#define WIRE_MAX_TO_WORKER (67108864 + 4194304 + 1048576 + 16384)

enum wire_type {
#define MESSAGE(NAME, name, number, direction, text) WIRE_##NAME = number,
#define FIELD(kind, name, limit, text)
#define END(NAME, name)
#include "proto/messages.def"
};

/* C types of the kinds. Texts are never NULL in a decoded message. */
typedef uint32_t wire_U32;
typedef int64_t wire_I64;
typedef double wire_F64;
typedef const char *wire_TEXT;
typedef const char *wire_LINE;

#define MESSAGE(NAME, name, number, direction, text) struct wire_##name {
#define FIELD(kind, name, limit, text)               wire_##kind name;
#define END(NAME, name)                                                                            \
    }                                                                                              \
    ;
#include "proto/messages.def"

struct wire_message {
    enum wire_type type;
    union {
#define MESSAGE(NAME, name, number, direction, text) struct wire_##name name;
#define FIELD(kind, name, limit, text)
#define END(NAME, name)
#include "proto/messages.def"
    };
};

/* Bytes of the frame; 0 where a TEXT is NULL, too long or not UTF-8, or the type is none. A NULL
 * LINE is empty. */
size_t wire_size(const struct wire_message *m);

/* Writes the frame of wire_size(m) bytes, which was not 0. */
void wire_encode(const struct wire_message *m, void *ret_frame);

/* Reads a frame that goes in `direction`. Texts of the result point into `frame`. -EBADMSG where it
 * is cut, too long, has a text beyond its limit or that is not UTF-8; -ENOMSG where no message of
 * this direction has its number. */
int wire_decode(enum wire_direction direction, const void *frame, size_t size,
                struct wire_message *ret_message);

/* The version that a HELLO names, also one that wire_decode cannot read; 0 where it is no HELLO. */
uint32_t wire_hello_version(const void *frame, size_t size);

/* "HELLO" …; NULL where there is none. */
const char *wire_name(int type);

#endif
