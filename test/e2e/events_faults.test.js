/* Events and crashes: processes are killed at random while events of every kind come in, then every event is accounted for
 * by its id. MAYFLY_FAULTS=10 makes it ten times as long.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { WHERE } from './aws_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const TIMES = Number(process.env.MAYFLY_FAULTS ?? 1);
const EVENTS = 40 * TIMES; /* of each kind */
const TICKS = 20 * TIMES; /* a second apart, from some seconds after they are asked for */
const TICKS_BEGIN_MS = 8000;
const AFTERWARDS_MS = 2000; /* a try of before the end may begin so late, on a busy machine */
const GROUPS = 4;
const PATIENCE_MS = 300_000; /* for a machine that is busy: the run itself takes much less, and the runner ends a test after 600 s */
const QUEUES = 'https://sqs.us-east-1.amazonaws.com/000000000000';

/* Who is killed, one after the other, again and again. Gateway and control end together, the builder with them. */
const VICTIMS = [/^mayfly: control/, /^mayfly: instance/, /^mayfly: gateway/, /^mayfly: zygote \D+\//, /builder\/main\.js/];
const KILLS = VICTIMS.length + 2 * TIMES;

/** A Lambda handler that writes the ids of what it has handled into a volume: a line a time, none is lost with its process.
 * Into another go each event's own id in the store, when a try of it began, and what it was. */
const handler = (name, ids) => `
const { appendFileSync, existsSync, writeFileSync } = require('node:fs');
exports.handler = async (event, { awsRequestId }) => {
  appendFileSync('data/tries', [awsRequestId, Date.now(), event.id].join(' ') + '\\n');
  for (const id of ${ids}) {
    if (/-hang$/.test(id) && !existsSync('data/hung-' + id)) {
      writeFileSync('data/hung-' + id, '');
      await new Promise((done) => setTimeout(done, 1e9)); /* until its time is over; the next try goes on */
    }
    appendFileSync('data/${name}', id + '\\n');
  }
};`;
const BODIES = 'event.Records.map(({ body }) => body)';

const retries = { retries: 100, retryDelays: [1] };
const files = (hook) => ({
  'mayfly.json': JSON.stringify({
    volumes: ['data'],
    functions: {
      invoked: { handler: 'lambda/invoked.handler', timeout: 2, maxInstances: 4, ...retries },
      objects: { handler: 'lambda/objects.handler', timeout: 10, maxInstances: 4, ...retries },
      jobs: { handler: 'lambda/jobs.handler', timeout: 10, maxInstances: 4 },
      steps: { handler: 'lambda/steps.handler', timeout: 10, maxInstances: 4 },
      ticks: { handler: 'lambda/ticks.handler', timeout: 10, maxInstances: 4, ...retries },
    },
    routes: {
      '/api/durable': { durable: { retries: 100, delays: [1], maxAge: 3600 }, onSuccess: { url: hook, secret: 'whsec_c2VjcmV0' } },
      '/api/once': { idempotent: '$.id' },
    },
    events: {
      buckets: { uploads: { notifications: [{ events: 's3:ObjectCreated:*', function: 'objects' }] } },
      queues: {
        jobs: { function: 'jobs', batchSize: 5, visibility: 2 },
        'steps.fifo': { function: 'steps', batchSize: 3, visibility: 2 },
      },
    },
  }),
  'lambda/invoked.js': handler('invoked', '[event.id]'),
  'lambda/objects.js': handler('objects', 'event.Records.map(({ s3 }) => s3.object.key)'),
  'lambda/jobs.js': handler('jobs', BODIES),
  'lambda/steps.js': handler('steps', BODIES),
  'lambda/ticks.js': handler('ticks', '[event.id]'),
  'api/where.js': WHERE,
  'api/durable.js': `
    import { appendFileSync } from 'node:fs';
    export async function POST(request) {
      const { id } = await request.json();
      appendFileSync('data/durable', id + '\\n');
      return Response.json({ id });
    }`,
  'api/once.js': `
    export async function POST(request) {
      return Response.json({ id: (await request.json()).id, run: crypto.randomUUID() });
    }`,
  'vercel.json': JSON.stringify({ crons: [{ path: '/api/cron', schedule: '* * * * *' }] }),
  'api/cron.js': `
    import { appendFileSync } from 'node:fs';
    export function GET() {
      appendFileSync('data/cron-vercel', 'ran\\n');
      return new Response('done');
    }`,
  'netlify/functions/tick.mjs': `
    import { appendFileSync } from 'node:fs';
    export default async () => appendFileSync('data/cron-netlify', 'ran\\n');
    export const config = { schedule: '* * * * *' };`,
  'wrangler.json': JSON.stringify({
    name: 'w', main: 'worker.js', compatibility_date: '2026-01-01', routes: ['worker.test/*'],
    triggers: { crons: ['* * * * *'] },
    queues: {
      producers: [{ binding: 'MAIL', queue: 'mail' }],
      consumers: [{ queue: 'mail', max_batch_timeout: 0, max_retries: 100, retry_delay: 0 }],
    },
  }),
  'worker.js': `
    import { appendFileSync } from 'node:fs';
    export default {
      async fetch(request, env) {
        await env.MAIL.sendBatch((await request.json()).map((body) => ({ body })));
        return new Response('sent');
      },
      async scheduled({ scheduledTime }) {
        appendFileSync('data/cron-worker', [scheduledTime, Date.now()].join(' ') + '\\n');
      },
      async queue(batch) {
        for (const { id, body } of batch.messages) {
          appendFileSync('data/tries', [id, Date.now(), body].join(' ') + '\\n');
          appendFileSync('data/mail', body + '\\n');
        }
      },
    };`,
});

/** Does it until it is acknowledged, as a client that was cut off does. */
async function until(acknowledged) {
  for (;;) {
    try {
      const answer = await acknowledged();
      if (answer) {
        return answer;
      }
    } catch {
      /* who answers was killed: again */
    }
    await sleep(50);
  }
}

/** The ways in: each takes the number of an event, and returns its id when it has been acknowledged. */
function ways(platform, clients) {
  const post = async (target, body, headers = {}) => {
    const answer = await platform.request('POST', target, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
    return answer.status < 300 && answer;
  };
  const put = (queue, id, more = {}) => clients.sqs.send(new SendMessageCommand({ QueueUrl: `${QUEUES}/${queue}`, MessageBody: id, ...more }));
  return {
    invoked: async (n) => {
      const id = n % 10 === 3 ? `invoked-${n}-hang` : `invoked-${n}`;
      await until(() => clients.lambda.send(new InvokeCommand({ FunctionName: 'invoked', InvocationType: 'Event', Payload: JSON.stringify({ id }) })));
      return id;
    },
    objects: async (n) => {
      const Key = `object-${n}`;
      await until(() => clients.s3.send(new PutObjectCommand({ Bucket: 'uploads', Key, Body: Key })));
      return Key;
    },
    jobs: async (n) => {
      await until(() => put('jobs', `job-${n}`));
      return `job-${n}`;
    },
    steps: async (n) => {
      const MessageGroupId = `group-${n % GROUPS}`;
      await until(() => put('steps.fifo', `step-${n}`, { MessageGroupId, MessageDeduplicationId: `step-${n}` }));
      return `step-${n}`;
    },
    durable: async (n) => {
      await until(() => post('/api/durable', { id: `durable-${n}` }));
      return `durable-${n}`;
    },
    mail: async (n) => {
      await until(() => post('/', [`mail-${n}`], { host: 'worker.test' }));
      return `mail-${n}`;
    },
    once: async (n) => {
      const first = await until(() => post('/api/once', { id: `once-${n}` }));
      const again = await until(() => post('/api/once', { id: `once-${n}` }));
      assert.equal(again.json.run, first.json.run, 'a request that was answered ran again');
      return `once-${n}`;
    },
  };
}

/** Schedules what ticks while processes are killed: once each, and every minute. Returns the ids of what must have come. */
async function schedule(scheduler) {
  const target = (id) => ({
    Arn: 'arn:aws:lambda:us-east-1:000000000000:function:ticks', RoleArn: 'arn:aws:iam::000000000000:role/any', Input: JSON.stringify({ id }),
  });
  const create = (Name, ScheduleExpression, id) => scheduler.send(new CreateScheduleCommand({
    Name, ScheduleExpression, FlexibleTimeWindow: { Mode: 'OFF' }, ActionAfterCompletion: 'DELETE', Target: target(id),
  }));
  await create('every', 'rate(1 minute)', 'every-<aws.scheduler.scheduled-time>');
  const made = await Promise.all(Array.from({ length: TICKS }, async (_, n) => {
    const at = Math.floor((Date.now() + TICKS_BEGIN_MS) / 1000 + n) * 1000;
    await create(`once-${n}`, `at(${new Date(at).toISOString().slice(0, 19)})`, `tick-${n}`);
    return Date.now() < at ? `tick-${n}` : []; /* one that is asked for too late never ticks */
  }));
  return made.flat();
}

/** The tries of all events but SQS's: which of the store, when, and what it was. */
function tries(platform) {
  return platform.lines('data/tries').map((line) => {
    const [uuid, at, id] = line.split(' ');
    return { uuid, at: Number(at), id };
  });
}

/** A tick is one event of the store, however often that was tried; those of every minute are a minute apart. */
function checkTicks(platform) {
  const events = Map.groupBy(tries(platform).filter(({ id }) => /^(tick|every)-/.test(id)), ({ id }) => id);
  for (const [id, all] of events) {
    assert.equal(new Set(all.map(({ uuid }) => uuid)).size, 1, `${id} has fired more than once`);
  }
  const minutes = [...events.keys()].filter((id) => id.startsWith('every-')).map((id) => Date.parse(id.slice(6))).sort((a, b) => a - b);
  assert.deepEqual(minutes, minutes.map((_, i) => minutes[0] + i * 60_000), 'a tick of every minute is missing');
}

/** What the store has of events, all or those in one state. */
async function events(platform, ...state) {
  const { stdout } = await runMayfly(['events', 'ls', '--json', ...state, '--limit', '100000', '--project', platform.project]);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

const done = (platform) => events(platform, '--state', 'done');

/** The crons of all platforms: one event a minute in the store, whoever died; and what has run and was recorded never runs again.
 * One whose function was killed is not tried again, as on their platforms, so that not every minute has to have run. */
async function checkCrons(platform) {
  const crons = { 'cron:worker/w': 'data/cron-worker', 'cron:/api/cron': 'data/cron-vercel', 'cron:tick': 'data/cron-netlify' };
  for (const [queue, file] of Object.entries(crons)) {
    await eventually(async () => (await done(platform)).some((event) => event.queue === queue), () => `${queue} never ran\n${platform.transcript()}`, PATIENCE_MS);
    const all = (await events(platform)).filter((event) => event.queue === queue).sort((a, b) => a.sent_ms - b.sent_ms);
    const minutes = all.map(({ sent_ms: sent }) => Math.floor(sent / 60_000));
    assert.deepEqual(minutes, minutes.map((_, i) => minutes[0] + i), `${queue}: a minute is missing, or twice there`);
    const recorded = all.filter(({ state }) => state === 'done');
    assert.ok(platform.lines(file).length >= recorded.length, `${queue}: more is recorded than has run`);
  }
  const ends = new Map((await done(platform)).filter(({ queue }) => queue === 'cron:worker/w').map((event) => [Math.floor(event.sent_ms / 60_000), event.due_ms]));
  const runs = platform.lines('data/cron-worker').map((line) => line.split(' ').map(Number));
  assert.deepEqual(runs.filter(([scheduled, at]) => at > (ends.get(scheduled / 60_000) ?? Infinity) + AFTERWARDS_MS), [], 'a cron that had run ran again');
}

/** A server that is told of what has succeeded. */
async function receiver(t) {
  const told = [];
  const server = http.createServer(async (request, response) => {
    told.push(Buffer.concat(await request.toArray()).toString());
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { told, url: `http://127.0.0.1:${server.address().port}/` };
}

/** Kills one process of each kind after the other, as acknowledgements go on. */
async function kill(platform, acknowledged, total) {
  const killed = [];
  for (let i = 0; i < KILLS; i++) {
    const reached = ((i + 1) * total) / (KILLS + 1);
    await eventually(() => acknowledged() >= reached, () => `${acknowledged()} of ${total} were acknowledged\n${platform.transcript()}`, PATIENCE_MS);
    const candidates = platform.processes().filter(({ title }) => VICTIMS[i % VICTIMS.length].test(title));
    if (candidates.length > 0) {
      const { pid, title } = candidates[randomInt(candidates.length)];
      try {
        process.kill(pid, 'SIGKILL');
        killed.push(title);
      } catch {
        /* it ended by itself */
      }
    }
  }
  return killed;
}

/** Of each group, in the order in which they were handled for the first time. */
function firstTimes(ids) {
  const groups = {};
  for (const id of new Set(ids)) {
    const n = Number(id.split('-')[1]);
    (groups[n % GROUPS] ??= []).push(n);
  }
  return groups;
}

test('no acknowledged event is lost, whatever is killed', async (t) => {
  const hook = await receiver(t);
  const platform = await startPlatform(t, { files: files(hook.url) });
  const { json } = await platform.get('/api/where');
  const options = { ...json, credentials: { accessKeyId: 'mayfly', secretAccessKey: 'mayfly-dev-only' }, maxAttempts: 1 };
  const clients = {
    sqs: new SQSClient(options), lambda: new LambdaClient(options), scheduler: new SchedulerClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
  };
  t.after(() => Object.values(clients).forEach((client) => client.destroy()));

  const ticks = await schedule(clients.scheduler);
  const sent = {};
  const all = Object.entries(ways(platform, clients));
  const acknowledged = () => Object.values(sent).reduce((sum, ids) => sum + ids.length, 0);
  const senders = all.map(async ([name, way]) => {
    sent[name] = [];
    for (let n = 0; n < EVENTS; n++) {
      sent[name].push(await way(n));
    }
  });
  const [killed] = await Promise.all([kill(platform, acknowledged, all.length * EVENTS), ...senders]);
  for (const kind of [/control/, /gateway|instance|zygote/]) {
    assert.ok(killed.some((title) => kind.test(title)), `killed were only ${killed.join(', ')}`);
  }

  sent.ticks = ticks;
  for (const name of ['invoked', 'objects', 'jobs', 'steps', 'durable', 'mail', 'ticks']) {
    const handled = () => platform.lines(`data/${name}`).filter((id) => !id.startsWith('every-'));
    const missing = () => sent[name].filter((id) => !handled().includes(id));
    await eventually(() => missing().length === 0, () => `${name}: missing ${missing().slice(0, 10).join(' ')}\n${platform.transcript()}`, PATIENCE_MS);
    assert.deepEqual(handled().filter((id) => !sent[name].includes(id)), [], `${name}: what nobody sent`);
  }
  for (const [group, numbers] of Object.entries(firstTimes(platform.lines('data/steps')))) {
    assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), `group ${group} is out of order`);
  }
  const told = () => new Set(hook.told.map((text) => JSON.parse(text)).filter(({ type }) => type === 'event.succeeded').map(({ data }) => data.id));
  await eventually(() => told().size >= EVENTS, () => `only ${told().size} webhooks came`, PATIENCE_MS);

  checkTicks(platform);
  await checkCrons(platform);
  for (const [queue, count] of [['lambda:lambda/invoked', EVENTS], ['lambda:lambda/objects', EVENTS], ['lambda:lambda/ticks', ticks.length], ['worker:mail', EVENTS]]) {
    await eventually(async () => (await done(platform)).filter((event) => event.queue === queue).length >= count, () => `${queue}: not all are done\n${platform.transcript()}`, PATIENCE_MS);
  }
  const ends = new Map((await done(platform)).map(({ uuid, due_ms: since }) => [uuid, since]));
  const late = tries(platform).filter(({ uuid, at }) => at > (ends.get(uuid) ?? Infinity) + AFTERWARDS_MS);
  assert.deepEqual(late, [], 'what was done was tried again');
});
