/* EventBridge and EventBridge Scheduler by AWS's own client. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CreateApiDestinationCommand, CreateArchiveCommand, CreateConnectionCommand, CreateEventBusCommand, DeleteEventBusCommand, DeleteRuleCommand,
  DescribeEventBusCommand, DescribeRuleCommand, StartReplayCommand,
  DescribeApiDestinationCommand, DescribeConnectionCommand, DescribeEndpointCommand, DisableRuleCommand, EventBridgeClient,
  ListApiDestinationsCommand, ListConnectionsCommand, ListEndpointsCommand, ListEventSourcesCommand, ListPartnerEventSourcesCommand,
  ListEventBusesCommand, ListReplaysCommand, ListRulesCommand, ListTargetsByRuleCommand, PutEventsCommand, PutPermissionCommand,
  DeleteConnectionCommand, PutRuleCommand, PutTargetsCommand, RemovePermissionCommand, RemoveTargetsCommand, UpdateEventBusCommand,
  ListTagsForResourceCommand as ListRuleTagsCommand, TagResourceCommand as TagRuleCommand, TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { ListTagsCommand as ListFunctionTagsCommand, TagResourceCommand as TagFunctionCommand } from '@aws-sdk/client-lambda';
import {
  CreateScheduleCommand, CreateScheduleGroupCommand, GetScheduleCommand, ListScheduleGroupsCommand, ListSchedulesCommand,
  ListTagsForResourceCommand as ListGroupTagsCommand, TagResourceCommand as TagGroupCommand, UntagResourceCommand as UntagGroupCommand,
} from '@aws-sdk/client-scheduler';
import { CreateQueueCommand, DeleteMessageBatchCommand, DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { clients, got, gotten, lambda, scheduleSoon, TELLS, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:tells';
const FILES = { 'main.tf': lambda('tells'), 'tells.js': TELLS, 'api/where.js': WHERE };

const order = (detail, more = {}) => ({ Source: 'shop', DetailType: 'order', Detail: JSON.stringify(detail), ...more });

async function withRule(t, { files = FILES, pattern = { source: ['shop'] }, target = {}, ...rule } = {}) {
  const platform = await startPlatform(t, { files });
  const { events, scheduler } = await clients(t, platform);
  await events.send(new PutRuleCommand({ Name: 'orders', EventPattern: JSON.stringify(pattern), ...rule }));
  await events.send(new PutTargetsCommand({ Rule: 'orders', EventBusName: rule.EventBusName, Targets: [{ Id: '1', Arn: FUNCTION, ...target }] }));
  return { platform, events, scheduler };
}

test('an event reaches the function that its rule leads to, as AWS would send it', async (t) => {
  const { platform, events } = await withRule(t);
  const { Entries, FailedEntryCount } = await events.send(new PutEventsCommand({
    Entries: [
      order({ id: 1.50, big: 12345678901234567890n.toString() }, { Time: new Date(1_700_000_000_000), Resources: ['arn:x'] }),
      { Source: 'other', DetailType: 'order', Detail: '{}' },
    ],
  }));
  assert.equal(FailedEntryCount, 0);
  const [event] = await gotten(platform, 1);
  assert.deepEqual(event, {
    version: '0', id: Entries[0].EventId, 'detail-type': 'order', source: 'shop', account: '000000000000',
    time: '2023-11-14T22:13:20Z', region: 'us-east-1', resources: ['arn:x'], detail: { id: 1.5, big: '12345678901234567890' },
  });
  await events.send(new PutEventsCommand({ Entries: [order({ last: true })] }));
  assert.deepEqual((await gotten(platform, 2))[1].detail, { last: true });
  const abroad = new EventBridgeClient({ ...platform.aws, region: 'eu-west-1' });
  t.after(() => abroad.destroy());
  await abroad.send(new PutEventsCommand({ Entries: [order({ from: 'abroad' })] }));
  assert.equal((await gotten(platform, 3))[2].region, 'eu-west-1');
});

test('the events of a call may have a megabyte together', async (t) => {
  const { platform, events } = await withRule(t, { target: { InputPath: '$.detail.id' } });
  const put = (...sizes) => events.send(new PutEventsCommand({ Entries: sizes.map((size, n) => order({ id: `${size}-${n}`, text: 'é"'.repeat(size / 4) })) }));
  assert.equal((await put(900_000)).FailedEntryCount, 0);
  assert.equal((await put(300_000, 300_000)).FailedEntryCount, 0);
  assert.deepEqual((await gotten(platform, 3)).sort(), ['300000-0', '300000-1', '900000-0']);
  await assert.rejects(put(500_000, 600_000), { name: 'ValidationException', message: 'Total size of the entries in the request is over the limit.' });
});

test('entries fail one by one, in the words of AWS', async (t) => {
  const { events } = await withRule(t);
  const { Entries, FailedEntryCount } = await events.send(new PutEventsCommand({
    Entries: [order({}), { DetailType: 'x', Detail: '{}' }, order({}, { Detail: '["no object"]' }), order({}, { EventBusName: 'nowhere' })],
  }));
  assert.equal(FailedEntryCount, 2);
  assert.deepEqual(Entries.map((entry) => entry.ErrorCode), [undefined, 'InvalidArgument', 'MalformedDetail', undefined]);
  assert.equal(Entries[1].ErrorMessage, 'Parameter Source is not valid. Reason: Source is a required argument.');
  assert.equal(Entries[2].ErrorMessage, 'Detail is malformed.');
});

test('a transformer makes what the function gets', async (t) => {
  const { platform, events } = await withRule(t, {
    target: {
      InputTransformer: {
        InputPathsMap: { id: '$.detail.id', items: '$.detail.items', first: '$.detail.items[0].name' },
        InputTemplate: '{"id": <id>, "items": <items>, "text": "order of <first>", "by": "<aws.events.rule-name>"}',
      },
    },
  });
  await events.send(new PutEventsCommand({ Entries: [order({ id: 7, items: [{ name: 'tea' }] })] }));
  assert.deepEqual(await gotten(platform, 1), [{ id: 7, items: [{ name: 'tea' }], text: 'order of tea', by: 'orders' }]);
});

test('a bus has rules of its own, and may lead to another bus', async (t) => {
  const { platform, events } = await withRule(t);
  const { EventBusArn } = await events.send(new CreateEventBusCommand({ Name: 'first' }));
  assert.equal(EventBusArn, 'arn:aws:events:us-east-1:000000000000:event-bus/first');
  await events.send(new PutRuleCommand({ Name: 'on', EventBusName: 'first', EventPattern: '{"detail":{"pass":[true]}}' }));
  await events.send(new PutTargetsCommand({
    Rule: 'on', EventBusName: 'first', Targets: [{ Id: 'bus', Arn: 'arn:aws:events:us-east-1:000000000000:event-bus/default' }],
  }));
  await events.send(new PutEventsCommand({
    Entries: [order({ pass: false }, { EventBusName: 'first' }), order({ pass: true }, { EventBusName: EventBusArn })],
  }));
  assert.deepEqual((await gotten(platform, 1)).map((event) => event.detail), [{ pass: true }]);
});

test('an event comes once to each bus, however many ways lead there', { timeout: 60_000 }, async (t) => {
  const { platform, events } = await withRule(t);
  await events.send(new CreateEventBusCommand({ Name: 'other' }));
  const bus = (name) => `arn:aws:events:us-east-1:000000000000:event-bus/${name}`;
  for (const [name, EventBusName] of ['a', 'b', 'c', 'd'].flatMap((name) => [[name, 'default'], [name, 'other']])) {
    await events.send(new PutRuleCommand({ Name: name, EventBusName, EventPattern: '{"source":["shop"]}' }));
    await events.send(new PutTargetsCommand({
      Rule: name, EventBusName, Targets: ['default', 'other', 'default', 'other', 'default'].map((to, n) => ({ Id: `${n}`, Arn: bus(to) })),
    }));
  }
  await events.send(new PutEventsCommand({ Entries: [order({ n: 1 })] }));
  await events.send(new PutEventsCommand({ Entries: [order({ n: 2 }, { EventBusName: 'other' })] }));
  const got = await gotten(platform, 2);
  assert.deepEqual(got.map(({ detail }) => detail.n).sort(), [1, 2]);
});

test('a rule that is off or has no targets sends nothing', async (t) => {
  const { platform, events } = await withRule(t);
  await events.send(new DisableRuleCommand({ Name: 'orders' }));
  await events.send(new PutEventsCommand({ Entries: [order({ n: 1 })] }));
  await events.send(new PutRuleCommand({ Name: 'orders', EventPattern: '{"source":["shop"]}' }));
  await events.send(new PutEventsCommand({ Entries: [order({ n: 2 })] }));
  assert.deepEqual((await gotten(platform, 1)).map((event) => event.detail), [{ n: 2 }]);
  await assert.rejects(events.send(new DeleteRuleCommand({ Name: 'orders' })), {
    name: 'ValidationException', message: "Rule can't be deleted since it has targets.",
  });
  await events.send(new RemoveTargetsCommand({ Rule: 'orders', Ids: ['1'] }));
  await events.send(new DeleteRuleCommand({ Name: 'orders' }));
  await assert.rejects(events.send(new DescribeRuleCommand({ Name: 'orders' })), {
    name: 'ResourceNotFoundException', message: 'Rule orders does not exist on EventBus default.',
  });
});

test('what is not valid is refused with the names that the client knows', async (t) => {
  const { events, scheduler } = await withRule(t);
  const event = JSON.stringify({ id: '1', account: '1', source: 's', time: 't', region: 'r', 'detail-type': 'd' });
  await assert.rejects(events.send(new PutRuleCommand({ Name: 'x', EventPattern: '{"a":[{"EXISTS":true}]}' })), {
    name: 'InvalidEventPatternException', message: 'Event pattern is not valid. Reason: Unrecognized match type EXISTS\n at [Source: (String)"{"a":[{"EXISTS":true}]}"; line: 1, column: 21]',
  });
  await assert.rejects(events.send(new PutRuleCommand({ Name: 'x', EventPattern: '["a"]' })), { name: 'InvalidEventPatternException',
    message: 'Event pattern is not valid. Reason: Filter is not an object\n at [Source: (String)"["a"]"; line: 1, column: 2]' });
  await assert.rejects(events.send(new PutRuleCommand({ Name: 'x', ScheduleExpression: 'rate(1 minutes)' })), {
    name: 'ValidationException', message: 'Parameter ScheduleExpression is not valid.',
  });
  await assert.rejects(events.send(new TestEventPatternCommand({ EventPattern: '{"a":["b"]}', Event: '[]' })), {
    name: 'ValidationException', message: 'Parameter Event is not valid.',
  });
  assert.equal((await events.send(new TestEventPatternCommand({ EventPattern: '{"source":[{"prefix":"s"}]}', Event: event }))).Result, true);
  await assert.rejects(scheduler.send(new GetScheduleCommand({ Name: 'nothing' })), { name: 'ResourceNotFoundException' });
});

test("what AWS does not take of a bus, a target, an event or a token is not taken", async (t) => {
  const { platform, events, scheduler } = await withRule(t);
  const validation = { name: 'ValidationException' };
  const { Entries: [entry] } = await events.send(new PutEventsCommand({ Entries: [order({}, { Source: 'aws.shop' })] }));
  assert.deepEqual(entry, { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' });
  const tooMany = Array.from({ length: 11 }, (_, n) => order({ n, note: 'x'.repeat(1000) }));
  await assert.rejects(events.send(new PutEventsCommand({ Entries: tooMany })), ({ name, message }) => {
    assert.equal(name, 'ValidationException');
    assert.equal(message.split('PutEventsRequestEntry(').length, 12); /* all are shown */
    return message.endsWith("internalMetadata=null)]' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10");
  });
  await assert.rejects(events.send(new CreateEventBusCommand({ Name: 'a/b' })), { ...validation, message: "Event bus name must not contain '/'." });
  await events.send(new CreateEventBusCommand({ Name: 'mine' }));
  await events.send(new PutRuleCommand({ Name: 'r', EventBusName: 'mine', EventPattern: '{"source":["a"]}' }));
  await assert.rejects(events.send(new DeleteEventBusCommand({ Name: 'mine' })), { ...validation, message: "EventBus can't be deleted since it has rules." });
  await events.send(new DeleteRuleCommand({ Name: 'r', EventBusName: 'mine' }));
  await events.send(new DeleteEventBusCommand({ Name: 'mine' }));

  const put = (target) => events.send(new PutTargetsCommand({ Rule: 'orders', Targets: [{ Id: '2', Arn: FUNCTION, ...target }] }));
  await assert.rejects(put({ Input: '{"a"' }), { ...validation, message: 'JSON syntax error in input for target 2' });
  const paths = (count, name = 'x') => ({ InputTransformer: { InputTemplate: '"a"', InputPathsMap: Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, '$.a'])) } });
  await assert.rejects(put(paths(101)), validation);
  await assert.rejects(put(paths(1, 'aws.')), validation);
  const { FailedEntries: [failed] } = await put({ DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:000000000000:d.fifo' } });
  assert.equal(failed.ErrorCode, 'ValidationException');
  await put({ Input: '"text"' });

  const tag = (ResourceARN, Key) => events.send(new TagRuleCommand({ ResourceARN, Tags: [{ Key, Value: '' }] }));
  const gone = 'arn:aws:events:us-east-1:000000000000:rule/gone';
  await assert.rejects(tag(gone, 'a'.repeat(129)), validation);
  await assert.rejects(tag(gone, 'a'), { name: 'ResourceNotFoundException' });

  const plan = { Name: 's', ScheduleExpression: 'at(2099-01-01T00:00:00)', FlexibleTimeWindow: { Mode: 'OFF' }, Target: { Arn: FUNCTION, RoleArn: 'arn:aws:iam::000000000000:role/x' } };
  const create = (more) => scheduler.send(new CreateScheduleCommand({ ...plan, ...more }));
  const { ScheduleArn } = await create({ ClientToken: 'one' });
  assert.equal((await create({ ClientToken: 'one' })).ScheduleArn, ScheduleArn);
  await assert.rejects(create({ ClientToken: 'two' }), { name: 'ConflictException' });
  assert.equal((await scheduler.send(new GetScheduleCommand({ Name: 's' }))).ClientToken, undefined);
  await assert.rejects(create({ Name: 'b', Target: { ...plan.Target, Arn: 'arn:aws:events:us-east-1:000000000000:event-bus/default' } }), validation);
  assert.deepEqual(got(platform), []);
});

test('connections, API destinations, endpoints and partners are answered as where there are none', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const { events } = await clients(t, platform);
  const refusal = (Command, input) => events.send(new Command(input)).then(() => assert.fail('it was not refused'), ({ name, message }) => [name, message]);
  for (const [Command, list, input = {}] of [
    [ListConnectionsCommand, 'Connections'], [ListApiDestinationsCommand, 'ApiDestinations', { NamePrefix: 'a', Limit: 3 }], [ListEndpointsCommand, 'Endpoints', { MaxResults: 3 }],
    [ListEventSourcesCommand, 'EventSources'], [ListPartnerEventSourcesCommand, 'PartnerEventSources', { NamePrefix: 'aws.partner/example.com/' }],
  ]) {
    const { $metadata, ...output } = await events.send(new Command(input));
    assert.deepEqual(output, { [list]: [] });
  }
  assert.deepEqual(await refusal(DescribeConnectionCommand, { Name: 'c' }),
    ['ResourceNotFoundException', "Failed to describe the connection(s). Connection 'c' does not exist."]);
  assert.deepEqual(await refusal(DescribeApiDestinationCommand, { Name: 'd' }),
    ['ResourceNotFoundException', "Failed to describe the api-destination(s). An api-destination 'd' does not exist."]);
  assert.equal((await refusal(DeleteConnectionCommand, { Name: 'c' }))[0], 'ResourceNotFoundException');
  assert.equal((await refusal(DescribeEndpointCommand, { Name: 'e' }))[0], 'ResourceNotFoundException');
  assert.deepEqual(await refusal(DescribeConnectionCommand, { Name: 'a b' }), ['ValidationException',
    "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"]);
  assert.equal((await refusal(ListPartnerEventSourcesCommand, {}))[0], 'ValidationException');
  assert.equal((await refusal(ListEndpointsCommand, { NextToken: 'x' }))[0], 'ValidationException');
});

test('a schedule without a future or a group, and a token that was never given out, are refused', async (t) => {
  const { events, scheduler } = await withRule(t);
  const refused = (message) => ({ name: 'ValidationException', message });
  const plan = { FlexibleTimeWindow: { Mode: 'OFF' }, Target: { Arn: FUNCTION, RoleArn: 'arn:aws:iam::000000000000:role/x' } };
  const create = (Name, ScheduleExpression, more) => scheduler.send(new CreateScheduleCommand({ Name, ScheduleExpression, ...plan, ...more }));
  const ago = (minutes) => new Date(Date.now() - minutes * 60_000);
  await assert.rejects(create('a', 'rate(1 hour)', { StartDate: ago(6) }), refused('The StartDate you specify cannot be earlier than 5 minutes ago.'));
  await assert.rejects(create('a', 'rate(1 hour)', { EndDate: ago(6) }), refused('The EndDate you specify cannot be in the past.'));
  const Arn = 'arn:aws:sqs:us-east-1:000000000000:q.fifo';
  await assert.rejects(create('a', 'rate(1 hour)', { Target: { ...plan.Target, Arn } }), refused('SqsParameters.MessageGroupId must be specified for a FIFO queue.'));
  const window = (FlexibleTimeWindow) => create('a', 'rate(1 hour)', { FlexibleTimeWindow });
  await assert.rejects(window({ Mode: 'OFF', MaximumWindowInMinutes: 4 }), refused('MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF.'));
  await assert.rejects(window({ Mode: 'FLEXIBLE' }), refused('MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE.'));
  const order = { StartDate: new Date(Date.now() + 2e6), EndDate: new Date(Date.now() + 1e6) };
  await assert.rejects(create('a', 'rate(1 hour)', order), refused('The StartDate you specify must come before the EndDate.'));
  const spoken = (target) => create('a', 'rate(1 hour)', { Target: { ...plan.Target, Input: 'hello', ...target } });
  await assert.rejects(spoken({}), refused('JSON syntax error in input for the target.'));
  await create('a', 'at(2999-01-01T00:00:00)', { StartDate: ago(60), EndDate: ago(6) }); /* which count for what recurs */
  await create('b', 'rate(1 days)', { Target: { ...plan.Target, Arn, SqsParameters: { MessageGroupId: 'g' }, Input: 'hello' }, State: 'DISABLED' }); /* a queue takes any text */

  const first = await scheduler.send(new ListSchedulesCommand({ MaxResults: 1 }));
  const second = await scheduler.send(new ListSchedulesCommand({ MaxResults: 1, NextToken: first.NextToken }));
  assert.deepEqual([first, second].map(({ Schedules: [{ Name }] }) => Name), ['a', 'b']);
  assert.equal(second.NextToken, undefined);
  for (const NextToken of ['a', 'default/a', Buffer.from('default/a').toString('base64'), `${first.NextToken}AAAA`]) {
    await assert.rejects(scheduler.send(new ListSchedulesCommand({ NextToken })), refused('Invalid NextToken provided.'));
    await assert.rejects(scheduler.send(new ListScheduleGroupsCommand({ NextToken })), refused('Invalid NextToken provided.'));
    await assert.rejects(events.send(new ListRulesCommand({ NextToken })), refused('Parameter NextToken is not valid.'));
    await assert.rejects(events.send(new ListTargetsByRuleCommand({ Rule: 'orders', NextToken })), refused('Parameter NextToken is not valid.'));
    await assert.rejects(events.send(new ListReplaysCommand({ NextToken })), refused('Parameter NextToken is not valid.'));
  }
});

test('a rule of the project is served, shown, and not changed by the API', async (t) => {
  const files = {
    ...FILES,
    'main.tf': `${lambda('tells')}
resource "aws_cloudwatch_event_rule" "shop" {
  name          = "shop"
  event_pattern = jsonencode({ source = ["shop"] })
}
resource "aws_cloudwatch_event_target" "shop" {
  rule      = aws_cloudwatch_event_rule.shop.name
  target_id = "one"
  arn       = aws_lambda_function.tells.arn
  input_path = "$.detail"
}
`,
  };
  const platform = await startPlatform(t, { files });
  const { events } = await clients(t, platform);
  await events.send(new PutEventsCommand({ Entries: [order({ from: 'api' })] }));
  assert.deepEqual(await gotten(platform, 1), [{ from: 'api' }]);
  const { Targets } = await events.send(new ListTargetsByRuleCommand({ Rule: 'shop' }));
  assert.deepEqual(Targets, [{ Id: 'one', Arn: FUNCTION, InputPath: '$.detail' }]);
  await assert.rejects(events.send(new DisableRuleCommand({ Name: 'shop' })), { name: 'ManagedRuleException' });
});

test('what several clients change at once is all kept', async (t) => {
  const { events, scheduler, lambda: api } = await clients(t, await startPlatform(t, { files: FILES }));
  const many = (count, change) => Promise.allSettled(Array.from({ length: count }, (_, i) => change(i)));
  const { RuleArn: ResourceARN } = await events.send(new PutRuleCommand({ Name: 'r', EventPattern: '{"source":["a"]}' }));
  await many(5, (i) => events.send(new PutTargetsCommand({ Rule: 'r', Targets: [{ Id: `${i}`, Arn: FUNCTION }] })));
  assert.equal((await events.send(new ListTargetsByRuleCommand({ Rule: 'r' }))).Targets.length, 5);
  await many(20, (i) => events.send(new TagRuleCommand({ ResourceARN, Tags: [{ Key: `${i}`, Value: '' }] })));
  assert.equal((await events.send(new ListRuleTagsCommand({ ResourceARN }))).Tags.length, 20);
  await many(20, (i) => api.send(new TagFunctionCommand({ Resource: FUNCTION, Tags: { [i]: '' } })));
  assert.equal(Object.keys((await api.send(new ListFunctionTagsCommand({ Resource: FUNCTION }))).Tags).length, 20);
  const plan = { Name: 's', ScheduleExpression: 'rate(1 hour)', FlexibleTimeWindow: { Mode: 'OFF' }, Target: { Arn: FUNCTION, RoleArn: 'arn:aws:iam::000000000000:role/x' } };
  const made = await many(10, (i) => scheduler.send(new CreateScheduleCommand({ ...plan, ClientToken: `${i}` })));
  assert.deepEqual(made.map(({ reason }) => reason?.name ?? 'made').sort(), [...Array(9).fill('ConflictException'), 'made']);
});

test('what several make of one name at one moment is made once', async (t) => {
  const { events, scheduler } = await clients(t, await startPlatform(t, { files: FILES }));
  const bus = { Arn: 'arn:aws:events:us-east-1:000000000000:event-bus/default' };
  const once = async (client, command, refusal) => {
    const made = await Promise.allSettled([1, 2, 3].map(() => client.send(command())));
    assert.deepEqual(made.map(({ reason }) => reason?.name ?? 'made').sort(), [refusal, refusal, 'made'], command().constructor.name);
    return made.find(({ value }) => value).value;
  };
  const event = (command) => once(events, command, 'ResourceAlreadyExistsException');
  await event(() => new CreateEventBusCommand({ Name: 'x' }));
  await event(() => new CreateArchiveCommand({ ArchiveName: 'x', EventSourceArn: bus.Arn }));
  const { ConnectionArn } = await event(() => new CreateConnectionCommand({
    Name: 'x', AuthorizationType: 'API_KEY', AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'a', ApiKeyValue: 'b' } },
  }));
  await event(() => new CreateApiDestinationCommand({ Name: 'x', ConnectionArn, InvocationEndpoint: 'https://example.com/', HttpMethod: 'POST' }));
  await event(() => new StartReplayCommand({
    ReplayName: 'x', EventSourceArn: 'arn:aws:events:us-east-1:000000000000:archive/x', EventStartTime: new Date(0), EventEndTime: new Date(), Destination: bus,
  }));
  await once(scheduler, () => new CreateScheduleGroupCommand({ Name: 'x' }), 'ConflictException');
});

test('a fault says what it is, however long the text that it shows', async (t) => {
  const { events, sqs } = await clients(t, await startPlatform(t, { files: FILES }));
  const long = `x${'é'.repeat(600)}`; /* cut anywhere, it is cut inside a character */
  await assert.rejects(events.send(new PutRuleCommand({ Name: long, EventPattern: '{}' })), { name: 'ValidationException', message: /Value 'xé+/ });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  await assert.rejects(sqs.send(new CreateQueueCommand({ QueueName: 'p', Attributes: { RedrivePolicy: long } })), { name: 'InvalidParameterValue', message: /^Value xé+/ });
  const { Failed } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [{ Id: 'a', ReceiptHandle: long }] }));
  assert.deepEqual(Failed.map(({ Id, Code }) => [Id, Code]), [['a', 'ReceiptHandleIsInvalid']]);
});

test('a bus has 300 rules, and more when one of them is removed', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const events = new EventBridgeClient({ ...platform.aws, maxAttempts: 1 }); /* it would wait for a minute */
  t.after(() => events.destroy());
  const put = (i) => events.send(new PutRuleCommand({ Name: `r${i}`, EventBusName: 'full', EventPattern: '{"source":["x"]}' }));
  await events.send(new CreateEventBusCommand({ Name: 'full' }));
  const made = await Promise.allSettled(Array.from({ length: 305 }, (_, i) => put(i)));
  assert.equal(made.filter(({ value }) => value).length, 300);
  await assert.rejects(put(305), { name: 'LimitExceededException', message: 'The requested resource exceeds the maximum number allowed.' });
  const known = made.findIndex(({ value }) => value);
  await put(known);
  await events.send(new DeleteRuleCommand({ Name: `r${known}`, EventBusName: 'full' }));
  await put(305);
});

test('an event that was accepted survives the death of control', async (t) => {
  /* What it has handled goes to a file: lines of the log that are on their way die with control. */
  const notes = `exports.handler = async ({ detail }) => require('node:fs').appendFileSync('data/handled', detail.i + '\\n');`;
  const { platform, events } = await withRule(t, { files: { ...FILES, 'mayfly.json': '{ "volumes": ["data"] }', 'tells.js': notes } });
  const sent = [];
  for (let i = 0; i < 20; i += 1) {
    const { FailedEntryCount } = await events.send(new PutEventsCommand({ Entries: [order({ i })] }));
    assert.equal(FailedEntryCount, 0);
    sent.push(String(i));
    if (i === 9) {
      process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
    }
  }
  const handled = () => platform.lines('data/handled');
  await eventually(() => sent.every((i) => handled().includes(i)), () => `${handled()}\n${platform.transcript()}`);
});

test('a schedule for one point in time fires once and is gone', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const { scheduler } = await clients(t, platform);
  const clock = (at, timeZone) =>
    new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone }).format(at).replace(' ', 'T');
  await scheduler.send(new CreateScheduleCommand({
    Name: 'later', ScheduleExpression: 'at(2999-01-01T00:00:00)', FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn: FUNCTION, RoleArn: 'arn:aws:iam::000000000000:role/any', RetryPolicy: { MaximumEventAgeInSeconds: 600 } },
  }));
  await scheduleSoon(scheduler, {
    Name: 'once',
    ScheduleExpressionTimezone: 'America/New_York',
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
    Target: {
      Arn: FUNCTION, RoleArn: 'arn:aws:iam::000000000000:role/any', Input: '{"arn":"<aws.scheduler.schedule-arn>"}',
    },
  }, (at) => clock(at, 'America/New_York'));
  assert.deepEqual(await gotten(platform, 1), [{ arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/once' }]);
  const { Target } = await scheduler.send(new GetScheduleCommand({ Name: 'later' }));
  assert.deepEqual(Target.RetryPolicy, { MaximumEventAgeInSeconds: 600, MaximumRetryAttempts: 185 }, 'what is not said is told, too');
  const isGone = () => scheduler.send(new GetScheduleCommand({ Name: 'once' })).then(() => false, (error) => error.name === 'ResourceNotFoundException');
  await eventually(isGone, 'the schedule is still there');
  assert.equal(got(platform).length, 1);
});

test('an event reaches queues, those with groups too', async (t) => {
  const { platform, events } = await withRule(t);
  const { sqs } = await clients(t, platform);
  const urls = [];
  for (const [QueueName, Attributes] of [['plain', {}], ['steps.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' }]]) {
    urls.push((await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl);
  }
  await events.send(new PutTargetsCommand({
    Rule: 'orders',
    Targets: [
      { Id: '2', Arn: 'arn:aws:sqs:us-east-1:000000000000:plain', InputPath: '$.detail' },
      { Id: '3', Arn: 'arn:aws:sqs:us-east-1:000000000000:steps.fifo', InputPath: '$.detail', SqsParameters: { MessageGroupId: 'g' } },
    ],
  }));
  await events.send(new PutEventsCommand({ Entries: [order({ id: 7 })] }));
  for (const [i, QueueUrl] of urls.entries()) {
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, AttributeNames: ['All'] }));
    assert.deepEqual(JSON.parse(Messages[0].Body), { id: 7 });
    assert.equal(Messages[0].Attributes.MessageGroupId, i === 1 ? 'g' : undefined);
  }
});

test("an event's trace goes with it to functions, queues and dead letters, and what is no trace does not", async (t) => {
  const traced = { 'tells.js': "exports.handler = async ({ detail }) => console.log('got ' + JSON.stringify([detail.id, process.env._X_AMZN_TRACE_ID]));" };
  const { platform, events } = await withRule(t, { files: { ...FILES, ...traced } });
  const { sqs } = await clients(t, platform);
  const arn = (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
  const urls = [];
  for (const [QueueName, Attributes] of [['plain'], ['steps.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' }], ['dead']]) {
    urls.push((await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl);
  }
  await events.send(new PutTargetsCommand({
    Rule: 'orders',
    Targets: [
      { Id: '2', Arn: arn('plain') }, { Id: '3', Arn: arn('steps.fifo'), SqsParameters: { MessageGroupId: 'g' } },
      { Id: '4', Arn: arn('gone'), DeadLetterConfig: { Arn: arn('dead') } },
    ],
  }));
  const trace = (id, more) => `Root=1-5759e988-bd862e3fe1be46a99427279${id};Parent=53995c3f42cd8ad8;Sampled=1${more}`;
  const TraceHeader = trace(1, ';Lineage=a87bd80c:1');
  events.middlewareStack.add((next) => (call) => {
    call.request.headers['x-amzn-trace-id'] = trace(2, '');
    return next(call);
  }, { step: 'build' });
  await events.send(new PutEventsCommand({ Entries: [order({ id: 1 }, { TraceHeader }), order({ id: 2 }), order({ id: 3 }, { TraceHeader: 'Root=1-2\r\nx: y' })] }));
  for (const QueueUrl of urls) {
    const traces = {};
    await eventually(async () => {
      const ask = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['AWSTraceHeader'] });
      for (const { Body, Attributes } of (await sqs.send(ask)).Messages ?? []) {
        traces[JSON.parse(Body).detail.id] = Attributes?.AWSTraceHeader;
      }
      return Object.keys(traces).length === 3;
    }, () => `not all in ${QueueUrl}: ${JSON.stringify(traces)}`);
    assert.deepEqual(traces, { 1: TraceHeader, 2: trace(2, ''), 3: undefined });
  }
  const told = Object.fromEntries(await gotten(platform, 3));
  assert.deepEqual([told[1], told[2]], [TraceHeader, trace(2, '')]);
  assert.match(told[3], /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};/);
});

test('a bus that the project declares no more is gone', async (t) => {
  const bus = 'resource "aws_cloudwatch_event_bus" "orders" {\n  name = "orders"\n}\n';
  const platform = await startPlatform(t, { files: { ...FILES, 'main.tf': `${FILES['main.tf']}\n${bus}` } });
  const { events } = await clients(t, platform);
  const names = async () => (await events.send(new ListEventBusesCommand({}))).EventBuses.map(({ Name }) => Name).join();
  await events.send(new CreateEventBusCommand({ Name: 'own' }));
  assert.equal(await names(), 'default,orders,own');
  await platform.save('main.tf', FILES['main.tf']);
  await eventually(async () => (await names()) === 'default,own', 'the bus is still there');
});

test('who may put events on a bus is kept and shown', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const { events } = await clients(t, platform);
  const EventBusName = 'guarded';
  await events.send(new CreateEventBusCommand({ Name: EventBusName }));
  const put = (StatementId, Principal) =>
    events.send(new PutPermissionCommand({ EventBusName, Action: 'events:PutEvents', Principal, StatementId }));
  const policy = async () => JSON.parse((await events.send(new DescribeEventBusCommand({ Name: EventBusName }))).Policy ?? 'null');
  assert.equal(await policy(), null);
  const none = { name: 'ResourceNotFoundException', message: 'EventBus does not have a policy.' };
  await assert.rejects(events.send(new RemovePermissionCommand({ EventBusName, StatementId: 'one' })), none);
  const other = events.send(new PutPermissionCommand({ EventBusName, Action: 'events:PutRule', Principal: '*', StatementId: 'one' }));
  await assert.rejects(other, { name: 'ValidationException', message: "Provided value in parameter 'action' is not supported." });
  await put('one', '123456789012');
  await put('all', '*');
  await put('all', '*');
  assert.deepEqual((await policy()).Statement.map(({ Sid, Principal }) => [Sid, Principal]),
    [['one', { AWS: 'arn:aws:iam::123456789012:root' }], ['all', '*']]);
  await events.send(new RemovePermissionCommand({ EventBusName, StatementId: 'one' }));
  const missing = { name: 'ResourceNotFoundException', message: 'Statement with the provided id does not exist.' };
  await assert.rejects(events.send(new RemovePermissionCommand({ EventBusName, StatementId: 'one' })), missing);
  assert.equal((await policy()).Statement.length, 1);
  const whole = { Version: '2012-10-17', Statement: { Sid: 'whole', Effect: 'Allow', Principal: '*', Action: 'events:PutEvents', Resource: '*' } };
  await events.send(new PutPermissionCommand({ EventBusName, Policy: JSON.stringify(whole) }));
  await put('all', '*');
  assert.deepEqual((await policy()).Statement.map(({ Sid }) => Sid), ['whole', 'all']);
  const long = { ...whole, Statement: Array(40).fill({ ...whole.Statement, Sid: 's'.repeat(200) }) };
  await assert.rejects(events.send(new PutPermissionCommand({ EventBusName, Policy: JSON.stringify(long) })), { name: 'PolicyLengthExceededException' });
  assert.deepEqual((await policy()).Statement.map(({ Sid }) => Sid), ['whole', 'all']);
  await events.send(new RemovePermissionCommand({ EventBusName, RemoveAllPermissions: true }));
  assert.equal(await policy(), null);
});

test('what cannot be delivered goes to the dead-letter queue, and says why', async (t) => {
  const { platform, events, scheduler } = await withRule(t);
  const { sqs } = await clients(t, platform);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const DeadLetterConfig = { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead' };
  const put = (target) => events.send(new PutTargetsCommand({ Rule: 'orders', Targets: [{ Id: '9', DeadLetterConfig, ...target }] }));
  const dead = async () => {
    const { Messages: [{ Body, MessageAttributes, ReceiptHandle }] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] }));
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    return { Body, ...Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue])) };
  };
  const retry = (RetryPolicy) => put({ Arn: FUNCTION, RetryPolicy });
  await assert.rejects(retry({ MaximumRetryAttempts: 186 }), { name: 'ValidationException',
    message: "1 validation error detected: Value '186' at 'targets.1.member.retryPolicy.maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 185" });
  await assert.rejects(retry({ MaximumEventAgeInSeconds: 59 }), { name: 'ValidationException' });

  const away = ['arn:aws:lambda:us-east-1:000000000000:function:gone', 'arn:aws:sqs:us-east-1:000000000000:gone',
    'arn:aws:events:us-east-1:000000000000:event-bus/gone', 'arn:aws:sns:us-east-1:000000000000:gone'];
  const RetryPolicy = { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60 };
  for (const Arn of away) {
    await put({ Arn, RetryPolicy, InputPath: '$.detail' });
    const { Targets } = await events.send(new ListTargetsByRuleCommand({ Rule: 'orders' }));
    assert.deepEqual(Targets.find(({ Id }) => Id === '9'), { Id: '9', Arn, InputPath: '$.detail', RetryPolicy, DeadLetterConfig });
    await events.send(new PutEventsCommand({ Entries: [order({ to: Arn })] }));
    const { ERROR_MESSAGE: why, ...rest } = await dead();
    assert.match(why, Arn.includes(':sns:') ? /:sns:us-east-1:000000000000:gone is of a service that is not here/ : /gone does not exist/);
    assert.deepEqual(rest, { Body: JSON.stringify({ to: Arn }), RULE_ARN: 'arn:aws:events:us-east-1:000000000000:rule/orders',
      TARGET_ARN: Arn, ERROR_CODE: 'NO_RESOURCE', RETRY_ATTEMPTS: '0' });
  }

  await put({ Arn: FUNCTION, InputTransformer: { InputPathsMap: { to: '$.detail.to' }, InputTemplate: '{"to": "<to>"}' } });
  await events.send(new PutEventsCommand({ Entries: [order({ to: { a: 'b' } })] }));
  const { ERROR_CODE: code, Body: whole, TARGET_ARN: target } = await dead();
  assert.deepEqual([code, target, JSON.parse(whole).detail], ['INVALID_JSON', FUNCTION, { to: { a: 'b' } }]);

  await scheduleSoon(scheduler, {
    Name: 'late', FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn: away[0], RoleArn: 'arn:aws:iam::000000000000:role/any', Input: '{"id":"<aws.scheduler.execution-id>"}', DeadLetterConfig, RetryPolicy },
  });
  const { ERROR_MESSAGE, EXECUTION_ID, SCHEDULED_TIME, ...rest } = await dead();
  assert.match(`${ERROR_MESSAGE} ${EXECUTION_ID} ${SCHEDULED_TIME}`, /gone does not exist [0-9a-f]{16} \d{4}-\d\d-\d\dT[\d:]{8}Z$/);
  assert.deepEqual(rest, { Body: `{"id":"${EXECUTION_ID}"}`, SCHEDULE_ARN: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/late',
    TARGET_ARN: away[0], ERROR_CODE: 'NO_RESOURCE', RETRY_ATTEMPTS: '0', IS_PAYLOAD_TRUNCATED: 'false' });
});

test('what lists, buses, entries and endpoints are asked with is as their models have it', async (t) => {
  const { events, scheduler } = await withRule(t);
  const refused = async (promise, at) => assert.rejects(promise, (e) => e.name === 'ValidationException' && e.message.includes(`at '${at}'`), at);
  await refused(scheduler.send(new ListSchedulesCommand({ State: 'enabled' })), 'state');
  await refused(scheduler.send(new ListSchedulesCommand({ NamePrefix: 'a b' })), 'namePrefix');
  await refused(scheduler.send(new ListScheduleGroupsCommand({ NamePrefix: 'a'.repeat(65) })), 'namePrefix');
  await refused(events.send(new ListTargetsByRuleCommand({ Rule: 'orders', Limit: 101 })), 'limit');
  await refused(events.send(new UpdateEventBusCommand({ Name: 'default', Description: 'd'.repeat(513) })), 'description');
  await refused(events.send(new PutEventsCommand({ Entries: [order({}), order({}, { EventBusName: '' })] })), 'entries.2.member.eventBusName');
  await refused(events.send(new PutEventsCommand({ Entries: [order({}, { TraceHeader: 't'.repeat(501) })] })), 'entries.1.member.traceHeader');
  await assert.rejects(events.send(new PutEventsCommand({ Entries: [{ ...order({}), Resources: 'arn:x' }] })), { name: 'SerializationException' });
  await assert.rejects(events.send(new DeleteRuleCommand({ Name: 'none', Force: 'yes' })), { name: 'SerializationException' });
  const notEntry = events.send(new PutEventsCommand({ Entries: [order({}), 'x', order({})] }));
  await assert.rejects(notEntry, { name: 'SerializationException', message: 'entries.2.member is of another type than it should be.' });
  const { ConnectionArn } = await events.send(new CreateConnectionCommand({
    Name: 'shop', AuthorizationType: 'API_KEY', AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'a', ApiKeyValue: 'b' } } }));
  await refused(events.send(new CreateApiDestinationCommand({
    Name: 'shop', ConnectionArn, InvocationEndpoint: 'https://example.com/a b', HttpMethod: 'POST' })), 'invocationEndpoint');
});

test('tags are sound, no two have a key, and there are 50 at most', async (t) => {
  const { platform, scheduler } = await withRule(t);
  const events = new EventBridgeClient({ ...platform.aws, maxAttempts: 1 }); /* it would wait for a minute */
  t.after(() => events.destroy());
  const group = (await scheduler.send(new CreateScheduleGroupCommand({ Name: 'tagged', Tags: [{ Key: 'a', Value: '1' }] }))).ScheduleGroupArn;
  const rule = 'arn:aws:events:us-east-1:000000000000:rule/orders';
  const fifty = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: 'v' }));
  const ways = [
    (Tags) => scheduler.send(new CreateScheduleGroupCommand({ Name: 'other', Tags })),
    (Tags) => scheduler.send(new TagGroupCommand({ ResourceArn: group, Tags })),
    (Tags) => events.send(new CreateEventBusCommand({ Name: 'other', Tags })),
    (Tags) => events.send(new PutRuleCommand({ Name: 'other', EventPattern: '{"source":["shop"]}', Tags })),
    (Tags) => events.send(new TagRuleCommand({ ResourceARN: rule, Tags })),
  ];
  for (const way of ways) {
    for (const tags of [[{ Key: 'x' }], [{ Value: 'x' }], [{ Key: '', Value: 'x' }], [{ Key: 'x', Value: 'v'.repeat(257) }], [{ Key: 'aws:x', Value: 'v' }], [fifty[0], fifty[0]]]) {
      await assert.rejects(way(tags), { name: 'ValidationException' }, JSON.stringify(tags));
    }
    await assert.rejects(way([...fifty, { Key: 'more', Value: 'v' }]), /maximum number/);
  }
  await assert.rejects(scheduler.send(new TagGroupCommand({ ResourceArn: group, Tags: [{ Key: 'x', Value: '' }] })), { name: 'ValidationException' });
  const tags = async () => (await scheduler.send(new ListGroupTagsCommand({ ResourceArn: group }))).Tags;
  assert.deepEqual(await tags(), [{ Key: 'a', Value: '1' }]);

  await scheduler.send(new TagGroupCommand({ ResourceArn: group, Tags: [...fifty.slice(1), { Key: 'a', Value: '2' }] }));
  await assert.rejects(scheduler.send(new TagGroupCommand({ ResourceArn: group, Tags: [{ Key: 'one more', Value: 'v' }] })), /maximum number/);
  await scheduler.send(new UntagGroupCommand({ ResourceArn: group, TagKeys: fifty.map(({ Key }) => Key) }));
  assert.deepEqual(await tags(), [{ Key: 'a', Value: '2' }]);
  await events.send(new TagRuleCommand({ ResourceARN: rule, Tags: fifty }));
  await assert.rejects(events.send(new TagRuleCommand({ ResourceARN: rule, Tags: [{ Key: 'one more', Value: 'v' }] })), { name: 'LimitExceededException' });
});
