/* The requests that instances serve: what is done about an instance's frames, its coming and its
 * end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/instance.h"

/* For gateway->instance_events. */
extern const struct instance_events instance_requests;
