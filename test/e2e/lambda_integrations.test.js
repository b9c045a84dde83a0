/* Routes of API Gateway that lead to SQS, EventBridge, S3 and functions by way of a mapping, by real requests. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';
import { TELLS, got } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const FUNCTIONS = `
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Handler: worker.handler
      Runtime: nodejs24.x
      Events: { Jobs: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn, BatchSize: 1 } } }
  Jobs: { Type: AWS::SQS::Queue, Properties: { QueueName: jobs } }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: orders } }
  Seen:
    Type: AWS::Serverless::Function
    Properties:
      Handler: worker.handler
      Runtime: nodejs24.x
      Events:
        Orders: { Type: EventBridgeRule, Properties: { EventBusName: !Ref Bus, Pattern: { source: [{ prefix: '' }] } } }
`;
const post = (platform, path, body, headers = {}) => platform.fetch(path, {
  method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body),
});
const firstGot = (platform, matches) => eventually(() => got(platform).find(matches));

test('an HTTP API sends messages to a queue and events to a bus, with no function between', async (t) => {
  const platform = await startPlatform(t, { files: {
    'worker.js': TELLS,
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Resources:${FUNCTIONS}
  Http: { Type: AWS::ApiGatewayV2::Api, Properties: { Name: h, ProtocolType: HTTP, CorsConfiguration: { AllowOrigins: ['https://shop.example'] } } }
  Send:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Http
      IntegrationType: AWS_PROXY
      IntegrationSubtype: SQS-SendMessage
      PayloadFormatVersion: '1.0'
      RequestParameters:
        QueueUrl: !Ref Jobs
        MessageBody: $request.body.job
        MessageAttributes: '{"kind":{"DataType":"String","StringValue":"\${request.header.x-kind} of \${request.path.id}"}}'
  SendRoute: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref Http, RouteKey: 'POST /jobs/{id}', Target: !Sub 'integrations/\${Send}' } }
  Put:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Http
      IntegrationType: AWS_PROXY
      IntegrationSubtype: EventBridge-PutEvents
      PayloadFormatVersion: '1.0'
      RequestParameters: { Detail: $request.body, DetailType: $request.querystring.type, Source: shop, EventBusName: !Ref Bus, Time: $context.requestTimeEpoch }
  PutRoute: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref Http, RouteKey: 'POST /events', Target: !Sub 'integrations/\${Put}' } }
`,
  } });
  const sent = await post(platform, '/jobs/7', { job: { n: 1, text: 'a&b' } }, { 'X-Kind': 'resize', origin: 'https://shop.example' });
  assert.deepEqual([sent.status, sent.headers.get('access-control-allow-origin')], [200, 'https://shop.example'], await sent.clone().text());
  assert.match(await sent.text(), /<MessageId>[0-9a-f-]{36}<\/MessageId>/);
  const { Records: [record] } = await firstGot(platform, (event) => event.Records);
  assert.deepEqual(JSON.parse(record.body), { n: 1, text: 'a&b' });
  assert.equal(record.messageAttributes.kind.stringValue, 'resize of 7');

  const before = Date.now();
  const put = await post(platform, '/events?type=Placed', { id: 9 });
  const { Entries: [{ EventId: id }], FailedEntryCount: failed } = await put.json();
  assert.deepEqual([put.status, failed], [200, 0]);
  const event = await firstGot(platform, (one) => one.id === id);
  assert.deepEqual([event.source, event['detail-type'], event.detail], ['shop', 'Placed', { id: 9 }]);
  assert.ok(Math.abs(Date.parse(event.time) - before) < 10_000, event.time);

  const without = await post(platform, '/events', { id: 9 }); /* no type in the query */
  assert.deepEqual([without.status, await without.json()], [400, { message: 'Bad Request' }]);
});

/* As the AWS samples have them: a form for SQS, JSON for EventBridge with its target as a header. */
const DEFINITION = `
openapi: 3.0.1
paths:
  /queue:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: !Sub arn:aws:apigateway:\${AWS::Region}:sqs:path/\${AWS::AccountId}/\${Jobs.QueueName}
        passthroughBehavior: never
        requestParameters: { integration.request.header.Content-Type: "'application/x-www-form-urlencoded'" }
        requestTemplates: { application/json: Action=SendMessage&MessageBody=$util.urlEncode($input.body) }
        responses:
          "4\\\\d{2}": { statusCode: 400, responseTemplates: { application/json: '{"error":"$input.path(''$.Error.Code'')"}' } }
          default:
            statusCode: 202
            responseParameters: { method.response.header.X-Request: context.requestId, method.response.header.X-Made: "'here'" }
            responseTemplates: { application/json: '{"id":"$input.path(''$.SendMessageResponse.SendMessageResult.MessageId'')"}' }
  /events:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: !Sub arn:aws:apigateway:\${AWS::Region}:events:action/PutEvents
        passthroughBehavior: when_no_templates
        requestTemplates:
          application/json: |
            #set($context.requestOverride.header.X-Amz-Target = "AWSEvents.PutEvents")
            #set($context.requestOverride.header.Content-Type = "application/x-amz-json-1.1")
            #set($inputRoot = $input.path('$'))
            {
              "Entries": [
                #foreach($elem in $inputRoot.items)
                {
                  "Detail": "$util.escapeJavaScript($elem.Detail).replaceAll("\\\\'","'")",
                  "DetailType": "$elem.DetailType",
                  "EventBusName": "orders",
                  "Source": "$elem.Source"
                }#if($foreach.hasNext),#end
                #end
              ]
            }
        responses: { default: { statusCode: 200 } }
  /tasks/{id}:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: !Sub arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Seen.Arn}/invocations
        requestParameters: { integration.request.header.X-Amz-Invocation-Type: "'Event'" }
        requestTemplates: { application/json: '{"task":"$input.params(''id'')","by":"$input.params(''X-User'')","body":$input.json(''$''),"method":"$context.httpMethod"}' }
        responses: { default: { statusCode: 202, responseTemplates: { application/json: '{"status":"accepted"}' } } }
  /sums:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: !Sub arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Sums.Arn}/invocations
        responses:
          "bad .*": { statusCode: 422, responseTemplates: { application/json: '{"why":$input.json(''$.errorMessage'')}' } }
          default: { statusCode: 200 }
  /files/{name}:
    put:
      x-amazon-apigateway-integration: &file
        type: aws
        httpMethod: PUT
        uri: !Sub arn:aws:apigateway:\${AWS::Region}:s3:path/docs/{key}
        requestParameters: { integration.request.path.key: method.request.path.name, integration.request.header.Content-Type: method.request.header.Content-Type }
        responses: { default: { statusCode: 200, responseParameters: { method.response.header.ETag: integration.response.header.ETag } } }
    get:
      x-amazon-apigateway-integration:
        <<: *file
        httpMethod: GET
        responses:
          "404": { statusCode: 404, responseTemplates: { application/json: '{"message":"no such file"}' } }
          default: { statusCode: 200, responseParameters: { method.response.header.Content-Type: integration.response.header.Content-Type } }
  /health:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": #if($input.params("down") == "1")503#{else}200#end}' }
        responses:
          "503": { statusCode: 503, responseTemplates: { application/json: '{"ok":false}' } }
          default: { statusCode: 200, responseTemplates: { application/json: '{"ok":true,"path":"$context.resourcePath","n":$input.params().querystring.size()}' } }
`;

const REST = {
  'worker.js': TELLS,
  'sums.js': `exports.handler = async ({ a, b }) => { if (b === undefined) throw new Error('bad sum'); return { sum: a + b }; };\n`,
  'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Resources:${FUNCTIONS}
  Docs: { Type: AWS::S3::Bucket, Properties: { BucketName: docs } }
  Sums: { Type: AWS::Serverless::Function, Properties: { Handler: sums.handler, Runtime: nodejs24.x } }
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      DefinitionBody:${DEFINITION.replaceAll('\n', '\n        ')}
`,
};

test('a REST API makes requests of its templates: to a queue, a bus, functions and a bucket; MOCKs answer themselves', async (t) => {
  const platform = await startPlatform(t, { files: REST });
  const json = async (response) => [response.status, await response.json()];

  const queued = await post(platform, '/queue', { n: 1, text: 'a & b+c "d"' });
  assert.deepEqual([queued.status, queued.headers.get('x-made'), queued.headers.get('content-type')], [202, 'here', 'application/json']);
  const { id } = await queued.json();
  const { Records: [record] } = await firstGot(platform, (event) => event.Records);
  assert.deepEqual([record.messageId, record.body], [id, '{"n":1,"text":"a & b+c \\"d\\""}']);
  assert.equal((await post(platform, '/queue', 'a=1', { 'content-type': 'text/plain' })).status, 415);

  const items = [{ Detail: '{"who":"O\'Brien"}', DetailType: 'Named', Source: 'people' }, { Detail: '{}', DetailType: 'None', Source: 'people' }];
  const [status, { Entries: entries }] = await json(await post(platform, '/events', { items }));
  assert.deepEqual([status, entries.length], [200, 2]);
  assert.deepEqual((await firstGot(platform, (event) => event.id === entries[0].EventId)).detail, { who: "O'Brien" });

  assert.deepEqual(await json(await post(platform, '/tasks/7', { a: [1] }, { 'x-user': 'ada' })), [202, { status: 'accepted' }]);
  assert.deepEqual(await firstGot(platform, (event) => event.task), { task: '7', by: 'ada', body: { a: [1] }, method: 'POST' });
  assert.deepEqual(await json(await post(platform, '/sums', { a: 1, b: 2 })), [200, { sum: 3 }]);
  assert.deepEqual(await json(await post(platform, '/sums', { a: 1 })), [422, { why: 'bad sum' }]);

  const put = await platform.fetch('/files/a%20b.txt', { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'tea' });
  assert.deepEqual([put.status, put.headers.get('etag')], [200, `"${createHash('md5').update('tea').digest('hex')}"`]);
  const file = await platform.fetch('/files/a%20b.txt');
  assert.deepEqual([file.status, file.headers.get('content-type'), await file.text()], [200, 'text/plain', 'tea']);
  assert.deepEqual(await json(await platform.fetch('/files/none')), [404, { message: 'no such file' }]);

  assert.deepEqual(await json(await platform.fetch('/health?n=1')), [200, { ok: true, path: '/health', n: 1 }]);
  assert.deepEqual(await json(await platform.fetch('/health?down=1')), [503, { ok: false }]);
});

test('serverless.yml: a function that is no proxy gets the framework\'s event, and answers by its errors', async (t) => {
  const platform = await startPlatform(t, { files: {
    'serverless.yml': `
service: s
provider: { name: aws, runtime: nodejs24.x }
functions:
  echo:
    handler: f.echo
    events:
      - http: { path: 'items/{id}', method: any, integration: lambda }
  later:
    handler: f.later
    events:
      - http: { path: later, method: post, integration: lambda, async: true, response: { statusCodes: { 202: { pattern: '' } }, template: $input.path('$') } }
`,
    'f.js': `
exports.echo = async (event) => {
  if (event.query.fail) throw new Error('[404] no "such" item');
  return event;
};
exports.later = async (event) => console.log('got ' + JSON.stringify(event.body));
`,
  } });
  const reply = await post(platform, "/items/7?q=it's", { a: ['b "c"'] }, { 'x-note': "it's" });
  const event = await reply.json();
  assert.deepEqual([reply.status, event.body, event.method, event.query, event.path, event.headers['x-note'] ?? event.headers['X-Note'], event.requestPath], [
    200, { a: ['b "c"'] }, 'POST', { q: "it's" }, { id: '7' }, "it's", '/items/{id}',
  ]);
  assert.deepEqual(Object.keys(event), ['body', 'method', 'principalId', 'stage', 'cognitoPoolClaims', 'enhancedAuthContext', 'headers', 'query', 'path', 'identity', 'stageVariables', 'requestPath']);
  const form = await post(platform, '/items/7', 'a=1%262&b', { 'content-type': 'application/x-www-form-urlencoded' });
  assert.deepEqual((await form.json()).body, { a: '1&2', b: '' });
  assert.deepEqual((await (await platform.fetch('/items/7')).json()).body, {});
  const failed = await platform.fetch('/items/7?fail=1');
  assert.deepEqual([failed.status, (await failed.json()).errorMessage], [404, '[404] no "such" item']);
  assert.equal((await post(platform, '/later', { n: 3 })).status, 202);
  assert.deepEqual(await firstGot(platform, (body) => body.n), { n: 3 });
});

test('HTTP_PROXY leads to another server, with the parameters of the path, and nowhere else', async (t) => {
  const site = createServer(async (req, res) => {
    const body = Buffer.concat(await Array.fromAsync(req)).toString();
    res.writeHead(201, { 'content-type': 'application/json', 'x-site': 'yes' }).end(JSON.stringify({ url: req.url, body, host: req.headers.host, forwarded: req.headers['x-forwarded-host'], user: req.headers['x-user'] }));
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  t.after(() => site.closeAllConnections() ?? site.close());
  const host = `127.0.0.1:${site.address().port}`;
  const platform = await startPlatform(t, { files: {
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Resources:
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      DefinitionBody:
        openapi: 3.0.1
        paths:
          /v1/{proxy+}:
            x-amazon-apigateway-any-method:
              x-amazon-apigateway-integration:
                type: http_proxy
                httpMethod: ANY
                uri: http://${host}/base/{path}
                requestParameters: { integration.request.path.path: method.request.path.proxy, integration.request.header.X-User: "'ada'" }
  Http: { Type: AWS::ApiGatewayV2::Api, Properties: { Name: h, ProtocolType: HTTP } }
  Site: { Type: AWS::ApiGatewayV2::Integration, Properties: { ApiId: !Ref Http, IntegrationType: HTTP_PROXY, IntegrationMethod: ANY, IntegrationUri: 'http://${host}/shop/{id}', PayloadFormatVersion: '1.0' } }
  Items: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref Http, RouteKey: 'GET /items/{id}', Target: !Sub 'integrations/\${Site}' } }
`,
  } });
  const reply = await post(platform, '/v1/a/b%20c?q=1&q=2', { n: 1 }, { 'x-user': 'eve' });
  assert.deepEqual([reply.status, reply.headers.get('x-site'), await reply.json()], [201, 'yes', {
    url: '/base/a/b%20c?q=1&q=2', body: '{"n":1}', host, forwarded: new URL(platform.origin).host, user: 'ada',
  }]);
  assert.equal((await (await platform.fetch('/items/7')).json()).url, '/shop/7');
  assert.equal((await platform.fetch('/items/..%2f..%2fadmin')).status, 400);
});
