/* Everything that reaches functions other than by HTTP: made once, told of each build, asked by the
 * gateway's doors.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

struct events;

struct events *events_create(struct services *s);
/* The manifest that is served from now on (borrowed). */
void events_build(struct events *e, const json_t *manifest);
/* A request that came by one of the gateway's doors but the AWS port's. */
void events_begin(struct events *e, struct exchange *x);
