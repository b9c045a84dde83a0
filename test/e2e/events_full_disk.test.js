/* A full disk, and the calls of all services but S3 that change something: each of them acts for good, or is refused without
 * any effect. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import * as E from '@aws-sdk/client-eventbridge';
import * as L from '@aws-sdk/client-lambda';
import * as S from '@aws-sdk/client-scheduler';
import * as Q from '@aws-sdk/client-sqs';
import { lambda, TELLS } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';
import { fill, isFull, testOnDisk } from './small_disk.js';

const FILES = { 'main.tf': lambda('keep') + lambda('other'), 'keep.js': TELLS, 'other.js': TELLS };
const arn = (service, rest) => `arn:aws:${service}:us-east-1:000000000000:${rest}`;
const queue = (name) => ({ QueueUrl: `/000000000000/${name}` });
const BUS = arn('events', 'event-bus/default');
const LONG = 'x'.repeat(200);
const BALLAST = 'ballast'; /* a queue that takes what is left of the disk */

function connect(t, platform) {
  const options = { ...platform.aws, maxAttempts: 1 };
  const clients = { events: new E.EventBridgeClient(options), lambda: new L.LambdaClient(options), scheduler: new S.SchedulerClient(options), sqs: new Q.SQSClient(options) };
  t.after(() => Object.values(clients).forEach((client) => client.destroy()));
  return Object.fromEntries(Object.entries(clients).map(([name, client]) => [name, (Command, input = {}) => client.send(new Command(input))]));
}

/** All that the calls could have changed. */
async function look({ events, lambda: functions, scheduler, sqs }) {
  const all = {};
  const add = async (name, ask) => {
    const { $metadata: _, NextToken: __, ...answer } = await ask.catch((error) => ({ error: error.name }));
    return Object.assign(all, { [name]: answer })[name];
  };
  for (const url of (await sqs(Q.ListQueuesCommand)).QueueUrls) {
    const name = path.basename(url);
    await add(`tags of queue ${name}`, sqs(Q.ListQueueTagsCommand, queue(name)));
    await add(`moves of ${name}`, sqs(Q.ListMessageMoveTasksCommand, { SourceArn: arn('sqs', name), MaxResults: 10 }));
    if (name !== BALLAST && name !== 'dead') { /* a task takes from it */
      const { Attributes } = await add(`queue ${name}`, sqs(Q.GetQueueAttributesCommand, { ...queue(name), AttributeNames: ['All'] }));
      delete Attributes.ApproximateNumberOfMessages; /* as they become visible */
      delete Attributes.ApproximateNumberOfMessagesNotVisible;
    }
  }
  for (const { Name: EventBusName, Arn } of (await add('buses', events(E.ListEventBusesCommand))).EventBuses) {
    await add(`tags of bus ${EventBusName}`, events(E.ListTagsForResourceCommand, { ResourceARN: Arn }));
    for (const { Name, Arn: ResourceARN } of (await add(`rules of ${EventBusName}`, events(E.ListRulesCommand, { EventBusName }))).Rules) {
      await add(`targets of ${Name}`, events(E.ListTargetsByRuleCommand, { Rule: Name, EventBusName }));
      await add(`tags of rule ${Name}`, events(E.ListTagsForResourceCommand, { ResourceARN }));
    }
  }
  all.buses.EventBuses = all.buses.EventBuses.filter(({ Name }) => Name !== 'default'); /* made with each start */
  for (const { ArchiveName } of (await events(E.ListArchivesCommand)).Archives) {
    await add(`archive ${ArchiveName}`, events(E.DescribeArchiveCommand, { ArchiveName }));
  }
  await add('replays', events(E.ListReplaysCommand));
  for (const { Name } of (await events(E.ListConnectionsCommand)).Connections) {
    await add(`connection ${Name}`, events(E.DescribeConnectionCommand, { Name }));
  }
  for (const { Name } of (await events(E.ListApiDestinationsCommand)).ApiDestinations) {
    await add(`API destination ${Name}`, events(E.DescribeApiDestinationCommand, { Name }));
  }
  for (const { Name, Arn: ResourceArn } of (await add('groups', scheduler(S.ListScheduleGroupsCommand))).ScheduleGroups) {
    await add(`tags of group ${Name}`, scheduler(S.ListTagsForResourceCommand, { ResourceArn }));
  }
  for (const { Name, GroupName } of (await scheduler(S.ListSchedulesCommand)).Schedules) {
    await add(`schedule ${GroupName}/${Name}`, scheduler(S.GetScheduleCommand, { Name, GroupName }));
  }
  for (const { UUID, EventSourceMappingArn: Resource } of (await functions(L.ListEventSourceMappingsCommand)).EventSourceMappings) {
    const mapping = await add(`mapping ${UUID}`, functions(L.GetEventSourceMappingCommand, { UUID }));
    delete mapping.LastModified; /* since the start */
    await add(`tags of mapping ${UUID}`, functions(L.ListTagsCommand, { Resource }));
  }
  for (const FunctionName of ['keep', 'other']) {
    await add(`policy of ${FunctionName}`, functions(L.GetPolicyCommand, { FunctionName }));
    await add(`concurrency of ${FunctionName}`, functions(L.GetFunctionConcurrencyCommand, { FunctionName }));
    await add(`events of ${FunctionName}`, functions(L.ListFunctionEventInvokeConfigsCommand, { FunctionName }));
    await add(`tags of ${FunctionName}`, functions(L.ListTagsCommand, { Resource: arn('lambda', `function:${FunctionName}`) }));
  }
  return all;
}

const schedule = {
  ScheduleExpression: 'rate(1 day)', FlexibleTimeWindow: { Mode: 'OFF' },
  Target: { Arn: arn('lambda', 'function:keep'), RoleArn: 'arn:aws:iam::000000000000:role/x' },
};
const key = { AuthorizationType: 'API_KEY', AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'a', ApiKeyValue: 'b' } } };
const replay = { EventSourceArn: arn('events', 'archive/a'), EventStartTime: new Date(0), EventEndTime: new Date(Date.now() + 3_600_000), Destination: { Arn: BUS } };
const permission = { AWSAccountIds: ['111111111111'], Actions: ['SendMessage'] };
const move = { SourceArn: arn('sqs', 'dead'), DestinationArn: arn('sqs', 'other'), MaxNumberOfMessagesPerSecond: 1 };

/** Something of every kind. Returns what the calls need to know. */
async function prepare({ events, lambda: functions, scheduler, sqs }) {
  await sqs(Q.CreateQueueCommand, { QueueName: BALLAST });
  await sqs(Q.CreateQueueCommand, { QueueName: 'dead' });
  await sqs(Q.CreateQueueCommand, { QueueName: 'other', Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: move.SourceArn, maxReceiveCount: 9 }) } });
  await sqs(Q.CreateQueueCommand, { QueueName: 'jobs', Attributes: { VisibilityTimeout: '600' }, tags: { a: '1', b: '2' } });
  await sqs(Q.CreateQueueCommand, { QueueName: 'steps.fifo', Attributes: { FifoQueue: 'true' } });
  await sqs(Q.AddPermissionCommand, { ...queue('jobs'), Label: 'one', ...permission });
  for (let second = 0; second < 100; second += 10) { /* so long their move takes: it is cancelled */
    await sqs(Q.SendMessageBatchCommand, { ...queue('dead'), Entries: [...'abcdefghij'].map((Id) => ({ Id, MessageBody: Id })) });
  }
  await events(E.CreateEventBusCommand, { Name: 'bus' });
  await events(E.CreateEventBusCommand, { Name: 'empty' });
  await events(E.PutPermissionCommand, { EventBusName: 'bus', Action: 'events:PutEvents', Principal: '*', StatementId: 'one' });
  await events(E.PutRuleCommand, { Name: 'rule', EventPattern: '{"source":["shop"]}', Tags: [{ Key: 'a', Value: '1' }] });
  await events(E.PutRuleCommand, { Name: 'tick', ScheduleExpression: 'rate(1 day)' });
  await events(E.PutRuleCommand, { Name: 'bare', EventPattern: '{"source":["shop"]}' });
  await events(E.PutTargetsCommand, { Rule: 'rule', Targets: ['1', '2'].map((Id) => ({ Id, Arn: arn('sqs', 'other') })) });
  await events(E.CreateArchiveCommand, { ArchiveName: 'a', EventSourceArn: BUS });
  await events(E.CreateArchiveCommand, { ArchiveName: 'b', EventSourceArn: BUS });
  await events(E.PutEventsCommand, { Entries: [...'abcdefghij'].map((id) => ({ Source: 'shop', DetailType: id, Detail: '{}' })) });
  await events(E.CreateConnectionCommand, { Name: 'c', ...key });
  const { ConnectionArn } = await events(E.CreateConnectionCommand, { Name: 'd', ...key });
  await events(E.CreateApiDestinationCommand, { Name: 'd', ConnectionArn, InvocationEndpoint: 'https://example.com/', HttpMethod: 'POST' });
  await scheduler(S.CreateScheduleGroupCommand, { Name: 'group', Tags: [{ Key: 'a', Value: '1' }] });
  for (const GroupName of ['default', 'group']) {
    await scheduler(S.CreateScheduleCommand, { Name: 'one', GroupName, ...schedule });
    await scheduler(S.CreateScheduleCommand, { Name: 'two', GroupName, ...schedule });
  }
  const { UUID, EventSourceMappingArn: Resource } = await functions(L.CreateEventSourceMappingCommand, {
    FunctionName: 'keep', EventSourceArn: arn('sqs', 'steps.fifo'), Enabled: false, Tags: { a: '1' },
  });
  const invocation = { FunctionName: 'keep', Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com' };
  await functions(L.AddPermissionCommand, { ...invocation, StatementId: 'one' });
  await functions(L.PutFunctionConcurrencyCommand, { FunctionName: 'keep', ReservedConcurrentExecutions: 3 });
  await functions(L.PutFunctionEventInvokeConfigCommand, { FunctionName: 'keep', MaximumRetryAttempts: 1 });
  await functions(L.TagResourceCommand, { Resource: arn('lambda', 'function:keep'), Tags: { a: '1' } });
  return { ConnectionArn, UUID, Resource, invocation };
}

/** The calls that would store more. */
const larger = ({ ConnectionArn, UUID, Resource, invocation }) => [
  ['sqs', Q.CreateQueueCommand, { QueueName: 'new', tags: { LONG } }],
  ['sqs', Q.SetQueueAttributesCommand, { ...queue('jobs'), Attributes: { DelaySeconds: '9' } }],
  ['sqs', Q.TagQueueCommand, { ...queue('jobs'), Tags: { LONG } }],
  ['sqs', Q.AddPermissionCommand, { ...queue('jobs'), Label: 'two', ...permission }],
  ['sqs', Q.SendMessageCommand, { ...queue('jobs'), MessageBody: LONG }],
  ['sqs', Q.SendMessageCommand, { ...queue('steps.fifo'), MessageBody: LONG, MessageGroupId: 'g', MessageDeduplicationId: 'd' }],
  ['sqs', Q.StartMessageMoveTaskCommand, move],
  ['events', E.CreateEventBusCommand, { Name: 'new', Description: LONG }],
  ['events', E.UpdateEventBusCommand, { Name: 'bus', Description: LONG }],
  ['events', E.PutPermissionCommand, { EventBusName: 'bus', Action: 'events:PutEvents', Principal: '*', StatementId: 'two' }],
  ['events', E.TagResourceCommand, { ResourceARN: arn('events', 'event-bus/bus'), Tags: [{ Key: 'k', Value: LONG }] }],
  ['events', E.TagResourceCommand, { ResourceARN: arn('events', 'rule/rule'), Tags: [{ Key: 'k', Value: LONG }] }],
  ['events', E.PutRuleCommand, { Name: 'new', EventPattern: '{"source":["shop"]}' }],
  ['events', E.PutRuleCommand, { Name: 'new', ScheduleExpression: 'rate(1 day)' }],
  ['events', E.PutTargetsCommand, { Rule: 'rule', Targets: [{ Id: '3', Arn: arn('sqs', 'other') }] }],
  ['events', E.PutEventsCommand, { Entries: [{ Source: 'shop', DetailType: 'd', Detail: '{}' }] }],
  ['events', E.CreateArchiveCommand, { ArchiveName: 'new', EventSourceArn: BUS, Description: LONG }],
  ['events', E.UpdateArchiveCommand, { ArchiveName: 'a', Description: LONG }],
  ['events', E.StartReplayCommand, { ...replay, ReplayName: 'new' }],
  ['events', E.CreateConnectionCommand, { Name: 'new', ...key }],
  ['events', E.UpdateConnectionCommand, { Name: 'c', Description: LONG }],
  ['events', E.CreateApiDestinationCommand, { Name: 'new', ConnectionArn, InvocationEndpoint: 'https://example.com/', HttpMethod: 'POST' }],
  ['events', E.UpdateApiDestinationCommand, { Name: 'd', Description: LONG }],
  ['scheduler', S.CreateScheduleCommand, { Name: 'new', ...schedule }],
  ['scheduler', S.UpdateScheduleCommand, { Name: 'one', ...schedule, ScheduleExpression: 'rate(2 days)', Description: LONG }],
  ['scheduler', S.CreateScheduleGroupCommand, { Name: 'new' }],
  ['scheduler', S.TagResourceCommand, { ResourceArn: arn('scheduler', 'schedule-group/group'), Tags: [{ Key: 'k', Value: LONG }] }],
  ['lambda', L.CreateEventSourceMappingCommand, { FunctionName: 'other', EventSourceArn: arn('sqs', 'jobs') }],
  ['lambda', L.UpdateEventSourceMappingCommand, { UUID, BatchSize: 3, FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ body: [LONG] }) }] } }],
  ['lambda', L.TagResourceCommand, { Resource, Tags: { LONG } }],
  ['lambda', L.AddPermissionCommand, { ...invocation, StatementId: 'two' }],
  ['lambda', L.PutFunctionConcurrencyCommand, { FunctionName: 'other', ReservedConcurrentExecutions: 5 }],
  ['lambda', L.PutFunctionEventInvokeConfigCommand, { FunctionName: 'other', MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }],
  ['lambda', L.UpdateFunctionEventInvokeConfigCommand, { FunctionName: 'keep', MaximumEventAgeInSeconds: 61 }],
  ['lambda', L.TagResourceCommand, { Resource: arn('lambda', 'function:keep'), Tags: { LONG } }],
  ['lambda', L.InvokeCommand, { FunctionName: 'keep', InvocationType: 'Event', Payload: '{}' }],
];

/** The calls that end something, switch it off or take it away. */
const smaller = ({ TaskHandle, UUID, Resource }) => [
  ['sqs', Q.CancelMessageMoveTaskCommand, { TaskHandle }],
  ['sqs', Q.UntagQueueCommand, { ...queue('jobs'), TagKeys: ['a'] }],
  ['sqs', Q.RemovePermissionCommand, { ...queue('jobs'), Label: 'one' }],
  ['events', E.RemovePermissionCommand, { EventBusName: 'bus', StatementId: 'one' }],
  ['events', E.UntagResourceCommand, { ResourceARN: arn('events', 'rule/rule'), TagKeys: ['a'] }],
  ['events', E.DisableRuleCommand, { Name: 'tick' }],
  ['events', E.RemoveTargetsCommand, { Rule: 'rule', Ids: ['1'] }],
  ['events', E.DeleteRuleCommand, { Name: 'bare' }],
  ['events', E.DeleteArchiveCommand, { ArchiveName: 'b' }],
  ['events', E.DeauthorizeConnectionCommand, { Name: 'c' }],
  ['events', E.DeleteApiDestinationCommand, { Name: 'd' }],
  ['events', E.DeleteConnectionCommand, { Name: 'd' }],
  ['events', E.DeleteEventBusCommand, { Name: 'empty' }],
  ['scheduler', S.UpdateScheduleCommand, { Name: 'one', ...schedule, State: 'DISABLED' }],
  ['scheduler', S.DeleteScheduleCommand, { Name: 'two' }],
  ['scheduler', S.UntagResourceCommand, { ResourceArn: arn('scheduler', 'schedule-group/group'), TagKeys: ['a'] }],
  ['scheduler', S.DeleteScheduleGroupCommand, { Name: 'group' }],
  ['lambda', L.UntagResourceCommand, { Resource, TagKeys: ['a'] }],
  ['lambda', L.DeleteEventSourceMappingCommand, { UUID }],
  ['lambda', L.RemovePermissionCommand, { FunctionName: 'keep', StatementId: 'one' }],
  ['lambda', L.DeleteFunctionConcurrencyCommand, { FunctionName: 'keep' }],
  ['lambda', L.DeleteFunctionEventInvokeConfigCommand, { FunctionName: 'keep' }],
  ['lambda', L.UntagResourceCommand, { Resource: arn('lambda', 'function:keep'), TagKeys: ['a'] }],
  ['sqs', Q.DeleteQueueCommand, queue('jobs')],
];

/** Takes what room there is left within the database: from then on nothing new is stored. */
async function takeRoom({ sqs }) {
  while (await sqs(Q.SendMessageCommand, { ...queue(BALLAST), MessageBody: 'x'.repeat(3000) }).catch((error) => assert.ok(isFull(error)))) {
    /* there was some */
  }
}

const differing = (one, other) => Object.keys({ ...one, ...other }).filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));

testOnDisk('on a full disk nothing is stored, and everything can be ended, switched off and removed', async (t, data) => {
  const options = { files: FILES, args: ['--data', data] };
  const first = await startPlatform(t, options);
  const clients = connect(t, first);
  const known = await prepare(clients);
  const ballast = path.join(data, 'ballast');
  fill(ballast);
  await takeRoom(clients);
  const before = await look(clients);
  for (const [service, Command, input] of larger(known)) {
    await assert.rejects(clients[service](Command, input), isFull, `${Command.name} ${JSON.stringify(input)}`);
    assert.deepEqual(differing(before, await look(clients)), [], `${Command.name} was refused, and acted`);
  }

  for (let n = 0, cancelled = false; !cancelled; n++) { /* a replay begins after a second: it may be over by then */
    rmSync(ballast);
    const running = { ...replay, ReplayName: `running-${n}` };
    await eventually(() => clients.events(E.StartReplayCommand, running).then(() => true, (error) => !isFull(error)), 'no room');
    known.TaskHandle ??= (await clients.sqs(Q.StartMessageMoveTaskCommand, move)).TaskHandle;
    fill(ballast);
    await takeRoom(clients);
    cancelled = await clients.events(E.CancelReplayCommand, { ReplayName: running.ReplayName }).catch(({ name }) => assert.equal(name, 'IllegalStatusException'));
  }
  let now = await look(clients);
  for (const [service, Command, input] of smaller(known)) {
    const then = now;
    await clients[service](Command, input);
    now = await look(clients);
    assert.notDeepEqual(differing(then, now), [], `${Command.name} did nothing`);
  }

  await eventually(async () => {
    const { 'moves of dead': { Results: [{ Status }] }, replays: { Replays } } = await look(clients);
    return Status === 'CANCELLED' && Replays.at(-1).State === 'CANCELLED';
  }, 'what was cancelled does not end');
  now = await look(clients);
  await first.stop();
  const after = await look(connect(t, await startPlatform(t, options)));
  assert.deepEqual(Object.fromEntries(differing(now, after).map((name) => [name, [now[name], after[name]]])), {});
});

test('no file of the data folder is mapped, where a disk that is full would end the process that writes to it', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const control = await platform.process('mayfly: control');
  const mapped = readFileSync(`/proc/${control.pid}/maps`, 'utf8').split('\n').filter((line) => line.includes('mayfly.db'));
  assert.deepEqual(mapped, []);
});

testOnDisk('a disk that is full when Mayfly starts is told of, with what helps', async (t, data) => {
  const options = { files: FILES, args: ['--data', data] };
  await (await startPlatform(t, options)).stop();
  rmSync(path.join(data, 'reserve'));
  fill(path.join(data, 'ballast'));
  const platform = await startPlatform(t, options);
  const clients = connect(t, platform);
  await assert.rejects(clients.sqs(Q.CreateQueueCommand, { QueueName: BALLAST }), isFull);
  await eventually(() => /disk of the data folder is full.*nothing new is stored; free some space/.test(platform.errors), () => platform.transcript());
});

testOnDisk('a connection that is refused on a full disk asks nobody for a token', async (t, data) => {
  const clients = connect(t, await startPlatform(t, { files: FILES, args: ['--data', data] }));
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url);
    response.end('{"access_token":"x"}');
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const create = (to) => clients.events(E.CreateConnectionCommand, {
    Name: 'oauth', AuthorizationType: 'OAUTH_CLIENT_CREDENTIALS',
    AuthParameters: {
      OAuthParameters: { ClientParameters: { ClientID: 'a', ClientSecret: 'b' }, AuthorizationEndpoint: `http://127.0.0.1:${server.address().port}${to}`, HttpMethod: 'POST' },
    },
  });
  await clients.sqs(Q.CreateQueueCommand, { QueueName: BALLAST });
  const ballast = path.join(data, 'ballast');
  fill(ballast);
  await takeRoom(clients);
  await assert.rejects(create('/refused'), isFull);
  rmSync(ballast);
  await eventually(() => clients.sqs(Q.SendMessageCommand, { ...queue(BALLAST), MessageBody: 'x' }).then(() => true, (error) => !isFull(error)), 'no room');
  await create('/made');
  await eventually(() => asked.includes('/made'), 'it asks for no token');
  assert.deepEqual(asked, ['/made']);
});
