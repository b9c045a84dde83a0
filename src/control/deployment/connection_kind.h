/* The kinds of authorization that a connection of EventBridge may have: what AuthParameters have
 * for each, and where in that the secret is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/deployment/manifest_member.h"

#define CONNECTION_SECRET_BYTES 512
#define CONNECTION_PARTS_MAX    4

struct connection_kind {
    const char *type;
    const char *member;                                 /* of AuthParameters */
    struct manifest_member parts[CONNECTION_PARTS_MAX]; /* of the member */
    size_t part_count;
    const char *inner; /* of the member, in which the next is; NULL: in itself */
    const char *secret;
};

/* NULL: there is no such type. */
const struct connection_kind *connection_kind_find(const char *type);
/* Takes the secrets out of AuthParameters, of whatever kind. */
void connection_kind_hide(json_t *auth);
