/* One test of an event pattern on one leaf of an event: an element of the arrays that the paths of
 * a pattern lead to (event_pattern.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "control/events/eventbridge/pattern_fault.h"

/* EINVAL with event-ruler's words. The fault's parent is the list in which the test is. */
int pattern_test_check(json_t *test, struct pattern_fault *f) MUST_USE;

/* {"exists": false}: what holds if there is no leaf. */
bool pattern_test_is_absence(json_t *test);

/* `test` has been checked; `value` is no object and no array. */
bool pattern_test_holds(json_t *test, json_t *value);
