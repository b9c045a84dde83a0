/* Why a feature is missing and what to do about it, found out after the fact.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/features.h"

/* `code`: the errno with which it failed; `has_users`: whether user namespaces work. */
void features_reason(enum sandbox_feature feature, int code, bool has_users, char *ret,
                     size_t size);
