/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/routes/webhook_queue.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/queue/attempt.h"
#include "control/events/queue/event_log.h"
#include "control/events/routes/webhook_sign.h"
#include "control/outgoing.h"
#include "control/text/json_read.h"
#include "http/http_block.h"

#define KIND           "webhook:"
#define TIMEOUT_MS     20000L /* the specification: 15 to 30 seconds */
#define IN_FLIGHT      2      /* of one URL */
#define URL_BYTES_MAX  2048
#define RESPONSE_BYTES 512 /* of what the receiver says, for the error */

/* The specification's own schedule. */
static const struct retry_policy webhook_policy = { .retries_max = 9,
                                                    .delays_ms = { 5000, 300000, 1800000, 7200000,
                                                                   18000000, 36000000, 50400000,
                                                                   72000000, 86400000 },
                                                    .delay_count = 9 };

struct webhook_queues {
    struct services *services;
    json_t *named; /* owned: the URLs of the project as it is now, as members */
};

/* One try. */
struct webhook {
    struct services *services;
    struct delivery *delivery;
};

static void failed(struct webhook *w, const struct outgoing_result *result)
{
    static const struct retry_policy never = { 0 };
    char error[RESPONSE_BYTES + 256];
    int len = result->status ? snprintf(error, sizeof(error), "status %u: " STR_FMT, result->status,
                                        STR_ARG(result->body))
                             : snprintf(error, sizeof(error), "%s", result->error);
    struct str text = str_of(error, (size_t)len < sizeof(error) ? (size_t)len : sizeof(error) - 1);
    bool gone = result->status == 410; /* the receiver wants no more of them */
    (void)attempt_failed(w->services, w->delivery, gone ? &never : &webhook_policy, text);
}

static void posted(const struct outgoing_result *result, void *context)
{
    struct webhook *w = context;
    if (result->status < 200 || result->status > 299) {
        failed(w, result);
    }
    queue_delivered(w->delivery);
    free(w);
}

static int add_headers(struct buf *to, const struct stored_message *m, const char *secret)
{
    char stamp[24];
    char signature[WEBHOOK_SIGNATURE_BYTES];
    uint64_t now_s = clock_wall_ms() / 1000;
    (void)snprintf(stamp, sizeof(stamp), "%llu", (unsigned long long)now_s);
    TRY(http_block_add(to, STR("content-type"), STR("application/json")));
    TRY(http_block_add(to, STR("user-agent"), STR("mayfly")));
    TRY(http_block_add(to, STR("webhook-id"), m->uuid));
    TRY(http_block_add(to, STR("webhook-timestamp"), str_c(stamp)));
    if (secret && webhook_sign(str_c(secret), m->uuid, now_s, m->body, signature) == 0) {
        TRY(http_block_add(to, STR("webhook-signature"), str_c(signature)));
    }
    return 0;
}

static void post(struct webhook *w, const char *url, const char *secret)
{
    const struct stored_message *m = &w->delivery->messages[0].message;
    struct buf headers;
    buf_init(&headers, 4 * KIB);
    (void)add_headers(&headers, m, secret); /* they are short */
    const struct outgoing_request request = { .method = "POST",
                                              .url = str_c(url),
                                              .headers = buf_str(&headers),
                                              .body = m->body,
                                              .timeout_ms = TIMEOUT_MS,
                                              .response_max_bytes = RESPONSE_BYTES };
    outgoing_send(w->services->loop, &request, posted, w);
    buf_finish(&headers);
}

/* What waited while its URL was taken out of the project would otherwise wait for ever. Who wants
 * it sent after all puts the URL back and replays it. */
static void give_up(struct services *s, struct delivery *d)
{
    struct delivered *m = &d->messages[0];
    m->outcome.attempts--; /* this was none */
    queue_set_outcome(m, FATE_DEAD, clock_wall_ms(), STR("the project names this URL no longer"));
    event_log_dead(s, d, m);
    queue_delivered(d);
}

static void webhook_deliver(struct queue *q, struct delivery *d, void *context)
{
    const struct webhook_queues *wq = context;
    const struct stored_message *m = &d->messages[0].message;
    const char *url = queue_name(q) + strlen(KIND);
    if (!json_object_get(wq->named, url)) {
        give_up(wq->services, d);
        return;
    }
    json_t *attributes = json_read(m->attributes, JSON_ALLOW_NUL);
    const char *secret = json_string_value(json_object_get(attributes, "secret"));
    struct webhook *w = mem_new(struct webhook);
    *w = (struct webhook){ wq->services, d };
    post(w, url, secret);
    json_decref(attributes);
}

static void consume(struct webhook_queues *wq, struct str name)
{
    static const struct queue_consumer consumer = { .name = "webhook", .deliver = webhook_deliver };
    static const struct queue_policy policy = { .batch_size = 1, .concurrency = IN_FLIGHT };
    queue_consume(queue_open(wq->services->queues, name), &consumer, &policy, wq);
}

static void open_url(struct webhook_queues *wq, const json_t *destination)
{
    char name[URL_BYTES_MAX + 16];
    const char *url = json_string_value(json_object_get(destination, "url"));
    if (!url || strlen(url) > URL_BYTES_MAX) {
        return;
    }
    (void)json_object_set_new(wq->named, url, json_true()); /* a string that is UTF-8: works */
    (void)snprintf(name, sizeof(name), KIND "%s", url);
    consume(wq, str_c(name));
}

static void open_stored(uint64_t number, struct str name, void *context)
{
    (void)number;
    if (str_starts(name, STR(KIND))) {
        consume(context, name);
    }
}

void webhook_queues_build(struct webhook_queues *wq, const json_t *manifest)
{
    static const char *const lists[] = { "async", "routes" };
    static const char *const members[] = { "on_success", "on_failure" };
    const json_t *events = json_object_get(manifest, "events");
    json_object_clear(wq->named);
    for (size_t l = 0; l < ARRAY_COUNT(lists); l++) {
        const json_t *list = json_object_get(events, lists[l]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            for (size_t k = 0; k < ARRAY_COUNT(members); k++) {
                open_url(wq, json_object_get(json_array_get(list, i), members[k]));
            }
        }
    }
    store_messages_queues(wq->services->store, open_stored, wq);
}

struct webhook_queues *webhook_queues_create(struct services *s)
{
    struct webhook_queues *wq = mem_new(struct webhook_queues);
    wq->services = s;
    wq->named = json_object();
    return wq;
}
