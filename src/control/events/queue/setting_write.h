/* One setting is written or removed: what an API has created, changed or deleted.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "store/store.h"

/* 0, or what failed, as store_job says. */
typedef void (*setting_written_fn)(int r, void *context);
/* Takes over `value`, which is to be free()d; NULL: the setting is removed, and it is fine if there
 * was none. Calls back once, when it is durable; `done` may be NULL. */
void setting_write(struct store *store, struct str kind, const char *name, char *value,
                   setting_written_fn done, void *context);
/* The same for what ends something that was begun: it is written on a full disk, too. */
void setting_write_end(struct store *store, struct str kind, const char *name, char *value,
                       setting_written_fn done, void *context);
