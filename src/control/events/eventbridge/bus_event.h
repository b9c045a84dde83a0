/* An event on its way to a bus.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"

struct bus_event {
    struct str bus;
    struct str id; /* a UUID */
    struct str source;
    struct str detail_type;
    uint64_t time_ms;
    struct str region;
    json_t *resources; /* borrowed; NULL: none */
    struct str detail; /* a JSON object as text */
    struct str trace;  /* trace_header.h: goes to its targets; empty: none */
    struct str replay; /* the replay that sends it; empty: none */
    json_t *rules;     /* ARNs, of a replay: only these get it; borrowed; NULL or empty: all */
};
