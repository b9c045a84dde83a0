/* What gateway and control order, and what becomes of functions when they or the base zygote start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/roles.h"

extern const struct role_orders supervisor_orders;
