/* SQS's operations, by file: sqs_admin.c has queues, sqs_attributes.c and sqs_permission.c what is
 * said of them, sqs_send.c, sqs_receive.c and sqs_settle.c messages, sqs_move.c what moves dead
 * letters back.
 * Each ends its call, at once or later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/sqs/sqs_call.h"

void sqs_admin_create(struct sqs_call *c);
void sqs_admin_delete(struct sqs_call *c);
void sqs_admin_url(struct sqs_call *c);
void sqs_admin_list(struct sqs_call *c);
void sqs_admin_purge(struct sqs_call *c);
void sqs_admin_tag(struct sqs_call *c);
void sqs_admin_untag(struct sqs_call *c);
void sqs_admin_tags(struct sqs_call *c);
void sqs_admin_dead_letter_sources(struct sqs_call *c);

void sqs_attributes_get(struct sqs_call *c);
void sqs_attributes_set(struct sqs_call *c);

void sqs_permission_add(struct sqs_call *c);
void sqs_permission_remove(struct sqs_call *c);

void sqs_move_start(struct sqs_call *c);
void sqs_move_cancel(struct sqs_call *c);
void sqs_move_list(struct sqs_call *c);

void sqs_send_one(struct sqs_call *c);
void sqs_send_batch(struct sqs_call *c);

void sqs_receive(struct sqs_call *c);

void sqs_settle_delete(struct sqs_call *c);
void sqs_settle_delete_batch(struct sqs_call *c);
void sqs_settle_visibility(struct sqs_call *c);
void sqs_settle_visibility_batch(struct sqs_call *c);

/* A batch's entries: at least one, at most ten, with ids that are sound and distinct. False: the
 * call has failed. */
#define SQS_BATCH_MAX 10
bool sqs_send_check_batch(struct sqs_call *c, const json_t *entries);
