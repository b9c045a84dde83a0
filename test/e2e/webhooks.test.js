/* Outgoing webhooks whose receivers are slow, or no longer the project's. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { eventually, runMayfly, startPlatform } from './harness.js';

const DURABLE = 'export const POST = () => new Response("done");';

/** A project with a durable route, /api/NAME, for each URL that is to be told. */
const projectOf = (urls) => ({
  ...Object.fromEntries(Object.keys(urls).map((name) => [`api/${name}.js`, DURABLE])),
  'mayfly.json': JSON.stringify({
    routes: Object.fromEntries(Object.entries(urls).map(([name, url]) => [`/api/${name}`, { durable: true, ...(url ? { onSuccess: { url } } : {}) }])),
    events: { buckets: { photos: {} } },
  }),
});

/** A server that takes webhooks, and answers as `answer` says; `open` are the requests that have no answer yet. */
async function receiver(t, answer) {
  const open = new Set();
  const taken = [];
  const server = http
    .createServer((request, response) => {
      taken.push(request.url);
      open.add(response);
      response.on('close', () => open.delete(response));
      answer(response, request);
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { open, taken, url: `http://127.0.0.1:${server.address().port}` };
}

const events = async (platform, ...args) =>
  (await runMayfly(['events', ...args, '--json', '--project', platform.project])).stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

test('receivers that never answer hold up no other receiver, and no upload', async (t) => {
  const never = await receiver(t, () => {});
  const good = await receiver(t, (response) => response.end());
  const slow = ['a', 'b', 'c', 'd'];
  const platform = await startPlatform(t, {
    files: projectOf({ good: `${good.url}/good`, ...Object.fromEntries(slow.map((name) => [name, `${never.url}/${name}`])) }),
  });
  const s3 = new S3Client({ ...platform.aws, forcePathStyle: true, maxAttempts: 1 });
  t.after(() => s3.destroy());

  for (const name of [...slow, ...slow, ...slow]) {
    assert.equal((await platform.post(`/api/${name}`, 'x')).status, 202);
  }
  await eventually(() => never.open.size >= 8, () => `only ${never.open.size} are open\n${platform.transcript()}`);
  const stuck = [...never.open];
  assert.equal((await platform.post('/api/good', 'x')).status, 202);
  await eventually(() => good.taken.length === 1, () => platform.transcript());
  await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a', Body: 'x'.repeat(1 << 20) }));
  assert.ok(stuck.every((response) => never.open.has(response)), 'only once the slow ones were given up');
  for (const name of slow) {
    assert.equal(never.taken.filter((url) => url === `/${name}`).length, 2, 'of one receiver two at once');
  }
});

test('what waits for a URL that the project no longer names is given up, and can be replayed when it does again', async (t) => {
  let status = 503;
  const hook = await receiver(t, (response) => response.writeHead(status).end());
  const files = projectOf({ work: `${hook.url}/done` });
  const platform = await startPlatform(t, { files });
  assert.equal((await platform.post('/api/work', 'x')).status, 202);
  const queue = `webhook:${hook.url}/done`;
  const found = async () => (await events(platform, 'ls')).find((event) => event.queue === queue);
  await eventually(async () => (await found())?.attempts === 1, () => platform.transcript());

  /* Its next try is in 5 seconds; meanwhile the URL goes, and control starts anew. */
  await platform.save('mayfly.json', projectOf({ work: null })['mayfly.json']);
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  const dead = await eventually(async () => {
    const event = await found();
    return event?.state === 'dead' && event;
  }, () => platform.transcript());
  assert.match(dead.error, /the project names this URL no longer/);
  assert.equal(hook.taken.length, 1);

  status = 200;
  await platform.save('mayfly.json', files['mayfly.json']);
  await runMayfly(['events', 'replay', String(dead.id), '--project', platform.project]);
  await eventually(async () => (await found()).state === 'done', () => platform.transcript());
  assert.equal(hook.taken.length, 2);
});
