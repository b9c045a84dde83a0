/* What a client reads when there is no answer of a function: as the function's platform says it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "gateway/dialect.h"
#include "gateway/function.h"

enum error_kind {
    ERROR_NONE,
    ERROR_THROW,   /* the handler threw; detail: the report as JSON */
    ERROR_LOAD,    /* its module threw at import */
    ERROR_INVALID, /* what it returned is no response, or cannot be sent */
    ERROR_MISSING, /* there is no such handler */
    ERROR_METHOD,  /* 405; `allow` */
    ERROR_SIZE,    /* the answer is over a limit */
    ERROR_BROKEN,  /* the build failed; detail: what it has to say */
    ERROR_START,   /* no instance could be started */
    ERROR_CRASH,   /* its process ended */
    ERROR_MEMORY,  /* ... over its memory limit */
    ERROR_CPU,     /* ... over its CPU time */
    ERROR_TIMEOUT,
    ERROR_OVERLOAD, /* 503 with Retry-After */
    ERROR_BODY,     /* 413: the request's body is over a limit */
    ERROR_HEAD,     /* 431: the request's head does not fit */
    ERROR_ROUTE,    /* nothing matched, or a route's status */
};

struct error_case {
    enum error_kind kind;
    enum dialect dialect;
    unsigned status;      /* of ERROR_ROUTE */
    const char *id;       /* of the request */
    const char *function; /* name, or "" */
    const char *allow;    /* of ERROR_METHOD; NULL: unknown */
    uint64_t timeout_ms;  /* of ERROR_TIMEOUT */
    uint64_t memory_mb;   /* of ERROR_MEMORY; 0: unknown */
    struct str detail;    /* "Error: boom\n  at ..." or other text */
    struct str report;    /* the runtime's JSON, if there is one */
    struct str type;      /* of the error thrown */
    struct str message;
    struct str path;
    struct str region; /* that a client of AWS has signed for */
    enum endpoint_api api;
    bool edge;       /* of Next.js: whoever asks is told what a server says */
    bool invoke;     /* Lambda's Invoke API: a failed function is a result like others */
    bool dev;        /* in development: x-mayfly-error names the error */
    bool person;     /* ... and a browser asks: the body explains it */
    bool wants_html; /* the client's accept names it */
    bool wants_json;
};

/* Appends the body, and the fields as "name\0value\0..."; returns the status. */
unsigned errors_answer(const struct error_case *e, struct buf *fields, struct buf *body);
