/* mayfly events and mayfly trigger beside a running mayfly. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateQueueCommand, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { clients, fillQueues, gotten, lambda, TELLS, WHERE } from './aws_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const FILES = { 'main.tf': lambda('tells'), 'tells.js': TELLS, 'api/where.js': WHERE };

async function started(t) {
  const platform = await startPlatform(t, { files: FILES });
  const mayfly = (...args) => runMayfly([...args, '--project', platform.project]);
  return { platform, mayfly };
}

function payloadFile(platform, value) {
  const folder = path.join(platform.project, '.payloads');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'payload.json');
  writeFileSync(file, JSON.stringify(value));
  return file;
}

test('an invocation is shown with its payload, its tries and the stack of its error', async (t) => {
  const { platform, mayfly } = await started(t);
  const { status, stdout } = await mayfly('trigger', 'tells', '--payload', payloadFile(platform, { fail: 'no tea' }));
  assert.equal(status, 1);
  const [, id] = /event (\d+) of lambda:lambda\/tells/.exec(stdout);
  assert.match(stdout, /failed, it is tried again in (\d+ s|1 min)\n {2}TypeError: no tea\n {6}at .*tells\.js:\d+:\d+/);

  const list = await mayfly('events', 'ls', '--function', 'tells');
  const [head, row, ...others] = list.stdout.trimEnd().split('\n');
  assert.match(head, /^ *EVENT {2}QUEUE +STATE +TRIES +SENT +ERROR$/);
  assert.match(row, new RegExp(`^ *${id}  lambda:lambda/tells  again in \\d+ (s|min) +1 +(now|\\d+ s ago) +TypeError: no tea$`));
  assert.deepEqual(others, []);

  const shown = (await mayfly('events', 'show', id)).stdout;
  assert.match(shown, new RegExp(`^event ${id} of lambda:lambda/tells\n`));
  assert.match(shown, /body\n {2}\{\n {4}"fail": "no tea"\n {2}\}\n/);
  assert.match(shown, /error\n {2}TypeError: no tea\n {6}at .*tells\.js:\d+:\d+/);
});

test('of a function are listed the messages that it consumes, and the ticks of its crons', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'api/where.js': WHERE,
      'fn.js': 'exports.handler = async () => {};',
      'api/tick.js': 'export const GET = () => new Response("x");',
      'vercel.json': JSON.stringify({ crons: [{ path: '/api/tick', schedule: '0 3 1 1 *' }] }),
      'mayfly.json': JSON.stringify({
        functions: { fn: { handler: 'fn.handler' } }, events: { queues: { jobs: { function: 'fn', batchSize: 10, window: 60 }, others: {} } },
      }),
    },
  });
  const { sqs } = await clients(t, platform);
  for (const name of ['jobs', 'others']) {
    await sqs.send(new SendMessageCommand({ QueueUrl: `${platform.aws.endpoint}/000000000000/${name}`, MessageBody: 'x' }));
  }
  await runMayfly(['trigger', '/api/tick', '--project', platform.project]);
  await runMayfly(['trigger', 'fn', '--project', platform.project]);
  const queues = async (name) => {
    const { stdout } = await runMayfly(['events', '--json', '--function', name, '--project', platform.project]);
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line).queue).sort();
  };
  assert.deepEqual(await queues('fn'), ['lambda:lambda/fn', 'sqs:jobs']);
  assert.deepEqual(await queues('lambda/fn'), ['lambda:lambda/fn', 'sqs:jobs']);
  assert.deepEqual(await queues('api'), ['cron:/api/tick']);
});

test('a durable request is shown as it came', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'api/hook.js': 'export const POST = () => new Response(null, { status: 500 });',
      'mayfly.json': JSON.stringify({ routes: { '/api/hook': { durable: { retries: 0 }, onFailure: { url: 'http://127.0.0.1:1/x', secret: 'whsec_c2VjcmV0' } } } }),
    },
  });
  await platform.post('/api/hook?a=b', { id: 'x' }, { headers: { 'x-signature': 'abc' } });
  const shown = async () => (await runMayfly(['events', 'show', '1', '--project', platform.project])).stdout;
  await eventually(async () => (await shown()).includes('dead'), () => platform.transcript());
  const text = await shown();
  assert.match(text, /attributes\n {2}\{\n {4}"method": "POST",\n {4}"path": "\/api\/hook\?a=b"/);
  assert.match(text, /headers\n(?: {2}[a-z-]+: .*\n)* {2}x-signature: abc\n/);
  assert.doesNotMatch(text, /x-mayfly/);
  assert.match(text, /body\n {2}\{\n {4}"id": "x"\n {2}\}\n/);
  assert.match(text, /error\n {2}status 500\n/);
  const { stdout: webhook } = await runMayfly(['events', 'show', '2', '--project', platform.project]);
  assert.match(webhook, /event 2 of webhook:http/);
  assert.doesNotMatch(webhook, /whsec_/);
});

test('of an error with a very long text the beginning is shown', async (t) => {
  const { platform, mayfly } = await started(t);
  const { stdout } = await mayfly('trigger', 'tells', '--payload', payloadFile(platform, { fail: 'no tea '.repeat(10000) }));
  const [, id] = /event (\d+) of lambda:lambda\/tells/.exec(stdout);
  assert.match((await mayfly('events', 'show', id)).stdout, /error\n {2}TypeError: no tea no tea/);
});

test('events are filtered, and objects for programs', async (t) => {
  const { mayfly } = await started(t);
  await mayfly('trigger', 'tells');
  await mayfly('trigger', 'lambda/tells');
  const json = async (...args) => {
    const { stdout } = await mayfly('events', 'ls', '--json', ...args);
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  };
  const all = await json();
  assert.deepEqual(all.map(({ queue, state, attempts }) => ({ queue, state, attempts })), [
    { queue: 'lambda:lambda/tells', state: 'done', attempts: 1 },
    { queue: 'lambda:lambda/tells', state: 'done', attempts: 1 },
  ]);
  assert.ok(all[0].id > all[1].id, 'newest first');
  assert.deepEqual((await json('--limit', '1')).map(({ id }) => id), [all[0].id]);
  assert.deepEqual(await json('--state', 'dead'), []);
  assert.deepEqual((await json('--queue', 'tells', '--since', '1h')).length, 2);
  assert.deepEqual(await json('--function', 'another'), []);
});

test('a list longer than a socket holds is complete', async (t) => {
  const { platform, mayfly } = await started(t);
  const { sqs } = await clients(t, platform);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'many' }));
  const batches = Array.from({ length: 100 }, (_, i) => Array.from({ length: 10 }, (__, k) => ({ Id: `${k}`, MessageBody: `${i}-${k}` })));
  await Promise.all(batches.map((Entries) => sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))));
  const { status, stdout, stderr } = await mayfly('events', 'ls', '--json', '--queue', 'sqs:many', '--limit', '10000');
  assert.equal(status, 0, stderr);
  assert.equal(new Set(stdout.trimEnd().split('\n').map((line) => JSON.parse(line).id)).size, 1000);
});

test('what nobody reads of a long list is not held in memory, and is there when it is read', async (t) => {
  const { platform } = await started(t);
  const { sqs } = await clients(t, platform);
  await sqs.send(new CreateQueueCommand({ QueueName: 'many' }));
  await fillQueues(platform, ['many'], 60_000);
  const { pid } = await platform.process('mayfly: control');
  const memory = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
  const before = memory();
  const client = net.connect(path.join(platform.project, '.mayfly/control')).pause();
  t.after(() => client.destroy());
  await once(client, 'connect');
  client.write('{"command":"ls","limit":1000000,"queue":"sqs:many"}\n');
  for (let most = 0, same = 0; same < 10; await sleep(50)) { /* until it has said all that it will */
    same = memory() > most ? 0 : same + 1;
    most = Math.max(most, memory());
    assert.ok(most - before < 16 << 20, `${most - before} bytes more`);
  }
  assert.equal((await text(client)).trimEnd().split('\n').length, 60_001);
});

test('what is done can be done again, and what waits can be removed', async (t) => {
  const { platform, mayfly } = await started(t);
  const { stdout } = await mayfly('trigger', 'tells', '--payload', payloadFile(platform, { n: 1 }));
  const [, id] = /event (\d+)/.exec(stdout);
  assert.equal((await mayfly('events', 'replay', id)).stdout, '1 event of lambda:lambda/tells waits to be tried again\n');
  assert.deepEqual(await gotten(platform, 2), [{ n: 1 }, { n: 1 }]);

  await mayfly('trigger', 'tells', '--payload', payloadFile(platform, { fail: 'x' }));
  assert.equal((await mayfly('events', 'purge', '--queue', 'tells', '--state', 'waiting')).stdout, '1 event of lambda:lambda/tells is gone\n');
  assert.equal((await mayfly('events', 'ls', '--state', 'waiting')).stdout, 'there are no such events\n');
});

test('mistakes are answered with what to do', async (t) => {
  const { platform, mayfly } = await started(t);
  const wrong = async (...args) => {
    const { status, stderr } = await mayfly(...args);
    assert.notEqual(status, 0);
    return stderr;
  };
  assert.match(await wrong('trigger', 'tels'), /there is no schedule and no Lambda function tels; there are lambda\/tells/);
  assert.match(await wrong('trigger'), /say what to trigger/);
  assert.match(await wrong('trigger', 'tells', '--payload', path.join(platform.project, 'tells.js')), /the payload is no JSON/);
  assert.match(await wrong('events', 'lss'), /did you mean mayfly events ls\?/);
  assert.match(await wrong('events', 'show', '999999'), /there is no event 999999/);
  assert.match(await wrong('events', 'ls', '--queue', 'nope'), /there is no queue nope/);
  assert.match(await wrong('events', 'ls', '--function', 'nope'), /there is no function nope; there are .*lambda\/tells/);
  assert.match((await mayfly('trigger', 'tells')).stdout, /fired tells/);
  assert.match((await mayfly('events', '--queue', 'lambda:tells')).stdout, /lambda:lambda\/tells +(waiting|done)/);
  assert.match(await wrong('events', 'ls', '--state', 'odd'), /--state is waiting, done or dead, not odd/);
  assert.match(await wrong('events', 'ls', '--since', 'yesterday'), /--since is a time like 30s, 10m, 2h or 1d/);
  for (const limit of ['0', 'all', '1000001']) {
    assert.match(await wrong('events', 'ls', '--limit', limit), new RegExp(`--limit is a number from 1 to 1000000, not ${limit}`));
  }
  assert.match(await wrong('events', 'purge'), /say which queue to purge/);
  assert.match(await wrong('events', 'ls', 'jobs'), /one argument too many: jobs/);
  assert.match(await wrong('events', 'purge', '7', '--queue', 'lambda:lambda/tells'), /one argument too many: 7/);
});

test('where no mayfly runs, that is said', async () => {
  const { status, stderr } = await runMayfly(['events', '--project', '/tmp']);
  assert.equal(status, 1);
  assert.match(stderr, /no mayfly runs here \(nobody answers in \/tmp\/\.mayfly\)\. Start one with mayfly dev/);
});
