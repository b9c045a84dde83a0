/* Whose functions they are: what an answer of ours looks like when the function gives none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

enum dialect {
    DIALECT_NONE, /* plain answers of our own */
    DIALECT_NEXT,
    DIALECT_VERCEL,
    DIALECT_NETLIFY,
    DIALECT_LAMBDA,
    DIALECT_WORKER,
    DIALECT_SERVER,
    DIALECT_BOOTSTRAP,
    DIALECT_PROXY,
    DIALECT_INTEGRATION, /* of API Gateway: a route that leads to a service of AWS */
    DIALECT_MIDDLEWARE,  /* in front of a Next.js or Vercel project: middleware.ts, proxy.ts */
    DIALECT_CONTROL,     /* no function: see control_port.h */
    DIALECT_COUNT
};

/* DIALECT_COUNT when there is none of that name. */
enum dialect dialect_find(struct str name);
