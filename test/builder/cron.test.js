/* What control takes for a schedule (src/control/events/schedules/cron.c) and the builder must: the one tells where a mistake
 * stands, the other would leave the schedule out. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { faultOfAws, faultOfNetlify, faultOfVercel, faultOfWorker } from '../../builder/events/cron.js';

const aws = (text) => faultOfAws(`cron(${text})`, true);
const taken = (fault, expressions) => expressions.forEach((one) => assert.equal(fault(one), null));
const refused = (fault, expressions) => expressions.forEach((one) => assert.notEqual(fault(one), null, one));

test('Vercel has numbers, ranges, lists and steps', () => {
  taken(faultOfVercel, ['0 2 * * *', '*/5 8-18 * * 1-5', '5/15 * * * *', '0,30 * 1,15 * *', '0,* * * * *']);
  refused(faultOfVercel, ['? * * * *', '* * ? * *', '*-5 * * * *', '0 22-2 * * *', '* * * * MON', '* * L * *', '@daily', '60 * * * *', '*/0 * * * *', '5, * * * *']);
});

test('Workers have ranges around the end, and days as Quartz has them, alone', () => {
  taken(faultOfWorker, ['0 22-2 * * *', '50-10/5 * * * *', '0 0 L-3W * *', '0 0 LW * *', '0 0 15W * *', '0 0 * * fri-mon', '0 0 * NOV-FEB *', '0 0 * * 6L', '0 0 * * mon#2', '0 0 * * L']);
  refused(faultOfWorker, ['0 0 ? * *', '0 0 L,1 * *', '0 0 32W * *', '0 0 L-31 * *', '0,* * * * *', '* * */31 * *', '* * * */12 *', '0 0 * * 8', '0 0 * * XYZL', '0 0 * * MONDAY']);
});

test('AWS has years and ? for one of the days', () => {
  taken(aws, ['0 22-2 * * ? *', '0/15 * ? * MON-FRI 2026-2030', '0 8 L-3W * ? *', '0 8 ? * 6#3 *', '0 8 1 1 ? */2']);
  refused(aws, ['0 8 * * * *', '0 8 ? * ? *', '0 ? * * ? *', '0 8 * * ? ?', '0 8 1 * ? 2030-2026', '0 8 1 * ? 1969', '0 8 * ? ? *', '0 8 1,? * ? *', '0 8 L,1 * ? *']);
});

test('Netlify has five shorthands, L in lists and two Sundays', () => {
  taken(faultOfNetlify, ['@hourly', '@daily', '@weekly', '@monthly', '@yearly', '0 0 L,1 * *', '0 0 * * 1L,5L', '0 0 * * 5#3', '0 0 * * 0,7', '? ? ? * MON', '5/15 * * * *']);
  refused(faultOfNetlify, ['@annually', '@midnight', '@reboot', '@DAILY', '0 22-2 * * *', '0 0 * * 1#2,3', '0 0 LW * *', '0 0 * * L', '*-5 * * * *']);
  assert.match(faultOfNetlify('@annually'), /is none of @yearly, @monthly, @weekly, @daily and @hourly/);
});
