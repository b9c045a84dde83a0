import assert from 'node:assert/strict';
import test from 'node:test';
import { build, fixture, functionNamed, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';
const texts = (manifest) => manifest.diagnostics.map(({ text }) => text);
const api = { 'api/tick.ts': 'export const GET = () => new Response();\n' };
const schedule = {
  timezone: 'UTC', enabled: true, catch_up: 'once', start_ms: 0, end_ms: 0,
};

/** A Lambda function of Terraform, in a file of its own. */
const lambda = (name, more = '') => ({
  [`${name}.js`]: handler,
  [`${name}.tf`]: `resource "aws_lambda_function" "${name}" {\n  function_name = "${name}"\n  handler = "${name}.handler"\n  runtime = "nodejs24.x"\n${more}}\n`,
});

/* Terraform */

test('Terraform: a bucket notifies a function, the sample of the pattern', async (t) => {
  const { events, diagnostics } = await build(t, fixture(t, 'mixed'));

  assert.deepEqual(events.buckets, [{
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
  flexible_time_window {
    mode = "OFF"
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
    name: 'placed', bus: 'shop', enabled: false,
    pattern: { 'detail-type': ['placed'], detail: { total: [{ numeric: ['>', 10] }], declared: ['x'] } },
    targets: [{
      ...target, id: 'audit', queue: 'audit.fifo', group: 'orders', dead_letter: { queue: 'audit.fifo' }, max_age_s: 120, max_retries: 3,
      input_transformer: { paths: { id: '$.detail.id' }, template: '{"order": <id>}' },
    }],
  }]);
  const rule = 'arn:aws:events:us-east-1:000000000000:rule/nightly';
  const { input_path: _path, input_transformer: _transformer, ...scheduler } = target;
  assert.deepEqual(events.schedules, [
    { ...schedule, name: 'nightly', platform: 'aws', expression: 'cron(0 2 * * ? *)', target: { ...target, function: 'lambda/f', input: '{"task":"clean"}', rule } },
    { ...schedule, name: 'nightly/too', platform: 'aws', expression: 'cron(0 2 * * ? *)', target: { ...target, queue: 'audit.fifo', group: 'g', rule } },
    {
      ...schedule, name: 'report', platform: 'aws', expression: 'rate(5 minutes)', timezone: 'Europe/Berlin', start_ms: Date.UTC(2030, 0, 1),
      target: {
        ...scheduler, function: 'lambda/f', input: '{"n":1}', max_retries: 1,
        rule: 'arn:aws:scheduler:us-east-1:000000000000:schedule/reports/report',
      },
    },
  ]);
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
`,
  }));
  const told = texts(manifest);
  const expected = [
    /aws_s3_bucket_notification\.n: there is no event "ObjectCreated" in S3; perhaps "s3:ObjectCreated:\*"/,
    /aws_s3_bucket_notification\.n: topics \(SNS\) are not available here/,
    /aws_sqs_queue\.q: "bad name" is no name of a queue/,
    /aws_sqs_queue\.jobs: the visibility time-out must be a whole number from 0 to 43200, not 99999/,
    /aws_sqs_queue\.jobs: deadLetterTargetArn of its redrive policy is not the ARN of an SQS queue/,
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

/* SAM */

test('SAM: events of functions, and resources of CloudFormation', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    'src/app.js': handler,
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Resources:
  Photos:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: photos
      VersioningConfiguration: { Status: Enabled }
      NotificationConfiguration:
        EventBridgeConfiguration: { EventBridgeEnabled: true }
        QueueConfigurations:
          - { Event: "s3:ObjectRemoved:*", Queue: !GetAtt Jobs.Arn, Filter: { S3Key: { Rules: [{ Name: suffix, Value: .jpg }] } } }
      CorsConfiguration:
        CorsRules: [{ AllowedMethods: [PUT], AllowedOrigins: ["*"], MaxAge: 60 }]
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 300
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3 }
  Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: jobs-dead } }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: shop } }
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      Runtime: nodejs24.x
      Environment: { Variables: { QUEUE_URL: !Ref Jobs, BUCKET: !Ref Photos } }
      DeadLetterQueue: { Type: SQS, TargetArn: !GetAtt Dead.Arn }
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig: { OnSuccess: { Type: EventBridge, Destination: !GetAtt Bus.Arn } }
      Events:
        Upload:
          Type: S3
          Properties:
            Bucket: !Ref Photos
            Events: [ "s3:ObjectCreated:*" ]
            Filter: { S3Key: { Rules: [{ Name: prefix, Value: uploads/ }] } }
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 50
            MaximumBatchingWindowInSeconds: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: { MaximumConcurrency: 2 }
            FilterCriteria: { Filters: [{ Pattern: '{"body":{"a":[1]}}' }] }
        Tick: { Type: Schedule, Properties: { Schedule: rate(1 hour), Input: '{"a":1}', Enabled: false } }
        Tock: { Type: ScheduleV2, Properties: { ScheduleExpression: "cron(0 9 ? * MON-FRI *)", ScheduleExpressionTimezone: America/New_York } }
        Placed: { Type: EventBridgeRule, Properties: { EventBusName: !Ref Bus, Pattern: { source: [shop] }, InputPath: $.detail } }
        Old: { Type: CloudWatchEvent, Properties: { Pattern: { source: [old] } } }
  Rule:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(2 days)
      Targets: [{ Id: q, Arn: !GetAtt Jobs.Arn }, { Id: f, Arn: !GetAtt Worker.Arn, Input: "{}" }]
  Once:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: at(2030-01-01T10:00:00)
      FlexibleTimeWindow: { Mode: "OFF" }
      Target: { Arn: !GetAtt Worker.Arn, RoleArn: x, Input: once }
`,
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(events.buckets, [{
    name: 'photos', versioning: true, eventbridge: true,
    notifications: [
      { id: 'Photos-queue-1', events: ['s3:ObjectRemoved:*'], prefix: '', suffix: '.jpg', queue: 'Jobs' },
      { id: 'WorkerUpload', events: ['s3:ObjectCreated:*'], prefix: 'uploads/', suffix: '', function: 'lambda/Worker' },
    ],
    cors: [{ allowed_headers: [], allowed_methods: ['PUT'], allowed_origins: ['*'], expose_headers: [], max_age_s: 60 }],
  }]);
  assert.deepEqual(events.queues.map(({ name, visibility_s: visibility, redrive }) => [name, visibility, redrive]), [
    ['Jobs', 300, { queue: 'jobs-dead', max_receives: 3 }], ['jobs-dead', 30, undefined],
  ]);
  assert.deepEqual(events.consumers, [{
    queue: 'Jobs', function: 'lambda/Worker', platform: 'lambda', enabled: true, batch_size: 50, window_ms: 1000, max_concurrency: 2,
    report_failures: true, filters: [{ body: { a: [1] } }],
  }]);
  assert.deepEqual(events.async.map((one) => [one.function, one.max_retries, one.on_success, one.dead_letter]), [
    ['lambda/Worker', 1, { bus: 'shop' }, { queue: 'jobs-dead' }],
  ]);
  assert.deepEqual(events.rules.map((rule) => [rule.name, rule.bus, rule.pattern, rule.targets[0].input_path]), [
    ['WorkerPlaced', 'shop', { source: ['shop'] }, '$.detail'], ['WorkerOld', 'default', { source: ['old'] }, null],
  ]);
  assert.deepEqual(events.schedules.map((one) => [one.name, one.expression, one.timezone, one.enabled, one.target.function ?? one.target.queue, one.target.input]), [
    ['Rule', 'rate(2 days)', 'UTC', true, 'Jobs', null],
    ['Rule/f', 'rate(2 days)', 'UTC', true, 'lambda/Worker', '{}'],
    ['Once', 'at(2030-01-01T10:00:00)', 'UTC', true, 'lambda/Worker', 'once'],
    ['WorkerTick', 'rate(1 hour)', 'UTC', false, 'lambda/Worker', '{"a":1}'],
    ['WorkerTock', 'cron(0 9 ? * MON-FRI *)', 'America/New_York', true, 'lambda/Worker', null],
  ]);
});

test('SAM: an event of a bucket of another template, and a queue nobody declares', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'app.js': handler,
    'template.yml': `
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Events:
        A: { Type: S3, Properties: { Bucket: elsewhere, Events: "s3:ObjectCreated:*" } }
        B: { Type: SQS, Properties: { Queue: "arn:aws:sqs:eu-west-1:1:far" } }
        C: { Type: Schedule, Properties: { Schedule: cron(0 1 * * * *) } }
`,
  }));
  const told = texts(manifest);
  assert.match(told[0], /^template\.yml: F\.A: Bucket must be a reference to an AWS::S3::Bucket/);
  assert.match(told[1], /F\.C: the schedule "cron\(0 1 \* \* \* \*\)" must have \? for either/);
  assert.match(told[2], /F\.B: the queue "far" is not declared/);
  assert.deepEqual(manifest.events.consumers.map(({ queue }) => queue), ['far']);
});

/* Vercel, Workers, Netlify */

test('Vercel crons: each is a schedule of its path; what is no schedule is told', async (t) => {
  const crons = [
    { path: '/api/tick', schedule: '*/5 * * * *' }, { path: '/api/tick', schedule: '0 2 * * 0' }, { path: '/api/tick?x=1', schedule: '0 0 1 1-6/2 *' },
    { path: '/nowhere', schedule: '0 2 * * *' }, { path: '/api/tick', schedule: '0 2 * * MON' }, { path: '/api/tick', schedule: '0 2 1 * 1' },
    { path: '/api/tick', schedule: '0 2 * *' }, { path: '/api/tick', schedule: '60 2 * * *' },
  ];
  const manifest = await build(t, projectOf(t, { ...api, 'vercel.json': JSON.stringify({ crons }) }));
  assert.deepEqual(manifest.events.schedules, [
    ['/api/tick', '*/5 * * * *', '/api/tick'], ['/api/tick 0 2 * * 0', '0 2 * * 0', '/api/tick'],
    ['/api/tick?x=1', '0 0 1 1-6/2 *', '/api/tick?x=1'], ['/nowhere', '0 2 * * *', '/nowhere'],
  ].map(([name, expression, path]) => ({ ...schedule, name, platform: 'vercel', expression, target: { path } })));
  assert.deepEqual(texts(manifest), [
    'vercel.json: crons[3]: no function answers /nowhere: each run will be a 404',
    'vercel.json: crons[4]: the schedule "0 2 * * MON" day of the week "MON" is not within 0-6',
    'vercel.json: crons[5]: the schedule "0 2 1 * 1" sets the day of the month and that of the week: one of them must be *',
    'vercel.json: crons[6]: the schedule "0 2 * *" has 4 fields and needs 5: minute, hour, day of the month, month, day of the week',
    'vercel.json: crons[7]: the schedule "60 2 * * *" minute "60" is not within 0-59',
  ]);
});

const mailer = 'export default { fetch() {}, scheduled() {}, queue() {} };\n';

test('a Worker: crons, producers and consumers with production\'s defaults', async (t) => {
  const { events, functions, diagnostics } = await build(t, projectOf(t, {
    'worker.ts': mailer,
    'wrangler.toml': `
name = "mailer"
main = "worker.ts"
[triggers]
crons = ["*/5 * * * *", "0 0 L * *", "0 10 * * MON#2", "0 9 15W JAN-JUN 2-6"]
[[queues.producers]]
queue = "emails"
binding = "EMAILS"
delivery_delay = 7
[[queues.consumers]]
queue = "emails"
[[queues.consumers]]
queue = "reports"
max_batch_size = 100
max_batch_timeout = 0
max_retries = 0
retry_delay = 30
max_concurrency = 2
dead_letter_queue = "reports-dead"
`,
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(events.schedules[0], {
    ...schedule, name: 'worker/mailer */5 * * * *', platform: 'worker', expression: '*/5 * * * *', target: { function: 'worker/mailer' },
  });
  assert.equal(events.schedules.length, 4);
  const consumer = { function: 'worker/mailer', platform: 'worker', enabled: true };
  assert.deepEqual(events.consumers, [
    { ...consumer, queue: 'emails', batch_size: 10, window_ms: 5000, max_retries: 3, retry_delay_s: 0, max_concurrency: 0 },
    { ...consumer, queue: 'reports', batch_size: 100, window_ms: 0, max_retries: 0, retry_delay_s: 30, max_concurrency: 2, dead_letter: 'reports-dead' },
  ]);
  assert.deepEqual(events.queues.map(({ name, platform, delay_s: delay, max_bytes: max }) => [name, platform, delay, max]), [
    ['emails', 'worker', 7, 131_072], ['reports', 'worker', 0, 131_072], ['reports-dead', 'worker', 0, 131_072],
  ]);
  assert.deepEqual(functions[0].bindings.EMAILS, { type: 'queue', queue: 'emails', delay_s: 7 });
});

test('a Worker: mistakes in wrangler\'s file are told', async (t) => {
  const config = (name, more) => ({
    [`${name}/worker.ts`]: `export default { fetch() {}${name === 'b' ? ', email() {}' : ''} };\n`,
    [`${name}/wrangler.json`]: JSON.stringify({ name, main: 'worker.ts', ...more }),
  });
  const manifest = await build(t, projectOf(t, {
    ...config('a', { triggers: { crons: ['0 0 * * 0', '* * * * *'] }, queues: { consumers: [{ queue: 'q', max_batch_size: 101 }, { queue: 'No way!' }] } }),
    ...config('b', { queues: { consumers: [{ queue: 'q' }, { queue: 'p', type: 'http_pull' }], producers: [{ binding: 'P', queue: 'p', delivery_delay: -1 }] } }),
  }));
  assert.deepEqual(texts(manifest), [
    'a/wrangler.json: triggers.crons: the schedule "0 0 * * 0" day of the week "0" is not within 1-7',
    'a/wrangler.json: triggers.crons: the worker\'s default export has no scheduled() for it',
    'a/wrangler.json: queues.consumers[0]: max_batch_size must be a whole number from 1 to 100, not 101',
    'a/wrangler.json: queues.consumers[0]: the worker\'s default export has no queue() for it',
    'a/wrangler.json: queues.consumers[1]: needs the name of a queue: letters, digits and -, at most 63, not "No way!"',
    'b/wrangler.json: queues.producers[0]: delivery_delay must be a whole number from 0 to 86400, not -1',
    'b/wrangler.json: queues.consumers[0]: the worker\'s default export has no queue() for it',
    'b/wrangler.json: queues.consumers[1]: consumers that pull over HTTP are not available here',
    'b/wrangler.json: b/worker.ts: email() is never called here: there is no e-mail',
    'b/wrangler.json: queues.consumers[0]: the queue "q" has a consumer already: this one is left out',
  ]);
  assert.deepEqual(manifest.events.consumers.map(({ function: fn, batch_size: size }) => [fn, size]), [['worker/a', 10]]);
});

test('Netlify: schedules in all three places, and background functions', async (t) => {
  const { events, functions, diagnostics } = await build(t, projectOf(t, {
    'netlify.toml': '[functions."daily"]\nschedule = "@daily"\n',
    'netlify/functions/daily.mts': 'export default async () => {};\n',
    'netlify/functions/own.mts': 'export default async () => {};\nexport const config = { schedule: "0 0 * * 7" };\n',
    'netlify/functions/older.js': 'const { schedule } = require("@netlify/functions");\nexports.handler = schedule("*/10 * * * *", async () => ({ statusCode: 200 }));\n',
    'netlify/functions/wrapped.ts': 'import { schedule } from "@netlify/functions";\nconst run = async () => ({ statusCode: 200 });\nexport const handler = schedule("@hourly", run);\n',
    'netlify/functions/mail-background.mts': 'export default async () => {};\n',
    'netlify/functions/slow.mts': 'export default async () => {};\nexport const config = { background: true, path: "/slow" };\n',
    'netlify/functions/plain.mts': 'export default async () => new Response();\n',
    'node_modules/@netlify/functions/index.js': 'exports.schedule = (cron, handler) => handler;\n',
    'node_modules/@netlify/functions/package.json': '{ "name": "@netlify/functions", "version": "1.0.0", "main": "index.js" }',
  }));
  assert.deepEqual(diagnostics, []);
  const target = (name) => ({ function: 'netlify', path: `/.netlify/functions/${name}` });
  assert.deepEqual(events.schedules, [
    ['daily', '@daily'], ['older', '*/10 * * * *'], ['own', '0 0 * * 7'], ['wrapped', '@hourly'],
  ].map(([name, expression]) => ({ ...schedule, name, platform: 'netlify', expression, target: target(name) })));
  const { endpoints } = functions[0];
  const passed = endpoints.flatMap(({ via, settings }, i) => (via === 'events' ? [[i, settings.function_name]] : []));
  assert.deepEqual(passed.map(([, name]) => name), ['mail-background', 'slow']);
  assert.deepEqual(events.routes, passed.map(([endpoint]) => ({
    function: 'netlify', endpoint, idempotent: null, durable: null, background: { max_retries: 2, retry_delays_s: [60, 120] },
    on_success: null, on_failure: null,
  })));
  assert.deepEqual(endpoints.map(({ settings, timeout_ms: timeout }) => [settings.function_name, timeout / 1000]), [
    ['daily', 30], ['mail-background', 900], ['older', 30], ['own', 30], ['plain', 0], ['slow', 900], ['wrapped', 30],
  ]);
});

/* mayfly.json */

const withConfig = (config) => ({ 'mayfly.json': JSON.stringify(config) });
const next = { 'app/api/webhooks/stripe/route.ts': 'export const POST = () => new Response();\n' };

test('mayfly.json: routes that are answered once, or kept until they are done', async (t) => {
  const { events, functions, diagnostics } = await build(t, projectOf(t, {
    ...api, ...next, '.env': 'HOOK_SECRET=whsec_c2VjcmV0\n', 'worker.ts': mailer,
    ...withConfig({
      routes: {
        '/api/webhooks/stripe': { idempotent: '$.data.items[0].id', idempotentSeconds: 60, durable: true },
        '/api/tick': {
          idempotent: { header: 'Idempotency-Key' }, durable: { retries: 2, delays: [1, 10], maxAge: 3600 },
          onSuccess: { url: 'https://example.com/done', secret: '$HOOK_SECRET' }, onFailure: { queue: 'failed' },
        },
        worker: { idempotent: 'standard-webhooks' },
      },
      events: { queues: { failed: {} } },
    }),
  }));
  assert.deepEqual(diagnostics, []);
  const nobody = { on_success: null, on_failure: null };
  assert.deepEqual(events.routes, [
    {
      function: 'app', endpoint: 0, background: null, ...nobody, idempotent: { key: 'json:$.data.items[0].id', ttl_s: 60 },
      durable: { max_retries: 5, retry_delays_s: [5, 60, 300], max_age_s: 86_400 },
    },
    {
      function: 'api', endpoint: 0, background: null, idempotent: { key: 'header:idempotency-key', ttl_s: 86_400 },
      durable: { max_retries: 2, retry_delays_s: [1, 10], max_age_s: 3600 },
      on_success: { url: 'https://example.com/done', secret: 'whsec_c2VjcmV0' }, on_failure: { queue: 'failed' },
    },
    { function: 'worker', endpoint: 0, background: null, ...nobody, idempotent: { key: 'standard-webhooks', ttl_s: 86_400 }, durable: null },
  ]);
  assert.deepEqual(functions.flatMap(({ endpoints }) => endpoints.map(({ via }) => via)), ['events', 'events', 'events']);
  assert.ok(!JSON.stringify(functions).includes('example.com'));
});

test('mayfly.json: wrong routes are told with a fix and left out', async (t) => {
  const wrong = {
    '/api/none': [{ idempotent: '$.id' }, /no function answers that path; there are \/api\/tick/],
    '/api/tick': [{ idempotent: 'id' }, /"idempotent" must be a path in the JSON body such as "\$\.id"/],
    'api/tick.ts': [{ durable: 7 }, /"durable" must be true or/],
    'api/tick': [{}, /needs "idempotent" or "durable"/],
    api: [{ durable: { retries: -1, delays: [] } }, /delays must be a list of seconds/],
  };
  const routes = Object.fromEntries(Object.entries(wrong).map(([name, [entry]]) => [name, entry]));
  const told = texts(await build(t, projectOf(t, { ...api, ...withConfig({ routes }) })));
  for (const [name, [, pattern]] of Object.entries(wrong)) {
    assert.ok(told.some((text) => pattern.test(text) && text.startsWith(`mayfly.json: routes["${name}"]: `)), `${name}: ${told}`);
  }
  const manifest = await build(t, projectOf(t, {
    ...api, ...withConfig({ routes: { '/api/tick': { durable: true, onFailure: { url: 'ftp://x' }, onSuccess: { url: 'https://x.example', secret: '$NOT_SET' } } } }),
  }));
  assert.match(texts(manifest).join('\n'), /variable NOT_SET is not set; set it in \.env\.local/);
  assert.match(texts(manifest).join('\n'), /onFailure must be \{ "url"/);
  assert.deepEqual(manifest.events.routes[0].on_success, { url: 'https://x.example' });
});

test('mayfly.json: retries of functions, schedules, users; buckets and queues of its own functions', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...api, 'f.js': handler, 'g.js': handler, '.env': 'KEY=k-1\nSECRET=s3cret\n',
    'vercel.json': JSON.stringify({ crons: [{ path: '/api/tick', schedule: '0 2 * * *' }] }),
    ...withConfig({
      functions: {
        f: { handler: 'f.handler', retries: 1, retryDelays: [1], maxAge: 120, onFailure: { function: 'g' } },
        g: { handler: 'g.handler', schedule: 'rate(5 minutes)' },
      },
      events: {
        catchUp: 'skip',
        schedules: { '/api/tick': { timezone: 'Europe/Berlin', enabled: false, catchUp: 'once' } },
        users: { alice: { accessKeyId: '$KEY', secretAccessKey: '$SECRET', email: 'a@example.com' } },
        buckets: { photos: { versioning: true, notifications: [{ events: ['s3:ObjectCreated:*'], prefix: 'in/', function: 'f' }, { events: 's3:ObjectRemoved:*', queue: 'jobs' }] } },
        queues: { jobs: { function: 'g', visibility: 60, deadLetter: 'dead', maxReceives: 2, batchSize: 3 }, dead: {} },
      },
    }),
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(events.async, [{
    function: 'lambda/f', max_age_s: 120, max_retries: 1, retry_delays_s: [1], on_success: null, on_failure: { function: 'lambda/g' }, dead_letter: null,
  }]);
  assert.deepEqual(events.schedules.map(({ name, timezone, enabled, catch_up: up }) => [name, timezone, enabled, up]), [
    ['/api/tick', 'Europe/Berlin', false, 'once'], ['g', 'UTC', true, 'skip'],
  ]);
  assert.deepEqual(events.users, [{ name: 'alice', display_name: 'alice', email: 'a@example.com', access_key: 'k-1', secret_key: 's3cret' }]);
  assert.deepEqual(events.buckets[0].notifications.map((one) => [one.prefix, one.function ?? one.queue]), [['in/', 'lambda/f'], ['', 'jobs']]);
  assert.deepEqual(events.queues.map(({ name, redrive }) => [name, redrive]), [['jobs', { queue: 'dead', max_receives: 2 }], ['dead', undefined]]);
  assert.deepEqual(events.consumers.map((one) => [one.queue, one.function, one.batch_size]), [['jobs', 'lambda/g', 3]]);
});

test('mayfly.json: nonsense in events is told, never fatal', async (t) => {
  const nonsense = [7, [], null, { a: 7, api: null }, { api: { function: 7, notifications: 7, catchUp: 7, timezone: 'Mars' } }];
  for (const value of nonsense) {
    const events = { buckets: value, queues: value, schedules: value, users: value, catchUp: value };
    const functions = { api: { retries: value, onFailure: value, schedule: value } };
    const manifest = await build(t, projectOf(t, { ...api, ...withConfig({ events, routes: value, functions }) }));
    assert.equal(manifest.type, 'manifest');
    assert.deepEqual(manifest.logs.filter(({ level }) => level === 'error'), [], JSON.stringify(value));
    assert.equal(functionNamed(manifest, 'api').endpoints.length, 1);
  }
  assert.match(texts(await build(t, projectOf(t, { ...api, ...withConfig({ events: 7 }) })))[0], /^mayfly\.json: events: must be an object/);
});
