/* What jansson leaves to be wished when JSON is read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <string.h>

/* jansson iterates over objects that are not const only, though it changes nothing in them. This is
 * the same object, for json_object_foreach(), json_copy() and what else only reads it. */
static inline json_t *json_reading(const json_t *value)
{
    json_t *same;
    memcpy(&same, &value, sizeof(void *));
    return same;
}

/* The member's text, which is the object's; NULL: it has no such member, or that is no text. */
static inline const char *json_text(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}
