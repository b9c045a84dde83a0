/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/zone.h"

#include <ctype.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>

#include "base/mem.h"

#define ZONE_FOLDER     "/usr/share/zoneinfo/"
#define ZONE_NAME_BYTES 64 /* the longest there is has 32 */

struct zone {
    struct zone *next;
    char name[ZONE_NAME_BYTES];
    GTimeZone *rules;
};

/* Letters, digits, "_", "+" and "-" in parts between single slashes: "America/Port-au-Prince",
 * "Etc/GMT+12". Starts with a letter, so that it is no offset, which GLib would take too. */
static bool is_zone_name(struct str name)
{
    char last = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool fits = isalpha((unsigned char)c) || (c == '/' && last != '/') ||
                    (last != '/' && (isdigit((unsigned char)c) || strchr("_+-", c)));
        if (!fits) {
            return false;
        }
        last = c;
    }
    return name.len > 0 && name.len < ZONE_NAME_BYTES && last != '/';
}

/* GLib complains aloud about other files of that folder ("tzdata.zi"). */
static bool is_zone_file(const char *name)
{
    char path[sizeof(ZONE_FOLDER) + ZONE_NAME_BYTES];
    char magic[4] = { 0 };
    (void)snprintf(path, sizeof(path), ZONE_FOLDER "%s", name);
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 && read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
           memcmp(magic, "TZif", sizeof(magic)) == 0;
}

const struct zone *zone_find(struct str name)
{
    static struct zone *zones; /* a cache; its contents do not change what is answered */
    if (name.len == 0) {
        name = STR("UTC");
    }
    for (const struct zone *z = zones; z; z = z->next) {
        if (str_eq(str_c(z->name), name)) {
            return z;
        }
    }
    if (!is_zone_name(name)) {
        return NULL;
    }
    struct zone *z = mem_new(struct zone);
    memcpy(z->name, name.data, name.len);
    z->rules = is_zone_file(z->name) ? g_time_zone_new_identifier(z->name) : NULL;
    if (!z->rules && str_eq(name, STR("UTC"))) {
        z->rules = g_time_zone_new_utc(); /* a machine without tzdata */
    }
    if (!z->rules) {
        free(z);
        return NULL;
    }
    z->next = zones;
    zones = z;
    return z;
}

int64_t zone_offset_s(const struct zone *zone, int64_t utc_s)
{
    int interval = g_time_zone_find_interval(zone->rules, G_TIME_TYPE_UNIVERSAL, utc_s);
    return g_time_zone_get_offset(zone->rules, interval);
}

/* Clocks are put back or forward at most once within two days, so only two offsets can be in force:
 * the one of a day before and the one of a day after. */
bool zone_to_utc(const struct zone *zone, int64_t local_s, int64_t *ret_utc_s)
{
    const int64_t day_s = 86400;
    const int64_t before = local_s - zone_offset_s(zone, local_s - day_s);
    const int64_t after = local_s - zone_offset_s(zone, local_s + day_s);
    const int64_t candidates[] = { before < after ? before : after,
                                   before < after ? after : before };
    for (size_t i = 0; i < ARRAY_COUNT(candidates); i++) {
        if (candidates[i] + zone_offset_s(zone, candidates[i]) == local_s) {
            *ret_utc_s = candidates[i];
            return true;
        }
    }
    return false;
}
