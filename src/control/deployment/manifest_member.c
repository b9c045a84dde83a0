/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/manifest_member.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_of_kind(json_t *value, const struct manifest_member *m)
{
    switch (m->kind) {
    case TEXT:
        return json_is_string(value) && (json_int_t)json_string_length(value) >= m->min &&
               (json_int_t)json_string_length(value) <= m->max &&
               strlen(json_string_value(value)) == json_string_length(value);
    case FLAG:
        return json_is_boolean(value);
    case NUMBER:
        return json_is_integer(value) && json_integer_value(value) >= m->min &&
               json_integer_value(value) <= m->max;
    case OBJECT:
        return json_is_object(value);
    case ARRAY:
        return json_is_array(value) && (json_int_t)json_array_size(value) <= m->max;
    }
    return false;
}

int manifest_member_check(json_t *entry, const struct manifest_member *members, size_t count,
                          const char *what, struct err *err)
{
    if (!json_is_object(entry)) {
        return err_set(err, EINVAL, "events: one of %s is no object", what);
    }
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(entry, members[i].name);
        bool is_absent = !value || json_is_null(value);
        if (is_absent ? members[i].presence == MUST : !is_of_kind(value, &members[i])) {
            return err_set(err, EINVAL, "events: %s: %s is not sound", what, members[i].name);
        }
    }
    return 0;
}

json_t *manifest_member_named(json_t *list, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const char *own = json_string_value(json_object_get(entry, "name"));
        if (own && strcmp(own, name) == 0) {
            return entry;
        }
    }
    return NULL;
}
