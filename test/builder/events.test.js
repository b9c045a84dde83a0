import assert from 'node:assert/strict';
import test from 'node:test';
import { build, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';
const texts = (manifest) => manifest.diagnostics.map(({ text }) => text);
const api = { 'api/tick.ts': 'export const GET = () => new Response();\nexport const POST = GET;\n' };
const schedule = {
  timezone: 'UTC', enabled: true, catch_up: 'once', start_ms: 0, end_ms: 0,
};

/** A Lambda function of Terraform, in a file of its own. */
const lambda = (name, more = '') => ({
  [`${name}.js`]: handler,
  [`${name}.tf`]: `resource "aws_lambda_function" "${name}" {\n  function_name = "${name}"\n  handler = "${name}.handler"\n  runtime = "nodejs24.x"\n${more}}\n`,
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
  Group: { Type: AWS::Scheduler::ScheduleGroup, Properties: { Name: some } }
  Once:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: at(2030-01-01T10:00:00)
      FlexibleTimeWindow: { Mode: FLEXIBLE, MaximumWindowInMinutes: 5 }
      GroupName: !Ref Group
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
    ['Rule', 'default', undefined, null], ['WorkerTick', 'default', undefined, null],
    ['WorkerPlaced', 'shop', { source: ['shop'] }, '$.detail'], ['WorkerOld', 'default', { source: ['old'] }, null],
  ]);
  assert.deepEqual(events.rules.slice(0, 2).map(({ schedule: said, enabled, targets }) => [said, enabled, ...targets.map((one) => [one.function ?? one.queue, one.input])]), [
    ['rate(2 days)', true, ['Jobs', null], ['lambda/Worker', '{}']], ['rate(1 hour)', false, ['lambda/Worker', '{"a":1}']],
  ]);
  assert.deepEqual(events.schedules.map((one) => [one.name, one.expression, one.timezone, one.enabled, one.target.function ?? one.target.queue, one.target.input]), [
    ['Once', 'at(2030-01-01T10:00:00)', 'UTC', true, 'lambda/Worker', 'once'],
    ['WorkerTock', 'cron(0 9 ? * MON-FRI *)', 'America/New_York', true, 'lambda/Worker', null],
  ]);
  assert.deepEqual(events.schedules.map(({ name, group, window_minutes: window }) => [name, group, window]).filter(([, group]) => group), [
    ['Once', 'some', 5], ['WorkerTock', 'default', 0],
  ]);
  assert.deepEqual(events.schedule_groups, [{ name: 'some' }]);
});

test('SAM: events of long names are named as EventBridge takes them', async (t) => {
  const id = 'AFunctionWhoseNameIsLongEnoughThatNothingFitsBehindIt';
  const { events } = await build(t, projectOf(t, {
    'app.js': handler,
    'template.yaml': `
Resources:
  ${id}:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: nodejs22.x
      Events:
        EveryMorningAtNine: { Type: ScheduleV2, Properties: { ScheduleExpression: "cron(0 9 * * ? *)" } }
        EveryMorningAtTen: { Type: Schedule, Properties: { Schedule: "cron(0 10 * * ? *)" } }
`,
  }));
  const names = [...events.schedules, ...events.rules].map(({ name }) => name);
  assert.equal(new Set(names).size, 2);
  names.forEach((name) => assert.match(name, /^AFunctionWhoseName[\w-]{1,46}$/));
});

test('CloudFormation: connections and API destinations, as the CDK writes them', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    'fn/index.js': 'exports.handler = async () => 1;\n',
    'samconfig.toml': 'version = 0.1\n[default.deploy.parameters]\nparameter_overrides = "Password=s3cret"\n',
    'template.yaml': `
Parameters:
  Password: { Type: String, NoEcho: true }
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: fn/, Handler: index.handler, Runtime: nodejs22.x }
  Crm:
    Type: AWS::Events::Connection
    Properties:
      AuthorizationType: BASIC
      AuthParameters:
        BasicAuthParameters: { Username: me, Password: !Ref Password }
        InvocationHttpParameters:
          QueryStringParameters: [{ Key: v, Value: 2, IsValueSecret: false }]
  Kept:
    Type: AWS::Events::Connection
    Properties:
      Name: kept
      AuthorizationType: API_KEY
      AuthParameters:
        ApiKeyAuthParameters: { ApiKeyName: x-key, ApiKeyValue: "{{resolve:secretsmanager:arn:aws:secretsmanager:us-east-1:1:secret:k:SecretString:::}}" }
  Orders:
    Type: AWS::Events::ApiDestination
    Properties:
      ConnectionArn: !GetAtt Crm.Arn
      HttpMethod: POST
      InvocationEndpoint: !Sub "https://\${AWS::Region}.crm.example/*"
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: { source: [shop] }
      Targets:
        - Id: T0
          Arn: !GetAtt Orders.Arn
          RoleArn: arn:aws:iam::1:role/x
          HttpParameters: { HeaderParameters: { a: b }, PathParameterValues: [$.detail.id] }
`,
  }));
  const [{ uuid: _uuid, ...crm }, { name, auth }] = events.connections;
  assert.deepEqual(crm, { name: 'Crm', type: 'BASIC', description: '', auth: {
    BasicAuthParameters: { Username: 'me', Password: 's3cret' },
    InvocationHttpParameters: { QueryStringParameters: [{ Key: 'v', Value: '2', IsValueSecret: false }] },
  } });
  assert.deepEqual({ name, auth }, { name: 'kept', auth: undefined });
  assert.deepEqual(diagnostics.map(({ text }) => text.replace(/ here:.*/, '')),
    ['template.yaml: Kept: ApiKeyAuthParameters.ApiKeyValue of the connection "kept" is not known']);
  const [{ uuid: _other, ...orders }] = events.endpoints;
  assert.deepEqual(orders, { name: 'Orders', description: '', connection: 'Crm', method: 'POST', url: 'https://us-east-1.crm.example/*', rate: 300 });
  const [{ targets: [{ endpoint, http_parameters: http }] }] = events.rules;
  assert.deepEqual({ endpoint, http }, { endpoint: 'Orders', http: { HeaderParameters: { a: 'b' }, PathParameterValues: ['$.detail.id'] } });
});

test('CloudFormation: nonsense in a connection is told, never fatal', async (t) => {
  const connection = (type, auth) => ({ Type: 'AWS::Events::Connection', Properties: { AuthorizationType: type, AuthParameters: auth } });
  const { events, diagnostics } = await build(t, projectOf(t, {
    'fn/index.js': 'exports.handler = async () => 1;\n',
    'mayfly.json': '{"events":{"connections":{"C":{"secret":"x"}}}}',
    'template.json': JSON.stringify({ Resources: {
      Fn: { Type: 'AWS::Serverless::Function', Properties: { CodeUri: 'fn/', Handler: 'index.handler', Runtime: 'nodejs22.x' } },
      A: connection('BASIC', { BasicAuthParameters: { Username: { a: 1 }, Password: 'x'.repeat(513) } }),
      B: connection('API_KEY', 'secret'),
      C: connection('OAUTH_CLIENT_CREDENTIALS', { OAuthParameters: { AuthorizationEndpoint: 7, HttpMethod: 'POST', ClientParameters: 'me' } }),
      D: connection('API_KEY', { ApiKeyAuthParameters: { ApiKeyName: 'k', ApiKeyValue: 'v' }, InvocationHttpParameters: { HeaderParameters: [7, {}], BodyParameters: 'b' } }),
    } }),
  }));
  assert.deepEqual(events.connections.map(({ name, auth }) => [name, auth]), [['A', undefined], ['B', undefined], ['C', undefined], ['D', undefined]]);
  assert.deepEqual(diagnostics.map(({ text }) => text.replace(/^template\.json: | of the connection.*/g, '')), [
    'A: BasicAuthParameters.Username, BasicAuthParameters.Password', 'B: ApiKeyAuthParameters.ApiKeyName, ApiKeyAuthParameters.ApiKeyValue',
    'C: ClientParameters.ClientID',
    'D: InvocationHttpParameters.HeaderParameters, InvocationHttpParameters.HeaderParameters, InvocationHttpParameters.BodyParameters',
  ]);
});

test('CloudFormation: what brings events at AWS and does not run here is told', async (t) => {
  const { diagnostics } = await build(t, projectOf(t, {
    'app.js': handler,
    'template.json': JSON.stringify({ Resources: {
      Fn: { Type: 'AWS::Serverless::Function', Properties: { Handler: 'app.handler' } },
      Pipe: { Type: 'AWS::Pipes::Pipe', Properties: { Source: 'a', Target: { 'Fn::GetAtt': ['Fn', 'Arn'] } } },
      Topic: { Type: 'AWS::SNS::Subscription', Properties: { Endpoint: { 'Fn::GetAtt': ['Fn', 'Arn'] }, Protocol: 'lambda' } },
      Flow: { Type: 'AWS::Serverless::StateMachine', Properties: {} },
    } }),
  }));
  assert.deepEqual(diagnostics.map(({ text }) => text.replace(/ are not available here.*/, '')), [
    'template.json: Pipe: pipes (EventBridge Pipes)', 'template.json: Topic: topics (SNS)', 'template.json: Flow: state machines (Step Functions)',
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
    'b/wrangler.json: b/worker.ts: no e-mail comes here: to try email(), POST a message to /cdn-cgi/handler/email?from=a@example.com&to=b@example.com',
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

/* Names and expressions that AWS refuses */

test('a rule of EventBridge is strict about rates and knows no at(); its Scheduler takes either number of the unit', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    'index.js': handler,
    'template.yaml': `
Resources:
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Handler: index.handler
      Events:
        One: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(1 minutes) } }
        Five: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(5 minute) } }
        None: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(0 minutes) } }
        Rule: { Type: Schedule, Properties: { Schedule: rate(5 minute) } }
        At: { Type: Schedule, Properties: { Schedule: at(2030-01-01T00:00:00) } }
`,
  }));
  assert.deepEqual(events.schedules.map(({ expression }) => expression), ['rate(1 minutes)', 'rate(5 minute)']);
  assert.deepEqual(diagnostics.map(({ text }) => text.replace(/^.*?: the/, 'the')), [
    'the schedule "rate(0 minutes)" needs a number of minutes, hours or days',
    'the schedule "rate(5 minute)" must be rate(5 minutes)',
    'the schedule "at(2030-01-01T00:00:00)" is for schedules of EventBridge Scheduler: a rule takes cron(...) and rate(...)',
  ]);
});

test("a bucket's name that S3 does not have is told with its place, and the rest is served", async (t) => {
  const { events, functions, diagnostics } = await build(t, projectOf(t, {
    'template.yaml': `
Resources:
  Short: { Type: AWS::S3::Bucket, Properties: { BucketName: b } }
  Photos: { Type: AWS::S3::Bucket, Properties: { BucketName: photos } }
`,
    ...api,
  }));
  assert.deepEqual(events.buckets.map(({ name }) => name), ['photos']);
  assert.equal(functions.length, 1);
  assert.deepEqual(diagnostics.map(({ text }) => text), ['template.yaml: Short: "b" is no name of a bucket: 3 to 63 of small letters, digits, - and .']);
});

test("what has a name that AWS refuses is told and left out with all that leads there, and the rest is served", async (t) => {
  const long = 'x'.repeat(300);
  const { events, functions, diagnostics } = await build(t, projectOf(t, {
    ...lambda('shop'),
    'more.tf': `
resource "aws_sqs_queue" "jobs" {
  name = "jobs"
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.long.arn, maxReceiveCount = 3 })
}
resource "aws_sqs_queue" "long" { name = "${long}" }
resource "aws_lambda_event_source_mapping" "long" {
  event_source_arn = aws_sqs_queue.long.arn
  function_name    = aws_lambda_function.shop.arn
}
resource "aws_cloudwatch_event_bus" "long" { name = "${long}" }
resource "aws_cloudwatch_event_rule" "on" {
  name           = "on-a-bus"
  event_bus_name = aws_cloudwatch_event_bus.long.name
  event_pattern  = "{}"
}
resource "aws_cloudwatch_event_rule" "long" {
  name                = "every minute"
  schedule_expression = "rate(1 minute)"
}
resource "aws_cloudwatch_event_rule" "fine" {
  name                = "fine"
  schedule_expression = "rate(5 minutes)"
}
resource "aws_cloudwatch_event_target" "dead" {
  rule = aws_cloudwatch_event_rule.fine.name
  arn  = aws_lambda_function.shop.arn
  dead_letter_config { arn = aws_sqs_queue.long.arn }
}
resource "aws_scheduler_schedule_group" "long" { name = "${long}" }
resource "aws_scheduler_schedule" "in_a_group" {
  name       = "in-a-group"
  group_name = aws_scheduler_schedule_group.long.name
  schedule_expression = "rate(1 hour)"
  target { arn = aws_lambda_function.shop.arn }
}
resource "aws_scheduler_schedule" "long" {
  name = "a/b"
  schedule_expression = "rate(1 hour)"
  target { arn = aws_lambda_function.shop.arn }
}
resource "aws_lambda_function_event_invoke_config" "shop" {
  function_name = aws_lambda_function.shop.function_name
  destination_config {
    on_success { destination = aws_cloudwatch_event_bus.long.arn }
  }
}
`,
    ...api,
  }));
  assert.equal(functions.length, 2);
  assert.deepEqual(events.queues.map(({ name, redrive }) => [name, redrive]), [['jobs', undefined]]);
  assert.deepEqual([events.consumers, events.buses, events.schedules, events.schedule_groups], [[], [], [], []]);
  assert.deepEqual(events.rules.map(({ name, targets }) => [name, targets[0].dead_letter]), [['fine', null]]);
  assert.deepEqual(events.async.map(({ on_success: done }) => done), [null]);
  const told = diagnostics.filter(({ severity }) => severity === 'error').map(({ text }) => text.replaceAll(long, 'LONG').replace(/: letters.*/, ''));
  assert.deepEqual([...new Set(told)].sort(), [
    'more.tf: aws_cloudwatch_event_bus.long: "LONG" is no name of an event bus',
    'more.tf: aws_cloudwatch_event_rule.long: "every minute" is no name of a rule',
    'more.tf: aws_cloudwatch_event_rule.on: "LONG" is no name of an event bus',
    'more.tf: aws_scheduler_schedule.in_a_group: "LONG" is no name of a schedule group',
    'more.tf: aws_scheduler_schedule.long: "a/b" is no name of a schedule',
    'more.tf: aws_scheduler_schedule_group.long: "LONG" is no name of a schedule group',
    'more.tf: aws_sqs_queue.jobs: "LONG" is no name of a queue',
    'more.tf: aws_sqs_queue.long: "LONG" is no name of a queue that is not FIFO',
  ]);
});
