/* SQS: ReceiveMessage, and what becomes of what was received.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/sqs_check.h"
#include "control/aws/sqs_md5.h"
#include "control/aws/sqs_operations.h"
#include "control/events/base64.h"
#include "control/events/sqs_record.h"

#define VISIBILITY_MAX_S 43200
#define WAIT_MAX_S       20

/* ---- receiving ---- */

struct receive {
    struct sqs_call *c;
    struct sqs_queue *q;
    size_t max;
    uint64_t visibility_ms;
    uint64_t until_ms; /* of the loop: when to stop waiting */
    json_t *messages;  /* owned; what has been found */
    size_t burying;    /* of what was found, on its way to the dead-letter queue */
    struct queue_taken taken;
    bool taking; /* it is being written what was taken */
    struct queue_waiter waiter;
    uv_timer_t timer;
    uint32_t references; /* its call, burials */
};

static void receive_free(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct receive, timer));
}

static void receive_unref(struct receive *r)
{
    if (--r->references == 0) {
        uv_close((uv_handle_t *)&r->timer, receive_free);
    }
}

static void receive_end(struct receive *r)
{
    list_remove(&r->waiter.link);
    (void)uv_timer_stop(&r->timer); /* always succeeds */
    json_decref(r->messages);
    sqs_queue_unref(r->q);
    r->c->gone = NULL;
    r->c = NULL;
    receive_unref(r);
}

/* "All", a name, "*" or "prefix.*". */
static bool matches(const char *wanted, const char *name)
{
    size_t len = strlen(wanted);
    if (len == 0 || wanted[len - 1] != '*') {
        return strcmp(wanted, "All") == 0 || strcmp(wanted, name) == 0;
    }
    len -= len > 1 && wanted[len - 2] == '.' ? 2 : 1;
    return strncmp(wanted, name, len) == 0;
}

static bool wants(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *wanted = json_string_value(json_array_get(names, i));
        if (wanted && matches(wanted, name)) {
            return true;
        }
    }
    return false;
}

static json_t *system_attributes(const struct receive *r, const struct stored_message *m,
                                 const json_t *stored)
{
    const json_t *old_names = json_object_get(r->c->input, "AttributeNames");
    const json_t *names = json_object_get(r->c->input, "MessageSystemAttributeNames");
    json_t *all = sqs_record_system(m, stored, r->q->fifo, str_c(r->c->region));
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(all, next, name, value)
    {
        if (!wants(names, name) && !wants(old_names, name)) {
            (void)json_object_del(all, name);
        }
    }
    return all;
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
    char md5[SQS_MD5_BYTES];
    scoped_free char *receipt = sqs_record_receipt(m);
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

static void receive_found(struct receive *r);

static void buried(void *context)
{
    struct receive *r = context;
    r->burying--;
    if (r->c && r->burying == 0) {
        receive_found(r);
    }
    receive_unref(r);
}

/* Whether a message that was taken may be handed out: not when it is too old, or has been received
 * too often. */
static bool is_deliverable(struct receive *r, const struct stored_message *m)
{
    struct sqs_queue *q = r->q;
    if (m->sent_ms + q->retention_ms < queue_now_ms()) {
        forget(q, m->id);
        return false;
    }
    if (q->dead_letter && m->attempts > q->max_receives) {
        if (sqs_queue_bury(r->c->queues, q, m, buried, r)) {
            r->references++;
            r->burying++;
        }
        return false;
    }
    return true;
}

static void receive_answer(struct receive *r)
{
    json_t *output = json_object();
    if (json_array_size(r->messages) > 0) {
        (void)json_object_set(output, "Messages", r->messages);
    }
    struct sqs_call *c = r->c;
    receive_end(r);
    sqs_call_answer(c, output);
}

static void receive_fail(struct receive *r)
{
    struct sqs_call *c = r->c;
    receive_end(r);
    sqs_call_fail(c, SQS_ERROR_NO_QUEUE, NULL);
}

static void receive_take(struct receive *r)
{
    r->taking = true;
    queue_take(r->q->queue, r->max, queue_now_ms() + r->visibility_ms, &r->taken);
    if (r->taken.count > 0) {
        r->references++;
        return;
    }
    r->taking = false;
    if (uv_now(r->c->services->loop) >= r->until_ms) {
        receive_answer(r);
    } else {
        queue_wait(r->q->queue, &r->waiter);
    }
}

/* Answers with what there is, once dead letters are where they belong; if those were all, what is
 * behind them may be had. */
static void receive_found(struct receive *r)
{
    if (r->q->removed) {
        receive_fail(r);
    } else if (json_array_size(r->messages) > 0) {
        receive_answer(r);
    } else {
        receive_take(r);
    }
}

static void receive_taken(struct queue_taken *t)
{
    struct receive *r = container_of(t, struct receive, taken);
    r->taking = false;
    for (size_t i = 0; r->c && i < t->count; i++) {
        const struct stored_message *m = &t->messages[i].message;
        if (is_deliverable(r, m)) {
            (void)json_array_append_new(r->messages, message_json(r, m));
        }
    }
    queue_taken_free(t);
    if (r->c && r->burying == 0) {
        receive_found(r);
    }
    receive_unref(r);
}

static void receive_available(struct queue_waiter *w)
{
    struct receive *r = container_of(w, struct receive, waiter);
    if (r->q->removed) {
        receive_fail(r);
    } else {
        receive_take(r);
    }
}

/* What has been found meanwhile is answered in a moment. */
static void receive_timed_out(uv_timer_t *timer)
{
    struct receive *r = container_of(timer, struct receive, timer);
    if (!r->taking && r->burying == 0) {
        receive_answer(r);
    }
}

static void receive_gone(struct sqs_call *c)
{
    receive_end(c->context);
    c->answered = true;
    exchange_end(c->exchange);
}

static bool read_number(struct sqs_call *c, const char *name, int64_t min, int64_t max,
                        int64_t *ret)
{
    int64_t number = 0;
    if (!json_object_get(c->input, name)) {
        return true;
    }
    if (!sqs_call_number(c->input, name, &number) || number < min || number > max) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      min > 0 ? "Value %lld for parameter %s is invalid. Reason: Must be between "
                                "%lld and %lld, if provided."
                              : "Value %lld for parameter %s is invalid. Reason: Must be >= %lld "
                                "and <= %lld, if provided.",
                      (long long)number, name, (long long)min, (long long)max);
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
                           .q = sqs_queue_ref(q),
                           .max = (size_t)max,
                           .visibility_ms = (uint64_t)visibility * 1000,
                           .until_ms = uv_now(c->services->loop) + (uint64_t)wait * 1000,
                           .messages = json_array(),
                           .taken = { .taken = receive_taken },
                           .waiter = { .available = receive_available },
                           .references = 1 };
    list_init(&r->waiter.link);
    (void)uv_timer_init(c->services->loop, &r->timer); /* always succeeds */
    c->context = r;
    c->gone = receive_gone;
    if (wait > 0) {
        (void)uv_timer_start(&r->timer, receive_timed_out, (uint64_t)wait * 1000, 0);
    }
    receive_take(r);
}

/* ---- what was received ---- */

/* What a receipt handle stands for. */
struct receipt {
    uint64_t id;
    uint32_t attempts; /* the time it was handed out */
    bool is_here;      /* the rest says something: it has not been deleted */
    bool is_hidden;    /* it has been handed out, and is not due again */
    bool is_others;    /* it is gone, or was handed out once more */
    uint64_t first_ms;
};

struct sought {
    struct stored_message state; /* but for its texts */
    struct str uuid;
    bool is_same;
};

static bool compare(const struct stored_message *m, void *context)
{
    struct sought *s = context;
    s->is_same = str_eq(m->uuid, s->uuid);
    s->state = *m;
    return false;
}

/* -EINVAL: it is no handle of this queue's. */
static int read_receipt(const struct sqs_call *c, const struct sqs_queue *q, const char *handle,
                        struct receipt *ret)
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
    struct sought s = { .uuid = rest };
    bool found = store_messages_find(c->services->store, ret->id, compare, &s);
    if (found && (!s.is_same || s.state.queue != queue_number(q->queue))) {
        return -EINVAL;
    }
    uint64_t now = queue_now_ms();
    ret->attempts = (uint32_t)tries;
    ret->is_here = found && s.state.state == MESSAGE_WAITING;
    ret->is_hidden = ret->is_here && s.state.due_ms > now;
    ret->is_others = !ret->is_here || s.state.attempts != tries;
    ret->first_ms = s.state.first_ms;
    return 0;
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

/* 0: it is being deleted. 1: it was before, which is fine. -1: it cannot be. */
static int delete_entry(struct settling *all, struct sqs_queue *q, const json_t *entry,
                        const struct receipt *receipt, struct sqs_fault *f)
{
    if (!receipt->is_here) {
        return 1;
    }
    if (q->fifo && (receipt->is_others || !receipt->is_hidden)) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Value %.200s for parameter ReceiptHandle is invalid. Reason: The "
                               "receipt handle has expired.",
                               sqs_call_text(entry, "ReceiptHandle"));
    }
    settle_later(all, q, sqs_call_text(entry, "Id"),
                 &(struct message_outcome){ .id = receipt->id, .fate = FATE_GONE });
    return 0;
}

/* 0: it is being hidden for VisibilityTimeout. -1: it cannot be. */
static int hide_entry(struct settling *all, struct sqs_queue *q, const json_t *entry,
                      const struct receipt *receipt, struct sqs_fault *f)
{
    int64_t seconds = 0;
    if (!sqs_call_number(entry, "VisibilityTimeout", &seconds)) {
        return sqs_check_fault(f, SQS_ERROR_MISSING,
                               "The request must contain the parameter VisibilityTimeout.");
    }
    if (seconds < 0 || seconds > VISIBILITY_MAX_S) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Value %lld for parameter VisibilityTimeout is invalid. Reason: "
                               "VisibilityTimeout must be an integer between 0 and 43200.",
                               (long long)seconds);
    }
    /* One that became due again, but was given to nobody else, may be hidden again. */
    if (!receipt->is_hidden && (q->fifo || receipt->is_others)) {
        return sqs_check_fault(f, receipt->is_here ? SQS_ERROR_NOT_IN_FLIGHT : SQS_ERROR_PARAMETER,
                               "Value %.200s for parameter ReceiptHandle is invalid. Reason: "
                               "Message does not exist or is not available for visibility timeout "
                               "change.",
                               sqs_call_text(entry, "ReceiptHandle"));
    }
    settle_later(all, q, sqs_call_text(entry, "Id"),
                 &(struct message_outcome){ .id = receipt->id,
                                            .fate = FATE_AGAIN,
                                            .due_ms = queue_now_ms() + (uint64_t)seconds * 1000,
                                            .first_ms = receipt->first_ms,
                                            .attempts = receipt->attempts,
                                            .error = STR("") });
    return 0;
}

static int settle_entry(struct settling *all, struct sqs_queue *q, const json_t *entry,
                        bool deletes, struct sqs_fault *f)
{
    const char *handle = sqs_call_text(entry, "ReceiptHandle");
    struct receipt receipt = { 0 };
    if (!handle) {
        return sqs_check_fault(f, SQS_ERROR_MISSING,
                               "The request must contain the parameter ReceiptHandle.");
    }
    if (read_receipt(all->c, q, handle, &receipt) < 0) {
        return sqs_check_fault(f, SQS_ERROR_RECEIPT,
                               "The input receipt handle \"%.200s\" is not a valid receipt handle.",
                               handle);
    }
    return deletes ? delete_entry(all, q, entry, &receipt, f)
                   : hide_entry(all, q, entry, &receipt, f);
}

static void settle_single(struct sqs_call *c, bool deletes)
{
    struct sqs_queue *q = sqs_call_queue(c);
    struct sqs_fault f;
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
    struct sqs_fault f;
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
