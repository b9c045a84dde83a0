/* Schedules and ticking rules of a project's files, and what EventBridge's APIs show of them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  DeleteRuleCommand, DescribeRuleCommand, DisableRuleCommand, ListRuleNamesByTargetCommand, ListRulesCommand, ListTargetsByRuleCommand,
  PutRuleCommand, PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateScheduleCommand, DeleteScheduleCommand, DeleteScheduleGroupCommand, GetScheduleCommand, GetScheduleGroupCommand,
  ListScheduleGroupsCommand, ListSchedulesCommand, UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { clients, got, gotten, lambda, TELLS, WHERE } from './aws_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const ROLE = 'arn:aws:iam::000000000000:role/scheduler';
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:tells';
const declared = (name, more = '') => `
resource "aws_scheduler_schedule" "${name}" {
  name                = "${name}"
  schedule_expression = "cron(0 2 ? * MON#1 *)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = aws_lambda_function.tells.arn
    role_arn = "${ROLE}"
    input    = jsonencode({ name = "${name}" })
  }
  ${more}
}
`;
const REPORT = `
resource "aws_sqs_queue" "dead" {
  name = "dead"
}
resource "aws_scheduler_schedule_group" "reports" {
  name = "reports"
}
resource "aws_scheduler_schedule" "report" {
  name                         = "report"
  group_name                   = aws_scheduler_schedule_group.reports.name
  description                  = "every morning"
  schedule_expression          = "cron(30 6 * * ? *)"
  schedule_expression_timezone = "Europe/Berlin"
  start_date                   = "2030-01-01T00:00:00Z"
  end_date                     = "2031-01-01T00:00:00Z"
  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 90
  }
  target {
    arn      = aws_lambda_function.tells.arn
    role_arn = "${ROLE}"
    input    = jsonencode({ report = true })
    retry_policy {
      maximum_retry_attempts = 3
    }
    dead_letter_config {
      arn = aws_sqs_queue.dead.arn
    }
  }
}
`;
const files = (...terraform) => ({ 'main.tf': [lambda('tells'), ...terraform].join('\n'), 'tells.js': TELLS, 'api/where.js': WHERE });
const own = (Name, more = {}) => ({
  Name, ScheduleExpression: 'rate(1 day)', StartDate: new Date(Date.now() + 86_400_000), FlexibleTimeWindow: { Mode: 'OFF' },
  Target: { Arn: FUNCTION, RoleArn: ROLE, Input: '{"own":true}' }, ...more,
});
const conflict = { name: 'ConflictException', message: /is declared by the project's files: change it there/ };

test('a schedule of the project is shown as AWS shows it', async (t) => {
  const { scheduler } = await clients(t, await startPlatform(t, { files: files(REPORT, declared('plain')) }));
  const { $metadata: _metadata, CreationDate, LastModificationDate, ...report } =
    await scheduler.send(new GetScheduleCommand({ GroupName: 'reports', Name: 'report' }));
  assert.ok(Date.now() - CreationDate < 3_600_000 && CreationDate <= LastModificationDate);
  assert.deepEqual(report, {
    Arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/reports/report', Name: 'report', GroupName: 'reports',
    Description: 'every morning', State: 'ENABLED', ActionAfterCompletion: 'NONE',
    ScheduleExpression: 'cron(30 6 * * ? *)', ScheduleExpressionTimezone: 'Europe/Berlin',
    StartDate: new Date('2030-01-01T00:00:00Z'), EndDate: new Date('2031-01-01T00:00:00Z'),
    FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 90 },
    Target: {
      Arn: FUNCTION, RoleArn: ROLE, Input: '{"report":true}', DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead' },
      RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 3 },
    },
  });
  const { Schedules } = await scheduler.send(new ListSchedulesCommand({}));
  assert.deepEqual(Schedules.map(({ GroupName, Name, State, Target }) => [GroupName, Name, State, Target.Arn]), [
    ['default', 'plain', 'ENABLED', FUNCTION], ['reports', 'report', 'ENABLED', FUNCTION],
  ]);
  const { FlexibleTimeWindow, StartDate, Target } = await scheduler.send(new GetScheduleCommand({ Name: 'plain' }));
  assert.deepEqual([FlexibleTimeWindow, StartDate, Target.RetryPolicy.MaximumRetryAttempts], [{ Mode: 'OFF' }, undefined, 185]);
  const { ScheduleGroups } = await scheduler.send(new ListScheduleGroupsCommand({}));
  assert.deepEqual(ScheduleGroups.map(({ Name, State }) => [Name, State]), [['default', 'ACTIVE'], ['reports', 'ACTIVE']]);
});

test('a schedule of the project is not changed by the API, but has others beside it in its group', async (t) => {
  const { scheduler } = await clients(t, await startPlatform(t, { files: files(REPORT) }));
  const report = { GroupName: 'reports', Name: 'report' };
  await assert.rejects(scheduler.send(new UpdateScheduleCommand(own('report', report))), conflict);
  await assert.rejects(scheduler.send(new DeleteScheduleCommand(report)), conflict);
  await assert.rejects(scheduler.send(new CreateScheduleCommand(own('report', report))), { name: 'ConflictException' });
  await assert.rejects(scheduler.send(new DeleteScheduleGroupCommand({ Name: 'reports' })), conflict);
  const beside = { GroupName: 'reports', Name: 'beside' };
  await scheduler.send(new CreateScheduleCommand(own('beside', beside)));
  await scheduler.send(new UpdateScheduleCommand(own('beside', { ...beside, Description: 'changed' })));
  assert.equal((await scheduler.send(new GetScheduleCommand(beside))).Description, 'changed');
  await scheduler.send(new DeleteScheduleCommand(beside));
  await scheduler.send(new GetScheduleGroupCommand({ Name: 'reports' }));
});

test('a change of the files changes what is shown; what the API has made is seen again behind it', async (t) => {
  const platform = await startPlatform(t, { files: files(declared('first')) });
  const { scheduler } = await clients(t, platform);
  const shown = async () => (await scheduler.send(new ListSchedulesCommand({}))).Schedules.map(({ Name, State }) => `${Name} ${State}`).join();
  const shows = (text) => eventually(async () => (await shown()) === text, async () => `${text} is not shown, but ${await shown()}`);
  const save = (...terraform) => platform.save('main.tf', files(...terraform)['main.tf']);
  await scheduler.send(new CreateScheduleCommand(own('second')));
  await shows('first ENABLED,second ENABLED');
  await save(declared('first', 'state = "DISABLED"'), declared('second', 'state = "DISABLED"'));
  await shows('first DISABLED,second DISABLED');
  await save(declared('third'));
  await shows('second ENABLED,third ENABLED');
  await assert.rejects(scheduler.send(new GetScheduleCommand({ Name: 'first' })), { name: 'ResourceNotFoundException' });
  assert.equal((await scheduler.send(new GetScheduleCommand({ Name: 'second' }))).ScheduleExpression, 'rate(1 day)');
  await scheduler.send(new DeleteScheduleCommand({ Name: 'second' }));
  await shows('third ENABLED');
});

test('a schedule is triggered at once by its name, whatever its group and its window', async (t) => {
  const platform = await startPlatform(t, { files: files(REPORT) });
  const { status, stdout } = await runMayfly(['trigger', 'report', '--project', platform.project]);
  assert.equal(status, 0, stdout);
  assert.deepEqual(await gotten(platform, 1), [{ report: true }]);
});

test('a schedule of the project ticks under its ARN, and not again after a restart', async (t) => {
  const beat = declared('beat').replace(/cron\([^)]*\)/, 'rate(1 hour)').replace('{ name', '{ arn = "<aws.scheduler.schedule-arn>", name');
  const platform = await startPlatform(t, { files: files(beat) });
  const tick = { name: 'beat', arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/beat' };
  assert.deepEqual(await gotten(platform, 1), [tick]);
  const isDone = async () => (await runMayfly(['events', 'ls', '--json', '--state', 'done', '--project', platform.project])).stdout !== '';
  await eventually(isDone, 'its outcome is not stored');
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  const from = platform.records.length;
  await platform.record((record) => record.type === 'build', { from });
  const { scheduler } = await clients(t, platform);
  assert.equal((await scheduler.send(new GetScheduleCommand({ Name: 'beat' }))).State, 'ENABLED');
  assert.deepEqual(got(platform), [tick]);
});

const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:dead';
const ruled = (expression, more = '') => `
resource "aws_sqs_queue" "dead" {
  name = "dead"
}
resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "nightly"
  description         = "cleans up"
  schedule_expression = "${expression}"
  role_arn            = "${ROLE}"
  ${more}
}
resource "aws_cloudwatch_event_target" "function" {
  rule      = aws_cloudwatch_event_rule.nightly.name
  target_id = "function"
  arn       = aws_lambda_function.tells.arn
  input_transformer {
    input_paths    = { from = "$.source" }
    input_template = "{\\"from\\": <from>, \\"rule\\": <aws.events.rule-arn>}"
  }
  retry_policy {
    maximum_event_age_in_seconds = 120
    maximum_retry_attempts       = 3
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
}
resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.nightly.name
  target_id = "queue"
  arn       = aws_sqs_queue.dead.arn
  input     = "{}"
}
`;
const ARN = 'arn:aws:events:us-east-1:000000000000:rule/nightly';
const TICK = { from: 'aws.events', rule: ARN };

test('a rule of the project that ticks is shown with its targets, and not changed by the API', async (t) => {
  const { events } = await clients(t, await startPlatform(t, { files: files(ruled('cron(0 2 * * ? *)')) }));
  const { $metadata: _metadata, ...rule } = await events.send(new DescribeRuleCommand({ Name: 'nightly' }));
  const shown = {
    Arn: ARN, Name: 'nightly', EventBusName: 'default', State: 'ENABLED', Description: 'cleans up', RoleArn: ROLE,
    ScheduleExpression: 'cron(0 2 * * ? *)', ManagedBy: 'project.mayfly',
  };
  assert.deepEqual(rule, { ...shown, CreatedBy: '000000000000' });
  assert.deepEqual((await events.send(new ListRulesCommand({ NamePrefix: 'night' }))).Rules, [shown]);
  assert.deepEqual((await events.send(new ListTargetsByRuleCommand({ Rule: 'nightly' }))).Targets, [
    {
      Id: 'function', Arn: FUNCTION, DeadLetterConfig: { Arn: QUEUE },
      InputTransformer: { InputPathsMap: { from: '$.source' }, InputTemplate: '{"from": <from>, "rule": <aws.events.rule-arn>}' },
      RetryPolicy: { MaximumEventAgeInSeconds: 120, MaximumRetryAttempts: 3 },
    },
    { Id: 'queue', Arn: QUEUE, Input: '{}' },
  ]);
  assert.deepEqual((await events.send(new ListRuleNamesByTargetCommand({ TargetArn: QUEUE }))).RuleNames, ['nightly']);
  for (const change of [
    new DisableRuleCommand({ Name: 'nightly' }), new DeleteRuleCommand({ Name: 'nightly' }),
    new PutRuleCommand({ Name: 'nightly', ScheduleExpression: 'rate(1 day)' }),
    new PutTargetsCommand({ Rule: 'nightly', Targets: [{ Id: '1', Arn: FUNCTION }] }),
  ]) {
    await assert.rejects(events.send(change), { name: 'ManagedRuleException' });
  }
});

test('a rule of the project goes by its files, and what the API has put is seen again behind it', async (t) => {
  const platform = await startPlatform(t, { files: files() });
  const { events } = await clients(t, platform);
  const shown = async () => (await events.send(new ListRulesCommand({}))).Rules.map((rule) => `${rule.State} ${rule.ScheduleExpression}`).join();
  const shows = (text) => eventually(async () => (await shown()) === text, async () => `${text} is not shown, but ${await shown()}`);
  const save = (...terraform) => platform.save('main.tf', files(...terraform)['main.tf']);
  await events.send(new PutRuleCommand({ Name: 'nightly', ScheduleExpression: 'rate(1 day)' }));
  await save(ruled('rate(2 days)'));
  await shows('ENABLED rate(2 days)');
  await save(ruled('rate(2 days)', 'state = "DISABLED"'));
  await shows('DISABLED rate(2 days)');
  await save();
  await shows('ENABLED rate(1 day)');
  await events.send(new DeleteRuleCommand({ Name: 'nightly' }));
  await shows('');
});

test('a rule of the project ticks for all its targets, as its files say it now', async (t) => {
  const platform = await startPlatform(t, { files: files(ruled('cron(0 2 * * ? *)')) });
  const ticks = async (expected) => {
    const from = platform.records.length;
    const { status, stdout } = await runMayfly(['trigger', 'nightly', '--project', platform.project]);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /event \d+ of lambda:lambda\/tells/);
    assert.match(stdout, /event \d+ of sqs:dead/);
    assert.deepEqual(await gotten(platform, 1, from), [expected]);
  };
  await ticks(TICK);
  await platform.save('main.tf', files(ruled('rate(1 day)').replaceAll('{\\"from', '{\\"changed\\": true, \\"from'))['main.tf']);
  await ticks({ changed: true, ...TICK });
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  await platform.record((record) => record.type === 'build', { from: platform.records.length });
  await ticks({ changed: true, ...TICK });
});
