/* Every limit of the platform by name, with where it comes from.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* HTTP, from outside. Heads: AWS's load balancers stop at 16K a line and 64K in all, nginx at 8K a
 * line and 32K in all; Node.js at 16K in all. */
#define LIMIT_REQUEST_LINE_BYTES  (16 * KIB)
#define LIMIT_REQUEST_HEAD_BYTES  (32 * KIB)
#define LIMIT_REQUEST_HEADERS     100
#define LIMIT_INNER_HEAD_BYTES    (4 * KIB) /* what control adds when it passes one on: ids, ... */
#define LIMIT_INNER_HEADERS       16
#define LIMIT_RESPONSE_HEAD_BYTES (32 * KIB)
#define LIMIT_CONNECTIONS         16384
#define LIMIT_HEAD_MS             10000 /* a head must arrive within this, slowloris or not */
#define LIMIT_BODY_IDLE_MS        30000 /* between two reads of a body */
#define LIMIT_KEEPALIVE_MS        75000 /* nginx's default */
#define LIMIT_SEND_IDLE_MS        60000 /* a client that reads nothing */

/* Channels: bytes of each of their two rings. Their pages are touched only as used. */
#define LIMIT_RING_BYTES          (1 * MIB)   /* an instance's */
#define LIMIT_LOG_RING_BYTES      (128 * KIB) /* of the gateway's records for control */
#define LIMIT_CONTROL_RING_BYTES  (1 * MIB)   /* between gateway and control: uploads, downloads */
#define LIMIT_FRAME_PAYLOAD_BYTES (48 * KIB)  /* but for bodies, and requests: */
#define LIMIT_REQUEST_FRAME_BYTES (80 * KIB)  /* a head, the line as it came, captures of it */
#define LIMIT_BODY_FRAME_BYTES    (128 * KIB)

/* Bytes of a body that may be under way. A receiver may let a stream have more once so much of it
 * has passed that it is worth its memory. */
#define LIMIT_STREAM_WINDOW_BYTES      (256 * KIB)
#define LIMIT_STREAM_WIDE_WINDOW_BYTES (512 * KIB)
#define LIMIT_STREAM_WIDE_AFTER_BYTES  (8 * MIB)

#define LIMIT_OPEN_FILES_MIN 1024 /* of a process; what the launcher needs to be allowed */

/* Functions. */
#define LIMIT_FUNCTIONS          4096
#define LIMIT_INSTANCES          4096
#define LIMIT_QUEUE_PER_FUNCTION 1024
#define LIMIT_QUEUE_MS           10000 /* for an instance; longer where a request may take longer */
#define LIMIT_INSTANCE_PIDS      1024  /* Lambda: 1024 threads and processes */
#define LIMIT_INSTANCE_FDS       1024  /* Lambda: 1024 descriptors */
#define LIMIT_FUNCTION_INOTIFY   32    /* of all its instances; a user has 128 */
#define LIMIT_FUNCTION_SIGNALS   8192  /* waiting, and timers: of all its instances, one each */
/* What all instances of a function have used before each was in a group of its own: 0.1 MB, on a
 * busy machine 1 MB each; and what they have left there. */
#define LIMIT_UNMOVED_BYTES  (1024 * MIB)
#define LIMIT_LOAD_MS        30000   /* Lambda's init phase: 10 s; a group has many modules */
#define LIMIT_LOAD_BUSY_MS   120000  /* the same where processes wait for processors */
#define LIMIT_ZYGOTES        256     /* resident; at 25-40 MB each */
#define LIMIT_ZYGOTE_IDLE_MS 1800000 /* without an instance; then it is loaded on demand */
#define LIMIT_LOG_LINE_BYTES (32 * KIB)

/* Events. */
#define LIMIT_EVENT_ENTRIES             4096          /* of a kind in a manifest */
#define LIMIT_RETRY_DELAYS              100           /* one by one; the last is repeated */
#define LIMIT_READING_BYTES             (256 * MIB)   /* of bodies on their way into control */
#define LIMIT_UNSENT_BYTES              (256 * MIB)   /* ... and from there to functions */
#define LIMIT_IN_HANDS_BYTES            (128 * MIB)   /* of messages that consumers have */
#define LIMIT_LAMBDA_PAYLOAD_BYTES      (7 * MIB)     /* Lambda: 6 MB, and what is around it */
#define LIMIT_SCHEDULE_EXPRESSION_BYTES ((size_t)256) /* AWS's; Vercel's too */
#define LIMIT_RATE_VALUE                99999999      /* days: longer than dates go */
#define LIMIT_TARGET_NAME_BYTES         2100          /* of a queue, with its kind in front */
/* Of the disk, for what makes room when it is full. */
#define LIMIT_STORE_RESERVE_BYTES  (8 * MIB)
#define LIMIT_EVENT_BYTES          (2 * MIB) /* AWS: 1 MiB; with room for templates */
#define LIMIT_AWS_JSON_BYTES       (4 * MIB) /* a call of a JSON service: ten events, escaped */
#define LIMIT_PUT_EVENTS_BYTES     (1 * MIB) /* AWS's: all entries of one call */
#define LIMIT_COMMAND_BYTES        (8 * MIB) /* of mayfly trigger: a payload, escaped */
#define LIMIT_PATTERN_PATH_BYTES   (4 * KIB) /* AWS: a pattern has 4096 characters */
#define LIMIT_PATTERN_ALTERNATIVES 1000      /* ways through the "$or"s of a pattern */
#define LIMIT_PATTERN_COMPLEXITY   10        /* of wildcards: event-ruler's advice */
#define LIMIT_PATTERN_STEPS        5000000   /* leaves looked at, and tests, for one event */

/* User and group ids of our processes and of functions when started as root: a range that no
 * distribution, subuid or container tool hands out (systemd: UIDs and GIDs, "unused"
 * 1879048192..2147352575). */
#define MAYFLY_UID_GATEWAY  1900000001
#define MAYFLY_UID_CONTROL  1900000002
#define MAYFLY_UID_BUILDER  1900000003
#define MAYFLY_UID_ZYGOTE   1900000004
#define MAYFLY_UID_FUNCTION 1900100000 /* plus the function's number */
