/* What serverless.yml says of events: the Serverless Framework makes CloudFormation of it, and so do we. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, functionNamed, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';

/** A service `shop` with one function `work`; its provider's lines, and what else its file says. */
const service = (text, provider = '') => ({
  'work.js': handler,
  'serverless.yml': `service: shop\nprovider:\n  name: aws\n  runtime: nodejs24.x\n${provider}${text}`,
});
const texts = ({ diagnostics }) => diagnostics.map(({ severity, text }) => `${severity}: ${text}`);

test('serverless.yml: queues of its resources, and functions that take their messages', async (t) => {
  const manifest = await build(t, projectOf(t, {
    ...service(`
functions:
  work:
    handler: work.handler
    environment:
      QUEUE_URL: !Ref Jobs
      DEAD_ARN: { Fn::GetAtt: [Dead, Arn] }
      TOPIC: !Sub "arn:aws:sqs:\${AWS::Region}:\${AWS::AccountId}:\${self:service}-\${Dead.QueueName}"
    events:
      - sqs:
          arn: !GetAtt Jobs.Arn
          batchSize: 5
          maximumBatchingWindow: 2
          maximumConcurrency: 3
          functionResponseType: ReportBatchItemFailures
          filterPatterns: [{ body: { kind: [new] } }]
      - sqs: arn:aws:sqs:us-east-1:000000000000:jobs-dead
resources:
  - \${file(queues.yml)}
  - Resources:
      Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: jobs-dead } }
`),
    'queues.yml': `
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: \${self:service}-\${sls:stage}-jobs
      VisibilityTimeout: 36
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3 }
`,
  }));
  assert.deepEqual(texts(manifest), []);
  assert.deepEqual(manifest.events.queues.map(({ name, visibility_s: visibility, redrive }) => [name, visibility, redrive]), [
    ['shop-dev-jobs', 36, { queue: 'jobs-dead', max_receives: 3 }], ['jobs-dead', 30, undefined],
  ]);
  const [jobs, dead] = manifest.events.consumers;
  assert.deepEqual(jobs, {
    queue: 'shop-dev-jobs', function: 'lambda/shop-dev-work', platform: 'lambda', enabled: true, batch_size: 5, window_ms: 2000,
    max_concurrency: 3, report_failures: true, filters: [{ body: { kind: ['new'] } }],
  });
  assert.deepEqual([dead.queue, dead.batch_size, dead.report_failures], ['jobs-dead', 10, false]);
  const { env } = functionNamed(manifest, 'lambda/shop-dev-work');
  assert.deepEqual([env.QUEUE_URL, env.DEAD_ARN, env.TOPIC], [
    'https://sqs.us-east-1.amazonaws.com/000000000000/shop-dev-jobs', 'arn:aws:sqs:us-east-1:000000000000:jobs-dead',
    'arn:aws:sqs:us-east-1:000000000000:shop-jobs-dead',
  ]);
});

test('serverless.yml: uploads into buckets that it makes, and into those of its resources', async (t) => {
  const manifest = await build(t, projectOf(t, service(`
functions:
  work:
    handler: work.handler
    events:
      - s3: plain-\${opt:stage, self:provider.stage}
      - s3: { bucket: photos, event: "s3:ObjectRemoved:*", rules: [{ prefix: in/ }, { suffix: .jpg }] }
      - s3: { bucket: !Ref Own, existing: true }
resources:
  Resources:
    Own: { Type: AWS::S3::Bucket, Properties: { BucketName: own, VersioningConfiguration: { Status: Enabled } } }
`, '  s3: { photos: { name: shop-photos } }\n')));
  assert.deepEqual(texts(manifest), []);
  const seen = manifest.events.buckets.map(({ name, versioning, notifications }) => [
    name, versioning, ...notifications.map(({ events, prefix, suffix, function: to }) => [...events, prefix, suffix, to]),
  ]);
  assert.deepEqual(seen.sort(), [
    ['own', true, ['s3:ObjectCreated:*', '', '', 'lambda/shop-dev-work']],
    ['plain-dev', false, ['s3:ObjectCreated:*', '', '', 'lambda/shop-dev-work']],
    ['shop-photos', false, ['s3:ObjectRemoved:*', 'in/', '.jpg', 'lambda/shop-dev-work']],
  ]);
});

test('serverless.yml: schedules and events of buses', async (t) => {
  const manifest = await build(t, projectOf(t, service(`
functions:
  work:
    handler: work.handler
    events:
      - schedule: rate(10 minutes)
      - schedule: { rate: ["cron(0 2 * * ? *)", rate(2 days)], name: nightly, enabled: false, input: { kind: night } }
      - schedule: { method: scheduler, rate: "cron(0 9 ? * MON-FRI *)", timezone: Europe/Berlin }
      - eventBridge: { eventBus: !Ref Bus, pattern: { source: [shop] }, inputPath: $.detail, retryPolicy: { maximumRetryAttempts: 3 } }
      - eventBridge: { schedule: rate(1 hour) }
      - cloudwatchEvent: { event: { source: [old] } }
resources:
  Resources:
    Bus: { Type: AWS::Events::EventBus, Properties: { Name: shop } }
`)));
  assert.deepEqual(texts(manifest), []);
  const { schedules, rules } = manifest.events;
  const [ticking, matching] = [rules.filter((rule) => rule.schedule), rules.filter((rule) => rule.pattern)];
  assert.deepEqual(ticking.map(({ name, schedule, timezone, enabled, targets: [to] }) => [name, schedule, timezone, enabled, to.input]), [
    ['shop-dev-work-schedule', 'rate(10 minutes)', 'UTC', true, null],
    ['nightly', 'cron(0 2 * * ? *)', 'UTC', false, '{"kind":"night"}'],
    ['nightly-2', 'rate(2 days)', 'UTC', false, '{"kind":"night"}'],
    ['shop-dev-work-schedule-3', 'rate(1 hour)', 'UTC', true, null],
  ]);
  assert.deepEqual(schedules.map(({ name, group, expression, timezone, target }) => [name, group, expression, timezone, target.function]), [
    ['shop-dev-work-schedule-2', 'default', 'cron(0 9 ? * MON-FRI *)', 'Europe/Berlin', 'lambda/shop-dev-work'],
  ]);
  assert.ok(ticking.every(({ targets: [to] }) => to.function === 'lambda/shop-dev-work'));
  assert.deepEqual(matching.map(({ bus, pattern, targets: [{ function: to, input_path: at, max_retries: tries }] }) => [bus, pattern, to, at, tries]), [
    ['shop', { source: ['shop'] }, 'lambda/shop-dev-work', '$.detail', 3],
    ['default', { source: ['old'] }, 'lambda/shop-dev-work', null, 185],
  ]);
});

test('serverless.yml: retries, destinations and dead letters of asynchronous invocations', async (t) => {
  const { diagnostics, events } = await build(t, projectOf(t, service(`
functions:
  work:
    handler: work.handler
    maximumRetryAttempts: 1
    maximumEventAge: 120
    destinations: { onSuccess: after-work, onFailure: { type: sqs, arn: !GetAtt Failed.Arn } }
  after-work: { handler: work.handler, onError: !GetAtt Failed.Arn }
resources:
  Resources: { Failed: { Type: AWS::SQS::Queue } }
`)));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(events.async.map((entry) => [entry.function, entry.max_retries, entry.max_age_s, entry.on_success, entry.on_failure, entry.dead_letter]), [
    ['lambda/shop-dev-work', 1, 120, { function: 'lambda/shop-dev-after-work' }, { queue: 'Failed' }, null],
    ['lambda/shop-dev-after-work', 2, 21_600, null, null, { queue: 'Failed' }],
  ]);
});

test('serverless.yml: a trigger that nothing here can fire is told', async (t) => {
  const manifest = await build(t, projectOf(t, service(`
functions:
  work:
    handler: work.handler
    events:
      - sns: news
      - stream: arn:aws:dynamodb:us-east-1:1:table/x/stream/y
      - s3: \${construct:photos.bucketName}
      - httpApi: "*"
constructs: { photos: { type: storage } }
`)));
  assert.deepEqual(texts(manifest), [
    "warning: serverless.yml: constructs are a plugin's (serverless-lift) and are not read: declare their queues and buckets as resources",
    'error: serverless.yml: work.s3: the name of its bucket is not known before it is created',
    'warning: serverless.yml: work.sns: events of this kind (sns) do not come by themselves here: invoke the function with one',
    'warning: serverless.yml: work.stream: events of this kind (stream) do not come by themselves here: invoke the function with one',
  ]);
});
