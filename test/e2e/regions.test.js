/* What a client makes is of the region that it signs for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CreateArchiveCommand, CreateEventBusCommand, DescribeArchiveCommand, DescribeEventBusCommand, DescribeReplayCommand,
  DescribeRuleCommand, ListArchivesCommand, ListEventBusesCommand, ListRuleNamesByTargetCommand, ListRulesCommand, ListTagsForResourceCommand,
  ListTargetsByRuleCommand, PutEventsCommand, PutPermissionCommand, PutRuleCommand, PutTargetsCommand, StartReplayCommand, TagResourceCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateScheduleGroupCommand, GetScheduleCommand, GetScheduleGroupCommand, ListScheduleGroupsCommand, ListSchedulesCommand } from '@aws-sdk/client-scheduler';
import { CreateEventSourceMappingCommand, InvokeCommand, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { clients, gotten, lambda, scheduleSoon, TELLS, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const REGION = 'eu-west-1';
const arn = (service, resource, region = REGION) => `arn:aws:${service}:${region}:000000000000:${resource}`;
const PROJECT = `
resource "aws_cloudwatch_event_rule" "declared" {
  name          = "declared"
  event_pattern = jsonencode({ source = ["nobody"] })
}
resource "aws_cloudwatch_event_target" "declared" {
  rule = aws_cloudwatch_event_rule.declared.name
  arn  = aws_lambda_function.tells.arn
}
`;

async function start(t) {
  const platform = await startPlatform(t, { files: { 'main.tf': lambda('tells') + PROJECT, 'tells.js': TELLS, 'api/where.js': WHERE } });
  const { events, scheduler } = await clients(t, platform, { region: REGION });
  return { platform, ask: (Command, input) => events.send(new Command(input)), plan: (Command, input) => scheduler.send(new Command(input)), scheduler };
}

test("a bus, its rules and its policy have ARNs of the client's region", async (t) => {
  const { ask } = await start(t);
  const bus = arn('events', 'event-bus/shop');
  assert.equal((await ask(CreateEventBusCommand, { Name: 'shop' })).EventBusArn, bus);
  assert.equal((await ask(DescribeEventBusCommand, { Name: bus })).Arn, bus);
  assert.deepEqual((await ask(ListEventBusesCommand, {})).EventBuses.map(({ Arn }) => Arn), [arn('events', 'event-bus/default'), bus]);
  const { RuleArn } = await ask(PutRuleCommand, { Name: 'r', EventBusName: bus, EventPattern: '{"source":["x"]}' });
  assert.equal(RuleArn, arn('events', 'rule/shop/r'));
  assert.equal((await ask(DescribeRuleCommand, { Name: 'r', EventBusName: 'shop' })).Arn, RuleArn);
  assert.deepEqual((await ask(ListRulesCommand, { EventBusName: bus })).Rules.map(({ Arn }) => Arn), [RuleArn]);
  await ask(TagResourceCommand, { ResourceARN: RuleArn, Tags: [{ Key: 'a', Value: 'b' }] });
  assert.deepEqual((await ask(ListTagsForResourceCommand, { ResourceARN: RuleArn })).Tags, [{ Key: 'a', Value: 'b' }]);
  await ask(PutPermissionCommand, { EventBusName: 'shop', Action: 'events:PutEvents', Principal: '*', StatementId: 's' });
  assert.equal(JSON.parse((await ask(DescribeEventBusCommand, { Name: 'shop' })).Policy).Statement[0].Resource, bus);
});

test("what the project's files declare is shown in the client's region, and found by it", async (t) => {
  const { ask } = await start(t);
  const TargetArn = arn('lambda', 'function:tells');
  assert.equal((await ask(DescribeRuleCommand, { Name: 'declared' })).Arn, arn('events', 'rule/declared'));
  assert.deepEqual((await ask(ListTargetsByRuleCommand, { Rule: 'declared' })).Targets.map(({ Arn }) => Arn), [TargetArn]);
  assert.deepEqual((await ask(ListRuleNamesByTargetCommand, { TargetArn })).RuleNames, ['declared']);
});

test("an archive is replayed by the ARNs of the client's region", async (t) => {
  const { platform, ask } = await start(t);
  const [bus, archive] = [arn('events', 'event-bus/default'), arn('events', 'archive/all')];
  assert.equal((await ask(CreateArchiveCommand, { ArchiveName: 'all', EventSourceArn: bus })).ArchiveArn, archive);
  assert.equal((await ask(DescribeArchiveCommand, { ArchiveName: 'all' })).ArchiveArn, archive);
  assert.equal((await ask(ListArchivesCommand, { EventSourceArn: arn('events', 'event-bus/default', 'us-east-1') })).Archives.length, 1);
  const { RuleArn } = await ask(PutRuleCommand, { Name: 'r', EventPattern: '{"source":["shop"]}' });
  await ask(PutTargetsCommand, { Rule: 'r', Targets: [{
    Id: '1', Arn: arn('lambda', 'function:tells'), InputTransformer: { InputPathsMap: { region: '$.region' }, InputTemplate: '{"rule":"<aws.events.rule-arn>","region":"<region>"}' },
  }] });
  await ask(PutEventsCommand, { Entries: [{ Source: 'shop', DetailType: 'd', Detail: '{}' }] });
  await gotten(platform, 1);
  const now = Date.now() / 1000;
  const { ReplayArn } = await ask(StartReplayCommand, {
    ReplayName: 'again', EventSourceArn: archive, Destination: { Arn: bus, FilterArns: [RuleArn] },
    EventStartTime: new Date((now - 3600) * 1000), EventEndTime: new Date((now + 3600) * 1000),
  });
  assert.equal(ReplayArn, arn('events', 'replay/again'));
  assert.equal((await ask(DescribeReplayCommand, { ReplayName: 'again' })).ReplayArn, ReplayArn);
  assert.deepEqual(await gotten(platform, 2), Array(2).fill({ rule: RuleArn, region: REGION }));
});

test("a schedule and its group have ARNs of the client's region, and so has its event", async (t) => {
  const { platform, plan, scheduler } = await start(t);
  const group = arn('scheduler', 'schedule-group/g');
  assert.equal((await plan(CreateScheduleGroupCommand, { Name: 'g' })).ScheduleGroupArn, group);
  assert.equal((await plan(GetScheduleGroupCommand, { Name: 'g' })).Arn, group);
  assert.deepEqual((await plan(ListScheduleGroupsCommand, {})).ScheduleGroups.map(({ Arn }) => Arn), [arn('scheduler', 'schedule-group/default'), group]);
  await scheduleSoon(scheduler, { Name: 's', FlexibleTimeWindow: { Mode: 'OFF' }, Target: { Arn: arn('lambda', 'function:tells'), RoleArn: 'arn:aws:iam::000000000000:role/r' } });
  const schedule = arn('scheduler', 'schedule/default/s');
  const shown = await plan(GetScheduleCommand, { Name: 's' });
  assert.equal(shown.Arn, schedule);
  assert.ok(!('Region' in shown));
  assert.deepEqual((await plan(ListSchedulesCommand, {})).Schedules.map(({ Arn }) => Arn), [schedule]);
  const [{ region, resources }] = await gotten(platform, 1);
  assert.deepEqual({ region, resources }, { region: REGION, resources: [schedule] });
});

test('a function that is told to be in a region gets and makes events of it', async (t) => {
  const files = { '.env': `AWS_REGION=${REGION}\n`, 'main.tf': lambda('tells'), 'tells.js': TELLS, 'api/where.js': WHERE };
  const platform = await startPlatform(t, { files });
  const { sqs, lambda: api } = await clients(t, platform);
  const queue = async (QueueName) => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl;
  const [jobs, done] = [await queue('jobs'), await queue('done')];
  const EventSourceArn = arn('sqs', 'jobs');
  await api.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn }));
  await sqs.send(new SendMessageCommand({ QueueUrl: jobs, MessageBody: 'a' }));
  const [{ Records: [{ awsRegion, eventSourceARN }] }] = await gotten(platform, 1);
  assert.deepEqual({ awsRegion, eventSourceARN }, { awsRegion: REGION, eventSourceARN: EventSourceArn });
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', DestinationConfig: { OnSuccess: { Destination: arn('sqs', 'done') } } }));
  await api.send(new InvokeCommand({ FunctionName: 'tells', InvocationType: 'Event', Payload: '{}' }));
  const [{ Body }] = await eventually(async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl: done, WaitTimeSeconds: 5 }))).Messages);
  assert.equal(JSON.parse(Body).requestContext.functionArn, arn('lambda', 'function:tells:$LATEST'));
});
