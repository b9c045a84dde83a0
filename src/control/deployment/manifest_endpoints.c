/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/manifest_endpoints.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "control/deployment/connection_kind.h"
#include "control/deployment/manifest_member.h"

#define NAME_BYTES 64 /* EventBridge's, as the others */

static int check_client(json_t *client, struct err *err)
{
    static const struct manifest_member members[] = {
        { "ClientID", TEXT, MUST, 1, CONNECTION_SECRET_BYTES },
        { "ClientSecret", TEXT, MUST, 1, CONNECTION_SECRET_BYTES },
    };
    return client ? manifest_member_check(client, members, ARRAY_COUNT(members), "a client", err)
                  : 0;
}

static int check_auth(const struct connection_kind *kind, json_t *auth, struct err *err)
{
    json_t *parameters = json_object_get(auth, kind->member);
    int r =
        manifest_member_check(parameters, kind->parts, kind->part_count, "an authorization", err);
    return r < 0 ? r : check_client(json_object_get(parameters, "ClientParameters"), err);
}

int manifest_endpoints_check_connection(json_t *entry, struct err *err)
{
    static const struct manifest_member members[] = {
        { "name", TEXT, MUST, 1, NAME_BYTES }, { "uuid", TEXT, MUST, 36, 36 },
        { "type", TEXT, MUST, 1, NAME_BYTES }, { "description", TEXT, MAY, 0, TEXT_MAX },
        { "auth", OBJECT, MAY, 0, 0 },
    };
    int r = manifest_member_check(entry, members, ARRAY_COUNT(members), "a connection", err);
    if (r < 0) {
        return r;
    }
    json_t *auth = json_object_get(entry, "auth");
    const struct connection_kind *kind =
        connection_kind_find(json_string_value(json_object_get(entry, "type")));
    if (!kind) {
        return err_set(err, EINVAL, "events: a connection: type is not sound");
    }
    return json_is_object(auth) ? check_auth(kind, auth, err) : 0;
}

int manifest_endpoints_check(json_t *entry, json_t *connections, struct err *err)
{
    static const struct manifest_member members[] = {
        { "name", TEXT, MUST, 1, NAME_BYTES },
        { "uuid", TEXT, MUST, 36, 36 },
        { "connection", TEXT, MUST, 1, NAME_BYTES },
        { "url", TEXT, MUST, 1, TEXT_MAX },
        { "method", TEXT, MUST, 1, 8 },
        { "rate", NUMBER, MUST, 1, INT32_MAX },
        { "description", TEXT, MAY, 0, TEXT_MAX },
    };
    int r = manifest_member_check(entry, members, ARRAY_COUNT(members), "an endpoint", err);
    const char *connection = json_string_value(json_object_get(entry, "connection"));
    if (r == 0 && !manifest_member_named(connections, connection)) {
        r = err_set(err, EINVAL, "events: there is no connection %.64s", connection);
    }
    return r;
}
