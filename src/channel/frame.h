/* Frames: what crosses a channel. A 16-byte head and a payload, both 16-byte aligned in the ring.
 *
 * doc/runtime.md says what each means to the function's side. Integers are in the machine's order:
 * both sides run on one machine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* The streams of an instance at one time differ in so many low bits (runtime/js/in_flight.js goes
 * by that, too), so there are no more of them than this. */
#define FRAME_SLOT_BITS 12
#define FRAME_SLOTS     (1U << FRAME_SLOT_BITS)

struct frame {
    uint32_t length; /* of the payload */
    uint32_t stream; /* one request; 0: the instance as a whole */
    uint16_t type;   /* enum frame_type */
    uint16_t flags;
    uint32_t value;
};
_Static_assert(sizeof(struct frame) == 16, "a ring's unit");

enum frame_type {
    FRAME_PADDING = 0, /* the ring's own: skip to its start */

    /* both ways */
    FRAME_BODY = 1,   /* payload: bytes; FRAME_FLAG_END may be set */
    FRAME_END = 2,    /* the body is complete */
    FRAME_CREDIT = 3, /* value: bytes of body that the sender of this frame will take besides the
                         first LIMIT_STREAM_WINDOW_BYTES and those of earlier credits;
                         control's of 0 says that it wants the body (100 Continue) */

    /* gateway to instance */
    FRAME_REQUEST =
        16, /* value: milliseconds left, 0 none; payload: struct frame_request and its parts */
    FRAME_CANCEL = 17, /* value: enum frame_cancel */
    FRAME_PING =
        18, /* answered with FRAME_PONG by the event loop, so it shows that the loop turns */
    FRAME_STOP = 19, /* no more requests will come: finish and exit */
    FRAME_TRIM = 20, /* nothing is going on: channel_trim(); value 1: free memory, too */

    /* instance to gateway */
    FRAME_RESPONSE = 32,      /* value: status, and after a 101 bodies of either side are what the
                                 connection carries; payload: headers as "name\0value\0"..., then with
                                 FRAME_FLAG_WHOLE the body behind; flags say what follows */
    FRAME_INFORMATIONAL = 33, /* value: 1xx status; payload: headers */
    FRAME_FAIL = 34,          /* value: enum frame_fail; payload: JSON */
    FRAME_LOG = 35,           /* value: level; payload: text */
    FRAME_DONE = 36,          /* the invocation is over; payload: struct frame_usage */
    FRAME_PONG = 37,
    FRAME_READY = 38, /* the instance reads its channel */
    FRAME_ACCEPT =
        39, /* the handler of this stream has begun: it may no longer be moved elsewhere */
    FRAME_FILE =
        40, /* control only: the answer goes on with the file of a MESSAGE_FILE, and with
               FRAME_FLAG_END it ends with it; else a FRAME_CREDIT of 0 asks for the next */
    FRAME_LOG_LOST = 41 /* value: how many FRAME_LOGs there was no room for */
};

enum frame_flag {
    FRAME_FLAG_END = 1,  /* REQUEST: no body follows. BODY, FILE: last. RESPONSE: no body follows */
    FRAME_FLAG_COLD = 2, /* REQUEST: the instance's first */
    FRAME_FLAG_WHOLE = 4, /* RESPONSE: the whole body is in this payload, behind the headers, whose
                             length is in its first four bytes; implies the end */
    FRAME_FLAG_TRUNCATED = 8, /* LOG: the text was longer */
    FRAME_FLAG_TUNNEL = 16    /* BODY: of an upgraded connection, whose CPU time begins anew */
};

enum frame_cancel { FRAME_CANCEL_CLIENT = 1, FRAME_CANCEL_TIMEOUT = 2, FRAME_CANCEL_DRAIN = 3 };

enum frame_fail {
    FRAME_FAIL_THROW,
    FRAME_FAIL_LOAD,
    FRAME_FAIL_INVALID,
    FRAME_FAIL_MISSING,
    FRAME_FAIL_METHOD,
    FRAME_FAIL_SIZE,
    FRAME_FAIL_COUNT
};

/* Followed by method, target, headers and meta, in this order, without separators. */
struct frame_request {
    uint32_t endpoint;
    uint32_t method_len;
    uint32_t target_len;
    uint32_t headers_len; /* "name\0value\0"..., names lower-cased but for Lambda's functions */
    uint32_t meta_len;    /* "requestId\0traceparent\0address\0port\0scheme\0host\0original\0" and
                             captures "name\0value\0" */
};

struct frame_usage {
    uint64_t cpu_us; /* of the instance since its last DONE: exact when it serves one at a time */
    uint64_t memory_peak_bytes; /* of the instance, so far */
};
