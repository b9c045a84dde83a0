/* An instance in C for tests of the gateway: a function for each path, some of them hostile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "channel/channel.h"

/* Serves the instance's side of a channel until it is told to stop. Never returns. */
_Noreturn void fake_instance_serve(const struct channel_fds *fds);
