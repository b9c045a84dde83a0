/* The Lambda API by AWS's own client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  AddPermissionCommand,
  CreateEventSourceMappingCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionEventInvokeConfigCommand,
  DeleteLayerVersionCommand,
  GetEventSourceMappingCommand,
  GetAliasCommand,
  GetCodeSigningConfigCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  GetFunctionUrlConfigCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  GetLayerVersionPolicyCommand,
  GetPolicyCommand,
  GetProvisionedConcurrencyConfigCommand,
  GetRuntimeManagementConfigCommand,
  InvokeAsyncCommand,
  InvokeCommand,
  LambdaClient,
  ListAliasesCommand,
  ListCodeSigningConfigsCommand,
  ListEventSourceMappingsCommand,
  ListFunctionEventInvokeConfigsCommand,
  ListFunctionsByCodeSigningConfigCommand,
  ListFunctionsCommand,
  ListLayersCommand,
  ListLayerVersionsCommand,
  ListProvisionedConcurrencyConfigsCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionEventInvokeConfigCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { clients, gotten, got, lambda, TELLS, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const ALIAS = `
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.tells.function_name
  function_version = "1"
}
`;
const FILES = { 'main.tf': lambda('tells') + lambda('other') + ALIAS, 'tells.js': TELLS, 'other.js': TELLS.replace("'got '", "'other '"), 'api/where.js': WHERE };
const ARN = 'arn:aws:sqs:us-east-1:000000000000:q';

async function start(t, files = FILES) {
  const platform = await startPlatform(t, { files });
  return { platform, ...await clients(t, platform) };
}

const text = (payload) => Buffer.from(payload ?? []).toString();

test('a function is invoked, with its log, without a wait, or not at all', async (t) => {
  const { platform, lambda: api } = await start(t);
  const invoke = (Payload, more = {}) => api.send(new InvokeCommand({ FunctionName: 'tells', Payload, ...more }));
  const answer = await invoke('{"a":1}', { LogType: 'Tail' });
  assert.equal(answer.StatusCode, 200);
  assert.equal(text(answer.Payload), '"fine"');
  assert.equal(answer.ExecutedVersion, '$LATEST');
  assert.match(Buffer.from(answer.LogResult, 'base64').toString(), /got \{"a":1\}/);
  const failed = await invoke('{"fail":"boom"}');
  assert.equal(failed.FunctionError, 'Unhandled');
  assert.equal(JSON.parse(text(failed.Payload)).errorMessage, 'boom');
  assert.equal((await invoke('{"b":2}', { InvocationType: 'Event' })).StatusCode, 202);
  assert.equal((await invoke('{}', { InvocationType: 'DryRun' })).StatusCode, 204);
  const events = await gotten(platform, 3);
  assert.deepEqual(events.at(-1), { b: 2 });
  const refused = async (promise) => {
    const { name, $metadata: { requestId } } = await promise.then(() => assert.fail('it was not refused'), (error) => error);
    assert.match(requestId, /^[0-9a-f-]{36}$/, name);
    return name;
  };
  assert.equal(await refused(api.send(new InvokeCommand({ FunctionName: 'none' }))), 'ResourceNotFoundException');
  assert.equal(await refused(invoke(`"${'x'.repeat(1 << 20)}"`, { InvocationType: 'Event' })), 'RequestEntityTooLargeException');
  const base64 = (json) => Buffer.from(json).toString('base64');
  assert.equal((await invoke('{}', { ClientContext: base64('{"custom":{"a":1}}') })).StatusCode, 200);
  for (const ClientContext of ['{}', base64('[]'), base64('{'), '!!']) {
    await assert.rejects(invoke('{}', { ClientContext }),
      { name: 'InvalidRequestContentException', message: 'Client context must be a valid Base64-encoded JSON object.' });
  }
});

/** What a call answers, and its answer's headers; `headers` are sent with it. */
async function withHeaders(api, command, headers = {}) {
  let answered;
  command.middlewareStack.add((next) => (args) => next({ ...args, request: Object.assign(args.request, { headers: { ...args.request.headers, ...headers } }) }), { step: 'build' });
  command.middlewareStack.add((next) => async (args) => {
    const result = await next(args);
    answered = result.response.headers;
    return result;
  }, { step: 'deserialize', priority: 'low' });
  return [await api.send(command), answered];
}

test("a client's trace is the function's, and is answered; InvokeAsync does not wait", async (t) => {
  const handler = `exports.handler = async (event) => {
    const trace = process.env._X_AMZN_TRACE_ID;
    console.log('got ' + JSON.stringify({ ...event, trace }));
    return trace;
  };`;
  const { platform, lambda: api } = await start(t, { ...FILES, 'main.tf': lambda('tells'), 'tells.js': handler });
  const invocation = { FunctionName: 'tells', Payload: '{}' };
  const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1';
  const [answer, headers] = await withHeaders(api, new InvokeCommand(invocation), { 'X-Amzn-Trace-Id': trace });
  assert.deepEqual([text(answer.Payload), headers['x-amzn-trace-id']], [JSON.stringify(trace), trace]);
  const [another, its] = await withHeaders(api, new InvokeCommand(invocation));
  assert.match(its['x-amzn-trace-id'], /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]$/);
  assert.equal(text(another.Payload), JSON.stringify(its['x-amzn-trace-id']));
  await withHeaders(api, new InvokeCommand({ ...invocation, InvocationType: 'Event' }), { 'X-Amzn-Trace-Id': trace });
  assert.deepEqual((await gotten(platform, 3)).at(-1), { trace });

  const large = { FunctionName: 'tells', InvocationType: 'Event', Payload: `"${'x'.repeat(1_048_576)}"` };
  await assert.rejects(api.send(new InvokeCommand(large)), { name: 'RequestEntityTooLargeException', $fault: 'client',
    message: '1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)' });

  const async = (InvokeArgs, FunctionName = 'tells') => api.send(new InvokeAsyncCommand({ FunctionName, InvokeArgs }));
  assert.equal((await async('{"n":7}')).Status, 202);
  assert.equal((await gotten(platform, 4)).at(-1).n, 7);
  await assert.rejects(async('{"n'), { name: 'InvalidRequestContentException' });
  await assert.rejects(async('{}', 'none'), { name: 'ResourceNotFoundException' });
});

test('functions are listed and described', async (t) => {
  const { lambda: api } = await start(t);
  const { Functions } = await api.send(new ListFunctionsCommand({}));
  assert.deepEqual(Functions.map(({ FunctionName }) => FunctionName).sort(), ['other', 'tells']);
  const { Configuration } = await api.send(new GetFunctionCommand({ FunctionName: 'tells' }));
  assert.equal(Configuration.Runtime, 'nodejs22.x');
  assert.equal(Configuration.State, 'Active');
  assert.equal(Buffer.from(Configuration.CodeSha256, 'base64').length, 32);
  assert.match(Configuration.RevisionId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const all = await api.send(new ListFunctionsCommand({ FunctionVersion: 'ALL' }));
  assert.deepEqual(all.Functions.map(({ FunctionArn }) => FunctionArn.split(':function:')[1]).sort(), ['other:$LATEST', 'tells:$LATEST', 'tells:1']);
  await assert.rejects(api.send(new ListFunctionsCommand({ FunctionVersion: '1' })), { name: 'ValidationException', message: /enum value set: \[ALL\]$/ });
  assert.ok(Configuration.CodeSize >= TELLS.trim().length / 2, `${Configuration.CodeSize} bytes of code`);

  const ask = (Command, more = {}) => api.send(new Command({ FunctionName: 'tells', ...more }));
  assert.equal((await ask(GetRuntimeManagementConfigCommand)).UpdateRuntimeOn, 'Auto');
  assert.equal((await ask(GetFunctionRecursionConfigCommand)).RecursiveLoop, 'Terminate');
  assert.deepEqual((await ask(ListProvisionedConcurrencyConfigsCommand)).ProvisionedConcurrencyConfigs, []);
  await assert.rejects(ask(GetProvisionedConcurrencyConfigCommand, { Qualifier: 'live' }), { name: 'ProvisionedConcurrencyConfigNotFoundException' });
  await assert.rejects(ask(PublishVersionCommand), { name: 'NotImplementedException', message: /mayfly\.json: mayfly dev follows at once/ });
});

test('concurrency is reserved, and given up again', async (t) => {
  const { platform, lambda: api } = await start(t);
  const ask = (Command, more = {}) => api.send(new Command({ FunctionName: 'tells', ...more }));
  const put = (ReservedConcurrentExecutions, more) => ask(PutFunctionConcurrencyCommand, { ReservedConcurrentExecutions, ...more });
  const reserved = async () => (await ask(GetFunctionConcurrencyCommand)).ReservedConcurrentExecutions;
  assert.equal(await reserved(), undefined);
  await ask(InvokeCommand);
  assert.equal((await put(0)).ReservedConcurrentExecutions, 0);
  const once = new LambdaClient({ ...platform.aws, maxAttempts: 1 }); /* it would wait for a minute */
  t.after(() => once.destroy());
  const refused = await once.send(new InvokeCommand({ FunctionName: 'tells' })).then(() => assert.fail('was invoked'), (error) => error);
  assert.deepEqual([refused.name, refused.$metadata.httpStatusCode, refused.retryAfterSeconds], ['TooManyRequestsException', 429, undefined]);
  await put(1);
  await ask(InvokeCommand);
  assert.equal(await reserved(), 1);
  assert.deepEqual((await ask(GetFunctionCommand)).Concurrency, { ReservedConcurrentExecutions: 1 });
  await put(0);
  assert.equal((await ask(DeleteFunctionConcurrencyCommand)).$metadata.httpStatusCode, 204);
  await ask(InvokeCommand);
  assert.equal(await reserved(), undefined);
  await assert.rejects(put(1, { FunctionName: 'none' }), { name: 'ResourceNotFoundException', message: /:none:\$LATEST$/ });
  await assert.rejects(put(1, { FunctionName: 'tells:live' }), { name: 'InvalidParameterValueException', message: /Aliases and versions/ });
  await assert.rejects(put(901), ({ name, message, Type }) =>
    name === 'InvalidParameterValueException' && message.includes('below its minimum value') && Type === undefined);
});

/** A call as it would be sent, signed. */
function signed(t, platform, command) {
  return new Promise((resolve) => {
    const client = new LambdaClient({ ...platform.aws, requestHandler: { handle: (request) => { resolve(request); return new Promise(() => {}); } } });
    t.after(() => client.destroy());
    client.send(command);
  });
}

test('of what waits for a function only so much is kept: then an Invoke is refused, and fine later', { timeout: 90_000 }, async (t) => {
  const { platform } = await start(t, {
    ...FILES, 'main.tf': lambda('holds'),
    'mayfly.json': JSON.stringify({ volumes: ['data'], functions: { holds: { maxInstances: 1, memory: 512 } } }), /* events of 6 MB leave much for the collector */
    'holds.js': `
      const { existsSync } = require('node:fs');
      exports.handler = async (event) => {
        while (!existsSync('data/go')) await new Promise((done) => setTimeout(done, 50));
        return event.length;
      };`,
  });
  const Payload = JSON.stringify('x'.repeat(6_200_000));
  const { hostname, port, method, path: target, headers, body } = await signed(t, platform, new InvokeCommand({ FunctionName: 'holds', Payload }));
  const answers = [];
  const send = () => new Promise((sent) => { /* one after the other, so that control has read nearly all */
    const request = http.request({ hostname, port, method, path: target, headers });
    answers.push(once(request, 'response').then(async ([response]) => ({ status: response.statusCode, headers: response.headers, text: Buffer.concat(await Array.fromAsync(response)).toString() })));
    request.end(body, sent);
  });
  for (let n = 0; n < 48; n++) { /* 298 MB */
    await send();
  }
  const refused = await Promise.race(answers);
  assert.deepEqual([refused.status, refused.headers['x-amzn-errortype'], refused.headers['retry-after'], JSON.parse(refused.text)],
    [429, 'TooManyRequestsException', undefined, { Type: 'User', message: 'Rate Exceeded.' }]);
  writeFileSync(path.join(platform.project, 'data/go'), '');
  assert.deepEqual([...new Set((await Promise.all(answers)).map(({ status, text: said }) => `${status} ${said}`))].sort(), ['200 6200000', `429 ${refused.text}`]);
  await send();
  assert.equal((await answers.at(-1)).status, 200);
});

test('layers and code signing are answered as where there are none', async (t) => {
  const { lambda: client } = await start(t);
  const ask = (Command, input) => client.send(new Command(input)).then(({ $metadata, ...output }) => output, ({ name, message }) => [name, message]);
  const ARN = 'arn:aws:lambda:us-east-1:000000000000:layer:l';
  const CodeSigningConfigArn = 'arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0';
  const nothing = ['ResourceNotFoundException', 'The resource you requested does not exist.'];
  const noConfig = ['ResourceNotFoundException', `The Lambda code signing configuration ${CodeSigningConfigArn} can not be found.`];
  assert.deepEqual(await ask(ListLayersCommand, {}), { Layers: [] });
  assert.deepEqual(await ask(ListLayerVersionsCommand, { LayerName: 'l' }), { LayerVersions: [] });
  assert.deepEqual(await ask(GetLayerVersionCommand, { LayerName: 'l', VersionNumber: 1 }), nothing);
  assert.deepEqual(await ask(GetLayerVersionCommand, { LayerName: 'l', VersionNumber: -1 }), ['InvalidParameterValueException', 'Layer Version Cannot be less than 1']);
  assert.deepEqual(await ask(GetLayerVersionByArnCommand, { Arn: `${ARN}:1` }), nothing);
  assert.deepEqual(await ask(GetLayerVersionPolicyCommand, { LayerName: 'l', VersionNumber: 2 }), ['ResourceNotFoundException', `Layer version ${ARN}:2 does not exist.`]);
  assert.deepEqual(await ask(DeleteLayerVersionCommand, { LayerName: 'l', VersionNumber: 1 }), {});
  assert.equal((await ask(PublishLayerVersionCommand, { LayerName: 'l', Content: { ZipFile: new Uint8Array(1) } }))[0], 'NotImplementedException');
  assert.deepEqual(await ask(ListCodeSigningConfigsCommand, {}), { CodeSigningConfigs: [] });
  assert.deepEqual(await ask(GetCodeSigningConfigCommand, { CodeSigningConfigArn }), noConfig);
  assert.deepEqual(await ask(ListFunctionsByCodeSigningConfigCommand, { CodeSigningConfigArn }), noConfig);
});

test('functions are tagged', async (t) => {
  const { lambda: api } = await start(t);
  const arn = (name) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
  const tag = (Tags, Resource = arn('tells')) => api.send(new TagResourceCommand({ Resource, Tags }));
  const untag = (...TagKeys) => api.send(new UntagResourceCommand({ Resource: arn('tells'), TagKeys }));
  const tags = async () => (await api.send(new ListTagsCommand({ Resource: arn('tells') }))).Tags;
  assert.deepEqual(await tags(), {});
  assert.equal((await tag({ team: 'tea', 'a b&c': 'ä' })).$metadata.httpStatusCode, 204);
  await tag({ team: 'coffee', stage: 'dev' });
  assert.deepEqual(await tags(), { team: 'coffee', 'a b&c': 'ä', stage: 'dev' });
  assert.equal((await untag('a b&c', 'stage', 'none')).$metadata.httpStatusCode, 204);
  assert.deepEqual((await api.send(new GetFunctionCommand({ FunctionName: 'tells' }))).Tags, { team: 'coffee' });
  await assert.rejects(tag({}), { name: 'InvalidParameterValueException' });
  await assert.rejects(tag({ a: 'b' }, arn('none')), { name: 'ResourceNotFoundException', message: /^Function not found: arn:.*:none$/ });
  await assert.rejects(tag({ a: 'b' }, arn('tells:live')), { name: 'InvalidParameterValueException', message: /aliases and versions are not supported/ });
  await assert.rejects(tag({ a: 'b' }, 'arn:aws:something'), { name: 'ValidationException', message: /at 'resource' failed to satisfy constraint/ });
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}`, 'x']));
  await assert.rejects(tag(many), { name: 'InvalidParameterValueException', message: /exceeds resource tag limit/ });
});

test('functions have the tags that their files say, until the API says otherwise', async (t) => {
  const tagged = lambda('tells').replace('timeout ', 'tags = { team = "tea", count = 3 }\n  timeout ');
  const { lambda: api } = await start(t, { ...FILES, 'main.tf': tagged });
  const Resource = 'arn:aws:lambda:us-east-1:000000000000:function:tells';
  const tags = async () => [(await api.send(new ListTagsCommand({ Resource }))).Tags, (await api.send(new GetFunctionCommand({ FunctionName: 'tells' }))).Tags];
  assert.deepEqual(await tags(), Array(2).fill({ team: 'tea', count: '3' }));
  await api.send(new UntagResourceCommand({ Resource, TagKeys: ['count'] }));
  assert.deepEqual(await tags(), Array(2).fill({ team: 'tea' }));
});

test('two functions share a queue; each of its messages is for one of them', async (t) => {
  const { platform, lambda: api, sqs } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const map = (FunctionName) => api.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn: ARN, BatchSize: 1 }));
  const { UUID, EventSourceMappingArn, $metadata } = await map('tells');
  assert.equal($metadata.httpStatusCode, 202);
  assert.equal(EventSourceMappingArn, `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${UUID}`);
  await map('other');
  await assert.rejects(map('other'), { name: 'ResourceConflictException' });
  const sent = Array.from({ length: 12 }, (_, i) => `m${i}`);
  await Promise.all(sent.map((MessageBody) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))));
  const seen = (word) => platform.records.filter((record) => record.type === 'log' && record.text.startsWith(`${word} `))
    .flatMap((record) => JSON.parse(record.text.slice(word.length + 1)).Records.map(({ body }) => body));
  await eventually(() => seen('got').length + seen('other').length >= 12, () => platform.transcript());
  assert.deepEqual([...seen('got'), ...seen('other')].sort(), [...sent].sort());
  assert.ok(seen('got').length > 0 && seen('other').length > 0, 'one of them got nothing');
});

test('changes to a mapping at once are made or refused, and none is lost', async (t) => {
  const { lambda: api, sqs } = await start(t);
  await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const mapping = { FunctionName: 'tells', EventSourceArn: ARN, BatchSize: 1, Enabled: false };
  const made = await Promise.allSettled([1, 2, 3].map(() => api.send(new CreateEventSourceMappingCommand(mapping))));
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
  const { UUID } = made.find(({ status }) => status === 'fulfilled').value;
  const changes = [{ BatchSize: 5 }, { FunctionResponseTypes: ['ReportBatchItemFailures'] }, { ScalingConfig: { MaximumConcurrency: 7 } }];
  const done = await Promise.allSettled(changes.map((change) => api.send(new UpdateEventSourceMappingCommand({ UUID, ...change }))));
  const now = await api.send(new GetEventSourceMappingCommand({ UUID }));
  changes.forEach((change, n) => {
    const [[name, value]] = Object.entries(change);
    assert.equal(isDeepStrictEqual(now[name], value), done[n].status === 'fulfilled', name);
    assert.ok(done[n].status === 'fulfilled' || done[n].reason.name === 'ResourceInUseException', `${done[n].reason}`);
  });
  const gone = await Promise.allSettled([
    api.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 6 })), api.send(new DeleteEventSourceMappingCommand({ UUID })),
  ]);
  const isGone = gone[1].status === 'fulfilled';
  assert.equal((await api.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings.length, isGone ? 0 : 1);
});

test('a mapping is changed, stopped and removed', async (t) => {
  const { platform, lambda: api, sqs } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const { UUID } = await api.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn: ARN, Enabled: false }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
  await assert.rejects(api.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 100 })), { name: 'InvalidParameterValueException' });
  assert.equal((await api.send(new GetEventSourceMappingCommand({ UUID }))).State, 'Disabled');
  assert.deepEqual(got(platform), []);
  await api.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
  const [{ Records }] = await gotten(platform, 1);
  assert.equal(Records[0].body, 'a');
  assert.equal(Records[0].eventSourceARN, ARN);
  await api.send(new DeleteEventSourceMappingCommand({ UUID }));
  await assert.rejects(api.send(new GetEventSourceMappingCommand({ UUID })), { name: 'ResourceNotFoundException' });
});

test('what becomes of asynchronous events is configured', async (t) => {
  const { lambda: api } = await start(t);
  const FunctionName = 'tells';
  await assert.rejects(api.send(new GetFunctionEventInvokeConfigCommand({ FunctionName })), { name: 'ResourceNotFoundException' });
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 }));
  const config = await api.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }));
  assert.deepEqual([config.MaximumRetryAttempts, config.MaximumEventAgeInSeconds], [1, 60]);
  await assert.rejects(api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 3 })), { name: 'ValidationException', message: /Value '3' at 'maximumRetryAttempts'/ });
  await assert.rejects(api.send(new ListFunctionEventInvokeConfigsCommand({ FunctionName, MaxItems: 51 })), { name: 'ValidationException', message: /at 'maxItems'/ });
  assert.equal((await api.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }))).$metadata.httpStatusCode, 204);
  await assert.rejects(api.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName })), { name: 'ResourceNotFoundException' });
});

const TOLD = `
resource "aws_sqs_queue" "failed" {
  name = "failed"
}

resource "aws_lambda_function_event_invoke_config" "tells" {
  function_name          = aws_lambda_function.tells.function_name
  maximum_retry_attempts = 1

  destination_config {
    on_success {
      destination = aws_lambda_function.other.arn
    }
    on_failure {
      destination = aws_sqs_queue.failed.arn
    }
  }
}
`;

test('what the files say of asynchronous events is shown, and stays where an update does not name it', async (t) => {
  const { lambda: api } = await start(t, { ...FILES, 'main.tf': FILES['main.tf'] + TOLD });
  const FunctionName = 'tells';
  const DestinationConfig = {
    OnSuccess: { Destination: 'arn:aws:lambda:us-east-1:000000000000:function:other' },
    OnFailure: { Destination: 'arn:aws:sqs:us-east-1:000000000000:failed' },
  };
  const config = await api.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }));
  assert.deepEqual([config.MaximumRetryAttempts, config.DestinationConfig], [1, DestinationConfig]);
  assert.ok(Date.now() - config.LastModified < 60_000, String(config.LastModified));
  const updated = await api.send(new UpdateFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0 }));
  assert.deepEqual([updated.MaximumRetryAttempts, updated.DestinationConfig], [0, DestinationConfig]);
});

test('a destination is a function or a queue, and not the function itself', async (t) => {
  const { lambda: api, sqs } = await start(t);
  await sqs.send(new CreateQueueCommand({ QueueName: 'ordered.fifo', Attributes: { FifoQueue: 'true' } }));
  const put = (Destination) => api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', DestinationConfig: { OnSuccess: { Destination } } }));
  const arn = (name, service = 'lambda') => `arn:aws:${service}:us-east-1:000000000000:function:${name}`;
  const name = 'InvalidParameterValueException';
  await assert.rejects(put(arn('none')), { name, message: `The destination ARN ${arn('none')} is invalid.` });
  await assert.rejects(put(arn('tells')), { name, message: "You can't specify the function as a destination for itself." });
  const queue = 'arn:aws:sqs:us-east-1:000000000000:nowhere', bus = 'arn:aws:events:us-east-1:000000000000:event-bus/nowhere';
  await assert.rejects(put(queue), { name, message: `The destination ARN ${queue} is invalid.` });
  const fifo = 'arn:aws:sqs:us-east-1:000000000000:ordered.fifo';
  await assert.rejects(put(fifo), { name, message: `The destination ARN ${fifo} is invalid.` });
  await assert.rejects(put(bus), { name, message: `The destination ARN ${bus} is invalid.` });
  await assert.rejects(put(arn('tells', 'iam')), { name, message: /^The provided destination config DestinationConfig\(/ });
  await assert.rejects(put('arn:aws:_/!:us-east-1:000000000000:x'), { name: 'ValidationException' });
  for (const FunctionName of ['tells', 'none']) {
    await assert.rejects(api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName })), { name, message: /at least one of/ });
  }
  await assert.rejects(api.send(new UpdateFunctionEventInvokeConfigCommand({ FunctionName: 'tells', MaximumRetryAttempts: 1 })),
    { name: 'ResourceNotFoundException', message: `The function ${arn('tells')}:$LATEST doesn't have an EventInvokeConfig` });
  await put(arn('other'));
  await api.send(new UpdateFunctionEventInvokeConfigCommand({ FunctionName: 'tells', MaximumRetryAttempts: 0 }));
  const { FunctionEventInvokeConfigs: [config] } = await api.send(new ListFunctionEventInvokeConfigsCommand({ FunctionName: 'tells' }));
  assert.deepEqual([config.MaximumRetryAttempts, config.DestinationConfig.OnSuccess.Destination], [0, arn('other')]);
  assert.equal(config.FunctionArn, `${arn('tells')}:$LATEST`);
});

test('versions, aliases and URLs are those of the files; a qualifier means one of them', async (t) => {
  const { platform, lambda: api } = await start(t);
  const FunctionName = 'tells';
  const arn = 'arn:aws:lambda:us-east-1:000000000000:function:tells';
  const { Versions } = await api.send(new ListVersionsByFunctionCommand({ FunctionName }));
  assert.deepEqual(Versions.map(({ Version, FunctionArn }) => [Version, FunctionArn]), [['$LATEST', `${arn}:$LATEST`], ['1', `${arn}:1`]]);
  const { Aliases } = await api.send(new ListAliasesCommand({ FunctionName }));
  assert.deepEqual(Aliases.map(({ Name, AliasArn, FunctionVersion }) => [Name, AliasArn, FunctionVersion]), [['live', `${arn}:live`, '1']]);
  assert.equal((await api.send(new GetAliasCommand({ FunctionName, Name: 'live' }))).FunctionVersion, '1');
  await assert.rejects(api.send(new GetAliasCommand({ FunctionName, Name: 'no' })), { name: 'ResourceNotFoundException', message: `Cannot find alias arn: ${arn}:no` });
  const config = (more) => api.send(new GetFunctionConfigurationCommand({ FunctionName, ...more }));
  assert.equal((await config({ Qualifier: 'live' })).Version, '1');
  assert.equal((await config()).LastModified, (await config({ FunctionName: arn })).LastModified);
  await assert.rejects(config({ Qualifier: '7' }), { name: 'ResourceNotFoundException', message: `Function not found: ${arn}:7` });
  await assert.rejects(config({ FunctionName: `${arn}:1`, Qualifier: 'live' }), { name: 'InvalidParameterValueException', message: /derived qualifier/ });
  const there = arn.replace('us-east-1', 'eu-west-1');
  for (const Command of [GetFunctionConfigurationCommand, InvokeCommand]) {
    await assert.rejects(api.send(new Command({ FunctionName: there })), { name: 'ResourceNotFoundException', message: /Functions from 'eu-west-1' are not reachable/ });
  }
  const abroad = new LambdaClient({ ...platform.aws, region: 'eu-west-1' });
  t.after(() => abroad.destroy());
  for (const FunctionName of [there, arn]) {
    assert.equal((await abroad.send(new InvokeCommand({ FunctionName, Payload: '{}' }))).StatusCode, 200);
    assert.equal((await abroad.send(new GetFunctionConfigurationCommand({ FunctionName }))).FunctionArn, there);
  }
  await assert.rejects(abroad.send(new InvokeCommand({ FunctionName: arn.replace('us-east-1', 'eu-west-2') })),
    { name: 'ResourceNotFoundException', message: "Functions from 'eu-west-2' are not reachable in this region ('eu-west-1')" });
  for (const Command of [GetFunctionConfigurationCommand, InvokeCommand]) {
    const named = (name, more) => api.send(new Command({ FunctionName: name, ...more }));
    await assert.rejects(named(`${arn}:1`, { Qualifier: 'live' }), { name: 'InvalidParameterValueException', message: /derived qualifier/ });
    await assert.rejects(named('a b!'), { name: 'ValidationException', message: /^1 validation error detected: Value 'a b!' at 'functionName' failed/ });
    await assert.rejects(named('arn:aws:ec2:us-east-1:000000000000:function:tells'), { name: 'ValidationException' });
    await assert.rejects(named(`000000000000:function:tells:no`), { name: 'ResourceNotFoundException', message: `Function not found: ${arn}:no` });
  }
  assert.equal((await api.send(new InvokeCommand({ FunctionName: '000000000000:function:tells:live', Payload: '{}' }))).ExecutedVersion, '1');
  const { FunctionUrl, AuthType } = await api.send(new GetFunctionUrlConfigCommand({ FunctionName }));
  assert.deepEqual([FunctionUrl, AuthType], [`http://tells.localhost:${platform.port}/`, 'NONE']);
});

test("a function's policy is kept, shown and changed, by everyone at once", async (t) => {
  const { lambda: api } = await start(t);
  const FunctionName = 'tells';
  const add = (StatementId, more = {}) => api.send(new AddPermissionCommand({
    FunctionName, StatementId, Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com', ...more }));
  const policy = async () => JSON.parse((await api.send(new GetPolicyCommand({ FunctionName }))).Policy);
  await assert.rejects(policy(), { name: 'ResourceNotFoundException' });
  await assert.rejects(add('a', { SourceArn: 'rule/r' }), { name: 'ValidationException', message: /at 'sourceArn'/ });
  const SourceArn = 'arn:aws:events:us-east-1:000000000000:rule/r';
  const added = await Promise.all(['a', 'b', 'c'].map((id) => add(id, { SourceArn })));
  assert.deepEqual(JSON.parse(added[0].Statement), {
    Sid: 'a', Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'lambda:InvokeFunction',
    Resource: 'arn:aws:lambda:us-east-1:000000000000:function:tells', Condition: { ArnLike: { 'AWS:SourceArn': SourceArn } } });
  assert.deepEqual((await policy()).Statement.map(({ Sid }) => Sid), ['a', 'b', 'c']);
  const byUrl = await add('url', { Principal: '*', InvokedViaFunctionUrl: true });
  assert.deepEqual(JSON.parse(byUrl.Statement).Condition, { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } });
  await assert.rejects(add('a'), { name: 'ResourceConflictException' });
  await assert.rejects(add('a.b'), { name: 'ValidationException', message: /at 'statementId'/ });
  await assert.rejects(add('d', { Principal: 'somebody' }), { name: 'InvalidParameterValueException' });
  await assert.rejects(add('d', { Qualifier: '$LATEST' }), { name: 'InvalidParameterValueException' });
  await assert.rejects(add('d', { Qualifier: 'no' }), { name: 'ResourceNotFoundException', message: /Cannot find alias arn/ });
  await assert.rejects(add('d', { RevisionId: 'other' }), { name: 'PreconditionFailedException' });
  await add('d', { Principal: '123456789012', Qualifier: 'live' });
  const remove = (StatementId) => api.send(new RemovePermissionCommand({ FunctionName, StatementId }));
  await assert.rejects(remove('x'), { name: 'ResourceNotFoundException', message: 'Statement x is not found in resource policy.' });
  await Promise.all(['a', 'b', 'c', 'url'].map(remove));
  await assert.rejects(policy(), { name: 'ResourceNotFoundException' });
  await assert.rejects(remove('a'), { message: 'No policy is associated with the given resource.' });
});

test('a mapping that the API made works on when control has died', async (t) => {
  const { platform, lambda: api, sqs } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  await api.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells:live', EventSourceArn: ARN }));
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  const MessageAttributes = { who: { DataType: 'String', StringValue: 'me' } };
  const { MD5OfMessageAttributes } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', MessageAttributes }));
  const [{ Records: [record] }] = await gotten(platform, 1);
  assert.deepEqual([record.body, record.md5OfMessageAttributes], ['later', MD5OfMessageAttributes]);
});

test('records of a mapping with a window say that they have no attributes', async (t) => {
  const { platform, lambda: api, sqs } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  await api.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells:live', EventSourceArn: ARN, MaximumBatchingWindowInSeconds: 1 }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'plain' }));
  const [{ Records: [record] }] = await gotten(platform, 1);
  assert.equal(record.md5OfMessageAttributes, null);
});
