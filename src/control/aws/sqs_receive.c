/* SQS: ReceiveMessage, and what becomes of what was received.
 *
 * A receipt handle names the message and the time it was handed out: "ID:ATTEMPTS:UUID" in base64.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/sqs_md5.h"
#include "control/aws/sqs_operations.h"
#include "control/events/base64.h"

#define VISIBILITY_MAX_S 43200
#define WAIT_MAX_S       20
#define SENDER           "AIDAMAYFLY0000000000" /* there is one account, and it has no users */

/* ---- receiving ---- */

struct receive {
    struct sqs_call *c;
    struct sqs_queue *q;
    size_t max;
    uint64_t visibility_ms;
    uint64_t until_ms; /* of the loop: when to stop waiting */
    struct queue_waiter waiter;
    uv_timer_t timer;
    bool waiting;
};

static void receive_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct receive, timer));
}

static void receive_end(struct receive *r)
{
    list_remove(&r->waiter.link);
    r->c->gone = NULL;
    uv_close((uv_handle_t *)&r->timer, receive_closed);
}

static bool wants(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *wanted = json_string_value(json_array_get(names, i));
        size_t len = wanted ? strlen(wanted) : 0;
        if (!wanted) {
            continue;
        }
        if (strcmp(wanted, "All") == 0 || strcmp(wanted, ".*") == 0 || strcmp(wanted, name) == 0 ||
            (len > 2 && strcmp(wanted + len - 2, ".*") == 0 &&
             strncmp(wanted, name, len - 1) == 0)) {
            return true;
        }
    }
    return false;
}

static void set_text(json_t *to, const json_t *input, const char *name, const char *value)
{
    if (value && (wants(json_object_get(input, "AttributeNames"), name) ||
                  wants(json_object_get(input, "MessageSystemAttributeNames"), name))) {
        (void)json_object_set_new(to, name, json_string(value));
    }
}

static void set_number(json_t *to, const json_t *input, const char *name, uint64_t value,
                       int digits_min)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%0*llu", digits_min, (unsigned long long)value);
    set_text(to, input, name, text);
}

static json_t *system_attributes(const struct receive *r, const struct stored_message *m,
                                 const json_t *stored)
{
    const json_t *input = r->c->input;
    json_t *to = json_object();
    set_text(to, input, "SenderId", SENDER);
    set_number(to, input, "SentTimestamp", m->sent_ms, 1);
    set_number(to, input, "ApproximateReceiveCount", m->attempts, 1);
    set_number(to, input, "ApproximateFirstReceiveTimestamp", m->first_ms, 1);
    set_text(to, input, "AWSTraceHeader", sqs_call_text(stored, "trace"));
    if (r->q->fifo) {
        set_text(to, input, "MessageGroupId", m->group.data);
        set_text(to, input, "MessageDeduplicationId", sqs_call_text(stored, "dedup"));
        set_number(to, input, "SequenceNumber", m->id, 20);
    }
    return to;
}

/* Those that were asked for; their digest is of these. */
static json_t *message_attributes(const struct receive *r, const json_t *stored)
{
    const json_t *names = json_object_get(r->c->input, "MessageAttributeNames");
    json_t *to = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(stored, "messageAttributes"), name, value)
    {
        if (wants(names, name)) {
            (void)json_object_set(to, name, value);
        }
    }
    return to;
}

static json_t *message_json(const struct receive *r, const struct stored_message *m)
{
    char handle[128];
    char md5[SQS_MD5_BYTES];
    int len = snprintf(handle, sizeof(handle), "%llu:%u:%.40s", (unsigned long long)m->id,
                       m->attempts, m->uuid.data);
    scoped_free char *receipt = base64_encode(str_of(handle, (size_t)len));
    json_t *stored = json_loadb(m->attributes.data, m->attributes.len, 0, NULL);
    json_t *system = system_attributes(r, m, stored);
    json_t *own = message_attributes(r, stored);
    json_t *body = json_stringn(m->body.data, m->body.len);
    sqs_md5_body(m->body, md5);
    json_t *json = json_pack("{s:s, s:s, s:s, s:o}", "MessageId", m->uuid.data, "ReceiptHandle",
                             receipt, "MD5OfBody", md5, "Body", body ? body : json_string(""));
    if (json_object_size(system) > 0) {
        (void)json_object_set(json, "Attributes", system);
    }
    if (sqs_md5_attributes(own, md5)) {
        (void)json_object_set(json, "MessageAttributes", own);
        (void)json_object_set_new(json, "MD5OfMessageAttributes", json_string(md5));
    }
    json_decref(system);
    json_decref(own);
    json_decref(stored);
    return json;
}

/* Nobody waits for it: it goes for good. */
static void forgotten(struct queue_settle *settle, int r)
{
    (void)r; /* then it is looked at again when it is next received */
    free(settle);
}

static void forget(struct sqs_queue *q, uint64_t id)
{
    struct queue_settle *settle = mem_new(struct queue_settle);
    *settle = (struct queue_settle){ .queue = q->queue,
                                     .outcome = { .id = id, .fate = FATE_GONE },
                                     .done = forgotten };
    queue_settle(settle);
}

/* Whether a message that was taken may be handed out: not when it is too old, or has been received
 * too often. */
static bool is_deliverable(const struct receive *r, const struct stored_message *m)
{
    struct sqs_queue *q = r->q;
    if (m->sent_ms + q->retention_ms < queue_now_ms()) {
        forget(q, m->id);
        return false;
    }
    if (q->dead_letter && m->attempts > q->max_receives) {
        sqs_queue_bury(r->c->queues, q, m);
        return false;
    }
    return true;
}

static json_t *take(const struct receive *r)
{
    struct queue_taken taken;
    json_t *messages = json_array();
    queue_take(r->q->queue, r->max, queue_now_ms() + r->visibility_ms, &taken);
    for (size_t i = 0; i < taken.count; i++) {
        const struct stored_message *m = &taken.messages[i].message;
        if (is_deliverable(r, m)) {
            (void)json_array_append_new(messages, message_json(r, m));
        }
    }
    queue_taken_free(&taken);
    return messages;
}

static void receive_answer(struct receive *r, json_t *messages)
{
    json_t *output = json_object();
    if (json_array_size(messages) > 0) {
        (void)json_object_set(output, "Messages", messages);
    }
    json_decref(messages);
    struct sqs_call *c = r->c;
    receive_end(r);
    sqs_call_answer(c, output);
}

static void receive_try(struct receive *r)
{
    json_t *messages = take(r);
    if (json_array_size(messages) > 0 || uv_now(r->c->services->loop) >= r->until_ms) {
        receive_answer(r, messages);
        return;
    }
    json_decref(messages);
    queue_wait(r->q->queue, &r->waiter);
}

static void receive_available(struct queue_waiter *w)
{
    receive_try(container_of(w, struct receive, waiter));
}

static void receive_timed_out(uv_timer_t *timer)
{
    receive_answer(container_of(timer, struct receive, timer), json_array());
}

static void receive_gone(struct sqs_call *c)
{
    struct receive *r = c->context;
    receive_end(r);
    c->answered = true;
    exchange_end(c->exchange);
}

static bool read_number(struct sqs_call *c, const char *name, int64_t min, int64_t max,
                        int64_t *ret)
{
    int64_t number;
    if (!json_object_get(c->input, name)) {
        return true;
    }
    if (!sqs_call_number(c->input, name, &number) || number < min || number > max) {
        sqs_call_fail(
            c, SQS_ERROR_PARAMETER,
            "Value for parameter %s is invalid. Reason: Must be between %lld and %lld, if "
            "provided.",
            name, (long long)min, (long long)max);
        return false;
    }
    *ret = number;
    return true;
}

void sqs_receive(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    if (!q) {
        return;
    }
    int64_t max = 1, wait = (int64_t)(q->wait_ms / 1000),
            visibility = (int64_t)(q->visibility_ms / 1000);
    if (!read_number(c, "MaxNumberOfMessages", 1, SQS_BATCH_MAX, &max) ||
        !read_number(c, "WaitTimeSeconds", 0, WAIT_MAX_S, &wait) ||
        !read_number(c, "VisibilityTimeout", 0, VISIBILITY_MAX_S, &visibility)) {
        return;
    }
    struct receive *r = mem_new(struct receive);
    *r = (struct receive){ .c = c,
                           .q = q,
                           .max = (size_t)max,
                           .visibility_ms = (uint64_t)visibility * 1000,
                           .until_ms = uv_now(c->services->loop) + (uint64_t)wait * 1000,
                           .waiter = { .available = receive_available } };
    list_init(&r->waiter.link);
    (void)uv_timer_init(c->services->loop, &r->timer); /* always succeeds */
    c->context = r;
    c->gone = receive_gone;
    if (wait > 0) {
        (void)uv_timer_start(&r->timer, receive_timed_out, (uint64_t)wait * 1000, 0);
    }
    receive_try(r);
}

/* ---- what was received ---- */

struct receipt {
    uint64_t id;
    uint32_t attempts;
};

static bool has_uuid(const struct stored_message *m, void *context)
{
    const char **uuid = context;
    if (!str_eq(m->uuid, str_c(*uuid))) {
        *uuid = NULL;
    }
    return false;
}

/* 0: of a message that is, or was, this queue's. 1: that is gone. -EINVAL: it is no handle. */
static int read_receipt(const struct sqs_call *c, const char *handle, struct receipt *ret)
{
    size_t len = 0;
    scoped_free char *text = handle ? base64_decode(str_c(handle), &len) : NULL;
    struct str rest = text ? str_of(text, len) : STR("");
    struct str id = str_cut(&rest, ':');
    struct str attempts = rest.data ? str_cut(&rest, ':') : STR("");
    uint64_t tries;
    if (!rest.data || !str_to_u64(id, &ret->id) || !str_to_u64(attempts, &tries)) {
        return -EINVAL;
    }
    ret->attempts = (uint32_t)tries;
    const char *uuid = rest.data; /* ends where the text does */
    if (!store_messages_find(c->services->store, ret->id, has_uuid, &uuid)) {
        return 1;
    }
    return uuid ? 0 : -EINVAL;
}

/* Several of them in one call. */
struct settling {
    struct sqs_call *c;
    json_t *successful; /* NULL: one alone */
    json_t *failed;
    size_t waiting;
    int result;
};

struct settle_one {
    struct queue_settle settle;
    struct settling *all;
    const char *id; /* the input's; NULL: one alone */
};

static void settling_answer(struct settling *all)
{
    struct sqs_call *c = all->c;
    if (!all->successful) {
        if (all->result < 0) {
            sqs_call_fail(c, all->result == -ENOSPC ? SQS_ERROR_FULL : SQS_ERROR_INTERNAL, NULL);
        } else {
            sqs_call_answer(c, NULL);
        }
    } else {
        json_t *output = json_pack("{s:o}", "Successful", all->successful);
        if (json_array_size(all->failed) > 0) {
            (void)json_object_set(output, "Failed", all->failed);
        }
        json_decref(all->failed);
        sqs_call_answer(c, output);
    }
    free(all);
}

static void settled(struct queue_settle *settle, int r)
{
    struct settle_one *one = container_of(settle, struct settle_one, settle);
    struct settling *all = one->all;
    all->result = r < 0 ? r : all->result;
    if (all->successful && r < 0) {
        enum sqs_error e = r == -ENOSPC ? SQS_ERROR_FULL : SQS_ERROR_INTERNAL;
        (void)json_array_append_new(all->failed, sqs_call_entry_error(all->c, one->id, e, NULL));
    } else if (all->successful) {
        (void)json_array_append_new(all->successful, json_pack("{s:s}", "Id", one->id));
    }
    free(one);
    if (--all->waiting == 0) {
        settling_answer(all);
    }
}

static void settle_later(struct settling *all, struct sqs_queue *q, const char *id,
                         const struct message_outcome *outcome)
{
    struct settle_one *one = mem_new(struct settle_one);
    *one = (struct settle_one){
        .settle = { .queue = q->queue, .outcome = *outcome, .done = settled }, .all = all, .id = id
    };
    all->waiting++;
    queue_settle(&one->settle);
}

struct settle_fault {
    enum sqs_error error;
    char text[256];
};

static bool find_state(const struct stored_message *m, void *context)
{
    struct stored_message *state = context;
    *state = *m;
    return false;
}

/* Deletes a message, or hides it for VisibilityTimeout. 0: it is being done. 1: there is nothing to
 * do. -1: that cannot be. */
static int settle_entry(struct settling *all, struct sqs_queue *q, const json_t *entry,
                        bool deletes, struct settle_fault *f)
{
    const char *handle = sqs_call_text(entry, "ReceiptHandle");
    const char *id = sqs_call_text(entry, "Id");
    struct receipt receipt;
    int64_t seconds = 0;
    int r = read_receipt(all->c, handle, &receipt);
    if (r < 0) {
        f->error = SQS_ERROR_RECEIPT;
        (void)snprintf(f->text, sizeof(f->text),
                       "The input receipt handle \"%.150s\" is not a valid receipt handle.",
                       handle ? handle : "");
        return -1;
    }
    if (deletes) {
        if (r == 0) {
            settle_later(all, q, id,
                         &(struct message_outcome){ .id = receipt.id, .fate = FATE_GONE });
        }
        return r;
    }
    struct stored_message m = { 0 };
    if (!sqs_call_number(entry, "VisibilityTimeout", &seconds) || seconds < 0 ||
        seconds > VISIBILITY_MAX_S) {
        f->error = SQS_ERROR_PARAMETER;
        (void)snprintf(f->text, sizeof(f->text),
                       "Value for parameter VisibilityTimeout is invalid. Reason: Must be between "
                       "0 and 43200.");
        return -1;
    }
    uint64_t now = queue_now_ms();
    (void)store_messages_find(all->c->services->store, receipt.id, find_state, &m);
    if (r == 1 || m.state != MESSAGE_WAITING || m.due_ms <= now) {
        f->error = SQS_ERROR_NOT_IN_FLIGHT;
        (void)snprintf(f->text, sizeof(f->text),
                       "Value %.150s for parameter ReceiptHandle is invalid. Reason: Message does "
                       "not exist or is not available for visibility timeout change.",
                       handle);
        return -1;
    }
    settle_later(all, q, id,
                 &(struct message_outcome){ .id = receipt.id,
                                            .fate = FATE_AGAIN,
                                            .due_ms = now + (uint64_t)seconds * 1000,
                                            .first_ms = m.first_ms,
                                            .attempts = m.attempts,
                                            .error = STR("") });
    return 0;
}

static void settle_single(struct sqs_call *c, bool deletes)
{
    struct sqs_queue *q = sqs_call_queue(c);
    struct settle_fault f;
    if (!q) {
        return;
    }
    struct settling *all = mem_new(struct settling);
    all->c = c;
    int r = settle_entry(all, q, c->input, deletes, &f);
    if (r < 0) {
        free(all);
        sqs_call_fail(c, f.error, "%s", f.text);
    } else if (r == 1) {
        settling_answer(all); /* deleted before: that is fine */
    }
}

static void settle_batch(struct sqs_call *c, bool deletes)
{
    struct sqs_queue *q = sqs_call_queue(c);
    const json_t *entries = json_object_get(c->input, "Entries");
    struct settle_fault f;
    if (!q || !sqs_send_check_batch(c, entries)) {
        return;
    }
    struct settling *all = mem_new(struct settling);
    *all = (struct settling){ .c = c, .successful = json_array(), .failed = json_array() };
    all->waiting = 1; /* ourselves, until all have begun */
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *id = sqs_call_text(entry, "Id");
        int r = settle_entry(all, q, entry, deletes, &f);
        if (r < 0) {
            (void)json_array_append_new(all->failed, sqs_call_entry_error(c, id, f.error, f.text));
        } else if (r == 1) {
            (void)json_array_append_new(all->successful, json_pack("{s:s}", "Id", id));
        }
    }
    if (--all->waiting == 0) {
        settling_answer(all);
    }
}

void sqs_receive_delete(struct sqs_call *c)
{
    settle_single(c, true);
}

void sqs_receive_delete_batch(struct sqs_call *c)
{
    settle_batch(c, true);
}

void sqs_receive_visibility(struct sqs_call *c)
{
    settle_single(c, false);
}

void sqs_receive_visibility_batch(struct sqs_call *c)
{
    settle_batch(c, false);
}
