/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/event_connection.h"

#include <stdio.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/events/base64.h"
#include "control/events/endpoint_request.h"
#include "control/json_read.h"
#include "control/json_reading.h"

#define ANSWER_BYTES  (64 * KIB)
#define SOON_MS       60000 /* EventBridge asks anew for a token that is over in a minute */
#define LONG_MS       3600000
#define AUTHORIZATION "authorization"

struct event_connections {
    struct services *services;
    struct json_table *table;
    json_t *tokens; /* by a connection's name: "state", "value", "until_ms" */
};

/* A token that is being asked for. */
struct asking {
    json_t *token; /* ours, and that of the connection as long as it has not changed */
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

const char *event_connection_state(const struct event_connections *ec, json_t *connection)
{
    const char *state =
        json_text(json_object_get(ec->tokens, json_text(connection, "Name")), "state");
    return !json_object_get(connection, "secret") ? "DEAUTHORIZED" : state ? state : "AUTHORIZED";
}

void event_connection_forget(struct event_connections *ec, const char *name)
{
    (void)json_object_del(ec->tokens, name); /* it may have none */
}

/* ---- OAuth ---- */

static void set_state(json_t *token, const char *state)
{
    (void)json_object_set_new(token, "state", json_string(state)); /* a literal */
}

/* Keeps what the server has answered. False: that is no token. */
static bool keep_token(json_t *token, struct str answer)
{
    scoped_free char *value = NULL;
    json_t *json = json_read(answer, 0);
    const char *access = json_text(json, "access_token");
    const char *type = json_text(json, "token_type");
    json_int_t seconds = json_integer_value(json_object_get(json, "expires_in"));
    bool bearer = !type || strcasecmp(type, "bearer") == 0;
    if (access && asprintf(&value, "%s %s", bearer ? "Bearer" : type, access) < 0) {
        abort();
    }
    if (value) {
        json_int_t lives_ms = seconds > 0 && seconds < 1000000000 ? seconds * 1000 : LONG_MS;
        (void)json_object_set_new(token, "value", json_string(value)); /* of sound texts */
        (void)json_object_set_new(token, "until_ms",
                                  json_integer((json_int_t)queue_now_ms() + lives_ms));
    }
    json_decref(json);
    return value != NULL;
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
    if (a->done) {
        a->done(AUTHORIZATION, why[0] ? NULL : json_text(a->token, "value"), why, a->context);
    }
    json_decref(a->token);
    free(a);
}

static void ask(struct event_connections *ec, json_t *connection, event_connection_fn done,
                void *context)
{
    struct endpoint_request rq;
    struct asking *a = mem_new(struct asking);
    *a = (struct asking){ json_pack("{s:s}", "state", "AUTHORIZING"), done, context };
    (void)json_object_set(ec->tokens, json_text(connection, "Name"), a->token); /* sound */
    if (endpoint_request_token(&rq, json_object_get(connection, "secret")) < 0) {
        answered(&(struct outgoing_result){ .error = "its parameters cannot be sent" }, a);
        return;
    }
    endpoint_request_send(&rq, ec->services->loop, ANSWER_BYTES, answered, a);
}

static void authorize_oauth(struct event_connections *ec, json_t *connection,
                            event_connection_fn done, void *context)
{
    json_t *token = json_object_get(ec->tokens, json_text(connection, "Name"));
    json_int_t until = json_integer_value(json_object_get(token, "until_ms"));
    if (done && json_text(token, "value") && until > (json_int_t)queue_now_ms() + SOON_MS) {
        done(AUTHORIZATION, json_text(token, "value"), "", context);
    } else {
        ask(ec, connection, done, context);
    }
}

/* ---- all of them ---- */

static void authorize_basic(json_t *basic, event_connection_fn done, void *context)
{
    scoped_free char *plain = NULL, *encoded = NULL, *value = NULL;
    if (asprintf(&plain, "%s:%s", json_text(basic, "Username"), json_text(basic, "Password")) < 0) {
        abort();
    }
    encoded = base64_encode(str_c(plain));
    if (asprintf(&value, "Basic %s", encoded) < 0) {
        abort();
    }
    done(AUTHORIZATION, value, "", context);
}

void event_connection_authorize(struct event_connections *ec, json_t *connection,
                                event_connection_fn done, void *context)
{
    json_t *secret = json_object_get(connection, "secret");
    json_t *basic = json_object_get(secret, "BasicAuthParameters");
    json_t *key = json_object_get(secret, "ApiKeyAuthParameters");
    if (json_object_get(secret, "OAuthParameters")) {
        authorize_oauth(ec, connection, done, context);
    } else if (done && basic) {
        authorize_basic(basic, done, context);
    } else if (done && key) {
        done(json_text(key, "ApiKeyName"), json_text(key, "ApiKeyValue"), "", context);
    } else if (done) {
        done(AUTHORIZATION, NULL, "its connection is not authorized", context);
    }
}

struct event_connections *event_connections_create(struct services *s)
{
    struct event_connections *ec = mem_new(struct event_connections);
    ec->services = s;
    ec->table = json_table_create(s->queues, "event connection");
    ec->tokens = json_object();
    return ec;
}
