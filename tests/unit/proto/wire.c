/* SPDX-License-Identifier: Apache-2.0 */
/* The codec: every message there and back, hostile frames, and the table of PROTOCOL.md. */
#include "proto/wire.h"
#include "base/buffer.h"
#include "base/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(wire);

/* ---- samples: every field has a value of its own ---- */

static int counter;

static uint32_t sample_U32(void)
{
    return 0x80000000u + (uint32_t)counter++;
}

static int64_t sample_I64(void)
{
    return INT64_MIN + counter++;
}

static double sample_F64(void)
{
    return 0.1 + counter++;
}

static const char *sample_TEXT(void)
{
    static const char *const texts[] = {"", "a", "größer", "\xF0\x9F\x8C\x8D", "{\"a\": [1, 2]}\n"};
    return texts[counter++ % 5];
}

static const char *sample_LINE(void)
{
    static const char *const texts[] = {"", "a line", "größer", "x"};
    return texts[counter++ % 4];
}

static int n_samples;
static struct wire_message samples[64];
static enum wire_direction directions[64];

static void make_samples(void)
{
    n_samples = 0;
#define MESSAGE(NAME, name, number, direction, text)                                               \
    {                                                                                              \
        struct wire_message *m = &samples[n_samples];                                              \
        struct wire_##name *fields = &m->name;                                                     \
        m->type = WIRE_##NAME;                                                                     \
        directions[n_samples++] = WIRE_##direction;
#define FIELD(kind, name, limit, text) fields->name = sample_##kind();
#define END(NAME, name)                }
#include "proto/messages.def"
}

static void same_U32(uint32_t a, uint32_t b)
{
    cr_assert_eq(a, b);
}

static void same_I64(int64_t a, int64_t b)
{
    cr_assert_eq(a, b);
}

static void same_F64(double a, double b)
{
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
}

static void same_TEXT(const char *a, const char *b)
{
    cr_assert_str_eq(a, b);
}

#define same_LINE same_TEXT

static void assert_same(const struct wire_message *a, const struct wire_message *b)
{
    cr_assert_eq(a->type, b->type);
    switch (a->type) {
#define MESSAGE(NAME, name, number, direction, text)                                               \
    case WIRE_##NAME: {                                                                            \
        const struct wire_##name *p = &a->name, *q = &b->name;
#define FIELD(kind, name, limit, text) same_##kind(p->name, q->name);
#define END(NAME, name)                                                                            \
    break;                                                                                         \
    }
#include "proto/messages.def"
    }
}

/* An exact allocation, so that the address sanitizer sees a read beyond it. */
static unsigned char *encode(const struct wire_message *m, size_t *ret_size)
{
    size_t size = wire_size(m);
    cr_assert_gt(size, 0);
    unsigned char *frame = malloc(size);
    memset(frame, 0xA5, size);
    wire_encode(m, frame);
    *ret_size = size;
    return frame;
}

static int decode_copy(enum wire_direction direction, const unsigned char *frame, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, frame, size);
    struct wire_message m;
    int r = wire_decode(direction, copy, size, &m);
    if (r == 0) {
        size_t again = wire_size(&m);
        cr_assert(again > 0, "what was read can be written");
    }
    free(copy);
    return r;
}

Test(wire, every_message_there_and_back)
{
    for (int round = 0; round < 7; round++) {
        make_samples();
        for (int i = 0; i < n_samples; i++) {
            size_t size;
            unsigned char *frame = encode(&samples[i], &size);
            struct wire_message m;
            cr_assert_eq(wire_decode(directions[i], frame, size, &m), 0, "%s",
                         wire_name(samples[i].type));
            assert_same(&samples[i], &m);
            free(frame);
        }
    }
    cr_assert_eq(n_samples, 24);
}

Test(wire, bytes_are_as_documented)
{
    struct wire_message m = {.type = WIRE_QUIT, .quit.reason = "ab"};
    static const unsigned char expected[] = {72, 0, 2, 0, 0, 0, 'a', 'b', 0};
    size_t size;
    unsigned char *frame = encode(&m, &size);
    cr_assert_eq(size, sizeof expected);
    cr_assert_eq(memcmp(frame, expected, size), 0);
    free(frame);
    m = (struct wire_message){.type = WIRE_CANCEL, .cancel.lease = -2};
    static const unsigned char cancel[] = {69, 0, 0xFE, 255, 255, 255, 255, 255, 255, 255};
    frame = encode(&m, &size);
    cr_assert_eq(size, sizeof cancel);
    cr_assert_eq(memcmp(frame, cancel, size), 0);
    free(frame);
}

Test(wire, cut_or_lengthened_frames_are_refused)
{
    make_samples();
    for (int i = 0; i < n_samples; i++) {
        size_t size;
        unsigned char *frame = encode(&samples[i], &size);
        for (size_t cut = 0; cut < size; cut++)
            cr_assert_eq(decode_copy(directions[i], frame, cut), -EBADMSG, "%s cut at %zu",
                         wire_name(samples[i].type), cut);
        frame = realloc(frame, size + 1);
        frame[size] = 0;
        cr_assert_eq(decode_copy(directions[i], frame, size + 1), -EBADMSG);
        free(frame);
    }
}

Test(wire, messages_of_the_other_direction_are_refused)
{
    make_samples();
    for (int i = 0; i < n_samples; i++) {
        size_t size;
        unsigned char *frame = encode(&samples[i], &size);
        cr_assert_eq(decode_copy((enum wire_direction) !directions[i], frame, size), -ENOMSG);
        free(frame);
    }
    cr_assert_eq(decode_copy(WIRE_TO_DAEMON, (const unsigned char *)"\0\0", 2), -ENOMSG);
    cr_assert_eq(decode_copy(WIRE_TO_DAEMON, (const unsigned char *)"\377\377", 2), -ENOMSG);
}

/* splitmix64 (Steele et al. 2014): the same bytes in each run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

Test(wire, random_bytes_do_no_harm)
{
    uint64_t state = 7;
    unsigned char frame[128];
    for (int i = 0; i < 100000; i++) {
        size_t size = next_random(&state) % sizeof frame;
        for (size_t k = 0; k < size; k++)
            frame[k] = (unsigned char)next_random(&state);
        if (size > 2)
            frame[0] = (unsigned char)(next_random(&state) % 80), frame[1] = 0;
        decode_copy(WIRE_TO_DAEMON, frame, size);
        decode_copy(WIRE_TO_WORKER, frame, size);
    }
}

Test(wire, changed_bytes_do_no_harm)
{
    uint64_t state = 11;
    for (int round = 0; round < 2000; round++) {
        make_samples();
        int i = (int)(next_random(&state) % (uint64_t)n_samples);
        size_t size;
        unsigned char *frame = encode(&samples[i], &size);
        for (int k = 0; k < 3; k++)
            frame[next_random(&state) % size] = (unsigned char)next_random(&state);
        decode_copy(directions[i], frame, size);
        free(frame);
    }
}

Test(wire, hostile_texts_are_refused)
{
    static const struct {
        const char *bytes;
        size_t size;
    } quits[] = {
        {"\x48\0\2\0\0\0a\0\0", 9}, /* a NUL inside */
        {"\x48\0\2\0\0\0abc", 9},   /* no NUL at the end */
        {"\x48\0\xff\xff\xff\xff"
         "ab\0",
         9},                                      /* a length beyond all */
        {"\x48\0\2\0\0\0\xC0\x80\0", 9},          /* overlong */
        {"\x48\0\3\0\0\0\xED\xA0\x80\0", 10},     /* a surrogate */
        {"\x48\0\4\0\0\0\xF4\x90\x80\x80\0", 11}, /* beyond U+10FFFF */
        {"\x48\0\1\0\0\0\xE2\0", 8},              /* cut sequence */
    };
    for (size_t i = 0; i < sizeof quits / sizeof *quits; i++)
        cr_assert_eq(
            decode_copy(WIRE_TO_WORKER, (const unsigned char *)quits[i].bytes, quits[i].size),
            -EBADMSG, "%zu", i);
}

Test(wire, texts_beyond_their_limit)
{
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[299] = '\0';
    struct wire_message hello = {.type = WIRE_HELLO, .hello = {.name = name, .secret = ""}};
    cr_assert_eq(wire_size(&hello), 0, "a TEXT must fit");
    name[255] = '\0';
    cr_assert_gt(wire_size(&hello), 0);
    hello.hello.name = NULL;
    cr_assert_eq(wire_size(&hello), 0, "a TEXT must be given");
    hello.hello.name = "a\xFFz";
    cr_assert_eq(wire_size(&hello), 0, "a TEXT must be UTF-8");

    /* By hand: a reason of 256 bytes, one more than its limit. */
    unsigned char frame[2 + 4 + 256 + 1] = {72, 0, 0, 1};
    memset(frame + 6, 'x', 256);
    cr_assert_eq(decode_copy(WIRE_TO_WORKER, frame, sizeof frame), -EBADMSG);
}

Test(wire, lines_are_cut_and_cleaned)
{
    char reason[400];
    memset(reason, 'x', 253);
    strcpy(reason + 253, "\xE2\x82\xAC and more"); /* the euro sign would end at 256 */
    struct wire_message quit = {.type = WIRE_QUIT, .quit.reason = reason}, m;
    size_t size;
    unsigned char *frame = encode(&quit, &size);
    cr_assert_eq(wire_decode(WIRE_TO_WORKER, frame, size, &m), 0);
    cr_assert_eq(strlen(m.quit.reason), 253, "cut between two characters");
    free(frame);

    quit.quit.reason = "a\nb\xFF\xC3"
                       "c\x7F";
    frame = encode(&quit, &size);
    cr_assert_eq(wire_decode(WIRE_TO_WORKER, frame, size, &m), 0);
    cr_assert_str_eq(m.quit.reason, "a b??c ");
    free(frame);

    quit.quit.reason = NULL;
    frame = encode(&quit, &size);
    cr_assert_eq(wire_decode(WIRE_TO_WORKER, frame, size, &m), 0);
    cr_assert_str_eq(m.quit.reason, "");
    free(frame);
}

Test(wire, version_of_a_foreign_hello)
{
    cr_assert_eq(wire_hello_version("\1\0\7\0\0\0what else", 15), 7);
    cr_assert_eq(wire_hello_version("\1\0\7\0\0", 5), 0);
    cr_assert_eq(wire_hello_version("\2\0\7\0\0\0", 6), 0);
    cr_assert_eq(wire_hello_version("", 0), 0);
}

/* ---- PROTOCOL.md ---- */

static void table(struct buffer *b)
{
    buffer_text(b, "| message | number | to | field | kind | limit | meaning |\n"
                   "| --- | --- | --- | --- | --- | --- | --- |\n");
#define MESSAGE(NAME, name, number, direction, text)                                               \
    buffer_printf(b, "| **%s** | %d | %s | | | | %s |\n", #NAME, number,                           \
                  WIRE_##direction == WIRE_TO_DAEMON ? "daemon" : "worker", text);
#define FIELD(kind, name, limit, text)                                                             \
    buffer_printf(b, "| | | | `%s` | %s | %s | %s |\n", #name, #kind, limit ? #limit : "", text);
#define END(NAME, name)
#include "proto/messages.def"
}

Test(wire, protocol_md_has_the_table)
{
    struct buffer expected = {0}, document = {0};
    table(&expected);
    cr_assert_eq(file_read("proto/PROTOCOL.md", 1 << 20, &document), 0,
                 "to be run in the repository's directory");
    const char *found = strstr(document.data, expected.data);
    if (!found)
        fputs(expected.data, stderr);
    cr_assert(found, "proto/PROTOCOL.md must hold the table above");
    buffer_free(&expected);
    buffer_free(&document);
}
