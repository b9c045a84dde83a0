/* Small things that must outlive the process, by kind and name: what the APIs created (JSON), when
 * a schedule last fired.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "store/store.h"

/* On the store's thread, in a job's run. */
int store_settings_put(struct sql *db, struct str kind, struct str name, struct str value) MUST_USE;
int store_settings_remove(struct sql *db, struct str kind, struct str name) MUST_USE; /* 1: none */

/* On the loop's thread: whether a value takes more room than the one that it would replace, but for
 * another state's name ("CANCELLING" for "RUNNING"). A write of one that does not is said to make
 * room (store_job), so that on a full disk things can be switched off and taken off others. */
bool store_settings_grows(struct store *s, struct str kind, struct str name, struct str value);

/* On the loop's thread: all of a kind, ordered by name; texts live until `each` returns. */
typedef void (*store_setting_fn)(struct str name, struct str value, void *context);
void store_settings_each(struct store *s, struct str kind, store_setting_fn each, void *context);
