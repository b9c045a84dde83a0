/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/sqs/sqs.h"

#include "control/aws/sqs/sqs_operations.h"

/* clang-format off */
static const struct {
    const char *name;
    void (*run)(struct sqs_call *c);
} operations[] = {
    { "SendMessage",                  sqs_send_one },
    { "SendMessageBatch",             sqs_send_batch },
    { "ReceiveMessage",               sqs_receive },
    { "DeleteMessage",                sqs_settle_delete },
    { "DeleteMessageBatch",           sqs_settle_delete_batch },
    { "ChangeMessageVisibility",      sqs_settle_visibility },
    { "ChangeMessageVisibilityBatch", sqs_settle_visibility_batch },
    { "CreateQueue",                  sqs_admin_create },
    { "DeleteQueue",                  sqs_admin_delete },
    { "GetQueueUrl",                  sqs_admin_url },
    { "ListQueues",                   sqs_admin_list },
    { "GetQueueAttributes",           sqs_attributes_get },
    { "SetQueueAttributes",           sqs_attributes_set },
    { "PurgeQueue",                   sqs_admin_purge },
    { "TagQueue",                     sqs_admin_tag },
    { "UntagQueue",                   sqs_admin_untag },
    { "ListQueueTags",                sqs_admin_tags },
    { "ListDeadLetterSourceQueues",   sqs_admin_dead_letter_sources },
    { "AddPermission",                sqs_permission_add },
    { "RemovePermission",             sqs_permission_remove },
    { "StartMessageMoveTask",         sqs_move_start },
    { "CancelMessageMoveTask",        sqs_move_cancel },
    { "ListMessageMoveTasks",         sqs_move_list },
};
/* clang-format on */

static void run(struct sqs_call *c)
{
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
        if (strcmp(c->operation, operations[i].name) == 0) {
            operations[i].run(c);
            return;
        }
    }
    sqs_call_fail(c, SQS_ERROR_OPERATION, "The action %s is not valid for this endpoint.",
                  c->operation);
}

void sqs_begin(struct services *s, struct exchange *x)
{
    sqs_call_begin(s, x, run);
}
