/* What a target gets of an event: all of it, a constant, a part of it, or a template filled with
 * parts of it.
 *
 *   "input": text as it is
 *   "input_path": "$.detail.items[0]", or of all "$.detail.items[*].name": a list
 *   "input_transformer": { "paths": { "name": "$.detail.name" }, "template": "\"Hello <name>\"" }
 *
 * Outside of a template's strings a value keeps its type, inside it is pasted; where the template
 * is text, which begins with a quote, without the quotes in it, as AWS does. One that begins with
 * "{" must become JSON. What is not in the event is "".
 *
 * Pure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Whether `target` says at most one of the three, and says it well. EINVAL in AWS's words, for the
 * target of the name `id`. */
int event_input_check(json_t *target, const char *id, struct err *err) MUST_USE;

struct event_input_source {
    json_t *event;
    struct str text; /* the event's, as it was composed */
    struct str rule_name;
    struct str rule_arn;
    struct str ingestion_time; /* "2026-11-25T10:00:00Z" */
};

/* Appends it. -EBADMSG: the template has become JSON that is none, AWS delivers nothing then;
 * -EMSGSIZE. `target` has been checked. */
int event_input_append(json_t *target, const struct event_input_source *source,
                       struct buf *out) MUST_USE;

/* What a target's "http_parameters" are for this event: of their values those that are a path, as
 * "$.detail.id", are what it leads to, as text. A new reference. */
json_t *event_input_http(json_t *parameters, json_t *event);
