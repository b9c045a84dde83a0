/* Modules of the registry for what invokes functions: queues, buckets and their notifications, rules and schedules of EventBridge.
 * As in terraform_registry.js, only what matters here of each, by the inputs and outputs of their own documentation. */

/** @typedef {{ inputs: object, resource: object, given?: object }} Source of a module, for moduleOf() of terraform_registry.js */

/** The value, unless it is null, as a list for a block. */
const block = (condition, content) => [{ for_each: `\${${condition} ? [true] : []}`, content: [content] }];
const each = (name, otherwise = 'null') => `\${try(each.value.${name}, ${otherwise})}`;

/** @type {Source} */
const SQS = {
  inputs: {
    create: true, name: '', use_name_prefix: false, fifo_queue: null, content_based_deduplication: null, delay_seconds: null, max_message_size: null,
    message_retention_seconds: null, receive_wait_time_seconds: null, visibility_timeout_seconds: null, redrive_policy: {}, create_dlq: false, dlq_name: null,
    dlq_message_retention_seconds: null, dlq_visibility_timeout_seconds: null,
  },
  resource: {
    aws_sqs_queue: {
      this: [{
        count: '${var.create ? 1 : 0}', name: '${var.name}', fifo_queue: '${var.fifo_queue}', content_based_deduplication: '${var.content_based_deduplication}',
        delay_seconds: '${var.delay_seconds}', max_message_size: '${var.max_message_size}', message_retention_seconds: '${var.message_retention_seconds}',
        receive_wait_time_seconds: '${var.receive_wait_time_seconds}', visibility_timeout_seconds: '${var.visibility_timeout_seconds}',
        redrive_policy: '${var.create_dlq ? jsonencode(merge({ deadLetterTargetArn = aws_sqs_queue.dlq[0].arn, maxReceiveCount = 5 }, var.redrive_policy)) : ' +
          'length(keys(var.redrive_policy)) == 0 ? "" : jsonencode(var.redrive_policy)}',
      }],
      dlq: [{
        count: '${var.create && var.create_dlq ? 1 : 0}',
        name: '${var.dlq_name != null ? var.dlq_name : var.fifo_queue == true ? "${trimsuffix(var.name, ".fifo")}-dlq.fifo" : "${var.name}-dlq"}',
        fifo_queue: '${var.fifo_queue}', message_retention_seconds: '${var.dlq_message_retention_seconds}',
        visibility_timeout_seconds: '${var.dlq_visibility_timeout_seconds}',
      }],
    },
  },
  given: { outputs: {
    queue_arn: '${aws_sqs_queue.this[0].arn}', queue_id: '${aws_sqs_queue.this[0].url}', queue_url: '${aws_sqs_queue.this[0].url}',
    queue_name: '${aws_sqs_queue.this[0].name}', dead_letter_queue_arn: '${aws_sqs_queue.dlq[0].arn}', dead_letter_queue_url: '${aws_sqs_queue.dlq[0].url}',
    dead_letter_queue_id: '${aws_sqs_queue.dlq[0].url}', dead_letter_queue_name: '${aws_sqs_queue.dlq[0].name}',
    /* until its version 4 */
    sqs_queue_arn: '${aws_sqs_queue.this[0].arn}', sqs_queue_id: '${aws_sqs_queue.this[0].url}', sqs_queue_name: '${aws_sqs_queue.this[0].name}',
  } },
};

/** @type {Source} */
const S3 = {
  inputs: { create_bucket: true, bucket: null, bucket_prefix: null, versioning: {}, cors_rule: [] },
  resource: {
    aws_s3_bucket: { this: [{
      count: '${var.create_bucket ? 1 : 0}', bucket: '${var.bucket}', bucket_prefix: '${var.bucket_prefix}',
      versioning: [{ enabled: '${try(var.versioning.enabled, var.versioning.status, false)}' }],
      cors_rule: '${try(jsondecode(var.cors_rule), var.cors_rule)}',
    }] },
  },
  given: { outputs: {
    s3_bucket_id: '${aws_s3_bucket.this[0].bucket}', s3_bucket_arn: '${aws_s3_bucket.this[0].arn}',
    s3_bucket_bucket_domain_name: '${aws_s3_bucket.this[0].bucket_domain_name}',
    s3_bucket_bucket_regional_domain_name: '${aws_s3_bucket.this[0].bucket_regional_domain_name}',
  } },
};

/** Of notifications, which are a map by any names. */
function notifications(kind, target) {
  const of = (name) => `\${try(${kind}.value.${name}, null)}`;
  return [{
    for_each: `\${var.${kind === 'queue' ? 'sqs' : 'lambda'}_notifications}`,
    content: [{ [target]: of(kind === 'queue' ? target : 'function_arn'), events: of('events'), filter_prefix: of('filter_prefix'), filter_suffix: of('filter_suffix') }],
  }];
}

/** @type {Source} */
const NOTIFICATION = {
  inputs: { create: true, bucket: '', eventbridge: false, lambda_notifications: {}, sqs_notifications: {}, sns_notifications: {} },
  resource: {
    aws_s3_bucket_notification: { this: [{
      count: '${var.create ? 1 : 0}', bucket: '${var.bucket}', eventbridge: '${var.eventbridge}',
      dynamic: {
        lambda_function: notifications('lambda_function', 'lambda_function_arn'), queue: notifications('queue', 'queue_arn'),
        topic: [{ for_each: '${var.sns_notifications}', content: [{ topic_arn: 'x' }] }],
      },
    }] },
  },
};

/** Targets of a rule are a list by its name. */
const TARGETS = '${merge([for rule, targets in var.targets : { for target in targets : "${rule}/${target.name}" => merge(target, { rule = rule }) }]...)}';
const BUS = '${var.create_bus ? var.bus_name : "default"}';

/** @type {Source} */
const EVENTBRIDGE = {
  inputs: { create: true, create_bus: true, create_rules: true, create_targets: true, create_schedules: true, bus_name: 'default', rules: {}, targets: {}, schedules: {}, append_rule_postfix: true, append_schedule_postfix: true },
  resource: {
    aws_cloudwatch_event_bus: { this: [{ count: '${var.create && var.create_bus && var.bus_name != "default" ? 1 : 0}', name: '${var.bus_name}' }] },
    aws_cloudwatch_event_rule: { this: [{
      for_each: '${var.create && var.create_rules ? var.rules : {}}', event_bus_name: BUS,
      name: '${var.append_rule_postfix ? "${each.key}-rule" : each.key}', description: each('description'), event_pattern: each('event_pattern'),
      schedule_expression: each('schedule_expression'), state: each('state', '(try(each.value.enabled, true) ? "ENABLED" : "DISABLED")'),
    }] },
    aws_cloudwatch_event_target: { this: [{
      for_each: TARGETS, event_bus_name: BUS, rule: '${var.append_rule_postfix ? "${each.value.rule}-rule" : each.value.rule}',
      target_id: '${each.value.name}', arn: each('arn'), input: each('input'), input_path: each('input_path'),
      dynamic: {
        input_transformer: block('try(each.value.input_transformer, null) != null', {
          input_paths: '${try(each.value.input_transformer.input_paths, null)}', input_template: '${try(each.value.input_transformer.input_template, null)}',
        }),
        dead_letter_config: block('try(each.value.dead_letter_arn, null) != null', { arn: each('dead_letter_arn') }),
        sqs_target: block('try(each.value.message_group_id, null) != null', { message_group_id: each('message_group_id') }),
      },
    }] },
    aws_scheduler_schedule: { this: [{
      for_each: '${var.create && var.create_schedules ? var.schedules : {}}', name: '${var.append_schedule_postfix ? "${each.key}-schedule" : each.key}',
      group_name: each('group_name'), schedule_expression: each('schedule_expression'), schedule_expression_timezone: each('timezone'),
      state: each('state', '"ENABLED"'), flexible_time_window: [{ mode: 'OFF' }],
      target: [{ arn: each('arn'), input: each('input') }],
    }] },
  },
  given: { outputs: { eventbridge_bus_name: BUS } },
};

/** @type {[string, Source][]} */
export const EVENT_MODULES = [
  ['terraform-aws-modules/sqs/aws', SQS],
  ['terraform-aws-modules/s3-bucket/aws', S3],
  ['terraform-aws-modules/s3-bucket/aws//modules/notification', NOTIFICATION],
  ['terraform-aws-modules/eventbridge/aws', EVENTBRIDGE],
];
