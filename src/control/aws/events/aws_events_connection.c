/* EventBridge's connections: CreateConnection and its kin.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/chance.h"
#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events.h"
#include "control/deployment/connection_kind.h"
#include "control/events/eventbridge/event_connection.h"
#include "control/text/json_reading.h"

#define STATES                                                                                     \
    "CREATING, UPDATING, DELETING, AUTHORIZED, DEAUTHORIZED, AUTHORIZING, DEAUTHORIZING, ACTIVE, " \
    "FAILED_CONNECTIVITY"
#define TYPES "BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY"

/* ---- what is said ---- */

static void check_auth(struct aws_check *k, json_t *auth)
{
    static const struct aws_rule basic[] = { { "Username", AWS_TEXT, AWS_MUST, 1, 512, NULL },
                                             { "Password", AWS_TEXT, AWS_MUST, 1, 512, NULL } };
    static const struct aws_rule key[] = { { "ApiKeyName", AWS_TEXT, AWS_MUST, 1, 512, NULL },
                                           { "ApiKeyValue", AWS_TEXT, AWS_MUST, 1, 512, NULL } };
    static const struct aws_rule oauth[] = {
        { "ClientParameters", AWS_OBJECT, AWS_MUST, 0, 0, NULL },
        { "AuthorizationEndpoint", AWS_TEXT, AWS_MUST, 1, 2048, NULL },
        { "HttpMethod", AWS_TEXT, AWS_MUST, 1, 8, NULL },
    };
    static const struct aws_rule client[] = { { "ClientID", AWS_TEXT, AWS_MUST, 1, 512, NULL },
                                              { "ClientSecret", AWS_TEXT, AWS_MUST, 1, 512,
                                                NULL } };
    json_t *said = json_object_get(auth, "OAuthParameters");
    json_t *said_client = json_object_get(said, "ClientParameters");
    const struct {
        json_t *object;
        const char *at;
        const struct aws_rule *rules;
        size_t count;
    } parts[] = {
        { json_object_get(auth, "BasicAuthParameters"), "authParameters.basicAuthParameters.",
          basic, ARRAY_COUNT(basic) },
        { json_object_get(auth, "ApiKeyAuthParameters"), "authParameters.apiKeyAuthParameters.",
          key, ARRAY_COUNT(key) },
        { said, "authParameters.oAuthParameters.", oauth, ARRAY_COUNT(oauth) },
        { said_client, "authParameters.oAuthParameters.clientParameters.", client,
          ARRAY_COUNT(client) },
    };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].object && !json_is_null(parts[i].object)) {
            aws_check_members(k, parts[i].object, parts[i].at, parts[i].rules, parts[i].count);
        }
    }
}

/* By the model; else that is answered. */
static bool check(struct aws_call *c, enum aws_presence presence)
{
    const struct aws_rule rules[] = {
        { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
        { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },
        { "AuthorizationType", AWS_TEXT, presence, 0, 0, TYPES },
        { "AuthParameters", AWS_OBJECT, presence, 0, 0, NULL },
    };
    struct aws_check k;
    json_t *auth = aws_call_member(c, "AuthParameters");
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", rules, ARRAY_COUNT(rules));
    if (auth) {
        check_auth(&k, auth);
    }
    return aws_check_end(&k, c);
}

/* Whether parameters and type, that of `before` where it is not said, go together; else that is
 * answered. */
static bool check_type(struct aws_call *c, json_t *before)
{
    json_t *auth = aws_call_member(c, "AuthParameters");
    const char *type = aws_call_text(c, "AuthorizationType");
    type = type ? type : json_text(before, "AuthorizationType");
    const struct connection_kind *kind = connection_kind_find(type);
    bool fits = !(auth || aws_call_member(c, "AuthorizationType")) ||
                json_is_object(json_object_get(auth, kind->member));
    if (!fits) {
        aws_call_fail(c, 400, "ValidationException",
                      "AuthParameters of the authorization type %s must have %s.", type,
                      kind->member);
    }
    return fits;
}

/* ---- what is shown ---- */

void aws_events_connection_arn(const struct aws_call *c, json_t *connection,
                               char ret[AWS_EVENTS_ARN_BYTES])
{
    (void)snprintf(ret, AWS_EVENTS_ARN_BYTES, "arn:aws:events:%s:000000000000:connection/%s/%s",
                   c->region, json_text(connection, "Name"), json_text(connection, "Uuid"));
}

static void put_secret_arn(const struct aws_call *c, json_t *connection, json_t *shown)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:secretsmanager:%s:000000000000:secret:events!connection/%s/%s-%s",
                   c->region, json_text(connection, "Name"), json_text(connection, "SecretUuid"),
                   json_text(connection, "SecretSuffix"));
    (void)json_object_set_new(shown, "SecretArn", json_string(arn)); /* sound texts */
}

/* A new object with its ARN, its state (NULL: as it is) and those members. */
static json_t *show(const struct aws_call *c, json_t *connection, const char *state,
                    const char *const *members, size_t count)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    json_t *shown = json_object();
    aws_events_connection_arn(c, connection, arn);
    (void)json_object_set_new(shown, "ConnectionArn", json_string(arn)); /* sound texts */
    state = state ? state : event_connection_state(c->services->connections, connection);
    (void)json_object_set_new(shown, "ConnectionState", json_string(state)); /* a literal */
    aws_events_copy(shown, connection, members, count);
    return shown;
}

static const char *const times[] = { "CreationTime", "LastModifiedTime", "LastAuthorizedTime" };

/* What the input says of it, over what it has. */
static void take_input(struct aws_call *c, json_t *connection)
{
    static const char *const members[] = { "Description", "AuthorizationType" };
    json_t *auth = aws_call_member(c, "AuthParameters");
    aws_events_copy(connection, c->input, members, ARRAY_COUNT(members));
    if (auth) {
        event_connection_set_auth(connection, auth);
        aws_events_set_now(connection, "LastAuthorizedTime");
    }
    aws_events_set_now(connection, "LastModifiedTime");
}

struct keeping {
    struct aws_call *call;
    const char *state; /* NULL: as it is */
    size_t time_count;
};

/* It asks for a token only when it is durable: of one that is refused nobody hears. */
static void kept(int r, void *context)
{
    const struct keeping *k = context;
    struct aws_call *c = k->call;
    struct event_connections *all = c->services->connections;
    const char *name = aws_call_text(c, "Name");
    json_t *connection = json_table_find(event_connections_table(all), str_c(name));
    if (r == 0) {
        event_connection_forget(all, name);
        event_connection_authorize(all, connection, NULL, NULL);
        c->context = show(c, connection, k->state, times, k->time_count);
    }
    free(context);
    aws_call_written(r, c);
}

/* Keeps it (used up), and answers with so many of its times. */
static void keep(struct aws_call *c, json_t *connection, const char *state, size_t time_count)
{
    struct keeping *k = mem_new(struct keeping);
    *k = (struct keeping){ c, state, time_count };
    json_table_put(event_connections_table(c->services->connections),
                   str_c(json_text(connection, "Name")), connection, kept, k);
}

static struct json_table *table(const struct aws_call *c)
{
    return event_connections_table(c->services->connections);
}

/* The one that is named, or NULL: answered, with `before` in front. */
static json_t *need(struct aws_call *c, const char *before)
{
    return aws_events_need(c, table(c), "Connection", before);
}

/* As need(), and it may be changed. */
static json_t *need_own(struct aws_call *c)
{
    return aws_events_own(c, table(c), need(c, ""), "Connection");
}

/* ---- operations ---- */

void aws_events_create_connection(struct aws_call *c)
{
    char uuid[UUID_BYTES], secret[UUID_BYTES], suffix[UUID_BYTES];
    if (!check(c, AWS_MUST) || !check_type(c, NULL)) {
        return;
    }
    const char *name = aws_call_text(c, "Name");
    if (json_table_find(table(c), str_c(name))) {
        aws_call_fail(c, 400, "ResourceAlreadyExistsException", "Connection %s already exists.",
                      name);
        return;
    }
    chance_uuid(uuid);
    chance_uuid(secret);
    chance_uuid(suffix);
    json_t *connection =
        json_pack("{s:s,s:s,s:s,s:s%}", "Name", name, "Uuid", uuid, "SecretUuid", secret,
                  "SecretSuffix", suffix, (size_t)EVENT_CONNECTION_SECRET_SUFFIX);
    aws_events_set_now(connection, "CreationTime");
    take_input(c, connection);
    keep(c, connection, NULL, 2);
}

void aws_events_update_connection(struct aws_call *c)
{
    json_t *before = check(c, AWS_MAY) ? need_own(c) : NULL;
    if (before && check_type(c, before)) {
        json_t *connection = json_deep_copy(before);
        take_input(c, connection);
        keep(c, connection, NULL, ARRAY_COUNT(times));
    }
}

void aws_events_deauthorize_connection(struct aws_call *c)
{
    json_t *before = need_own(c);
    if (before) {
        json_t *connection = json_deep_copy(before);
        (void)json_object_del(connection, "secret"); /* it may have none */
        aws_events_set_now(connection, "LastModifiedTime");
        keep(c, connection, "DEAUTHORIZING", ARRAY_COUNT(times));
    }
}

void aws_events_describe_connection(struct aws_call *c)
{
    static const char *const members[] = {
        "Name",          "Description",      "AuthorizationType",
        "CreationTime",  "LastModifiedTime", "LastAuthorizedTime",
        "AuthParameters"
    };
    json_t *connection = need(c, "Failed to describe the connection(s). ");
    if (connection) {
        json_t *shown = show(c, connection, NULL, members, ARRAY_COUNT(members));
        put_secret_arn(c, connection, shown);
        aws_call_answer(c, shown);
    }
}

void aws_events_delete_connection(struct aws_call *c)
{
    json_t *connection = need_own(c);
    if (connection) {
        struct event_connections *all = c->services->connections;
        const char *name = aws_call_text(c, "Name");
        c->context = show(c, connection, "DELETING", times, ARRAY_COUNT(times));
        event_connection_forget(all, name); /* at worst it asks for another token */
        json_table_remove(table(c), str_c(name), aws_call_written, c);
    }
}

static void list_one(const char *name, json_t *connection, void *context)
{
    static const char *const members[] = { "Name", "AuthorizationType", "CreationTime",
                                           "LastModifiedTime", "LastAuthorizedTime" };
    struct aws_events_listing *l = context;
    const char *state = aws_call_text(l->call, "ConnectionState");
    const char *now = event_connection_state(l->call->services->connections, connection);
    if ((!state || strcmp(state, now) == 0) && aws_page_takes(&l->page, name, name)) {
        (void)json_array_append_new(l->page.list, show(l->call, connection, NULL, members,
                                                       ARRAY_COUNT(members))); /* a new value */
    }
}

void aws_events_list_connections(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "NamePrefix", AWS_TEXT, AWS_MAY, 1, 64, AWS_EVENTS_NAME },
        { "ConnectionState", AWS_TEXT, AWS_MAY, 0, 0, STATES },
        { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },
        { "Limit", AWS_INTEGER, AWS_MAY, 1, 100, NULL },
    };
    if (aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        aws_events_list(c, table(c), list_one, "Connections");
    }
}
