/* Time zones, by the names of the IANA database that the system keeps (Debian: tzdata).
 *
 * GLib reads the database: unlike libc's tzset() its zones are values, several can be used at once,
 * and times after the last line of a zone's table follow the rule behind it.
 *
 * A zone lives as long as the process: there are few, and schedules share them. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

struct zone;

/* NULL: there is no zone of that name. "" is UTC. */
const struct zone *zone_find(struct str name);

/* What the zone's clocks are ahead of UTC at `utc_s`, in seconds. */
int64_t zone_offset_s(const struct zone *zone, int64_t utc_s);

/* The first moment at which the zone's clocks show `local_s` (seconds since 1970-01-01 00:00 of
 * that clock). False: they skip it, being put forward. */
bool zone_to_utc(const struct zone *zone, int64_t local_s, int64_t *ret_utc_s) MUST_USE;
