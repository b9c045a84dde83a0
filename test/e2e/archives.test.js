/* Archives of EventBridge and their replays, by AWS's own client. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CancelReplayCommand, CreateArchiveCommand, CreateEventBusCommand, DeleteArchiveCommand, DescribeArchiveCommand,
  DescribeReplayCommand, ListArchivesCommand, ListReplaysCommand, PutEventsCommand, PutRuleCommand, PutTargetsCommand,
  StartReplayCommand, UpdateArchiveCommand,
} from '@aws-sdk/client-eventbridge';
import { InvokeCommand, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { clients, lambda, TELLS, WHERE } from './aws_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const FILES = { 'main.tf': lambda('tells'), 'tells.js': TELLS, 'api/where.js': WHERE };
const arnOf = (what, service = 'events') => `arn:aws:${service}:us-east-1:000000000000:${what}`;
const BUS = arnOf('event-bus/shop');
const ARCHIVE = arnOf('archive/orders');

/* A bus "shop" with an archive of what its rules "one" and "two" put into queues of their names. */
async function start(t) {
  const platform = await startPlatform(t, { files: FILES });
  const { events, sqs, lambda: api } = await clients(t, platform);
  await events.send(new CreateEventBusCommand({ Name: 'shop' }));
  const urls = {};
  for (const Name of ['one', 'two']) {
    urls[Name] = (await sqs.send(new CreateQueueCommand({ QueueName: Name }))).QueueUrl;
    await events.send(new PutRuleCommand({ Name, EventBusName: 'shop', EventPattern: '{"source":[{"prefix":""}]}' }));
    await events.send(new PutTargetsCommand({ Rule: Name, EventBusName: 'shop', Targets: [{ Id: '1', Arn: arnOf(Name, 'sqs') }] }));
  }
  await events.send(new CreateArchiveCommand({ ArchiveName: 'orders', EventSourceArn: BUS, EventPattern: '{"source":["shop"]}', Description: 'all' }));
  const put = (details, more = {}) => events.send(new PutEventsCommand({
    Entries: details.map((n) => ({ EventBusName: 'shop', Source: 'shop', DetailType: 'order', Detail: `{"n":${n},"price":1.50}`, ...more })),
  }));
  /* Takes so many events out of a queue. */
  const take = async (name, count) => {
    const taken = [];
    await eventually(async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: urls[name], MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }));
      if (Messages.length > 0) {
        const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle }));
        await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: urls[name], Entries }));
      }
      taken.push(...Messages.map(({ Body }) => JSON.parse(Body)));
      return taken.length >= count;
    }, () => `${taken.length} of ${count} events:\n${platform.transcript()}`);
    return taken;
  };
  const replay = (ReplayName, more = {}) => events.send(new StartReplayCommand({
    ReplayName, EventSourceArn: ARCHIVE, EventStartTime: new Date(0), EventEndTime: new Date(Date.now() + 60_000), Destination: { Arn: BUS }, ...more,
  }));
  const ended = async (ReplayName) => {
    let state;
    await eventually(async () => {
      state = await events.send(new DescribeReplayCommand({ ReplayName }));
      return state.ReplayEndTime;
    }, () => `it is ${state?.State}`);
    return state;
  };
  return { platform, events, sqs, api, put, take, replay, ended };
}

const numbers = (taken) => taken.map(({ detail }) => detail.n).sort((a, b) => a - b);

test('an archive keeps the events that it wants, and a replay sends those of a time again', async (t) => {
  const { platform, events, put, take, replay, ended } = await start(t);
  const early = new Date('2026-01-01T00:00:00Z');
  await put([1, 2], { Time: early });
  await put([3]);
  await put([4], { Source: 'other' });
  const first = await take('one', 4);
  await take('two', 4);
  const archive = await events.send(new DescribeArchiveCommand({ ArchiveName: 'orders' }));
  assert.deepEqual([archive.ArchiveArn, archive.EventSourceArn, archive.State, archive.EventCount, archive.RetentionDays, archive.Description],
    [ARCHIVE, BUS, 'ENABLED', 3, 0, 'all']);
  assert.ok(archive.SizeBytes > 0);

  const begun = await replay('again', { EventStartTime: early, EventEndTime: new Date('2026-01-01T00:00:01Z') });
  assert.deepEqual([begun.State, begun.ReplayArn], ['STARTING', arnOf('replay/again')]);
  const second = await take('one', 2);
  assert.deepEqual(numbers(second), [1, 2]);
  const original = first.find(({ detail }) => detail.n === second[0].detail.n);
  assert.deepEqual(second[0], { ...original, 'replay-name': 'again' });
  const over = await ended('again');
  assert.deepEqual([over.State, over.EventLastReplayedTime.getTime()], ['COMPLETED', early.getTime()]);
  assert.equal((await events.send(new DescribeArchiveCommand({ ArchiveName: 'orders' }))).EventCount, 3, 'what was replayed was archived');

  await take('two', 2);
  await replay('some', { Destination: { Arn: BUS, FilterArns: [arnOf('rule/shop/two')] } });
  assert.deepEqual(numbers(await take('two', 3)), [1, 2, 3]);
  await put([5], { Source: 'last' });
  assert.deepEqual(numbers(await take('one', 1)), [5], 'the other rule got what was not for it');
  const { Replays } = await events.send(new ListReplaysCommand({ State: 'COMPLETED' }));
  assert.deepEqual(Replays.map(({ ReplayName }) => ReplayName), ['again', 'some']);
  const shown = (...args) => runMayfly(['events', 'ls', ...args, '--project', platform.project]);
  assert.doesNotMatch((await shown()).stdout, /archive:/, 'archived events are shown as work');
  assert.match((await shown('--queue', 'archive:orders')).stdout, /archive:orders/);
});

test('a replay until the end of time sends all there is', async (t) => {
  const { put, take, replay } = await start(t);
  await put([1, 2], { Time: new Date('2026-01-01T00:00:00Z') });
  await take('one', 2);
  await replay('ever', { EventStartTime: new Date(0), EventEndTime: Object.assign(new Date(), { getTime: () => 1e300 }) });
  assert.deepEqual(numbers(await take('one', 2)), [1, 2]);
});

test('a replay goes on after a crash, and sends nothing twice', async (t) => {
  const { platform, put, take, replay, ended } = await start(t);
  const all = Array.from({ length: 35 }, (_, i) => i);
  for (let i = 0; i < all.length; i += 10) {
    await put(all.slice(i, i + 10));
  }
  await take('one', all.length);
  await replay('again');
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  assert.equal((await ended('again')).State, 'COMPLETED');
  await put([99]);
  assert.deepEqual(numbers(await take('one', all.length + 1)), [...all, 99]);
});

test('a replay is cancelled, an archive changed and removed', async (t) => {
  const { events, put, take, replay, ended } = await start(t);
  await put([1]);
  await take('one', 1);
  await replay('no');
  const ReplayName = 'no';
  const cancelled = await events.send(new CancelReplayCommand({ ReplayName })).catch((error) => error);
  const { State } = await ended('no'); /* on a machine that is slow enough it was over before */
  assert.deepEqual([cancelled.State ?? cancelled.name, State], State === 'CANCELLED' ? ['CANCELLING', 'CANCELLED'] : ['IllegalStatusException', 'COMPLETED']);
  await assert.rejects(events.send(new CancelReplayCommand({ ReplayName })), { name: 'IllegalStatusException' });

  await events.send(new UpdateArchiveCommand({ ArchiveName: 'orders', EventPattern: '{"source":["other"]}', RetentionDays: 2 }));
  await put([2]);
  const { EventCount, RetentionDays } = await events.send(new DescribeArchiveCommand({ ArchiveName: 'orders' }));
  assert.deepEqual([EventCount, RetentionDays], [1, 2]);
  await events.send(new DeleteArchiveCommand({ ArchiveName: 'orders' }));
  assert.deepEqual((await events.send(new ListArchivesCommand({}))).Archives, []);
  await events.send(new CreateArchiveCommand({ ArchiveName: 'orders', EventSourceArn: BUS }));
  assert.equal((await events.send(new DescribeArchiveCommand({ ArchiveName: 'orders' }))).EventCount, 0);
});

test('what is wrong with archives and replays is told as AWS tells it', async (t) => {
  const { events, replay } = await start(t);
  for (const [Command, what] of [[ListArchivesCommand, 'ListArchives'], [ListReplaysCommand, 'ListReplays']]) {
    await assert.rejects(events.send(new Command({ NamePrefix: 'o', EventSourceArn: BUS })), { name: 'ValidationException',
      message: `At most one filter is allowed for ${what}. Use either : State, EventSourceArn, or NamePrefix.` });
  }
  const none = { name: 'ResourceNotFoundException' };
  const invalid = { name: 'ValidationException' };
  const create = (more) => events.send(new CreateArchiveCommand({ ArchiveName: 'new', EventSourceArn: BUS, ...more }));
  await assert.rejects(create({ ArchiveName: 'orders' }), { name: 'ResourceAlreadyExistsException', message: 'Archive orders already exists.' });
  await assert.rejects(create({ EventSourceArn: arnOf('event-bus/none') }), { ...none, message: 'Event bus none does not exist.' });
  await assert.rejects(create({ EventPattern: '{"a":"b"}' }), { name: 'InvalidEventPatternException' });
  await assert.rejects(create({ ArchiveName: 'n'.repeat(49) }), invalid);
  await assert.rejects(events.send(new DescribeArchiveCommand({ ArchiveName: 'none' })), { ...none, message: 'Archive none does not exist.' });
  await assert.rejects(events.send(new UpdateArchiveCommand({ ArchiveName: 'none' })), { ...invalid, message: /^At least one of EventPattern, RetentionDays or/ });
  await assert.rejects(replay('r', { EventSourceArn: arnOf('archive/none') }), { ...invalid, message: 'Parameter EventSourceArn is not valid. Reason: Archive none does not exist.' });
  await assert.rejects(replay('r', { Destination: { Arn: arnOf('event-bus/none') } }), { ...none, message: 'Event bus none does not exist.' });
  await assert.rejects(replay('r', { Destination: { Arn: arnOf('event-bus/default') } }), { ...invalid, message: /Cross event bus replay is not permitted/ });
  await assert.rejects(replay('r', { EventEndTime: new Date(0) }), { ...invalid, message: /EventStartTime must be before EventEndTime/ });
  await assert.rejects(events.send(new DescribeReplayCommand({ ReplayName: 'none' })), { ...none, message: 'Replay none does not exist.' });
  await replay('r');
  await assert.rejects(replay('r'), { name: 'ResourceAlreadyExistsException', message: 'Replay r already exists.' });
});

test('a bus that the API made is a destination at once', async (t) => {
  const { api, take } = await start(t);
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', DestinationConfig: { OnSuccess: { Destination: BUS } } }));
  await api.send(new InvokeCommand({ FunctionName: 'tells', InvocationType: 'Event', Payload: '{"n":1}' }));
  const [event] = await take('one', 1);
  assert.deepEqual([event.source, event.detail.requestPayload], ['lambda', { n: 1 }]);
});
