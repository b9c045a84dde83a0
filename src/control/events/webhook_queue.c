/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/webhook_queue.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/events/attempt.h"
#include "control/events/event_log.h"
#include "control/events/webhook_sign.h"
#include "control/json_read.h"

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
    bool started;  /* libcurl, which takes a few megabytes, when there is a use for it */
};

/* One try. It has a thread of its own, not one of the loop's pool: a receiver that never answers
 * would hold up the others there, and whoever stores an object. */
struct webhook {
    uv_thread_t thread;
    uv_async_t over;
    bool has_thread;
    struct services *services;
    struct delivery *delivery;
    const char *url; /* of the queue's name */
    char *secret;    /* owned; NULL: unsigned */
    long status;
    char error[CURL_ERROR_SIZE];
    char response[RESPONSE_BYTES];
    size_t response_len;
};

static size_t take_response(char *data, size_t size, size_t count, void *context)
{
    struct webhook *w = context;
    size_t len = size * count;
    size_t room = sizeof(w->response) - w->response_len;
    memcpy(w->response + w->response_len, data, len < room ? len : room);
    w->response_len += len < room ? len : room;
    return len;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "%s: %.200s", name, value);
    return curl_slist_append(list, line);
}

static struct curl_slist *headers_of(const struct webhook *w)
{
    const struct stored_message *m = &w->delivery->messages[0].message;
    char stamp[24];
    char signature[WEBHOOK_SIGNATURE_BYTES];
    uint64_t now_s = queue_now_ms() / 1000;
    (void)snprintf(stamp, sizeof(stamp), "%llu", (unsigned long long)now_s);
    struct curl_slist *list = add_header(NULL, "content-type", "application/json");
    list = add_header(list, "user-agent", "mayfly");
    list = add_header(list, "webhook-id", m->uuid.data);
    list = add_header(list, "webhook-timestamp", stamp);
    if (w->secret && webhook_sign(str_c(w->secret), m->uuid, now_s, m->body, signature) == 0) {
        list = add_header(list, "webhook-signature", signature);
    }
    return list;
}

/* Redirects are not followed: the specification takes them for failures. */
static void post(struct webhook *w)
{
    const struct stored_message *m = &w->delivery->messages[0].message;
    CURL *curl = curl_easy_init();
    if (!curl) {
        (void)snprintf(w->error, sizeof(w->error), "no memory");
        return;
    }
    struct curl_slist *headers = headers_of(w);
    /* None of these can fail for options of a type that is right. */
    (void)curl_easy_setopt(curl, CURLOPT_URL, w->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, m->body.data);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)m->body.len);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, w->error);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_response);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, w);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &w->status);
    } else if (!w->error[0]) {
        (void)snprintf(w->error, sizeof(w->error), "%s", curl_easy_strerror(code));
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

static void failed(struct webhook *w)
{
    static const struct retry_policy never = { 0 };
    char error[RESPONSE_BYTES + CURL_ERROR_SIZE];
    int len = w->status ? snprintf(error, sizeof(error), "status %ld: %.*s", w->status,
                                   (int)w->response_len, w->response)
                        : snprintf(error, sizeof(error), "%s", w->error);
    struct str text = str_of(error, (size_t)len < sizeof(error) ? (size_t)len : sizeof(error) - 1);
    bool gone = w->status == 410; /* the receiver wants no more of them */
    (void)attempt_failed(w->services, w->delivery, gone ? &never : &webhook_policy, text);
}

static void webhook_free(uv_handle_t *handle)
{
    struct webhook *w = container_of((uv_async_t *)handle, struct webhook, over);
    free(w->secret);
    free(w);
}

static void posted(uv_async_t *over)
{
    struct webhook *w = container_of(over, struct webhook, over);
    if (w->has_thread) {
        (void)uv_thread_join(&w->thread); /* it is at its end, and nobody else's */
    }
    if (w->status < 200 || w->status > 299) {
        failed(w);
    }
    queue_delivered(w->delivery);
    uv_close((uv_handle_t *)over, webhook_free);
}

static void run_thread(void *context)
{
    struct webhook *w = context;
    post(w);
    (void)uv_async_send(&w->over); /* cannot fail for a handle that is open */
}

static void begin(struct webhook *w)
{
    (void)uv_async_init(w->services->loop, &w->over, posted); /* the loop has had one before */
    int r = uv_thread_create(&w->thread, run_thread, w);
    w->has_thread = r == 0;
    if (r < 0) {
        (void)snprintf(w->error, sizeof(w->error), "no thread: %s", uv_strerror(r));
        (void)uv_async_send(&w->over); /* as above */
    }
}

/* What waited while its URL was taken out of the project would otherwise wait for ever. Who wants
 * it sent after all puts the URL back and replays it. */
static void give_up(struct services *s, struct delivery *d)
{
    struct delivered *m = &d->messages[0];
    m->outcome.attempts--; /* this was none */
    queue_set_outcome(m, FATE_DEAD, queue_now_ms(), STR("the project names this URL no longer"));
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
    json_t *attributes = json_read(m->attributes, 0);
    const char *secret = json_string_value(json_object_get(attributes, "secret"));
    struct webhook *w = mem_new(struct webhook);
    w->services = wq->services;
    w->delivery = d;
    w->url = url;
    w->secret = secret ? mem_copy_str(str_c(secret)) : NULL;
    json_decref(attributes);
    begin(w);
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
    if (!wq->started) {
        (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* fails without memory, as each try does */
        wq->started = true;
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
