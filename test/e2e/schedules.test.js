/* Schedules of the four platforms. Those that fire by themselves are ones that begin at once. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { got, gotten, lambda, TELLS } from './aws_project.js';
import { eventually, readConsole, runMayfly, startPlatform } from './harness.js';

const trigger = (platform, ...args) => runMayfly(['trigger', ...args, '--project', platform.project]);

test('a Vercel cron is asked with its secret and its schedule', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'vercel.json': '{ "crons": [{ "path": "/api/clean?deep=1", "schedule": "0 2 * * *" }] }',
      '.env': 'CRON_SECRET=s3cret',
      'api/clean.js': `
        export function GET(request) {
          const { searchParams } = new URL(request.url);
          const names = ['authorization', 'user-agent', 'x-vercel-cron-schedule'];
          console.log('asked', searchParams.get('deep'), ...names.map((name) => request.headers.get(name)));
          return new Response('ok');
        }`,
    },
  });
  const { status, stdout } = await trigger(platform, '/api/clean?deep=1');
  assert.match(stdout, /^fired \/api\/clean\?deep=1: event \d+ of cron:\/api\/clean\?deep=1\nevent \d+: done in \d+ ms\n$/);
  assert.equal(status, 0);
  await platform.log('asked 1 Bearer s3cret vercel-cron/1.0 0 2 * * *');
});

test('a Vercel cron that fails is not tried again', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'vercel.json': '{ "crons": [{ "path": "/api/clean", "schedule": "0 2 * * *" }] }',
      'api/clean.js': 'export const GET = () => new Response("not now", { status: 500 });',
    },
  });
  const { status, stdout } = await trigger(platform, '/api/clean');
  assert.equal(status, 1);
  assert.match(stdout, /event \d+: failed\n {2}it answered 500\n {2}not now\n$/);
});

test("a worker's scheduled() is called, and its error told", async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'wrangler.toml': 'name = "clock"\nmain = "clock.js"\ncompatibility_date = "2026-01-01"\n[triggers]\ncrons = ["0 3 * * mon", "0 4 LW * *"]\n',
      'clock.js': `
        export default {
          async scheduled(controller, env, ctx) {
            console.log('scheduled', controller.cron, Math.abs(Date.now() - controller.scheduledTime) < 60000);
            if (controller.cron.includes('LW')) { throw new RangeError('too late'); }
          },
        };`,
    },
  });
  assert.equal((await trigger(platform, 'worker/clock 0 3 * * mon')).status, 0);
  await platform.log('scheduled 0 3 * * mon true');
  const { status, stdout } = await trigger(platform, 'worker/clock 0 4 LW * *');
  assert.equal(status, 1);
  assert.match(stdout, /event \d+: failed\n {2}RangeError: too late\n.*clock\.js/);
});

test("a scheduled function of Netlify's is told when it runs next", async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'netlify/functions/tick.mjs': `
        export default async (request) => {
          const { next_run: next } = await request.json();
          console.log('next', next.endsWith(':00:00.000Z'), new Date(next) > new Date());
        };
        export const config = { schedule: '@hourly' };`,
    },
  });
  const { status, stdout } = await trigger(platform, 'tick');
  assert.equal(status, 0, stdout);
  await platform.log('next true true');
});

test('mayfly.json gives a cron a time zone of its own', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'vercel.json': '{ "crons": [{ "path": "/api/clean", "schedule": "0 2 * * *" }] }',
      'mayfly.json': '{ "events": { "schedules": { "/api/clean": { "timezone": "Asia/Tokyo" } } } }',
      'api/clean.js': 'export const GET = () => new Response("ok");',
    },
  });
  const { triggers } = platform.records.find((record) => record.type === 'build');
  assert.match(triggers[0].trigger, /^0 2 \* \* \* Asia\/Tokyo, next in \d+ (s|min|h)$/);
  const { status, stdout } = await trigger(platform, '/api/clean');
  assert.equal(status, 0, stdout);
});

const RATE = `${lambda('tells')}
resource "aws_scheduler_schedule" "beat" {
  name                = "beat"
  schedule_expression = "rate(1 hour)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = aws_lambda_function.tells.arn
    role_arn = "arn:aws:iam::000000000000:role/any"
    input    = jsonencode({ beat = true })
  }
}
`;

test('a schedule fires by itself, and not again after a restart', async (t) => {
  const files = { 'main.tf': RATE, 'tells.js': TELLS };
  const platform = await startPlatform(t, { files });
  assert.deepEqual(await gotten(platform, 1), [{ beat: true }]);
  const isDone = async () => (await runMayfly(['events', 'ls', '--json', '--state', 'done', '--project', platform.project])).stdout !== '';
  await eventually(isDone, 'its outcome is not stored');
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  const from = platform.records.length;
  await platform.record((record) => record.type === 'build', { from });
  const { status, stderr } = await trigger(platform, 'tells');
  assert.equal(status, 0, stderr);
  await gotten(platform, 2);
  assert.deepEqual(got(platform), [{ beat: true }, {}]);
});

test('the table says when a schedule is due next', async (t) => {
  const text = await readConsole(
    t,
    {
      'vercel.json': '{ "crons": [{ "path": "/api/clean", "schedule": "*/5 * * * *" }, { "path": "/api/clean", "schedule": "0 0 30 2 *" }] }',
      'api/clean.js': 'export const GET = () => new Response("ok");',
    },
    /loaded/,
  );
  assert.match(text, /cron +\*\/5 \* \* \* \*, next in \d+ (s|min) /);
  assert.match(text, /cron +0 0 30 2 \*, never again /);
});
