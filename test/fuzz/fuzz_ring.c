/* A ring whose other side is hostile. The input is a program: first a byte that says which side is
 * ours, then steps: our own reads or writes, and writes of the enemy anywhere into shared memory.
 *
 * Properties: no access outside of the shared memory (AddressSanitizer), every payload that is
 * handed out lies in the data with the length that was said, no endless loop; and as long as the
 * enemy has not acted, what is read is what was written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "channel/ring.h"

#define RING 256

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t take_byte(struct input *in)
{
    if (in->size == 0) {
        return 0;
    }
    in->size--;
    return *in->data++;
}

static uint32_t take_word(struct input *in)
{
    uint32_t word = 0;
    for (int i = 0; i < 4; i++) {
        word = word << 8 | take_byte(in);
    }
    return word;
}

struct game {
    struct ring_shared *shared;
    struct ring writer;
    struct ring reader;
    uint32_t written; /* streams are numbered */
    uint32_t read;
    bool honest;
};

static void step_write(struct game *g, struct input *in)
{
    uint32_t length = take_byte(in) % (RING / 2);
    char payload[RING];
    memset(payload, (int)(g->written & 0xFF), sizeof(payload));
    struct frame frame = { .type = FRAME_BODY, .stream = g->written, .length = length };
    int r = ring_write(&g->writer, &frame, payload);
    assert(r == 0 || r == -EAGAIN || (r == -EMSGSIZE && length > RING / 2 - sizeof(frame)));
    g->written += r == 0;
}

static void check_payload(const struct game *g, const struct frame *frame, const void *payload)
{
    const unsigned char *at = payload;
    assert(at >= g->shared->data && at + frame->length <= g->shared->data + RING);
    unsigned int sum = 0;
    for (uint32_t i = 0; i < frame->length; i++) {
        sum += at[i];
    }
    if (g->honest) {
        assert(frame->stream == g->read && sum == (g->read & 0xFF) * frame->length);
    }
}

static void step_read(struct game *g)
{
    struct frame frame;
    const void *payload;
    int r = ring_peek(&g->reader, &frame, &payload);
    assert(r == 1 || r == 0 || r == -EPROTO);
    if (g->honest) {
        assert(r == (g->read != g->written));
    }
    if (r == 1) {
        check_payload(g, &frame, payload);
        ring_consume(&g->reader);
        g->read++;
    }
}

static void step_enemy(struct game *g, struct input *in)
{
    size_t at = take_word(in) % (ring_bytes(RING) / 4);
    uint32_t word = take_word(in);
    memcpy((char *)g->shared + 4 * at, &word, sizeof(word));
    g->honest = false;
}

static void step(struct game *g, struct input *in)
{
    switch (take_byte(in) % 8) {
    case 0:
    case 1:
    case 2:
        step_write(g, in);
        break;
    case 3:
    case 4:
        step_read(g);
        break;
    case 5:
        (void)ring_sleep(&g->reader);
        (void)ring_reader_wants_wake(&g->writer);
        break;
    case 6:
        (void)ring_writer_wants_wake(&g->reader);
        break;
    default:
        step_enemy(g, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    size_t bytes = (ring_bytes(RING) + 63) & ~(size_t)63;
    struct game g = { .shared = aligned_alloc(64, bytes), .honest = true };
    memset(g.shared, 0, bytes);
    ring_init(&g.writer, g.shared, RING);
    ring_init(&g.reader, g.shared, RING);
    while (in.size > 0) {
        step(&g, &in);
    }
    free(g.shared);
    return 0;
}
