/* What is wrong in the files of a project is told with its place, in words that say what to change. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, projectOf } from './harness.js';

const api = { 'api/a.js': 'export const GET = () => new Response("a");\n' };
const lambda = { 'lambda/h.js': 'exports.handler = async () => 1;\n' };
const netlify = { 'netlify/functions/a.mjs': 'export default () => new Response("a");\n' };
const worker = { 'worker.js': 'export default { fetch: () => new Response("w"), queue() {} };\n' };

/** What a build of these files says, as "file:line:column text", without the file's name in the text. */
async function told(t, files) {
  const { diagnostics } = await build(t, projectOf(t, files));
  return diagnostics.map(({ file, line, column, text }) => `${[file, line, column].filter(Boolean).join(':')} ${text.replace(`${file}: `, '')}`);
}

test('files that do not parse are told with the place of the mistake', async (t) => {
  assert.deepEqual(await told(t, { ...api, 'mayfly.json': '{ "memory": 512,\n "timeout": }' }), ['mayfly.json:2:13 mayfly.json is not valid JSON: value expected']);
  assert.deepEqual(await told(t, { ...worker, 'wrangler.jsonc': '{ "name": "w", "main": "worker.js", ' }), ['wrangler.jsonc:1:37 wrangler.jsonc is not valid JSON: property name expected']);
  const [yaml] = await told(t, { ...lambda, 'serverless.yml': 'service: x\nfunctions:\n  h:\n   handler: lambda/h.handler\n   events: [\n' });
  assert.match(yaml, /^serverless\.yml:6:1 .*]$/);
});

test('a cron of vercel.json is named by its place in the list, whatever is wrong before it', async (t) => {
  const crons = [{ path: 'a', schedule: '0 0 * * *' }, { schedule: '1' }, { path: '/api/a', schedule: '0 25 * * *' }];
  const all = await told(t, { ...api, 'vercel.json': JSON.stringify({ crons }) });
  assert.deepEqual(all.map((text) => text.match(/crons\[\d\] ?\S* ?\S*/)[0]), ['crons[0] needs a', 'crons[1] needs a', 'crons[2]: the']);
});

test('folders and functions that are named and are not there are told', async (t) => {
  assert.deepEqual(await told(t, { ...api, 'vercel.json': JSON.stringify({ functions: { 'api/b.js': { memory: 512 }, 'api/*.js': { memory: 512 } }, outputDirectory: 'dist' }) }), [
    'vercel.json functions["api/b.js"] matches no file of the folder api',
    'vercel.json outputDirectory: there is no folder dist',
  ]);
  const toml = '[build]\npublish = "site"\nfunctions = "functions"\n';
  assert.deepEqual(await told(t, { ...netlify, 'netlify.toml': toml }), ['netlify.toml publish: there is no folder site', 'netlify.toml functions: there is no folder functions']);
  assert.deepEqual(await told(t, { ...netlify, 'netlify.toml': `${toml}command = "make"\n` }), [], 'the build makes them');

  const { logs } = await build(t, projectOf(t, { ...lambda, 'mayfly.json': JSON.stringify({ functions: { h: { handler: 'lambda/h.handler', code: 'nowhere' } } }) }));
  assert.deepEqual(logs.map(({ text }) => text), ['lambda h: its code is taken from lambda/h.js (handler lambda/h.handler; nowhere does not exist)']);
});

test('a notification that leads nowhere, a queue\'s name and a time that are none are told as what they are', async (t) => {
  const notifications = [{ events: 's3:ObjectCreated:*' }, { events: 's3:ObjectCreated:*', function: 'h', queue: 'q' }];
  const events = { buckets: { photos: { notifications } }, queues: { 'q.fifo': { function: 'h', window: 10 } } };
  assert.deepEqual(await told(t, { ...lambda, 'mayfly.json': JSON.stringify({ functions: { h: { handler: 'lambda/h.handler' } }, events }) }).then((all) => all.map((text) => text.replace(/^\S+ /, ''))), [
    'events.buckets.photos: notifications[0] needs "function" or "queue", one of them',
    'events.buckets.photos: notifications[1] needs "function" or "queue", one of them',
    'events.queues["q.fifo"]: the batching window must be 0, not 10',
  ]);
  const [dead] = await told(t, { ...worker, 'wrangler.toml': 'name = "w"\nmain = "worker.js"\n[[queues.consumers]]\nqueue = "q"\ndead_letter_queue = 5\n' });
  assert.match(dead, /queues\.consumers\[0\]\.dead_letter_queue: needs the name of a queue.*not 5$/);
  const schedule = `Transform: AWS::Serverless-2016-10-31
Resources:
  H:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: lambda/
      Handler: h.handler
      Runtime: nodejs22.x
      Events:
        Once: { Type: ScheduleV2, Properties: { ScheduleExpression: "at(2026-12-24)" } }
  Rule: { Type: AWS::Events::Rule, Properties: { EventPattern: { source: [a] }, Targets: [{ Id: a, Arn: !GetAtt Nothing.Arn }] } }
`;
  const all = await told(t, { ...lambda, 'template.yaml': schedule });
  assert.ok(all.some((text) => text.endsWith('the schedule "at(2026-12-24)" needs a date and a time, as in at(2026-12-24T18:00:00)')), all.join('\n'));
  assert.ok(all.some((text) => text.includes('its target, which the files do not say, is left out: only')), all.join('\n'));
});

test('a module that only a bundler\'s plugin makes is told with what helps, and without what only esbuild\'s users can do', async (t) => {
  const [text] = await told(t, { 'api/a.js': "import build from 'virtual:site/build';\nexport const GET = () => new Response(build);\n" });
  assert.equal(text, 'api/a.js:1:19 Could not resolve "virtual:site/build"\nA plugin of the project\'s bundler makes it: build the project first, and what that makes is served.');
});
