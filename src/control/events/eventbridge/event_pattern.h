/* EventBridge's event patterns: which events a rule wants. The same language filters what an event
 * source mapping hands to a Lambda function.
 *
 * It is that of AWS's event-ruler, whose tests this passes: a pattern names leaves of the event by
 * their path, each with the values or tests of which one must hold ("prefix", "anything-but",
 * "numeric", "cidr"...); "$or" has alternatives. Where a path leads through an array of objects,
 * all leaves must be found in the same element. "a.b" and {"a": {"b"}} are the same path.
 *
 * Pure and immutable once parsed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

struct event_pattern;

/* EINVAL with event-ruler's words for what is wrong: AWS puts "Event pattern is not valid. Reason:
 * " before them. */
int event_pattern_parse(struct str text, struct event_pattern **ret, struct err *err) MUST_USE;
/* Appends what is wrong with a text of which that has failed as AWS tells it, with its place, as
 * far as the buffer takes it. */
void event_pattern_append_fault(struct str text, struct buf *out);
/* The same as event_pattern_parse() of a parsed object, which is shared. */
int event_pattern_of(json_t *source, struct event_pattern **ret, struct err *err) MUST_USE;
void event_pattern_destroy(struct event_pattern *p); /* NULL is fine */

bool event_pattern_matches(const struct event_pattern *p, json_t *event);

DEFINE_SCOPED(event_pattern)
#define scoped_event_pattern SCOPED(event_pattern_scope)
