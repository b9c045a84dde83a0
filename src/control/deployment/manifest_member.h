/* Members of the manifest's objects: of which kind and size each has to be.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/err.h"

#define TEXT_MAX 2048 /* of names, prefixes, addresses */

enum manifest_kind { TEXT, FLAG, NUMBER, OBJECT, ARRAY };
enum manifest_presence { MUST, MAY }; /* what may be absent may also be null */

struct manifest_member {
    const char *name;
    enum manifest_kind kind;
    enum manifest_presence presence;
    json_int_t min; /* of a number, a text's length, an array's */
    json_int_t max;
};

/* EINVAL: the entry, `what` for people, is no object with these. */
int manifest_member_check(json_t *entry, const struct manifest_member *members, size_t count,
                          const char *what, struct err *err) MUST_USE;

/* The entry of a list whose "name" it is, or NULL. */
json_t *manifest_member_named(json_t *list, const char *name);
