/* Workers' queues and cron triggers, from the binding that sends to the handler that gets. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually, runMayfly, startPlatform } from './harness.js';

const wrangler = (more) => JSON.stringify({ name: 'w', main: 'worker.js', compatibility_date: '2026-01-01', ...more });
const producer = { binding: 'JOBS', queue: 'jobs' };
const consumer = { queue: 'jobs', max_batch_timeout: 0, retry_delay: 0 };

/** A worker that sends what is posted to it, each element of a JSON list a message; `queue` is the handler's body. */
function project(queue, more = {}) {
  return {
    'wrangler.json': wrangler({ queues: { producers: [producer], consumers: [consumer] }, ...more }),
    'worker.js': `
      const show = (value) => console.log('GOT ' + JSON.stringify(value));
      export default {
        async fetch(request, env) {
          await env.JOBS.sendBatch((await request.json()).map((body) => ({ body })));
          return new Response('sent');
        },
        async queue(batch, env, ctx) { ${queue} },
        async scheduled(controller) { ${more.scheduled ?? ''} },
      };`,
  };
}

/** What the handler showed, from the first to the last. */
function shown(platform) {
  return platform.records.filter(({ text }) => text?.startsWith('GOT ')).map(({ text }) => JSON.parse(text.slice(4)));
}

const showAll = (platform, count) =>
  eventually(
    () => shown(platform).length >= count && shown(platform),
    () => platform.transcript(),
  );

test('messages are handled in batches, each in the type it was sent in', async (t) => {
  const queues = { producers: [producer], consumers: [{ ...consumer, max_batch_size: 3, max_batch_timeout: 1, max_concurrency: 1 }] };
  const platform = await startPlatform(t, {
    files: project('show([batch.queue, batch.messages.map(({ body, attempts }) => [body, attempts])]);', { queues }),
  });
  const bodies = [1, 'two', { three: [3] }, null, 5];
  assert.equal((await platform.post('/', JSON.stringify(bodies))).text, 'sent');
  const batches = await showAll(platform, 2);
  assert.deepEqual(
    batches.map(([queue]) => queue),
    ['jobs', 'jobs'],
  );
  assert.deepEqual(
    batches.flatMap(([, messages]) => messages),
    bodies.map((body) => [body, 1]),
  );
  assert.deepEqual(
    batches.map(([, messages]) => messages.length),
    [3, 2],
  );
  const told = await platform.usage(({ event }) => event?.endsWith(' +2'));
  assert.match(told.event, /^worker:jobs #\d+ \+2$/);
});

test('how much waits is told: when asked, to who sends, and with each batch', async (t) => {
  const files = project('show([batch.metadata.metrics, batch.metadata.metrics.oldestMessageTimestamp instanceof Date]); batch.ackAll();',
    { queues: { producers: [producer] } });
  files['worker.js'] = files['worker.js'].replace(/await env.JOBS.sendBatch[^;]*;/, `
    const before = await env.JOBS.metrics();
    const sent = await env.JOBS.send('four', { contentType: 'text' });
    await env.JOBS.sendBatch([{ body: [1], contentType: 'json' }, { body: 'late', contentType: 'text', delaySeconds: 1 }]);
    const after = await env.JOBS.metrics();
    return Response.json({ before, keys: Object.keys(before), sent, after, isDate: after.oldestMessageTimestamp instanceof Date });`);
  const platform = await startPlatform(t, { files });
  const { before, keys, sent, after, isDate } = (await platform.post('/', '')).json;
  assert.deepEqual(before, { backlogCount: 0, backlogBytes: 0 });
  assert.deepEqual(keys.sort(), ['backlogBytes', 'backlogCount', 'oldestMessageTimestamp']);
  assert.deepEqual([sent.metadata.metrics.backlogCount, sent.metadata.metrics.backlogBytes], [1, 4]);
  assert.deepEqual([after.backlogCount, after.backlogBytes, isDate], [3, 11, true]);
  assert.equal(after.oldestMessageTimestamp, sent.metadata.metrics.oldestMessageTimestamp);

  const one = { ...consumer, max_batch_size: 1, max_concurrency: 1 };
  await platform.save('wrangler.json', wrangler({ queues: { producers: [producer], consumers: [one] } }));
  const batches = await showAll(platform, 3);
  assert.deepEqual(batches[0], [{ backlogCount: 2, backlogBytes: 7, oldestMessageTimestamp: after.oldestMessageTimestamp }, true]);
});

test('what is retried comes again, alone and with its count; what is acknowledged does not', async (t) => {
  const platform = await startPlatform(t, {
    files: project(`for (const message of batch.messages) {
      show([message.body, message.attempts]);
      message.body === 'again' && message.attempts < 3 ? message.retry() : message.ack();
    }`),
  });
  await platform.post('/', '["once", "again"]');
  assert.deepEqual(await showAll(platform, 4), [
    ['once', 1],
    ['again', 1],
    ['again', 2],
    ['again', 3],
  ]);
});

test('a retry without a delay of its own comes with that of the batch, not of the queue', async (t) => {
  const queues = { producers: [producer], consumers: [{ ...consumer, retry_delay: 3600 }] };
  const platform = await startPlatform(t, {
    files: project(`const [message] = batch.messages;
      show(message.attempts);
      if (message.attempts < 2) { message.retry(); batch.retryAll({ delaySeconds: 0 }); }`, { queues }),
  });
  await platform.post('/', '["soon"]');
  assert.deepEqual(await showAll(platform, 2), [1, 2]);
});

test('a batch that hangs is ended, and only what it has not acknowledged comes again', async (t) => {
  const platform = await startPlatform(t, {
    files: project(`for (const message of batch.messages) {
      show([message.body, message.attempts]);
      if (message.body === 'done') message.ack();
    }
    if (batch.messages[0].attempts === 1) await new Promise(() => {});`),
  });
  await platform.post('/', '["done", "again"]');
  assert.deepEqual(await showAll(platform, 3), [['done', 1], ['again', 1], ['again', 2]]);
});

test('a handler that throws gets all again that it did not acknowledge, then they go to the dead letter queue', async (t) => {
  const queues = {
    producers: [producer],
    consumers: [
      { ...consumer, max_batch_size: 2, max_batch_timeout: 1, max_retries: 1, dead_letter_queue: 'dead' },
      { queue: 'dead', max_batch_timeout: 0 },
    ],
  };
  const platform = await startPlatform(t, {
    files: project(
      `
      show([batch.queue, batch.messages.map(({ body, attempts }) => [body, attempts])]);
      if (batch.queue === 'jobs') { batch.messages.find(({ body }) => body === 'good')?.ack(); throw new Error('no'); }`,
      { queues },
    ),
  });
  await platform.post('/', '["good", "bad"]');
  assert.deepEqual(await showAll(platform, 3), [
    [
      'jobs',
      [
        ['good', 1],
        ['bad', 1],
      ],
    ],
    ['jobs', [['bad', 2]]],
    ['dead', [['bad', 1]]],
  ]);
});

test('a message waits for the consumer that a later build brings', async (t) => {
  const platform = await startPlatform(t, {
    files: project('show(batch.messages.map(({ body }) => body));', { queues: { producers: [producer] } }),
  });
  await platform.post('/', '["early"]');
  await platform.save('wrangler.json', wrangler({ queues: { producers: [producer], consumers: [consumer] } }));
  assert.deepEqual(await showAll(platform, 1), [['early']]);
});

test('a cron trigger fires by hand, tells how it went, and has a URL as under wrangler dev', async (t) => {
  const platform = await startPlatform(t, {
    files: project('', {
      triggers: { crons: ['0 2 * * *'] },
      scheduled: `show([controller.cron, new Date(controller.scheduledTime).getTime() === controller.scheduledTime]);
        if (controller.cron === 'fail') throw new Error('not tonight');`,
    }),
  });
  const trigger = await runMayfly(['trigger', 'worker/w', '--project', platform.project]);
  assert.equal(trigger.status, 0, trigger.stdout + trigger.stderr);
  assert.deepEqual(await showAll(platform, 1), [['0 2 * * *', true]]);
  const by = (query) => platform.get(`/cdn-cgi/handler/scheduled?${query}`);
  assert.deepEqual([(await by('cron=x')).text, (await by('cron=fail')).status], ['ok', 500]);
});

test('the console shows what leads to a function, and what is wrong with it', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      ...project(''),
      'wrangler.json': wrangler({ triggers: { crons: ['0 2 * * *', 'daily'] }, queues: { consumers: [consumer] } }),
    },
  });
  const build = platform.records.find(({ type }) => type === 'build');
  assert.deepEqual(
    build.triggers.map(({ kind, trigger, function: fn }) => [kind, trigger.replace(/, next in .*$/, ''), fn]),
    [
      ['queue', 'jobs', 'worker/w@1'],
      ['cron', '0 2 * * *', 'worker/w@1'],
    ],
  );
  assert.match(build.diagnostics[0].text, /triggers\.crons: the schedule "daily" has 1 field and needs 5/);
});
