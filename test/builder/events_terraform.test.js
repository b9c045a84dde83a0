import assert from 'node:assert/strict';
import test from 'node:test';
import { build, fixture, functionNamed, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';
const texts = (manifest) => manifest.diagnostics.map(({ text }) => text);
const schedule = {
  timezone: 'UTC', enabled: true, catch_up: 'once', start_ms: 0, end_ms: 0,
};

/** A Lambda function of Terraform, in a file of its own. */
const lambda = (name, more = '') => ({
  [`${name}.js`]: handler,
  [`${name}.tf`]: `resource "aws_lambda_function" "${name}" {\n  function_name = "${name}"\n  handler = "${name}.handler"\n  runtime = "nodejs24.x"\n${more}}\n`,
});

test('Terraform: a bucket notifies a function, the sample of the pattern', async (t) => {
  const { events, diagnostics } = await build(t, fixture(t, 'mixed'));

  const [blobs, ...buckets] = events.buckets; /* it has a Netlify function, too */
  assert.deepEqual(blobs, { name: 'netlify-blobs', versioning: false, cors: [], eventbridge: false, notifications: [] });
  assert.deepEqual(buckets, [{
    name: 'shop-images', versioning: false, cors: [], eventbridge: false,
    notifications: [{ id: 'tf-lambda-1', events: ['s3:ObjectCreated:*'], prefix: 'uploads/', suffix: '', function: 'lambda/image-processor' }],
  }]);
  assert.deepEqual(diagnostics, []);
});

test('Terraform: a bucket that nobody declares is made, and that is told', async (t) => {
  const manifest = await build(t, projectOf(t, {
    ...lambda('thumb', '  environment {\n    variables = { BUCKET = aws_s3_bucket.images.bucket }\n  }\n'),
    'main.tf': 'resource "aws_s3_bucket_notification" "n" {\n  bucket = aws_s3_bucket.images.id\n  lambda_function {\n    lambda_function_arn = aws_lambda_function.thumb.arn\n    events = ["s3:ObjectCreated:Put"]\n  }\n}\n',
  }));
  assert.deepEqual(manifest.events.buckets.map(({ name }) => name), ['images']);
  assert.equal(functionNamed(manifest, 'lambda/thumb').env.BUCKET, 'images');
  assert.match(texts(manifest)[0], /^main\.tf: aws_s3_bucket_notification\.n: the bucket "images" is not declared/);
});

test('Terraform: versioning, CORS, queues as targets, names made for what has none', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...lambda('f'),
    'main.tf': `
resource "aws_s3_bucket" "My_Files" {}
resource "aws_s3_bucket" "logs" {
  bucket_prefix = "logs-"
}
resource "aws_s3_bucket_versioning" "v" {
  bucket = aws_s3_bucket.My_Files.id
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_cors_configuration" "c" {
  bucket = aws_s3_bucket.My_Files.bucket
  cors_rule {
    allowed_headers = ["*"]
    allowed_methods = ["PUT", "GET"]
    allowed_origins = ["https://shop.example"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
}
resource "aws_s3_bucket_notification" "n" {
  bucket      = aws_s3_bucket.My_Files.id
  eventbridge = true
  queue {
    id            = "to-queue"
    queue_arn     = aws_sqs_queue.uploads.arn
    events        = ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"]
    filter_suffix = ".jpg"
  }
}
resource "aws_sqs_queue" "uploads" {}
resource "aws_lambda_permission" "ignored" {
  function_name = aws_lambda_function.f.function_name
}
`,
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(events.buckets, [
    {
      name: 'my-files', versioning: true, eventbridge: true,
      notifications: [{ id: 'to-queue', events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:Delete'], prefix: '', suffix: '.jpg', queue: 'uploads' }],
      cors: [{ allowed_headers: ['*'], allowed_methods: ['PUT', 'GET'], allowed_origins: ['https://shop.example'], expose_headers: ['ETag'], max_age_s: 3000 }],
    },
    { name: 'logs-logs', versioning: false, eventbridge: false, notifications: [], cors: [] },
  ]);
  assert.deepEqual(events.queues, [{
    name: 'uploads', platform: 'sqs', fifo: false, content_dedup: false, visibility_s: 30, retention_s: 345_600, delay_s: 0, wait_s: 0,
    max_bytes: 1_048_576,
  }]);
});

test('Terraform: queues with their redrive, and what consumes them', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...lambda('orders', '  timeout = 5\n'),
    'main.tf': `
resource "aws_sqs_queue" "dead" {
  name       = "orders-dead.fifo"
  fifo_queue = true
}
resource "aws_sqs_queue" "orders" {
  name                        = "orders.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  visibility_timeout_seconds  = 60
  message_retention_seconds   = 1209600
  delay_seconds               = 3
  receive_wait_time_seconds   = 20
  max_message_size            = 2048
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 4
  })
}
resource "aws_sqs_queue" "plain" {}
resource "aws_sqs_queue_redrive_policy" "plain" {
  queue_url      = aws_sqs_queue.plain.id
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.heap.arn, maxReceiveCount = "7" })
}
resource "aws_sqs_queue" "heap" {}
resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn        = aws_sqs_queue.orders.arn
  function_name           = aws_lambda_function.orders.arn
  batch_size              = 5
  function_response_types = ["ReportBatchItemFailures"]
  filter_criteria {
    filter {
      pattern = jsonencode({ body = { kind = ["new"] } })
    }
    filter {
      pattern = jsonencode({ body = { total = [{ numeric = [">", 100] }] } })
    }
  }
}
resource "aws_lambda_event_source_mapping" "plain" {
  event_source_arn                   = aws_sqs_queue.plain.arn
  function_name                      = aws_lambda_function.orders.function_name
  batch_size                         = 500
  maximum_batching_window_in_seconds = 2
  enabled                            = false
  scaling_config {
    maximum_concurrency = 4
  }
}
`,
  }));
  assert.deepEqual(diagnostics, []);
  const named = Object.fromEntries(events.queues.map((queue) => [queue.name, queue]));
  assert.deepEqual(named['orders.fifo'], {
    name: 'orders.fifo', platform: 'sqs', fifo: true, content_dedup: true, visibility_s: 60, retention_s: 1_209_600, delay_s: 3, wait_s: 20,
    max_bytes: 2048, redrive: { queue: 'orders-dead.fifo', max_receives: 4 },
  });
  assert.deepEqual(named.plain.redrive, { queue: 'heap', max_receives: 7 });
  assert.deepEqual(events.consumers, [
    {
      queue: 'orders.fifo', function: 'lambda/orders', platform: 'lambda', enabled: true, batch_size: 5, window_ms: 0, max_concurrency: 0,
      report_failures: true, filters: [{ body: { kind: ['new'] } }, { body: { total: [{ numeric: ['>', 100] }] } }],
    },
    {
      queue: 'plain', function: 'lambda/orders', platform: 'lambda', enabled: false, batch_size: 500, window_ms: 2000, max_concurrency: 4,
      report_failures: false, filters: [],
    },
  ]);
});

test('Terraform: for_each, count, dynamic blocks, locals and functions', async (t) => {
  const { events, functions, diagnostics } = await build(t, projectOf(t, {
    'mail.js': handler, 'sms.js': handler,
    'terraform.tfvars': 'stage = "prod"\n',
    'pattern.json': '{ "source": ["shop"] }',
    'main.tf': `
variable "stage" {
  default = "dev"
}
locals {
  jobs    = { mail = { size = 2 }, sms = { size = 3 } }
  buckets = ["a", "b"]
  loop    = local.loop
}
resource "aws_lambda_function" "worker" {
  for_each      = local.jobs
  function_name = "\${each.key}-\${var.stage}"
  handler       = "\${each.key}.handler"
  runtime       = "nodejs24.x"
}
resource "aws_sqs_queue" "jobs" {
  for_each       = local.jobs
  name           = "\${var.stage}-\${each.key}"
  delay_seconds  = each.value.size
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead[0].arn, maxReceiveCount = each.value.size * 2 })
}
resource "aws_sqs_queue" "dead" {
  count = var.stage == "prod" ? 1 : 0
  name  = format("dead-%02d", count.index + 1)
}
resource "aws_lambda_event_source_mapping" "jobs" {
  for_each         = aws_sqs_queue.jobs
  event_source_arn = each.value.arn
  function_name    = aws_lambda_function.worker[each.key].arn
}
resource "aws_s3_bucket" "b" {
  count  = length(local.buckets)
  bucket = "shop-\${element(local.buckets, count.index)}"
}
resource "aws_s3_bucket_notification" "n" {
  for_each = toset([for one in aws_s3_bucket.b : one.bucket])
  bucket   = each.value
  dynamic "lambda_function" {
    for_each = { for name, job in local.jobs : name => job.size if job.size > 2 }
    iterator = job
    content {
      lambda_function_arn = aws_lambda_function.worker[job.key].arn
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = "\${job.key}-\${job.value}/"
    }
  }
}
resource "aws_cloudwatch_event_rule" "r" {
  event_pattern = file("\${path.module}/pattern.json")
}
resource "aws_cloudwatch_event_target" "r" {
  for_each = aws_lambda_function.worker
  rule     = aws_cloudwatch_event_rule.r.name
  arn      = each.value.arn
}
resource "aws_sqs_queue" "never" {
  count = 0
}
`,
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(functions.map(({ name }) => name).sort(), ['lambda/mail-prod', 'lambda/sms-prod']);
  assert.deepEqual(events.queues.map(({ name, delay_s: delay, redrive }) => [name, delay, redrive?.queue, redrive?.max_receives]), [
    ['dead-01', 0, undefined, undefined], ['prod-mail', 2, 'dead-01', 4], ['prod-sms', 3, 'dead-01', 6],
  ]);
  assert.deepEqual(events.consumers.map(({ queue, function: fn }) => [queue, fn]), [
    ['prod-mail', 'lambda/mail-prod'], ['prod-sms', 'lambda/sms-prod'],
  ]);
  assert.deepEqual(events.buckets.map(({ name, notifications }) => [name, notifications.map((one) => [one.prefix, one.function])]), [
    ['shop-a', [['sms-3/', 'lambda/sms-prod']]], ['shop-b', [['sms-3/', 'lambda/sms-prod']]],
  ]);
  assert.deepEqual(events.rules.map(({ pattern, targets }) => [pattern, targets.map(({ function: fn }) => fn)]), [
    [{ source: ['shop'] }, ['lambda/mail-prod', 'lambda/sms-prod']],
  ]);
});

test('Terraform: retries, destinations and dead letters of asynchronous invocations', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...lambda('a', '  dead_letter_config {\n    target_arn = aws_sqs_queue.dead.arn\n  }\n'), ...lambda('b'), ...lambda('c'),
    'main.tf': `
resource "aws_sqs_queue" "dead" {}
resource "aws_cloudwatch_event_bus" "shop" {
  name = "shop"
}
resource "aws_lambda_function_event_invoke_config" "b" {
  function_name                = aws_lambda_function.b.function_name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
  destination_config {
    on_success {
      destination = aws_lambda_function.c.arn
    }
    on_failure {
      destination = aws_cloudwatch_event_bus.shop.arn
    }
  }
}
`,
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(events.async, [
    {
      function: 'lambda/a', max_age_s: 21_600, max_retries: 2, retry_delays_s: [60, 120], on_success: null, on_failure: null,
      dead_letter: { queue: 'dead' },
    },
    {
      function: 'lambda/b', max_age_s: 60, max_retries: 0, retry_delays_s: [60, 120], on_success: { function: 'lambda/c' },
      on_failure: { bus: 'shop' }, dead_letter: null,
    },
  ]);
  assert.deepEqual(events.buses, [{ name: 'shop' }]);
});

test("Terraform: what an alias has for asynchronous invocations does not replace what its function has", async (t) => {
  const config = (id, retries, qualifier) => `
resource "aws_lambda_function_event_invoke_config" "${id}" {
  function_name          = aws_lambda_function.${id[0]}.function_name
  maximum_retry_attempts = ${retries}
  ${qualifier ? `qualifier = "${qualifier}"` : ''}
}`;
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...lambda('a'), ...lambda('b'), 'main.tf': `${config('a_own', 1)}${config('a_live', 0, 'live')}${config('b_live', 0, 'live')}\n`,
  }));
  assert.deepEqual(events.async.map(({ function: fn, max_retries: retries }) => [fn, retries]), [['lambda/a', 1], ['lambda/b', 0]]);
  assert.deepEqual(diagnostics.map(({ text }) => text), [
    'main.tf: aws_lambda_function_event_invoke_config.a_live: it is passed over: what the function itself has counts for all its versions and aliases here',
  ]);
});

test('Terraform: rules with patterns and schedules, and EventBridge Scheduler', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...lambda('f'),
    'main.tf': `
resource "aws_sqs_queue" "fifo" {
  name = "audit.fifo"
  fifo_queue = true
}
resource "aws_cloudwatch_event_bus" "shop" {
  name = "shop"
}
resource "aws_cloudwatch_event_rule" "placed" {
  name           = "placed"
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  event_pattern  = jsonencode({ "detail-type" = ["placed"], detail = { total = [{ numeric = [">", 10] }], declared = ["x"] } })
  state          = "DISABLED"
}
resource "aws_cloudwatch_event_target" "placed" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  target_id      = "audit"
  arn            = aws_sqs_queue.fifo.arn
  sqs_target {
    message_group_id = "orders"
  }
  input_transformer {
    input_paths    = { id = "$.detail.id" }
    input_template = "{\\"order\\": <id>}"
  }
  retry_policy {
    maximum_event_age_in_seconds = 120
    maximum_retry_attempts       = 3
  }
  dead_letter_config {
    arn = aws_sqs_queue.fifo.arn
  }
}
resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "nightly"
  description         = "cleans"
  role_arn            = "arn:aws:iam::1:role/y"
  schedule_expression = "cron(0 2 * * ? *)"
}
resource "aws_cloudwatch_event_target" "nightly" {
  rule  = aws_cloudwatch_event_rule.nightly.name
  arn   = aws_lambda_function.f.arn
  input = jsonencode({ task = "clean" })
}
resource "aws_cloudwatch_event_target" "too" {
  rule = aws_cloudwatch_event_rule.nightly.name
  arn  = aws_sqs_queue.fifo.arn
  sqs_target {
    message_group_id = "g"
  }
}
resource "aws_scheduler_schedule_group" "g" {
  name = "reports"
}
resource "aws_scheduler_schedule" "report" {
  name                         = "report"
  group_name                   = aws_scheduler_schedule_group.g.name
  schedule_expression          = "rate(5 minutes)"
  schedule_expression_timezone = "Europe/Berlin"
  start_date                   = "2030-01-01T00:00:00Z"
  description                  = "each five"
  action_after_completion      = "DELETE"
  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 15
  }
  target {
    arn      = aws_lambda_function.f.arn
    role_arn = "arn:aws:iam::1:role/x"
    input    = jsonencode({ n = 1 })
    retry_policy {
      maximum_retry_attempts = 1
    }
  }
}
`,
  }));
  assert.deepEqual(diagnostics, []);
  const target = { input: null, input_path: null, input_transformer: null, dead_letter: null, max_age_s: 86_400, max_retries: 185 };
  assert.deepEqual(events.rules, [{
    name: 'nightly', bus: 'default', schedule: 'cron(0 2 * * ? *)', timezone: 'UTC', catch_up: 'once', enabled: true,
    region: 'us-east-1', description: 'cleans', role_arn: 'arn:aws:iam::1:role/y',
    targets: [
      { ...target, id: 'nightly', function: 'lambda/f', input: '{"task":"clean"}' }, { ...target, id: 'too', queue: 'audit.fifo', group: 'g' },
    ],
  }, {
    name: 'placed', bus: 'shop', enabled: false, region: 'us-east-1', description: null,
    pattern: { 'detail-type': ['placed'], detail: { total: [{ numeric: ['>', 10] }], declared: ['x'] } },
    targets: [{
      ...target, id: 'audit', queue: 'audit.fifo', group: 'orders', dead_letter: { queue: 'audit.fifo' }, max_age_s: 120, max_retries: 3,
      input_transformer: { paths: { id: '$.detail.id' }, template: '{"order": <id>}' },
    }],
  }]);
  const { input_path: _path, input_transformer: _transformer, ...scheduler } = target;
  assert.deepEqual(events.schedules, [
    {
      ...schedule, name: 'report', platform: 'aws', expression: 'rate(5 minutes)', timezone: 'Europe/Berlin', start_ms: Date.UTC(2030, 0, 1),
      group: 'reports', region: 'us-east-1', description: 'each five', window_minutes: 15, after_completion: 'DELETE',
      target: { ...scheduler, function: 'lambda/f', input: '{"n":1}', max_retries: 1, role_arn: 'arn:aws:iam::1:role/x' },
    },
  ]);
  assert.deepEqual(events.schedule_groups, [{ name: 'reports' }]);
});

test('a schedule may call the API of a service that is here', async (t) => {
  const written = (name, api) => `
resource "aws_scheduler_schedule" "${name}" {
  name                = "${name}"
  schedule_expression = "rate(5 minutes)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = "arn:aws:scheduler:::aws-sdk:${api}"
    role_arn = "arn:aws:iam::1:role/x"
    input    = jsonencode({ FunctionName = "f" })
  }
}
`;
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...lambda('f'), 'main.tf': `${written('call', 'lambda:invoke')}${written('stop', 'ec2:stopInstances')}`,
  }));
  assert.deepEqual(events.schedules.map(({ name, target: { api, input } }) => ({ name, api, input })),
    [{ name: 'call', api: 'lambda:invoke', input: '{"FunctionName":"f"}' }]);
  assert.deepEqual(texts({ diagnostics }).map((text) => text.match(/aws-sdk:[^"\\]*/)?.[0]), ['aws-sdk:ec2:stopInstances']);
});

test('Terraform: what leads nowhere, or is not available here, is told with its place', async (t) => {
  const manifest = await build(t, projectOf(t, {
    ...lambda('real', '  timeout = 40\n'),
    'main.tf': `
resource "aws_sqs_queue" "q" {
  name = "bad name"
}
resource "aws_sqs_queue" "jobs" {
  visibility_timeout_seconds = 99999
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.gone.arn, maxReceiveCount = 1 })
}
resource "aws_lambda_event_source_mapping" "a" {
  event_source_arn = "arn:aws:sqs:us-east-1:1:elsewhere"
  function_name    = "unreal"
}
resource "aws_lambda_event_source_mapping" "b" {
  event_source_arn = "arn:aws:kinesis:us-east-1:1:stream/x"
  function_name    = "real"
}
resource "aws_lambda_event_source_mapping" "c" {
  event_source_arn = "arn:aws:sqs:us-east-1:1:elsewhere"
  function_name    = "real"
  batch_size       = 100
}
resource "aws_s3_bucket" "b" {
  bucket = "bbb"
}
resource "aws_s3_bucket_notification" "n" {
  bucket = aws_s3_bucket.b.id
  lambda_function {
    lambda_function_arn = aws_lambda_function.real.arn
    events              = ["ObjectCreated"]
  }
  topic {
    topic_arn = "arn:aws:sns:us-east-1:1:t"
    events    = ["s3:ObjectCreated:*"]
  }
}
resource "aws_cloudwatch_event_rule" "r" {
  schedule_expression = "rate(1 minutes)"
}
resource "aws_cloudwatch_event_target" "r" {
  rule = aws_cloudwatch_event_rule.r.name
  arn  = aws_lambda_function.real.arn
}
resource "aws_cloudwatch_event_target" "lost" {
  rule = "nobody"
  arn  = aws_lambda_function.real.arn
}
resource "aws_cloudwatch_event_rule" "p" {
  event_pattern = jsonencode({ source = [aws_instance.x.id] })
}
resource "aws_pipes_pipe" "p" {
  source = aws_sqs_queue.jobs.arn
  target = aws_lambda_function.real.arn
}
`,
  }));
  const told = texts(manifest);
  const expected = [
    /aws_s3_bucket_notification\.n: there is no event "ObjectCreated" in S3; perhaps "s3:ObjectCreated:\*"/,
    /aws_s3_bucket_notification\.n: topics \(SNS\) are not available here/,
    /aws_sqs_queue\.q: "bad name" is no name of a queue/,
    /aws_sqs_queue\.jobs: the visibility time-out must be a whole number from 0 to 43200, not 99999/,
    /aws_sqs_queue\.jobs: deadLetterTargetArn of its redrive policy is not the ARN of an SQS queue/,
    /aws_pipes_pipe\.p: pipes \(EventBridge Pipes\) are not available here/,
    /aws_lambda_event_source_mapping\.b: kinesis is not available here/,
    /aws_lambda_event_source_mapping\.c: the batch size \(without a batching window\) must be a whole number from 1 to 10, not 100/,
    /aws_cloudwatch_event_rule\.r: the schedule "rate\(1 minutes\)" must be rate\(1 minute\)/,
    /aws_cloudwatch_event_rule\.p: its event pattern is no JSON object, or not known/,
    /aws_cloudwatch_event_target\.lost: there is no aws_cloudwatch_event_rule of that name/,
    /aws_lambda_event_source_mapping\.a: the queue "elsewhere" is not declared in this project: an empty one is made/,
    /aws_lambda_event_source_mapping\.a: there is no function "unreal" in this project that runs here; there are real/,
    /aws_lambda_event_source_mapping\.c: the queue's visibility time-out of 30 s is less than the function's time-out of 40 s/,
  ];
  expected.forEach((pattern) => assert.ok(told.some((text) => pattern.test(text)), `${pattern} in\n${told.join('\n')}`));
  assert.equal(told.length, expected.length, told.join('\n'));
  assert.deepEqual(manifest.events.consumers.map(({ queue, function: fn, batch_size: size }) => [queue, fn, size]), [['elsewhere', 'lambda/real', 10]]);
  assert.ok(manifest.diagnostics.every(({ file }) => file === 'main.tf'));
});

/** A connection of each type, and destinations; `var.token` has no default. */
