/* Events: how many are accepted durably in a second, how soon a handler runs, and whether a backlog slows its dispatch.
 * Redis Streams with appendfsync always, on the same disk and in turns, is what durable acceptance costs elsewhere. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sign, wrkScript } from '../lib/aws_sign.js';
import { startMayfly } from '../lib/mayfly.js';
import { residentBytes } from '../lib/memory.js';
import { WORK } from '../lib/paths.js';
import { freePort, run, start } from '../lib/processes.js';
import { median, percentile } from '../lib/stats.js';
import { mib, ms, perSecond, printTable, times } from '../lib/table.js';
import { requestsPerSecond } from '../lib/wrk.js';

const SENDERS = 64;
const BODY = 'x'.repeat(200);
const BATCH = 10; /* SQS's */
const SAMPLE = 20_000; /* messages of a backlog whose handling is timed */
const SHORT_BACKLOGS = 7;
const PATIENCE_MS = 900_000;
const BUDGET = { accept: 1, p50: 5, p99: 25, backlog: 0.8 };

export async function measure({ quick }) {
  const mayfly = await startMayfly('events');
  try {
    const accepted = await acceptance(mayfly, quick);
    const delays = await handlerDelays(mayfly, quick ? 100 : 500);
    await backlogRates(mayfly, [2000]); /* the instances that the measured ones find */
    const backlog = await backlogRates(mayfly, quick ? [1000, 50_000] : [1000, 1_000_000]);
    return [...reportAcceptance(accepted), ...reportDelays(delays), ...reportBacklog(backlog)];
  } finally {
    await mayfly.stop();
  }
}

/* ---- SQS, signed once ---- */

async function call(mayfly, operation, input) {
  const body = JSON.stringify(input);
  const headers = sign({
    method: 'POST', path: '/', port: mayfly.awsPort, service: 'sqs', body,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
  });
  const answer = await fetch(`http://127.0.0.1:${mayfly.awsPort}/`, { method: 'POST', headers, body });
  if (!answer.ok) {
    throw new Error(`${operation}: ${answer.status} ${await answer.text()}`);
  }
  return answer.json();
}

function script(mayfly, name, operation, input) {
  const body = JSON.stringify(input);
  const headers = sign({
    method: 'POST', path: '/', port: mayfly.awsPort, service: 'sqs', body,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
  });
  const file = path.join(WORK, `${name}.lua`);
  writeFileSync(file, wrkScript({ method: 'POST', headers, body }));
  return file;
}

/* ---- accepting ---- */

async function acceptance(mayfly, quick) {
  const { QueueUrl } = await call(mayfly, 'CreateQueue', { QueueName: 'accepted' });
  const redis = await startRedis();
  const seconds = quick ? 3 : 8;
  const rates = { mayfly: [], redis: [] };
  try {
    for (let round = 0; round < (quick ? 2 : 3); round++) {
      const file = script(mayfly, 'send', 'SendMessage', { QueueUrl, MessageBody: BODY });
      rates.mayfly.push(await requestsPerSecond({ ...mayfly, port: mayfly.awsPort }, { path: '/', seconds, threads: 1, connections: SENDERS, script: file }));
      rates.redis.push(await redisRate(redis, quick ? 30_000 : 100_000));
    }
  } finally {
    await redis.stop();
  }
  return rates;
}

async function startRedis() {
  const folder = path.join(WORK, 'redis');
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const server = start('redis', 'redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always']);
  for (let tries = 0; tries < 100 && !/Ready to accept/.test(server.output()); tries++) {
    await sleep(50);
  }
  return { ...server, port };
}

async function redisRate({ port }, count) {
  const output = await run('redis-benchmark', ['-p', String(port), '-c', String(SENDERS), '-n', String(count), '--csv', 'XADD', 'stream', '*', 'body', BODY], 120_000);
  const rate = Number(/"([\d.]+)","[\d.]+"/.exec(output.trim().split('\n').at(-1))?.[1]);
  if (!(rate > 0)) {
    throw new Error(`redis-benchmark printed: ${output}`);
  }
  return rate;
}

function reportAcceptance({ mayfly, redis }) {
  const ratio = median(mayfly.map((rate, i) => rate / redis[i]));
  printTable(`durable events accepted, ${SENDERS} senders, 200 bytes each`, ['', 'median', 'worst', 'best'],
    Object.entries({ 'mayfly (SQS SendMessage)': mayfly, 'redis (XADD, appendfsync always)': redis })
      .map(([name, rates]) => [name, perSecond(median(rates)), perSecond(Math.min(...rates)), perSecond(Math.max(...rates))]));
  return [{ what: 'durable events accepted against Redis', mayfly: times(ratio), budget: times(BUDGET.accept), met: ratio >= BUDGET.accept }];
}

/* ---- how soon ---- */

async function handlerDelays(mayfly, count) {
  const acknowledged = new Map();
  for (let i = 0; i < count; i++) {
    const answer = await fetch(`http://127.0.0.1:${mayfly.port}/2015-03-31/functions/note/invocations`, {
      method: 'POST', headers: { 'x-amz-invocation-type': 'Event' }, body: JSON.stringify({ id: `d${i}` }),
    });
    await answer.arrayBuffer();
    acknowledged.set(`d${i}`, Date.now());
    await sleep(10);
  }
  const begun = await lines(mayfly, count);
  return begun.filter(([id]) => acknowledged.has(id)).map(([id, at]) => Math.max(0, at - acknowledged.get(id)));
}

async function lines(mayfly, count) {
  const end = performance.now() + 60_000;
  for (;;) {
    let found = [];
    try {
      found = readFileSync(path.join(mayfly.folder, 'runs/begun'), 'utf8').trim().split('\n').map((line) => line.split(' '));
    } catch {
      /* nothing yet */
    }
    if (found.length >= count) {
      return found.map(([id, at]) => [id, Number(at)]);
    }
    if (performance.now() > end) {
      throw new Error(`only ${found.length} of ${count} events were handled`);
    }
    await sleep(50);
  }
}

function reportDelays(delays) {
  const p50 = percentile(delays, 50);
  const p99 = percentile(delays, 99);
  printTable('from accepted to handler running, idle queue', ['', 'p50', 'p99', 'events'], [['mayfly', ms(p50), ms(p99), delays.length]]);
  return [
    { what: 'accepted to handler running, p50', mayfly: ms(p50), budget: ms(BUDGET.p50), met: p50 <= BUDGET.p50 },
    { what: 'accepted to handler running, p99', mayfly: ms(p99), budget: ms(BUDGET.p99), met: p99 <= BUDGET.p99 },
  ];
}

/* ---- a backlog ---- */

/** A short backlog is gone in a moment, whose length chance decides: the median of several. */
async function backlogRates(mayfly, sizes) {
  const results = [];
  for (const size of sizes) {
    const rates = [];
    const before = controlBytes(mayfly);
    for (let i = 0; i < (size > SAMPLE ? 1 : SHORT_BACKLOGS); i++) {
      const queue = `backlog-${size}-${i}`;
      const { QueueUrl } = await call(mayfly, 'CreateQueue', { QueueName: queue });
      await fill(mayfly, QueueUrl, size);
      rates.push(await drainRate(mayfly, queue, size));
    }
    results.push({ size, rate: median(rates), bytes: [before, controlBytes(mayfly)] });
  }
  return results;
}

function controlBytes(mayfly) {
  const control = mayfly.processes().find(({ title }) => title.startsWith('mayfly: control'));
  return residentBytes(control.pid);
}

/** Bytes of what the handler has written of this queue: one of each message. The counts of a long queue are no clock,
 * they may be a second old. */
function handled(mayfly, queue) {
  return statSync(path.join(mayfly.folder, 'runs', queue), { throwIfNoEntry: false })?.size ?? 0;
}

async function fill(mayfly, QueueUrl, size) {
  const Entries = Array.from({ length: BATCH }, (_, i) => ({ Id: String(i), MessageBody: BODY }));
  const body = JSON.stringify({ QueueUrl, Entries });
  const headers = sign({
    method: 'POST', path: '/', port: mayfly.awsPort, service: 'sqs', body,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessageBatch' },
  });
  let left = size / BATCH;
  const sender = async () => {
    while (left-- > 0) {
      const answer = await fetch(`http://127.0.0.1:${mayfly.awsPort}/`, { method: 'POST', headers, body });
      await answer.arrayBuffer();
      if (!answer.ok) {
        throw new Error(`SendMessageBatch: ${answer.status}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 32 }, sender));
}

/** Messages handled in a second while at most SAMPLE of the backlog's first are. */
async function drainRate(mayfly, queue, size) {
  const body = JSON.stringify({ EventSourceArn: `arn:aws:sqs:us-east-1:000000000000:${queue}`, FunctionName: 'note', BatchSize: 10 });
  const target = '/2015-03-31/event-source-mappings/';
  const headers = sign({ method: 'POST', path: target, port: mayfly.awsPort, service: 'lambda', body, headers: { 'content-type': 'application/json' } });
  const begin = performance.now();
  const answer = await fetch(`http://127.0.0.1:${mayfly.awsPort}${target}`, { method: 'POST', headers, body });
  if (!answer.ok) {
    throw new Error(`CreateEventSourceMapping: ${answer.status} ${await answer.text()}`);
  }
  let count = 0;
  while ((count = handled(mayfly, queue)) < Math.min(size, SAMPLE)) {
    if (performance.now() - begin > PATIENCE_MS) {
      throw new Error('the backlog is not dispatched');
    }
    await sleep(2);
  }
  return count / ((performance.now() - begin) / 1000);
}

function reportBacklog(results) {
  printTable('dispatch of a backlog, batches of 10', ['messages waiting', 'handled', 'control before', 'control after'],
    results.map(({ size, rate, bytes }) => [size.toLocaleString('en'), perSecond(rate), mib(bytes[0]), mib(bytes[1])]));
  const ratio = results.at(-1).rate / results[0].rate;
  return [{ what: `dispatch with ${results.at(-1).size.toLocaleString('en')} waiting against 1,000`, mayfly: times(ratio), budget: times(BUDGET.backlog), met: ratio >= BUDGET.backlog }];
}
