/* SQS: AddPermission and RemovePermission, which write statements into the queue's Policy. Policies
 * are kept and given back, not enforced: there is one account.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/aws/call/aws_policy.h"
#include "control/aws/sqs/sqs_operations.h"
#include "control/text/json_write.h"

/* The place of the statement with that Sid; the list's size: there is none. */
static size_t find_statement(const json_t *statements, const char *label)
{
    size_t i = 0;
    for (; i < json_array_size(statements); i++) {
        const char *sid = sqs_call_text(json_array_get(statements, i), "Sid");
        if (sid && strcmp(sid, label) == 0) {
            break;
        }
    }
    return i;
}

/* One is said as such, several as a list. */
static json_t *one_or_all(json_t *list)
{
    if (json_array_size(list) != 1) {
        return list;
    }
    json_t *one = json_incref(json_array_get(list, 0));
    json_decref(list);
    return one;
}

/* The texts of a list, each in `format`. */
static json_t *formatted(const json_t *list, const char *before, const char *behind)
{
    json_t *all = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        char whole[128];
        (void)snprintf(whole, sizeof(whole), "%s%.60s%s", before, text ? text : "", behind);
        (void)json_array_append_new(all, json_string(whole));
    }
    return one_or_all(all);
}

static void save_policy(struct sqs_call *c, const struct sqs_queue *q, const json_t *policy)
{
    json_t *attributes = json_deep_copy(q->attributes);
    if (json_array_size(json_object_get(policy, "Statement")) > 0) {
        scoped_free char *text = json_write(policy);
        (void)json_object_set_new(attributes, "Policy", json_string(text));
    } else {
        (void)json_object_del(attributes, "Policy"); /* absent is fine */
    }
    sqs_queue_save(c->queues, q->name, attributes, NULL, sqs_call_saved, c);
}

static bool is_among(const char *action, const char *const *actions)
{
    for (; *actions && strcmp(action, *actions) != 0; actions++) {
    }
    return *actions != NULL;
}

/* Everything, or what others than the owner may be allowed: "Amazon SQS API permissions", without
 * what is said of its batches, which go with the action itself. False: the call has failed. */
static bool check_action(struct sqs_call *c, const char *action)
{
    static const char *const grantable[] = { "*",
                                             "ChangeMessageVisibility",
                                             "DeleteMessage",
                                             "GetQueueAttributes",
                                             "GetQueueUrl",
                                             "ListDeadLetterSourceQueues",
                                             "PurgeQueue",
                                             "ReceiveMessage",
                                             "SendMessage",
                                             NULL };
    static const char *const of_owner[] = { "AddPermission",
                                            "CancelMessageMoveTask",
                                            "CreateQueue",
                                            "DeleteQueue",
                                            "ListQueues",
                                            "ListMessageMoveTasks",
                                            "ListQueueTags",
                                            "RemovePermission",
                                            "TagQueue",
                                            "SetQueueAttributes",
                                            "StartMessageMoveTask",
                                            "UntagQueue",
                                            NULL };
    if (is_among(action, grantable)) {
        return true;
    }
    sqs_call_fail(c, SQS_ERROR_PARAMETER,
                  "Value SQS:%.60s for parameter ActionName is invalid. Reason: %s", action,
                  is_among(action, of_owner)
                      ? "Only the queue owner is allowed to invoke this action."
                      : "Please refer to the appropriate WSDL for a list of valid actions. ");
    return false;
}

static bool check_actions(struct sqs_call *c, const json_t *actions)
{
    for (size_t i = 0; i < json_array_size(actions); i++) {
        const char *action = json_string_value(json_array_get(actions, i));
        if (!check_action(c, action ? action : "")) {
            return false;
        }
    }
    return true;
}

/* The parameters that must be there. False: the call has failed. */
static bool has_all(struct sqs_call *c, const char *label, const json_t *accounts,
                    const json_t *actions)
{
    const char *missing = !label || !label[0]             ? "Label"
                          : json_array_size(accounts) < 1 ? "AWSAccountIds"
                          : json_array_size(actions) < 1  ? "Actions"
                                                          : NULL;
    if (missing) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter %s.", missing);
    }
    return !missing;
}

void sqs_permission_add(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue_to_change(c);
    const char *label = sqs_call_text(c->input, "Label");
    const json_t *accounts = json_object_get(c->input, "AWSAccountIds");
    const json_t *actions = json_object_get(c->input, "Actions");
    char arn[SQS_ARN_BYTES];
    char id[SQS_ARN_BYTES + 32];
    if (!q || !has_all(c, label, accounts, actions) || !check_actions(c, actions)) {
        return;
    }
    sqs_queue_arn(q->name, str_c(c->region), arn);
    (void)snprintf(id, sizeof(id), "%s/SQSDefaultPolicy", arn);
    json_t *policy = aws_policy_read(sqs_call_text(q->attributes, "Policy"));
    json_t *statements = json_object_get(policy, "Statement");
    if (find_statement(statements, label) < json_array_size(statements)) {
        json_decref(policy);
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value %.80s for parameter Label is invalid. Reason: Already exists.", label);
        return;
    }
    if (!policy) {
        policy = json_pack("{s:s, s:s, s:[]}", "Version", "2008-10-17", "Id", id, "Statement");
        statements = json_object_get(policy, "Statement");
    }
    json_t *principal = formatted(accounts, "arn:aws:iam::", ":root");
    (void)json_array_append_new(statements,
                                json_pack("{s:s, s:s, s:{s:o}, s:o, s:s}", "Sid", label, "Effect",
                                          "Allow", "Principal", "AWS", principal, "Action",
                                          formatted(actions, "SQS:", ""), "Resource", arn));
    save_policy(c, q, policy);
    json_decref(policy);
}

void sqs_permission_remove(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue_to_change(c);
    const char *label = sqs_call_text(c->input, "Label");
    if (!q) {
        return;
    }
    if (!label) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter Label.");
        return;
    }
    json_t *policy = aws_policy_read(sqs_call_text(q->attributes, "Policy"));
    json_t *statements = json_object_get(policy, "Statement");
    size_t at = find_statement(statements, label);
    if (at == json_array_size(statements)) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value %.80s for parameter Label is invalid. Reason: can't find label.",
                      label);
    } else {
        (void)json_array_remove(statements, at); /* it is there */
        save_policy(c, q, policy);
    }
    json_decref(policy);
}
