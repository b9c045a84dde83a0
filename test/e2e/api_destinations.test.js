/* EventBridge's API destinations and their connections, by AWS's own client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import {
  CreateApiDestinationCommand, CreateConnectionCommand, DeauthorizeConnectionCommand, DeleteApiDestinationCommand, DeleteConnectionCommand,
  DescribeApiDestinationCommand, DescribeConnectionCommand, ListApiDestinationsCommand, ListConnectionsCommand, ListTargetsByRuleCommand, PutEventsCommand, PutRuleCommand,
  PutTargetsCommand, UpdateApiDestinationCommand, UpdateConnectionCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { clients, lambda, TELLS, WHERE } from './aws_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const FILES = { 'main.tf': lambda('tells'), 'tells.js': TELLS, 'api/where.js': WHERE };
const KEY = { AuthorizationType: 'API_KEY', AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'X-Key', ApiKeyValue: 'open-sesame' } } };

/** A host outside; `taken` is what it was asked, `answer` may say otherwise than 200. */
async function host(t, answer = (request, response) => response.end()) {
  const taken = [];
  const server = http
    .createServer(async (request, response) => {
      const parts = await Array.fromAsync(request);
      const { method, url, headers } = request;
      taken.push({ method, url, headers, body: Buffer.concat(parts).toString(), at: performance.now() });
      answer(request, response);
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { taken, url: `http://127.0.0.1:${server.address().port}` };
}

async function start(t, more = {}) {
  const platform = await startPlatform(t, { files: { ...FILES, ...more } });
  const { events, sqs } = await clients(t, platform);
  const connect = async (Name, input = KEY) => (await events.send(new CreateConnectionCommand({ Name, ...input }))).ConnectionArn;
  const destination = async (Name, ConnectionArn, InvocationEndpoint, more = {}) =>
    (await events.send(new CreateApiDestinationCommand({ Name, ConnectionArn, InvocationEndpoint, HttpMethod: 'POST', ...more }))).ApiDestinationArn;
  /** Leads events of source "shop" to a destination. */
  const lead = async (Arn, target = {}) => {
    await events.send(new PutRuleCommand({ Name: 'shop', EventPattern: '{"source":["shop"]}' }));
    await events.send(new PutTargetsCommand({ Rule: 'shop', Targets: [{ Id: '1', Arn, InputPath: '$.detail', ...target }] }));
  };
  const put = (detail = { n: 1 }) => events.send(new PutEventsCommand({ Entries: [{ Source: 'shop', DetailType: 'order', Detail: JSON.stringify(detail) }] }));
  return { platform, events, sqs, connect, destination, lead, put };
}

test('a connection is made, changed and taken away, and shows no secret', async (t) => {
  const { platform, events, connect } = await start(t);
  const arn = await connect('c', {
    AuthorizationType: 'BASIC',
    AuthParameters: {
      BasicAuthParameters: { Username: 'user', Password: 'pass-word' },
      InvocationHttpParameters: { HeaderParameters: [{ Key: 'a', Value: 'hidden-one', IsValueSecret: true }, { Key: 'b', Value: 'shown', IsValueSecret: false }] },
    },
  });
  assert.match(arn, /^arn:aws:events:us-east-1:000000000000:connection\/c\/[0-9a-f-]{36}$/);
  const { $metadata, CreationTime, LastModifiedTime, LastAuthorizedTime, SecretArn, ...shown } = await events.send(new DescribeConnectionCommand({ Name: 'c' }));
  assert.match(SecretArn, /:secretsmanager:us-east-1:000000000000:secret:events!connection\/c\/[0-9a-f-]{36}-[0-9a-f]{6}$/);
  assert.ok(CreationTime instanceof Date && LastModifiedTime instanceof Date && LastAuthorizedTime instanceof Date);
  assert.deepEqual(shown, {
    Name: 'c', ConnectionArn: arn, ConnectionState: 'AUTHORIZED', AuthorizationType: 'BASIC',
    AuthParameters: { BasicAuthParameters: { Username: 'user' },
      InvocationHttpParameters: { HeaderParameters: [{ Key: 'a', IsValueSecret: true }, { Key: 'b', Value: 'shown', IsValueSecret: false }] } },
  });
  await assert.rejects(connect('c'), { name: 'ResourceAlreadyExistsException' });
  const updated = await events.send(new UpdateConnectionCommand({ Name: 'c', ...KEY, Description: 'a key' }));
  assert.equal(updated.ConnectionState, 'AUTHORIZED');
  const { AuthParameters, AuthorizationType, Description } = await events.send(new DescribeConnectionCommand({ Name: 'c' }));
  assert.deepEqual({ AuthParameters, AuthorizationType, Description },
    { AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'X-Key' } }, AuthorizationType: 'API_KEY', Description: 'a key' });
  assert.equal((await events.send(new DeauthorizeConnectionCommand({ Name: 'c' }))).ConnectionState, 'DEAUTHORIZING');
  const { Connections } = await events.send(new ListConnectionsCommand({ NamePrefix: 'c' }));
  assert.deepEqual(Connections.map(({ Name, ConnectionState }) => [Name, ConnectionState]), [['c', 'DEAUTHORIZED']]);
  assert.equal((await events.send(new DeleteConnectionCommand({ Name: 'c' }))).ConnectionState, 'DELETING');
  await assert.rejects(events.send(new DescribeConnectionCommand({ Name: 'c' })),
    { name: 'ResourceNotFoundException', message: "Failed to describe the connection(s). Connection 'c' does not exist." });
  assert.doesNotMatch(platform.transcript(), /pass-word|hidden-one|open-sesame/);
});

test('what is wrong with a connection or a destination is told in the words of AWS', async (t) => {
  const { events, connect, destination } = await start(t);
  await assert.rejects(connect('c', { AuthorizationType: 'X', AuthParameters: {} }), { name: 'ValidationException',
    message: "1 validation error detected: Value 'X' at 'authorizationType' failed to satisfy constraint: Member must satisfy enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]" });
  await assert.rejects(connect('c', { AuthorizationType: 'BASIC', AuthParameters: KEY.AuthParameters }), { name: 'ValidationException' });
  await assert.rejects(destination('d', 'arn:x', 'https://example.com', { HttpMethod: 'X' }), { name: 'ValidationException',
    message: /^2 validation errors detected: Value 'arn:x' at 'connectionArn' .*; Value 'X' at 'httpMethod' failed to satisfy constraint: Member must satisfy enum value set: \[HEAD, POST, PATCH, DELETE, PUT, GET, OPTIONS\]$/ });
  await assert.rejects(destination('d', 'arn:aws:events:us-east-1:000000000000:connection/gone/0', 'https://example.com'),
    { name: 'ResourceNotFoundException', message: "Connection 'gone' does not exist." });
  await assert.rejects(events.send(new DescribeApiDestinationCommand({ Name: 'd' })),
    { name: 'ResourceNotFoundException', message: "Failed to describe the api-destination(s). An api-destination 'd' does not exist." });
});

test('a destination is made, changed and taken away', async (t) => {
  const { events, connect, destination } = await start(t);
  const ConnectionArn = await connect('c');
  const arn = await destination('d', ConnectionArn, 'https://example.com/a', { Description: 'one' });
  assert.match(arn, /:api-destination\/d\/[0-9a-f-]{36}$/);
  await assert.rejects(destination('d', ConnectionArn, 'https://example.com'), { name: 'ResourceAlreadyExistsException' });
  await events.send(new UpdateApiDestinationCommand({ Name: 'd', HttpMethod: 'PUT', InvocationRateLimitPerSecond: 5 }));
  const { $metadata, CreationTime, LastModifiedTime, ...shown } = await events.send(new DescribeApiDestinationCommand({ Name: 'd' }));
  assert.deepEqual(shown, { Name: 'd', Description: 'one', ApiDestinationArn: arn, ApiDestinationState: 'ACTIVE', ConnectionArn,
    InvocationEndpoint: 'https://example.com/a', HttpMethod: 'PUT', InvocationRateLimitPerSecond: 5 });
  const list = (input) => events.send(new ListApiDestinationsCommand(input)).then(({ ApiDestinations }) => ApiDestinations.map(({ Name }) => Name));
  assert.deepEqual([await list({ ConnectionArn }), await list({ NamePrefix: 'x' })], [['d'], []]);
  await events.send(new DeleteApiDestinationCommand({ Name: 'd' }));
  assert.deepEqual(await list({}), []);
});

test('an event is sent with what connection and target say, of which the connection counts more', async (t) => {
  const { connect, destination, lead, put } = await start(t);
  const { taken, url } = await host(t);
  const connection = await connect('c', {
    AuthorizationType: 'BASIC',
    AuthParameters: {
      BasicAuthParameters: { Username: 'user', Password: 'pass' },
      InvocationHttpParameters: {
        HeaderParameters: [{ Key: 'Both', Value: 'connection' }, { Key: 'User-Agent', Value: 'mine' }],
        QueryStringParameters: [{ Key: 'both', Value: 'c&' }], BodyParameters: [{ Key: 'more', Value: 'm' }],
      },
    },
  });
  await lead(await destination('d', connection, `${url}/a/*/b/*?x=1`, { HttpMethod: 'PUT' }), {
    HttpParameters: { PathParameterValues: ['one/two', '3'], HeaderParameters: { both: 'target', mine: 'yes' }, QueryStringParameters: { both: 't', q: 'ü' } },
  });
  await put();
  await eventually(() => taken.length > 0, 'nothing came');
  const [{ method, url: target, headers, body }] = taken;
  assert.deepEqual([method, target, JSON.parse(body)], ['PUT', '/a/one%2Ftwo/b/3?x=1&both=c%26&q=%C3%BC', { n: 1, more: 'm' }]);
  const { authorization, both, mine, 'user-agent': agent, 'content-type': type, range } = headers;
  assert.deepEqual({ authorization, both, mine, agent, type, range }, { authorization: `Basic ${btoa('user:pass')}`, both: 'connection', mine: 'yes',
    agent: 'Amazon/EventBridge/ApiDestinations', type: 'application/json; charset=utf-8', range: 'bytes=0-1048575' });
});

test('parameters of a target that are paths are what they lead to in the event', async (t) => {
  const { connect, destination, lead, put } = await start(t);
  const { taken, url } = await host(t);
  await lead(await destination('d', await connect('c'), `${url}/*/*`), { HttpParameters: {
    PathParameterValues: ['$.detail.id', '$'], HeaderParameters: { 'x-n': '$.detail.n', 'x-plain': 'of $.detail.n' },
    QueryStringParameters: { source: '$.source', gone: '$.detail.gone', list: '$.detail.list' },
  } });
  await put({ id: 'a b', n: 7, list: [1] });
  await eventually(() => taken.length > 0, 'nothing came');
  const { pathname, searchParams } = new URL(taken[0].url, url);
  const event = JSON.parse(decodeURIComponent(pathname.split('/')[2]));
  assert.deepEqual([pathname.split('/')[1], event.source, Object.fromEntries(searchParams)], ['a%20b', 'shop', { source: 'shop', gone: '', list: '[1]' }]);
  assert.deepEqual([taken[0].headers['x-n'], taken[0].headers['x-plain']], ['7', 'of $.detail.n']);
});

test('a token is asked for once, and anew when it is not taken', async (t) => {
  const { events, connect, destination, lead, put } = await start(t);
  let issued = 0;
  const login = await host(t, (_, response) => {
    issued += 1;
    response.end(JSON.stringify({ access_token: `token-${issued}`, token_type: 'bearer', expires_in: 3600 }));
  });
  const api = await host(t, ({ headers }, response) => response.writeHead(headers.authorization === 'Bearer token-1' && issued === 1 && api.taken.length > 1 ? 401 : 200).end());
  const connection = await connect('c', {
    AuthorizationType: 'OAUTH_CLIENT_CREDENTIALS',
    AuthParameters: { OAuthParameters: { AuthorizationEndpoint: `${login.url}/token`, HttpMethod: 'POST', ClientParameters: { ClientID: 'me', ClientSecret: 'a&b' },
      OAuthHttpParameters: { BodyParameters: [{ Key: 'audience', Value: 'api' }], HeaderParameters: [{ Key: 'h', Value: '1' }], QueryStringParameters: [{ Key: 'q', Value: '2' }] } } },
  });
  const authorized = async () => (await events.send(new DescribeConnectionCommand({ Name: 'c' }))).ConnectionState === 'AUTHORIZED';
  await eventually(authorized, 'it is not authorized');
  const [{ method, url, headers, body }] = login.taken;
  assert.deepEqual([method, url, headers.h, Object.fromEntries(new URLSearchParams(body))],
    ['POST', '/token?q=2', '1', { grant_type: 'client_credentials', client_id: 'me', client_secret: 'a&b', audience: 'api' }]);
  await lead(await destination('d', connection, api.url));
  await put({ n: 1 });
  await eventually(() => api.taken.length === 1, 'nothing came');
  await put({ n: 2 });
  await eventually(() => api.taken.length === 3, () => `it was not tried again: ${JSON.stringify(api.taken)}`);
  assert.deepEqual(api.taken.map((one) => one.headers.authorization), ['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  assert.equal(login.taken.length, 2);
});

test('a server that is not well is tried again, what it refuses is a dead letter', async (t) => {
  const { sqs, connect, destination, lead, put } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const statuses = [503, 200, 400, 500, 500];
  const { taken, url } = await host(t, (_, response) => response.writeHead(statuses[taken.length - 1]).end('so it is'));
  const arn = await destination('d', await connect('c'), url);
  await lead(arn, { DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead' }, RetryPolicy: { MaximumRetryAttempts: 1 } });
  const dead = async () => {
    const { Messages: [{ Body, MessageAttributes }] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] }));
    return [Body, ...['ERROR_CODE', 'ERROR_MESSAGE', 'RETRY_ATTEMPTS', 'EXHAUSTED_RETRY_CONDITION', 'TARGET_ARN'].map((name) => MessageAttributes[name]?.StringValue)];
  };
  await put({ n: 1 });
  await eventually(() => taken.length === 2, 'it was not tried again');
  await put({ n: 2 });
  assert.deepEqual(await dead(), ['{"n":2}', 'ERROR_FROM_TARGET', 'status 400: so it is', '0', undefined, arn]);
  await put({ n: 3 });
  assert.deepEqual(await dead(), ['{"n":3}', 'ERROR_FROM_TARGET', 'status 500: so it is', '1', 'MaximumRetryAttempts', arn]);
  assert.deepEqual(taken.map(({ body, headers }) => [body, headers['x-key']]), [1, 1, 2, 3, 3].map((n) => [`{"n":${n}}`, 'open-sesame']));
});

test('no more is sent a second than a destination takes', async (t) => {
  const { connect, destination, lead, put } = await start(t);
  const { taken, url } = await host(t);
  await lead(await destination('d', await connect('c'), url, { InvocationRateLimitPerSecond: 2 }));
  await Promise.all([1, 2, 3].map((n) => put({ n })));
  await eventually(() => taken.length === 3, 'not all came');
  assert.ok(taken[2].at - taken[0].at > 700, `they came within ${taken[2].at - taken[0].at} ms`);
});

/** A host that refuses what it is sent, until control has been killed: what waits comes again. */
async function refusingHost(t) {
  let status = 503;
  const { taken, url } = await host(t, (_, response) => response.writeHead(status).end());
  const comesAfterCrash = async (platform) => {
    await eventually(() => taken.length > 0, 'nothing came');
    process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
    status = 200;
    const before = taken.length;
    await eventually(() => taken.length > before, 'it did not come again');
    assert.equal(taken.at(-1).headers['x-key'], 'open-sesame');
  };
  return { url, comesAfterCrash };
}

test('an event that waits for its destination is sent after a crash', async (t) => {
  const { platform, connect, destination, lead, put } = await start(t);
  const { url, comesAfterCrash } = await refusingHost(t);
  await lead(await destination('d', await connect('c'), url));
  await put();
  await comesAfterCrash(platform);
});

test('parameters of two kinds: a connection authorizes itself as its type says', async (t) => {
  const { connect, destination, lead, put } = await start(t);
  const { taken, url } = await host(t);
  const oauth = { AuthorizationEndpoint: `${url}/token`, HttpMethod: 'POST', ClientParameters: { ClientID: 'me', ClientSecret: 'x' } };
  const both = { ...KEY, AuthParameters: { ...KEY.AuthParameters, OAuthParameters: oauth } };
  await lead(await destination('d', await connect('c', both), url));
  await put();
  await eventually(() => taken.length > 0, 'nothing came');
  assert.deepEqual(taken.map((one) => [one.url, one.headers['x-key'], one.headers.authorization]), [['/', 'open-sesame', undefined]]);
});

test('tries of one connection that come together share one request for a token, and one for the next', async (t) => {
  const { events, connect, destination, lead, put } = await start(t);
  const beside = await host(t);
  const login = await host(t, async (_, response) => {
    const token = `token-${login.taken.length}`;
    await eventually(() => beside.taken.length >= 4, 'the events did not come');
    response.end(JSON.stringify({ access_token: token, expires_in: 3600 }));
  });
  const api = await host(t, async ({ headers }, response) => {
    await eventually(() => api.taken.length >= 4, 'the tries did not come together');
    response.writeHead(headers.authorization === 'Bearer token-1' ? 401 : 200).end();
  });
  const OAuthParameters = { AuthorizationEndpoint: login.url, HttpMethod: 'POST', ClientParameters: { ClientID: 'me', ClientSecret: 'x' } };
  const oauth = await connect('oauth', { AuthorizationType: 'OAUTH_CLIENT_CREDENTIALS', AuthParameters: { OAuthParameters } });
  await lead(await destination('d', oauth, api.url));
  await events.send(new PutTargetsCommand({ Rule: 'shop', Targets: [{ Id: '2', Arn: await destination('beside', await connect('key'), beside.url) }] }));
  await Promise.all([1, 2, 3, 4].map((n) => put({ n })));
  const isGood = ({ headers }) => headers.authorization === 'Bearer token-2';
  await eventually(() => api.taken.filter(isGood).length === 4, () => `they did not come again: ${JSON.stringify(api.taken)}`);
  assert.equal(login.taken.length, 2);
});

/** Leads events of source "shop" to a host, through what the project's files declare. */
const declares = (url, key = 'open-sesame') => `
variable "url" {
  default = "${url}"
}
resource "aws_cloudwatch_event_connection" "crm" {
  name               = "crm"
  authorization_type = "API_KEY"
  auth_parameters {
    api_key {
      key   = "x-key"
      value = "${key}"
    }
  }
}
resource "aws_cloudwatch_event_api_destination" "orders" {
  name                = "orders"
  invocation_endpoint = "\${var.url}/*/orders"
  http_method         = "PUT"
  connection_arn      = aws_cloudwatch_event_connection.crm.arn
}
resource "aws_cloudwatch_event_rule" "placed" {
  name          = "placed"
  event_pattern = jsonencode({ source = ["shop"] })
}
resource "aws_cloudwatch_event_target" "placed" {
  rule       = aws_cloudwatch_event_rule.placed.name
  target_id  = "crm"
  arn        = aws_cloudwatch_event_api_destination.orders.arn
  input_path = "$.detail"
  http_target {
    header_parameters     = { "x-from" = "shop" }
    path_parameter_values = ["shop"]
  }
}
`;

test('what the files declare sends as they say, cannot be changed by the API, and is gone with them', async (t) => {
  const { taken, url } = await host(t);
  const { platform, events, connect, destination, put } = await start(t, { 'outside.tf': declares(url) });
  await put({ n: 1 });
  await eventually(() => taken.length > 0, 'nothing came');
  const [{ method, url: path, headers, body }] = taken;
  assert.deepEqual([method, path, headers['x-key'], headers['x-from'], body], ['PUT', '/shop/orders', 'open-sesame', 'shop', '{"n":1}']);

  const { ConnectionArn, ConnectionState, AuthParameters, LastAuthorizedTime } = await events.send(new DescribeConnectionCommand({ Name: 'crm' }));
  assert.deepEqual({ ConnectionState, AuthParameters }, { ConnectionState: 'AUTHORIZED', AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'x-key' } } });
  assert.ok(LastAuthorizedTime instanceof Date);
  const { ApiDestinations: [{ ApiDestinationArn, Name }] } = await events.send(new ListApiDestinationsCommand({ ConnectionArn }));
  assert.equal(Name, 'orders');
  const { Targets } = await events.send(new ListTargetsByRuleCommand({ Rule: 'placed' }));
  assert.deepEqual(Targets, [{ Id: 'crm', Arn: ApiDestinationArn, InputPath: '$.detail',
    HttpParameters: { HeaderParameters: { 'x-from': 'shop' }, PathParameterValues: ['shop'] } }]);
  const managed = { name: 'ManagedRuleException' };
  await assert.rejects(events.send(new UpdateConnectionCommand({ Name: 'crm', Description: 'x' })), managed);
  await assert.rejects(events.send(new DeauthorizeConnectionCommand({ Name: 'crm' })), managed);
  await assert.rejects(events.send(new DeleteConnectionCommand({ Name: 'crm' })), managed);
  await assert.rejects(events.send(new UpdateApiDestinationCommand({ Name: 'orders', HttpMethod: 'GET' })), managed);
  await assert.rejects(events.send(new DeleteApiDestinationCommand({ Name: 'orders' })), managed);
  await assert.rejects(connect('crm'), { name: 'ResourceAlreadyExistsException' });

  await destination('own', await connect('a-own'), url);
  const names = async () => [
    (await events.send(new ListConnectionsCommand({}))).Connections.map((one) => one.Name),
    (await events.send(new ListApiDestinationsCommand({}))).ApiDestinations.map((one) => one.Name),
  ];
  assert.deepEqual(await names(), [['a-own', 'crm'], ['orders', 'own']]);
  await platform.save('outside.tf', declares(url, 'another'));
  await eventually(async () => { await put({ n: 2 }); return taken.at(-1).headers['x-key'] === 'another'; }, 'its key is the old one');
  await platform.save('outside.tf', '');
  await eventually(async () => (await names())[1].length === 1, 'they are still there');
  assert.deepEqual(await names(), [['a-own'], ['own']]);
});

test('an event for a destination of the files that waits is sent after a crash', async (t) => {
  const { url, comesAfterCrash } = await refusingHost(t);
  const { platform, put } = await start(t, { 'outside.tf': declares(url) });
  await put();
  await comesAfterCrash(platform);
});

test('a rule of the files that ticks sends its target what parameters, paths and templates make of the tick', async (t) => {
  const { taken, url } = await host(t);
  const { platform } = await start(t, { 'outside.tf': `${declares(url)}
resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "nightly"
  schedule_expression = "cron(0 2 * * ? *)"
}
resource "aws_cloudwatch_event_target" "nightly" {
  rule = aws_cloudwatch_event_rule.nightly.name
  arn  = aws_cloudwatch_event_api_destination.orders.arn
  input_transformer {
    input_paths    = { type = "$.detail-type" }
    input_template = "{\\"type\\": <type>, \\"rule\\": <aws.events.rule-name>}"
  }
  http_target {
    header_parameters     = { "x-source" = "$.source" }
    path_parameter_values = ["$.resources[0]"]
  }
}` });
  const { status, stderr } = await runMayfly(['trigger', 'nightly', '--project', platform.project]);
  assert.equal(status, 0, stderr);
  await eventually(() => taken.length > 0, 'nothing came');
  const [{ url: path, headers, body }] = taken;
  assert.equal(decodeURIComponent(path), '/arn:aws:events:us-east-1:000000000000:rule/nightly/orders');
  assert.deepEqual([headers['x-source'], JSON.parse(body)], ['aws.events', { type: 'Scheduled Event', rule: 'nightly' }]);
});
