/* What SAM makes of a template before CloudFormation reads it: globals, aliases, queues. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { build, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';

test('SAM: the alias and the version that it publishes of a function are referred to by its id', async (t) => {
  const { functions, events, diagnostics } = await build(t, projectOf(t, {
    'app.js': handler,
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs24.x, Handler: app.handler, AutoPublishAlias: live } }
Resources:
  Worker: { Type: AWS::Serverless::Function, Properties: { FunctionName: worker } }
  Caller:
    Type: AWS::Serverless::Function
    Properties:
      Environment: { Variables: { ALIAS: !Ref Worker.Alias, VERSION: !Ref Worker.Version, TEXT: !Sub "to \${Worker.Alias}" } }
  Hourly:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 hour)
      FlexibleTimeWindow: { Mode: "OFF" }
      Target: { Arn: !Ref Worker.Alias, RoleArn: arn:aws:iam::000000000000:role/r }
`,
  }));
  assert.deepEqual(diagnostics, []);
  const arn = 'arn:aws:lambda:us-east-1:000000000000:function:worker';
  const { env } = functions.find(({ name }) => name === 'lambda/Caller');
  assert.deepEqual([env.ALIAS, env.VERSION, env.TEXT], [`${arn}:live`, `${arn}:1`, `to ${arn}:live`]);
  assert.deepEqual(events.schedules.map(({ target }) => target.function), ['lambda/worker']);
});

test('SAM: globals and what a function says are merged: objects by their members, lists one after the other', async (t) => {
  const layer = (name) => `  ${name}: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: ${name.toLowerCase()}/ } }\n`;
  const { functions, events, diagnostics } = await build(t, projectOf(t, {
    'app.js': handler, 'common/a.txt': 'a', 'own/b.txt': 'b',
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: nodejs24.x
    Handler: app.handler
    Layers: [!Ref Common]
    EphemeralStorage: { Size: 1024 }
    EventInvokeConfig: { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 }
    FunctionUrlConfig: { AuthType: NONE, Cors: { AllowOrigins: ["https://a.example"] } }
Resources:
${layer('Common')}${layer('Own')}  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Layers: [!Ref Own]
      EventInvokeConfig: { MaximumRetryAttempts: 0 }
      FunctionUrlConfig: { Cors: { MaxAge: 9 } }
`,
  }));
  assert.deepEqual(diagnostics, []);
  const [fn] = functions;
  assert.deepEqual(fn.mounts.map(({ source }) => path.basename(source)), ['common', 'own']);
  assert.equal(fn.tmp_mb, 1024);
  assert.deepEqual(events.async.map(({ max_retries: retries, max_age_s: age }) => [retries, age]), [[0, 60]]);
  assert.deepEqual(fn.endpoints[0].settings.cors, { allow_origins: ['https://a.example'], max_age: 9 });
});

test('SAM: queues that it makes for destinations and dead letters are there, by the names that it gives them', async (t) => {
  const { functions, events, diagnostics } = await build(t, projectOf(t, {
    'app.js': handler,
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs24.x, Handler: app.handler } }
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Environment: { Variables: { DEAD: !Ref Lost } }
      EventInvokeConfig: { DestinationConfig: { OnSuccess: { Type: SQS }, OnFailure: { Type: SQS } } }
      Events:
        Placed: { Type: EventBridgeRule, Properties: { Pattern: { source: [shop] }, DeadLetterConfig: { Type: SQS, QueueLogicalId: Lost } } }
        Tick: { Type: Schedule, Properties: { Schedule: rate(1 hour), DeadLetterConfig: { Type: SQS } } }
`,
  }));
  assert.deepEqual(diagnostics, []);
  const [{ on_success: good, on_failure: bad }] = events.async;
  assert.deepEqual([good, bad], [{ queue: 'FnEventInvokeConfigOnSuccessQueue' }, { queue: 'FnEventInvokeConfigOnFailureQueue' }]);
  assert.deepEqual(events.rules.map(({ targets }) => targets[0].dead_letter), [{ queue: 'Lost' }, { queue: 'FnTickQueue' }]);
  assert.equal(functions[0].env.DEAD, 'https://sqs.us-east-1.amazonaws.com/000000000000/Lost');
  assert.deepEqual(events.queues.map(({ name }) => name).toSorted(), ['FnEventInvokeConfigOnFailureQueue', 'FnEventInvokeConfigOnSuccessQueue', 'FnTickQueue', 'Lost']);
});

test('SAM: an API\'s own definition says what a function gets, not the event that names its path', async (t) => {
  const { functions, routes, diagnostics } = await build(t, projectOf(t, {
    'app.js': handler,
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs24.x, Handler: app.handler } }
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Mapped: { Type: Api, Properties: { Path: /mapped, Method: any, RestApiId: !Ref Api } }
        Proxied: { Type: Api, Properties: { Path: /proxied, Method: get, RestApiId: !Ref Api } }
        Undefined: { Type: Api, Properties: { Path: /undefined, Method: get, RestApiId: !Ref Api } }
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      DefinitionBody:
        paths:
          /mapped:
            x-amazon-apigateway-any-method:
              x-amazon-apigateway-integration:
                type: aws
                httpMethod: POST
                uri: !Sub arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Fn.Arn}/invocations
                requestTemplates: { application/json: '{ "id": "$context.requestId" }' }
                responses: { default: { statusCode: 200 } }
          /proxied:
            get:
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                uri: !Sub arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Fn.Arn}/invocations
          /undefined:
            get: { responses: { "200": { description: ok } } }
`,
  }));
  assert.deepEqual(diagnostics.filter(({ severity }) => severity === 'error'), []);
  const named = (name) => functions.find((fn) => fn.name === name).endpoints.map((endpoint) => endpoint.name);
  assert.deepEqual(named('integrations'), ['/mapped']);
  assert.deepEqual(named('lambda/Fn').slice(2).toSorted(), ['/proxied', '/undefined']);
  assert.equal(routes.filter(({ shown }) => shown === '/mapped').every(({ target }) => target[0] === 'integrations'), true);
});
