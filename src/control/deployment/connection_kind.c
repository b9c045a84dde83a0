/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/connection_kind.h"

#include <string.h>

#include "base/str.h"

static const struct connection_kind kinds[] = {
    { "API_KEY",
      "ApiKeyAuthParameters",
      { { "ApiKeyName", TEXT, MUST, 1, CONNECTION_SECRET_BYTES },
        { "ApiKeyValue", TEXT, MUST, 1, CONNECTION_SECRET_BYTES } },
      2,
      NULL,
      "ApiKeyValue" },
    { "BASIC",
      "BasicAuthParameters",
      { { "Username", TEXT, MUST, 1, CONNECTION_SECRET_BYTES },
        { "Password", TEXT, MUST, 1, CONNECTION_SECRET_BYTES } },
      2,
      NULL,
      "Password" },
    { "OAUTH_CLIENT_CREDENTIALS",
      "OAuthParameters",
      { { "AuthorizationEndpoint", TEXT, MUST, 1, TEXT_MAX },
        { "HttpMethod", TEXT, MUST, 1, CONNECTION_SECRET_BYTES },
        { "ClientParameters", OBJECT, MUST, 0, 0 },
        { "OAuthHttpParameters", OBJECT, MAY, 0, 0 } },
      4,
      "ClientParameters",
      "ClientSecret" },
};

const struct connection_kind *connection_kind_find(const char *type)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (strcmp(kinds[i].type, type) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

void connection_kind_hide(json_t *auth)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        json_t *holder = json_object_get(auth, kinds[i].member);
        holder = kinds[i].inner ? json_object_get(holder, kinds[i].inner) : holder;
        (void)json_object_del(holder, kinds[i].secret); /* it may have none */
    }
}
