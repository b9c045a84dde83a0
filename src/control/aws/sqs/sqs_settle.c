/* SQS: what becomes of received messages: DeleteMessage, ChangeMessageVisibility and their batches.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/aws/sqs/sqs_check.h"
#include "control/aws/sqs/sqs_operations.h"
#include "control/events/sqs/sqs_record.h"
#include "control/text/base64.h"

/* From when a message was received on. */
#define VISIBILITY_MAX_MS ((uint64_t)SQS_VISIBILITY_MAX_S * 1000)

/* What a receipt handle stands for. */
struct receipt {
    uint64_t id;
    uint32_t attempts; /* the time it was handed out */
    uint64_t received_ms;
    bool is_here;   /* the rest says something: it has not been deleted */
    bool is_hidden; /* it has been handed out, and is not due again */
    bool is_others; /* it is gone, or was handed out once more */
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

/* -EINVAL: it is no handle of this queue's. Or its message cannot be read. */
static int read_receipt(const struct sqs_call *c, const struct sqs_queue *q, const char *handle,
                        struct receipt *ret)
{
    size_t len = 0;
    scoped_free char *text = handle ? base64_decode(str_c(handle), &len) : NULL;
    struct str rest = text ? str_of(text, len) : STR("");
    struct str id = str_cut(&rest, ':');
    struct str attempts = rest.data ? str_cut(&rest, ':') : STR("");
    struct str received = rest.data ? str_cut(&rest, ':') : STR("");
    uint64_t tries;
    if (!rest.data || !str_to_u64(id, &ret->id) || !str_to_u64(attempts, &tries) ||
        !str_to_u64(received, &ret->received_ms)) {
        return -EINVAL;
    }
    struct sought s = { .uuid = rest };
    bool found = store_messages_find(c->services->store, ret->id, compare, &s);
    if (store_read_failure(c->services->store) < 0) {
        return -EIO;
    }
    if (found && (!s.is_same || s.state.queue != queue_number(q->queue))) {
        return -EINVAL;
    }
    uint64_t now = clock_wall_ms();
    ret->attempts = (uint32_t)tries;
    ret->is_here = found && s.state.state == MESSAGE_WAITING &&
                   s.state.sent_ms + q->retention_ms >= now; /* else it is as good as gone */
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
    if (seconds < 0 || seconds > SQS_VISIBILITY_MAX_S) {
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
    uint64_t until_ms = clock_wall_ms() + (uint64_t)seconds * 1000;
    if (until_ms > receipt->received_ms && until_ms - receipt->received_ms > VISIBILITY_MAX_MS) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Value %lld for parameter VisibilityTimeout is invalid. Reason: "
                               "Total VisibilityTimeout for the message is beyond the limit [43200 "
                               "seconds]",
                               (long long)seconds);
    }
    settle_later(all, q, sqs_call_text(entry, "Id"),
                 &(struct message_outcome){ .id = receipt->id,
                                            .fate = FATE_AGAIN,
                                            .due_ms = until_ms,
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
    int r = read_receipt(all->c, q, handle, &receipt);
    if (r == -EIO) {
        return sqs_check_fault(f, SQS_ERROR_INTERNAL, "The message could not be read.");
    }
    if (r < 0) {
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

void sqs_settle_delete(struct sqs_call *c)
{
    settle_single(c, true);
}

void sqs_settle_delete_batch(struct sqs_call *c)
{
    settle_batch(c, true);
}

void sqs_settle_visibility(struct sqs_call *c)
{
    settle_single(c, false);
}

void sqs_settle_visibility_batch(struct sqs_call *c)
{
    settle_batch(c, false);
}
