/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_connection.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/deployment/connection_kind.h"
#include "control/events/eventbridge/endpoint_request.h"
#include "control/text/base64.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"

#define ANSWER_BYTES  (64 * KIB)
#define SOON_MS       60000 /* EventBridge asks anew for a token that is over in a minute */
#define LONG_MS       3600000
#define AUTHORIZATION "authorization"

struct event_connections {
    struct services *services;
    struct json_table *table;
    json_t *tokens; /* by a connection's name: "of" (its secret), "state", "value", "until_ms" */
    struct list asking;
};

/* A token that is being asked for. */
struct asking {
    struct list link;
    json_t *token; /* ours, and that of the connection as long as it has not changed */
    struct list waiters;
};

struct waiter {
    struct list link;
    event_connection_fn done;
    void *context;
};

struct json_table *event_connections_table(struct event_connections *ec)
{
    return ec->table;
}

json_t *event_connection_find(struct event_connections *ec, const char *arn)
{
    struct str rest = str_behind(str_c(arn ? arn : ""), STR(":connection/"));
    struct str name = str_cut(&rest, '/');
    return name.data ? json_table_find(ec->table, name) : NULL;
}

/* The token of its secret as it is now, or NULL. */
static json_t *find_token(const struct event_connections *ec, json_t *connection)
{
    json_t *token = json_object_get(ec->tokens, json_text(connection, "Name"));
    json_t *secret = json_object_get(connection, "secret");
    return json_equal(json_object_get(token, "of"), secret) ? token : NULL;
}

const char *event_connection_state(const struct event_connections *ec, json_t *connection)
{
    const char *state = json_text(find_token(ec, connection), "state");
    return !json_object_get(connection, "secret") ? "DEAUTHORIZED" : state ? state : "AUTHORIZED";
}

void event_connection_forget(struct event_connections *ec, const char *name)
{
    (void)json_object_del(ec->tokens, name); /* it may have none */
}

void event_connection_refused(struct event_connections *ec, const char *name, const char *value)
{
    const char *now = json_text(json_object_get(ec->tokens, name), "value");
    if (now && value && strcmp(now, value) == 0) {
        event_connection_forget(ec, name);
    }
}

/* ---- what is kept, what is shown ---- */

static void hide_values(json_t *parameters)
{
    static const char *const lists[] = { "HeaderParameters", "QueryStringParameters",
                                         "BodyParameters" };
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t k;
        json_t *one;
        json_array_foreach(json_object_get(parameters, lists[i]), k, one)
        {
            if (json_is_true(json_object_get(one, "IsValueSecret"))) {
                (void)json_object_del(one, "Value"); /* it may have none */
            }
        }
    }
}

void event_connection_set_auth(json_t *connection, json_t *auth)
{
    json_t *shown = json_deep_copy(auth);
    connection_kind_hide(shown);
    hide_values(json_object_get(shown, "InvocationHttpParameters"));
    hide_values(json_object_get(json_object_get(shown, "OAuthParameters"), "OAuthHttpParameters"));
    (void)json_object_set(connection, "secret", auth); /* sound values */
    (void)json_object_set_new(connection, "AuthParameters", shown);
}

/* ---- OAuth ---- */

static void set_state(json_t *token, const char *state)
{
    (void)json_object_set_new(token, "state", json_string(state)); /* a literal */
}

/* Keeps what the server has answered. False: that is no token. */
static bool keep_token(json_t *token, struct str answer)
{
    json_t *json = json_read(answer, 0);
    const char *access = json_text(json, "access_token");
    const char *type = json_text(json, "token_type");
    json_int_t seconds = json_integer_value(json_object_get(json, "expires_in"));
    bool bearer = !type || strcasecmp(type, "bearer") == 0;
    bool is_token = access != NULL;
    if (is_token) {
        scoped_free char *value = mem_format("%s %s", bearer ? "Bearer" : type, access);
        json_int_t lives_ms = seconds > 0 && seconds < 1000000000 ? seconds * 1000 : LONG_MS;
        (void)json_object_set_new(token, "value", json_string(value)); /* of sound texts */
        (void)json_object_set_new(token, "until_ms",
                                  json_integer((json_int_t)clock_wall_ms() + lives_ms));
    }
    json_decref(json);
    return is_token;
}

static void tell_waiters(struct asking *a, const char *value, const char *why)
{
    list_for_each (item, &a->waiters) {
        struct waiter *w = list_entry(item, struct waiter, link);
        w->done(AUTHORIZATION, value, why, w->context);
        list_remove(&w->link);
        free(w);
    }
}

static void answered(const struct outgoing_result *result, void *context)
{
    struct asking *a = context;
    char why[512] = "";
    if (result->status == 0) {
        (void)snprintf(why, sizeof(why), "the authorization endpoint: %s", result->error);
    } else if (result->status < 200 || result->status > 299) {
        (void)snprintf(why, sizeof(why), "the authorization endpoint answered %u", result->status);
    } else if (!keep_token(a->token, result->body)) {
        (void)snprintf(why, sizeof(why), "the authorization endpoint gave no access token");
    }
    set_state(a->token, why[0] ? "DEAUTHORIZED" : "AUTHORIZED");
    list_remove(&a->link); /* whoever comes from now on finds the token, or asks again */
    tell_waiters(a, why[0] ? NULL : json_text(a->token, "value"), why);
    json_decref(a->token);
    free(a);
}

/* That of a connection, which is asked for if it is not yet. */
static struct asking *find_asking(struct event_connections *ec, json_t *token)
{
    list_for_each (item, &ec->asking) {
        struct asking *a = list_entry(item, struct asking, link);
        if (token && a->token == token) {
            return a;
        }
    }
    return NULL;
}

static void ask(struct event_connections *ec, struct asking *a, json_t *secret)
{
    struct endpoint_request rq;
    if (endpoint_request_token(&rq, secret) < 0) {
        answered(&(struct outgoing_result){ .error = "its parameters cannot be sent" }, a);
        return;
    }
    endpoint_request_send(&rq, ec->services->loop, ANSWER_BYTES, answered, a);
}

/* Tries of one connection that come together wait for one token. */
static void wait_for_token(struct event_connections *ec, json_t *connection,
                           event_connection_fn done, void *context)
{
    json_t *secret = json_object_get(connection, "secret");
    struct asking *known = find_asking(ec, find_token(ec, connection));
    struct asking *a = known ? known : mem_new(struct asking);
    if (!known) {
        a->token = json_pack("{s:O,s:s}", "of", secret, "state", "AUTHORIZING");
        list_init(&a->waiters);
        list_push(&ec->asking, &a->link);
        (void)json_object_set(ec->tokens, json_text(connection, "Name"), a->token); /* sound */
    }
    if (done) {
        struct waiter *w = mem_new(struct waiter);
        w->done = done;
        w->context = context;
        list_push(&a->waiters, &w->link);
    }
    if (!known) {
        ask(ec, a, secret);
    }
}

static void authorize_oauth(struct event_connections *ec, json_t *connection,
                            event_connection_fn done, void *context)
{
    json_t *token = find_token(ec, connection);
    json_int_t until = json_integer_value(json_object_get(token, "until_ms"));
    if (done && json_text(token, "value") && until > (json_int_t)clock_wall_ms() + SOON_MS) {
        done(AUTHORIZATION, json_text(token, "value"), "", context);
    } else {
        wait_for_token(ec, connection, done, context);
    }
}

/* ---- all of them ---- */

static void authorize_basic(json_t *basic, event_connection_fn done, void *context)
{
    scoped_free char *plain =
        mem_format("%s:%s", json_text(basic, "Username"), json_text(basic, "Password"));
    scoped_free char *encoded = base64_encode(str_c(plain));
    scoped_free char *value = mem_format("Basic %s", encoded);
    done(AUTHORIZATION, value, "", context);
}

/* By what its type says, whatever else its parameters have. */
void event_connection_authorize(struct event_connections *ec, json_t *connection,
                                event_connection_fn done, void *context)
{
    const char *type = json_text(connection, "AuthorizationType");
    const struct connection_kind *kind = connection_kind_find(type ? type : "");
    json_t *secret = json_object_get(connection, "secret");
    json_t *own = kind ? json_object_get(secret, kind->member) : NULL;
    if (own && strcmp(kind->type, "OAUTH_CLIENT_CREDENTIALS") == 0) {
        authorize_oauth(ec, connection, done, context);
    } else if (done && !own) {
        done(AUTHORIZATION, NULL, "its connection is not authorized", context);
    } else if (done && strcmp(kind->type, "BASIC") == 0) {
        authorize_basic(own, done, context);
    } else if (done) {
        done(json_text(own, "ApiKeyName"), json_text(own, "ApiKeyValue"), "", context);
    }
}

/* ---- the start, and builds ---- */

/* It is authorized when what it says of that is new. */
static void set_authorized(json_t *connection, json_t *before)
{
    json_t *then = json_object_get(before, "LastAuthorizedTime");
    const bool same = then && json_equal(json_object_get(connection, "secret"),
                                         json_object_get(before, "secret"));
    json_t *now = json_integer((json_int_t)(clock_wall_ms() / 1000));
    (void)json_object_set(connection, "LastAuthorizedTime", same ? then : now); /* sound values */
    json_decref(now);
}

/* One of the manifest in the form of this table. */
static json_t *declared_connection(struct event_connections *ec, json_t *said)
{
    const char *uuid = json_text(said, "uuid");
    json_t *auth = json_object_get(said, "auth");
    json_t *connection = json_pack("{s:O,s:s,s:s,s:s%,s:O,s:O*}", "Name",
                                   json_object_get(said, "name"), "Uuid", uuid, "SecretUuid", uuid,
                                   "SecretSuffix", uuid, (size_t)EVENT_CONNECTION_SECRET_SUFFIX,
                                   "AuthorizationType", json_object_get(said, "type"),
                                   "Description", json_object_get(said, "description"));
    if (json_is_object(auth)) {
        event_connection_set_auth(connection, auth);
        set_authorized(connection, json_table_find(ec->table, str_c(json_text(said, "name"))));
    }
    return connection;
}

/* Tokens are those of a secret: what has changed asks for its own. Nothing is asked ahead, so that
 * a project is served without a word to hosts outside. */
void event_connections_build(struct event_connections *ec, const json_t *manifest)
{
    json_t *by_name = json_object();
    size_t i;
    json_t *said;
    json_array_foreach(json_object_get(json_object_get(manifest, "events"), "connections"), i, said)
    {
        (void)json_object_set_new(by_name, json_text(said, "name"),
                                  declared_connection(ec, said)); /* a new value */
    }
    json_table_declare(ec->table, by_name, "CreationTime", "LastModifiedTime");
}

struct event_connections *event_connections_create(struct services *s)
{
    struct event_connections *ec = mem_new(struct event_connections);
    ec->services = s;
    ec->table = json_table_create(s->queues, "event connection");
    ec->tokens = json_object();
    list_init(&ec->asking);
    return ec;
}
