/* Modules of Terraform's registry: what they make of their inputs, and hand from one to the other. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { build, functionNamed, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';

test('Terraform: queues, buckets and rules that modules of the registry make lead to functions that others make', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'src/app.js': handler, 'layer/nodejs/a.js': handler,
    'main.tf': `
module "app" {
  source        = "terraform-aws-modules/lambda/aws"
  function_name = "app"
  handler       = "app.handler"
  runtime       = "nodejs24.x"
  source_path   = "\${path.module}/src"
  layers        = [module.layer.lambda_layer_arn]
  event_source_mapping = {
    jobs = {
      event_source_arn        = module.jobs.queue_arn
      batch_size              = 5
      function_response_types = ["ReportBatchItemFailures"]
      scaling_config          = { maximum_concurrency = 3 }
      filter_criteria         = { pattern = jsonencode({ body = { kind = ["new"] } }) }
    }
    dead = { event_source_arn = module.jobs.dead_letter_queue_arn }
  }
  create_async_event_config = true
  maximum_retry_attempts    = 1
  destination_on_failure    = module.jobs.dead_letter_queue_arn
  dead_letter_target_arn    = module.jobs.dead_letter_queue_arn
}
module "layer" {
  source       = "terraform-aws-modules/lambda/aws"
  create_layer = true
  layer_name   = "common"
  source_path  = "\${path.module}/layer"
}
module "jobs" {
  source                     = "terraform-aws-modules/sqs/aws"
  name                       = "jobs"
  visibility_timeout_seconds = 60
  create_dlq                 = true
  redrive_policy             = { maxReceiveCount = 2 }
}
module "photos" {
  source     = "terraform-aws-modules/s3-bucket/aws"
  bucket     = "photos"
  versioning = { enabled = true }
}
module "photos_notification" {
  source = "terraform-aws-modules/s3-bucket/aws//modules/notification"
  bucket = module.photos.s3_bucket_id
  lambda_notifications = {
    put = { function_arn = module.app.lambda_function_arn, function_name = module.app.lambda_function_name, events = ["s3:ObjectCreated:*"], filter_prefix = "in/" }
  }
  sqs_notifications = {
    gone = { queue_arn = module.jobs.queue_arn, events = ["s3:ObjectRemoved:*"] }
  }
}
module "bus" {
  source   = "terraform-aws-modules/eventbridge/aws"
  bus_name = "shop"
  rules    = { orders = { description = "all", event_pattern = jsonencode({ source = ["shop"] }) } }
  targets  = { orders = [{ name = "app", arn = module.app.lambda_function_arn, dead_letter_arn = module.jobs.dead_letter_queue_arn }, { name = "jobs", arn = module.jobs.queue_arn }] }
}
module "ticks" {
  source     = "terraform-aws-modules/eventbridge/aws"
  create_bus = false
  rules      = { tick = { schedule_expression = "rate(1 hour)", enabled = false } }
  targets    = { tick = [{ name = "app", arn = module.app.lambda_function_arn, input = jsonencode({ a = 1 }) }] }
  schedules  = { tock = { schedule_expression = "cron(0 9 * * ? *)", timezone = "Europe/Berlin", arn = module.app.lambda_function_arn } }
}
`,
  }));
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(manifest.functions.map(({ name }) => name), ['lambda/app']);
  assert.deepEqual(functionNamed(manifest, 'lambda/app').mounts.map(({ source }) => path.basename(source)), ['layer']);
  const { buckets, queues, consumers, rules, schedules, buses, async: invocations } = manifest.events;
  assert.deepEqual(queues.map(({ name, visibility_s: seconds, redrive }) => [name, seconds, redrive]).toSorted(),
    [['jobs', 60, { queue: 'jobs-dlq', max_receives: 2 }], ['jobs-dlq', 30, undefined]]);
  assert.deepEqual(consumers.map((one) => [one.queue, one.batch_size, one.max_concurrency, one.report_failures, one.filters]).toSorted(),
    [['jobs', 5, 3, true, [{ body: { kind: ['new'] } }]], ['jobs-dlq', 10, 0, false, []]]);
  const dead = { queue: 'jobs-dlq' };
  assert.deepEqual(invocations.map((one) => [one.max_retries, one.on_failure, one.dead_letter]), [[1, dead, dead]]);
  assert.deepEqual(buckets.map(({ name, versioning }) => [name, versioning]), [['photos', true]]);
  assert.deepEqual(buckets[0].notifications.map((one) => one.function ?? one.queue), ['lambda/app', 'jobs']);
  assert.deepEqual(buses.map(({ name }) => name), ['shop']);
  assert.deepEqual(rules.map(({ name, bus, enabled, targets }) => [name, bus, enabled, targets.map((one) => one.function ?? one.queue)]),
    [['orders-rule', 'shop', true, ['lambda/app', 'jobs']], ['tick-rule', 'default', false, ['lambda/app']]]);
  assert.deepEqual([rules[0].targets[0].dead_letter, rules[1].targets[0].input], [dead, '{"a":1}']);
  assert.deepEqual(schedules.map(({ name, timezone, target }) => [name, timezone, target.function]), [['tock-schedule', 'Europe/Berlin', 'lambda/app']]);
});
