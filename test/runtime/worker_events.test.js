'use strict';

/* Cron triggers and queues of Workers. What is expected was measured with workerd. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const v8 = require('node:v8');
const { once } = require('node:events');
const { listenOnLoopback } = require('./real_listen');
const { startInstance, thunk } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const web = require('../../runtime/js/web');

process.setMaxListeners(0);
consoles.install();
web.install();

const worker = require('../../runtime/js/dialects/worker');
const shim = require('../../runtime/js/shims/cloudflare-workers');

function serve(exported, { settings = {}, bindings = {} } = {}) {
  return startInstance({
    adapter: worker,
    modules: { main: exported },
    settings: { worker: 'main', format: 'modules', ...settings },
    endpoints: [{ name: '/', file: 'worker.js', module: 'main', settings: {} }],
    spec: { name: 'worker/main', bindings },
  });
}

/* An event as control sends it. */
async function send(gateway, event, sent) {
  const reply = await gateway.request('POST /', { headers: { 'x-mayfly-event': event }, body: JSON.stringify(sent) });
  const answer = await reply.json();
  await reply.done();
  assert.equal(reply.status, 200);
  assert.deepEqual(gateway.violations, []);
  return answer;
}

const tick = { cron: '*/5 * * * *', scheduledTime: 1_745_856_238_000 };
const base64 = (value) => Buffer.from(value).toString('base64');
const message = (id, more = {}) => ({ id, timestamp: 5, attempts: 1, contentType: 'text', body: base64(id), ...more });
const batchOf = (...messages) => ({ queue: 'jobs', messages });
const nothing = { ackAll: false, retryBatch: { retry: false }, explicitAcks: [], retryMessages: [] };

/* Cron triggers */

test('scheduled gets its controller, env and ctx; what it waits for belongs to it', async () => {
  const order = [];
  const gateway = await serve({ default: {
    async scheduled(controller, env, ctx) {
      assert.deepEqual(Object.entries(controller), [['cron', '*/5 * * * *'], ['scheduledTime', 1_745_856_238_000]]);
      assert.equal(String(controller), '[object ScheduledController]');
      assert.equal(env.NAME, 'n');
      ctx.waitUntil(new Promise((resolve) => setImmediate(() => {
        order.push('first');
        shim.waitUntil(new Promise((done) => setImmediate(() => done(order.push('second')))));
        resolve();
      })));
    },
  } }, { bindings: { NAME: { type: 'var', value: 'n' } } });
  assert.deepEqual(await send(gateway, 'scheduled', tick), { outcome: 'ok', noRetry: false });
  assert.deepEqual(order, ['first', 'second']);
});

test('a failure is an exception that is logged, whether thrown, rejected or waited for', async () => {
  const failures = {
    thrown: () => { throw new TypeError('broken'); },
    rejected: async () => { throw new TypeError('broken'); },
    waited: (controller, env, ctx) => { ctx.waitUntil(Promise.reject(new TypeError('broken'))); },
    imported: () => { shim.waitUntil(Promise.reject(new TypeError('broken'))); },
  };
  for (const [name, scheduled] of Object.entries(failures)) {
    const gateway = await serve({ default: { scheduled } });
    const { outcome, noRetry, error } = await send(gateway, 'scheduled', tick);
    assert.deepEqual([outcome, noRetry, error.name, error.message], ['exception', false, 'TypeError', 'broken'], name);
    assert.match(error.stack, /TypeError: broken\n/);
    assert.ok(gateway.logs.some(({ text, level }) => level === 3 && text.includes('TypeError: broken')), name);
  }
});

test('noRetry is told, with or without a failure', async () => {
  const gateway = await serve({ default: { scheduled(controller) {
    controller.noRetry();
    if (controller.cron === 'fail') throw 'a text';
  } } });
  assert.deepEqual(await send(gateway, 'scheduled', tick), { outcome: 'ok', noRetry: true });
  const failed = await send(gateway, 'scheduled', { ...tick, cron: 'fail' });
  assert.deepEqual([failed.outcome, failed.noRetry, failed.error.message], ['exception', true, 'a text']);
});

test('classes have their own env and ctx, and get the event alone', async () => {
  class Main extends shim.WorkerEntrypoint {
    scheduled(...args) {
      assert.deepEqual([args.length, args[1], args[2]], [3, undefined, undefined]);
      this.ctx.waitUntil(Promise.resolve());
      if (this.env.NAME !== 'n') throw new Error('no env');
    }

    async queue(batch) {
      batch.messages[0].ack();
    }
  }
  const gateway = await serve({ default: Main }, { bindings: { NAME: { type: 'var', value: 'n' } } });
  assert.deepEqual(await send(gateway, 'scheduled', tick), { outcome: 'ok', noRetry: false });
  const { outcome, explicitAcks } = await send(gateway, 'queue', batchOf(message('a'), message('b')));
  assert.deepEqual([outcome, explicitAcks], ['ok', ['a']]);
});

test('classic workers listen to scheduled and queue', async () => {
  const gateway = await serve(thunk(() => {
    addEventListener('scheduled', (event) => {
      event.waitUntil((async () => {
        assert.deepEqual([event.type, event.cron, event.scheduledTime], ['scheduled', tick.cron, tick.scheduledTime]);
        assert.equal(event.constructor.name, 'ScheduledEvent');
        event.noRetry();
        throw new Error('later');
      })());
    });
    addEventListener('queue', (event) => {
      assert.deepEqual([event.type, event.queue, event.messages.length], ['queue', 'jobs', 2]);
      event.retryAll({ delaySeconds: 4 });
    });
    return {};
  }), { settings: { format: 'service-worker' } });
  const { outcome, noRetry, error } = await send(gateway, 'scheduled', tick);
  assert.deepEqual([outcome, noRetry, error.message], ['exception', true, 'later']);
  assert.deepEqual(await send(gateway, 'queue', batchOf(message('a'), message('b'))), {
    ...nothing, outcome: 'ok', retryBatch: { retry: true, delaySeconds: 4 },
  });
});

test('a worker without the handler says so, and is not tried again', async () => {
  const gateway = await serve({ default: { fetch: () => new Response() } });
  const cron = await send(gateway, 'scheduled', tick);
  assert.deepEqual([cron.outcome, cron.noRetry], ['exception', true]);
  assert.match(cron.error.message, /Did you remember to export a scheduled\(\) function\?/);
  const queue = await send(gateway, 'queue', batchOf(message('a')));
  assert.equal(queue.outcome, 'exception');
  assert.match(queue.error.message, /Did you remember to export a queue\(\) function\?/);
});

test('the local URL of wrangler dev runs a trigger, in development only', async () => {
  const seen = [];
  const module = { default: {
    fetch: () => new Response('fetched'),
    scheduled(controller) {
      seen.push([controller.cron, controller.scheduledTime]);
      if (controller.cron === 'throw') throw new Error('no');
    },
  } };
  const gateway = await serve(module, { settings: { development: true } });
  const ask = async (target) => {
    const reply = await gateway.request(`GET ${target}`);
    return [reply.status, await reply.text()];
  };
  assert.deepEqual(await ask('/cdn-cgi/handler/scheduled?cron=0+2+*+*+*&time=1745856238000'), [200, 'ok']);
  assert.deepEqual(await ask('/cdn-cgi/mf/scheduled?cron=throw'), [500, 'exception']);
  assert.deepEqual(await ask('/cdn-cgi/handler/scheduled?format=json'), [200, '{"outcome":"ok","noRetry":false}']);
  assert.deepEqual(seen[0], ['0 2 * * *', 1_745_856_238_000]);
  assert.ok(Math.abs(seen[1][1] - Date.now()) < 60_000);
  assert.deepEqual(await ask('/cdn-cgi/handler/scheduled?time=abc'), [500, 'TypeError: The value cannot be converted because it is not a valid Date.']);
  assert.equal((await ask('/cdn-cgi/handler/moon'))[0], 404);
  assert.deepEqual(await ask('/cdn-cgi/trace'), [200, 'fetched']);
  const production = await serve(module);
  assert.equal(await (await production.request('GET /cdn-cgi/handler/scheduled')).text(), 'fetched');
});

test('the local URL of wrangler dev gives an e-mail, and tells what came of it', async () => {
  const { EmailMessage } = require('../../runtime/js/shims/cloudflare-email');
  const seen = [];
  const gateway = await serve({ default: {
    async email(message, env, ctx) {
      assert.equal(env.NAME, 'n');
      assert.equal(typeof ctx.waitUntil, 'function');
      seen.push([message.from, message.to, message.rawSize, message.headers.get('subject'), await new Response(message.raw).text()]);
      if (message.from === 'spam@x.example') return message.setReject('no spam');
      if (message.from === 'bad@x.example') throw new Error('broken');
      await message.forward('boss@y.example', new Headers({ 'x-why': 'asked' }));
      return message.reply(new EmailMessage(message.to, message.from, `From: <${message.to}>\r\nMessage-ID: <2@y>\r\nIn-Reply-To: ${message.headers.get('message-id')}\r\n\r\nthanks`));
    },
  } }, { settings: { development: true }, bindings: { NAME: { type: 'var', value: 'n' } } });
  const raw = 'From: Ann <a@x.example>\r\nTo: b@y.example\r\nSubject: Gr\u00fc\u00dfe,\r\n und mehr\r\nMessage-ID: <1@x>\r\n\r\nbody: no header\r\n';
  const send = async (query, body = raw) => {
    const reply = await gateway.request(`POST /cdn-cgi/handler/email?${query}`, { body });
    return [reply.status, await reply.text()];
  };
  assert.deepEqual(await send('from=a@x.example&to=b@y.example'), [200, 'Worker successfully processed email']);
  assert.deepEqual(seen, [['a@x.example', 'b@y.example', Buffer.byteLength(raw), 'Gr\u00fc\u00dfe, und mehr', raw]]);
  assert.deepEqual(await send('from=spam@x.example&to=b@y.example'), [400, 'Worker rejected email with the following reason: no spam']);
  assert.deepEqual(await send('from=bad@x.example&to=b@y.example'), [500, 'exception']);
  const [, json] = await send('from=a@x.example&to=b@y.example&format=json');
  const { outcome, forwards, replies, events } = JSON.parse(json);
  assert.deepEqual([outcome, forwards[0].recipient, forwards[0].headers, replies[0].sender], ['ok', 'boss@y.example', [['x-why', 'asked']], 'b@y.example']);
  assert.deepEqual(events.map(({ type }) => type), ['forward', 'reply']);
  assert.equal((await send('from=a@x.example'))[0], 400);
  assert.match((await send('from=a@x.example&to=b@y.example', 'Subject: x\r\n\r\n'))[1], /no message id/);
});

test('the field that names the event is not the worker\'s to see', async () => {
  const gateway = await serve({ default: { fetch: (request) => Response.json([...request.headers.keys()]) } });
  const reply = await gateway.request('GET /', { headers: { 'x-other': 'x-mayfly-event' } });
  assert.ok(!(await reply.json()).includes('x-mayfly-event'), 'a value of that text is no event');
});

/* Queues: what arrives */

test('queue gets a batch of messages, each body in its type', async () => {
  const big = { n: 1n, map: new Map([['k', new Date(7)]]) };
  let seen;
  const gateway = await serve({ default: { async queue(batch, env, ctx) {
    seen = batch;
    assert.equal(typeof ctx.waitUntil, 'function');
  } } });
  const answer = await send(gateway, 'queue', batchOf(
    message('a', { timestamp: 1000, attempts: 3 }),
    message('b', { contentType: 'json', body: base64('{"x":[1]}') }),
    message('c', { contentType: 'bytes', body: base64([1, 2, 255]) }),
    message('d', { contentType: 'v8', body: v8.serialize(big).toString('base64') }),
  ));
  assert.deepEqual(answer, { ...nothing, outcome: 'ok' });
  const { messages } = seen;
  assert.deepEqual([String(seen), seen.queue, String(messages[0])], ['[object QueueController]', 'jobs', '[object QueueMessage]']);
  assert.deepEqual([messages[0].id, messages[0].timestamp, messages[0].attempts], ['a', new Date(1000), 3]);
  assert.deepEqual(messages.map(({ body }) => body), ['a', { x: [1] }, new Uint8Array([1, 2, 255]).buffer, big]);
  assert.throws(() => { messages[0].body = 1; }, /Cannot assign to read only property/);
});

test('a batch whose body cannot be read is an exception', async () => {
  const gateway = await serve({ default: { queue() {} } });
  const reply = await gateway.request('POST /', {
    headers: { 'x-mayfly-event': 'queue' }, body: JSON.stringify(batchOf(message('a', { contentType: 'json', body: base64('{') }))),
  });
  assert.equal(reply.failure.kind, 'throw');
});

const decisions = [
  ['a.ack(); b.retry({ delaySeconds: 3 })', { explicitAcks: ['a'], retryMessages: [{ msgId: 'b', delaySeconds: 3 }] }],
  ['a.ack(); a.ack(); b.retry(); b.retry()', { explicitAcks: ['a'], retryMessages: [{ msgId: 'b' }] }],
  ['a.ack(); a.retry(); b.retry(); b.ack()', { explicitAcks: ['a'], retryMessages: [{ msgId: 'b' }] }, 2],
  ['batch.ackAll(); a.retry(); batch.retryAll(); b.ack()', { ackAll: true }, 2],
  ['batch.retryAll({ delaySeconds: 9 }); a.ack(); batch.ackAll(); b.retry()',
    { retryBatch: { retry: true, delaySeconds: 9 }, retryMessages: [{ msgId: 'b' }] }, 2],
  ['a.ack(); batch.retryAll()', { explicitAcks: ['a'], retryBatch: { retry: true } }],
  ['a.retry(); batch.ackAll()', { ackAll: true, retryMessages: [{ msgId: 'a' }] }],
  ['batch.retryAll({ delaySeconds: 1 }); batch.retryAll({ delaySeconds: 2 })', { retryBatch: { retry: true, delaySeconds: 2 } }],
  ['a.retry({ delaySeconds: 1.7 }); a.retry({ delaySeconds: 2 })', { retryMessages: [{ msgId: 'a', delaySeconds: 2 }] }],
  ['ctx.waitUntil(new Promise((done) => setImmediate(() => done(a.retry()))))', { retryMessages: [{ msgId: 'a' }] }],
  ['a.ack(); throw new Error("x")', { outcome: 'exception', explicitAcks: ['a'] }],
  ['ctx.waitUntil(Promise.reject(new Error("x")))', { outcome: 'exception' }],
  ['a.retry(7)', { outcome: 'exception' }],
  ['a.retry({ delaySeconds: 4 }); a.retry()', { retryMessages: [{ msgId: 'a' }] }],
  ['batch.retryAll({ delaySeconds: 9 }); a.retry({ delaySeconds: 1 })',
    { retryBatch: { retry: true, delaySeconds: 9 }, retryMessages: [{ msgId: 'a', delaySeconds: 1 }] }],
  ['a.retry({ delaySeconds: null }); b.retry({ delaySeconds: Infinity })',
    { retryMessages: [{ msgId: 'a', delaySeconds: 0 }, { msgId: 'b', delaySeconds: 0 }] }],
  ['a.ack(); b.retry({ delaySeconds: 2 ** 31 })', { outcome: 'exception', explicitAcks: ['a'] }],
  ['batch.retryAll({ delaySeconds: 5n })', { outcome: 'exception' }],
  ['a.ack(); b.retry(); ctx.abort(new Error("enough"))', { outcome: 'exception', explicitAcks: ['a'], retryMessages: [{ msgId: 'b' }] }],
  ['a.ack(); try { ctx.abort(new Error("enough")) } catch {} b.ack()', { outcome: 'exception', explicitAcks: ['a'] }],
];

for (const [code, expected, warnings = 0] of decisions) {
  test(`a handler that does ${code}`, async () => {
    const handler = new Function('batch', 'ctx', 'a', 'b', code);
    const gateway = await serve({ default: { queue: (batch, _env, ctx) => handler(batch, ctx, ...batch.messages) } });
    const { error, ...answer } = await send(gateway, 'queue', batchOf(message('a'), message('b')));
    assert.deepEqual(answer, { ...nothing, outcome: 'ok', ...expected });
    assert.equal(error === undefined, answer.outcome === 'ok');
    const told = gateway.logs.filter(({ text }) => /^Received a call to .* has no effect\.$/s.test(text));
    assert.equal(told.length, warnings, told.map(({ text }) => text).join('\n'));
  });
}

test('what an event waits for and can never come ends it, and what it has decided by then counts', async (t) => {
  const hung = require('../../runtime/js/dialects/worker/hung');
  const gateway = await serve({ default: {
    queue(batch, _env, ctx) {
      batch.messages[0].ack();
      ctx.waitUntil(new Promise(() => {}));
    },
    scheduled(controller) {
      controller.noRetry();
      return new Promise(() => {});
    },
  } });
  hung.start({ loopAlive: () => false }, () => false);
  t.after(() => hung.start(null));
  const { error, ...answer } = await send(gateway, 'queue', batchOf(message('a'), message('b')));
  assert.deepEqual(answer, { ...nothing, outcome: 'exception', explicitAcks: ['a'] });
  assert.match(error.message, /your Worker's code had hung/);
  const cron = await send(gateway, 'scheduled', tick);
  assert.deepEqual([cron.outcome, cron.noRetry], ['exception', true]);
  assert.equal(gateway.logs.filter(({ text }) => /your Worker's code had hung/.test(text)).length, 2);
});

test('what a timer of an event throws makes it an exception, though its handler goes on', async () => {
  let begun = Promise.withResolvers();
  let step;
  const wait = () => new Promise((resolve) => {
    step = resolve;
    begun.resolve();
  });
  const gateway = await serve({ default: {
    async queue(batch) {
      await wait();
      batch.messages[0].ack();
    },
    async fetch() {
      await wait();
      return new Response('answered');
    },
  } });
  const failAndGoOn = async () => {
    await begun.promise;
    const others = process.rawListeners('uncaughtException'); /* a program that listens itself would be left alone */
    process.removeAllListeners('uncaughtException');
    gateway.instance.uncaught(new Error('of a timer'), 'uncaughtException');
    others.forEach((other) => process.on('uncaughtException', other));
    step();
  };
  const answer = send(gateway, 'queue', batchOf(message('a'), message('b')));
  await failAndGoOn();
  const { error, ...rest } = await answer;
  assert.deepEqual([rest.outcome, rest.explicitAcks, error.message], ['exception', ['a'], 'of a timer']);
  assert.equal(gateway.logs.filter(({ text }) => /of a timer/.test(text)).length, 1);
  begun = Promise.withResolvers();
  const reply = gateway.request('GET /');
  await failAndGoOn();
  assert.equal(await (await reply).text(), 'answered');
});

/* Queues: what is sent */

let controlUrl;

async function control(t, answer = [200, '{}']) {
  const seen = [];
  const server = http.createServer(async (req, res) => {
    const body = Buffer.concat(await Array.fromAsync(req));
    seen.push({ method: req.method, url: req.url, headers: req.headers, ...JSON.parse(body) });
    res.writeHead(answer[0]).end(answer[1]);
  });
  listenOnLoopback(server);
  await once(server, 'listening');
  controlUrl = `http://127.0.0.1:${server.address().port}`;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return seen;
}

/* Calls `fn(env.Q)` within a request. */
async function within(fn, settings) {
  let result;
  Object.assign(process.env, { MAYFLY_ORIGIN: controlUrl, MAYFLY_ORIGIN_TOKEN: 'secret-token' });
  const gateway = await serve({ default: { async fetch(_request, { Q }) {
    result = await fn(Q);
    return new Response();
  } } }, { bindings: { Q: { type: 'queue', queue: 'jobs' } }, settings });
  const reply = await gateway.request('GET /');
  assert.equal(reply.status, 200, JSON.stringify(reply.failure));
  return result;
}

test('send stores a message in the queue, with the worker\'s token', async (t) => {
  const seen = await control(t, [200, '{"metrics":{"backlogCount":3,"backlogBytes":30}}']);
  const answer = await within(async (Q) => {
    assert.equal(Object.prototype.toString.call(Q), '[object WorkerQueue]');
    await Q.send('text', { contentType: 'TEXT', delaySeconds: 7.9 });
    await Q.send(new Uint8Array([0, 1, 2, 3]).subarray(1, 3), { contentType: 'bytes' });
    await Q.send(new Map([[1, 2]]), { contentType: 'v8' });
    return Q.send({ a: 1 });
  });
  assert.deepEqual(answer, { metadata: { metrics: { backlogCount: 3, backlogBytes: 30 } } });
  assert.deepEqual(seen.map(({ method, url }) => [method, url])[0], ['POST', '/queues/jobs']);
  assert.deepEqual([seen[0].headers['x-mayfly-token'], seen[0].headers['x-mayfly-control']], ['secret-token', '1']);
  const [text, bytes, v8Message, json] = seen.map(({ messages }) => messages[0]);
  assert.deepEqual(text, { contentType: 'text', delaySeconds: 7, body: base64('text') });
  assert.deepEqual(bytes, { contentType: 'bytes', body: base64([1, 2]) });
  assert.deepEqual(v8.deserialize(Buffer.from(v8Message.body, 'base64')), new Map([[1, 2]]));
  assert.deepEqual(json, { contentType: 'json', body: base64('{"a":1}') });
});

test('metrics asks for what waits, and says when the oldest was sent', async (t) => {
  const metrics = (Q) => Q.metrics();
  const seen = await control(t, [200, '{"metrics":{"backlogCount":3,"backlogBytes":30,"oldestMessageTimestamp":1700000000000}}']);
  assert.deepEqual(await within(metrics), { backlogCount: 3, backlogBytes: 30, oldestMessageTimestamp: new Date(1_700_000_000_000) });
  assert.equal(seen[0].url, '/queues/jobs/metrics');
  await control(t, [200, '{"metrics":{"backlogCount":0,"backlogBytes":0}}']);
  assert.deepEqual(await within(metrics), { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: undefined });
});

test('sendBatch takes any iterable, and a delay for all', async (t) => {
  const seen = await control(t);
  await within((Q) => Q.sendBatch(new Set([{ body: 1 }, { body: 'x', contentType: 'text', delaySeconds: 0 }]), { delaySeconds: 5 }));
  assert.deepEqual(seen[0].messages, [
    { contentType: 'json', delaySeconds: 5, body: base64('1') }, { contentType: 'text', delaySeconds: 0, body: base64('x') },
  ]);
});

test('before the compatibility date, and with its flag, the format is V8\'s', async (t) => {
  const seen = await control(t);
  const send = (Q) => Q.send([1]);
  await within(send, { compatibility_date: '2024-03-17' });
  await within(send, { compatibility_date: '2024-03-18' });
  await within(send, { compatibility_date: '2024-03-18', compatibility_flags: ['no_queues_json_messages'] });
  await within(send, { compatibility_date: '2020-01-01', compatibility_flags: ['queues_json_messages'] });
  await within(send);
  assert.deepEqual(seen.map(({ messages }) => messages[0].contentType), ['v8', 'json', 'v8', 'json', 'json']);
});

test('messages in V8\'s format keep what Workers can copy, and lose the class of the rest', async (t) => {
  const seen = await control(t);
  await within((Q) => Q.sendBatch([
    { body: new Headers([['a', 'b']]), contentType: 'v8' }, { body: [new Blob(['hé'], { type: 'text/x' })], contentType: 'v8' },
    { body: new (class Own { x = 1; })(), contentType: 'v8' }, { body: new RangeError('far'), contentType: 'v8' },
  ]));
  let bodies;
  const gateway = await serve({ default: { async queue({ messages }) {
    bodies = messages.map(({ body }) => body);
    bodies.push(await bodies[1][0].text());
  } } });
  const sent = seen[0].messages.map((one, i) => message(String(i), one));
  assert.equal((await send(gateway, 'queue', batchOf(...sent))).outcome, 'ok');
  const [headers, [blob], own, error, text] = bodies;
  assert.deepEqual([headers.get('a'), blob.type, own, error instanceof RangeError, error.message, text], ['b', 'text/x', { x: 1 }, true, 'far', 'hé']);
});

const circular = {};
circular.self = circular;
const many = (count, body) => Array.from({ length: count }, () => ({ body, contentType: 'text' }));
const refused = [
  [(Q) => Q.send(undefined), TypeError, 'Message body cannot be undefined'],
  [(Q) => Q.send(), TypeError, "Failed to execute 'send' on 'WorkerQueue': parameter 1 is not of type 'Value'."],
  [({ send }) => send('x'), TypeError, /^Illegal invocation: function called with incorrect `this` reference\. /],
  [(Q) => Q.send('x', 'y'), TypeError, "Failed to execute 'send' on 'WorkerQueue': parameter 2 is not of type 'SendOptions'."],
  [(Q) => Q.send('x', { contentType: 'xml' }), TypeError, 'Unsupported queue message content type: xml'],
  [(Q) => Q.send(7, { contentType: 'text' }), TypeError, 'Content Type "text" requires a value of type string, but received: number'],
  [(Q) => Q.send(new ArrayBuffer(3), { contentType: 'bytes' }), TypeError,
    'Content Type "bytes" requires a value of type ArrayBufferView, but received: object'],
  [(Q) => Q.send(circular), TypeError, /^Converting circular structure to JSON/],
  [(Q) => Q.send(1n), TypeError, 'Do not know how to serialize a BigInt'],
  [(Q) => Q.send(() => 1, { contentType: 'v8' }), DOMException, '() => 1 could not be cloned.'],
  [(Q) => Q.send(new URL('http://a/'), { contentType: 'v8' }), DOMException,
    'Could not serialize object of type "URL". This type does not support serialization.'],
  [(Q) => Q.send(new Response('x'), { contentType: 'v8' }), DOMException, 'ReadableStream can only be serialized for RPC.'],
  [(Q) => Q.send(new shim.RpcTarget(), { contentType: 'v8' }), DOMException, 'RpcTarget can only be serialized for RPC.'],
  [(Q) => Q.send(Symbol('s')), TypeError, /requires a value that has JSON/],
  [(Q) => Q.send('x'.repeat(128_001), { contentType: 'text' }), Error,
    'Queue send failed: message length of 128001 bytes exceeds limit of 128000'],
  [(Q) => Q.send('x', { delaySeconds: 2 ** 31 }), TypeError, 'Value out of range. Must be between -2147483648 and 2147483647 (inclusive).'],
  [(Q) => Q.send('x', { delaySeconds: -1 }), Error, /^Queue send failed: message delay -1 is invalid/],
  [(Q) => Q.send('x', { delaySeconds: 86_401 }), Error, /^Queue send failed: message delay 86401 is invalid/],
  [(Q) => Q.sendBatch([]), TypeError, 'sendBatch() requires at least one message'],
  [(Q) => Q.sendBatch(), TypeError, "Failed to execute 'sendBatch' on 'WorkerQueue': parameter 1 is not of type 'Sequence'."],
  [(Q) => Q.sendBatch('abc'), TypeError, "Failed to execute 'sendBatch' on 'WorkerQueue': parameter 1 is not of type 'Sequence'."],
  [(Q) => Q.sendBatch([7]), TypeError, "Incorrect type: the provided value is not of type 'MessageSendRequest'."],
  [(Q) => Q.sendBatch([{}]), TypeError, 'Message body cannot be undefined'],
  [(Q) => Q.sendBatch(many(101, 'x')), Error, 'Queue sendBatch failed: batch message count of 101 exceeds limit of 100'],
  [(Q) => Q.sendBatch(many(4, 'x'.repeat(100_000))), Error, 'Queue sendBatch failed: batch size of 400000 bytes exceeds limit of 256000'],
  [(Q) => Q.sendBatch(many(1, 'x'.repeat(128_001))), Error,
    'Queue sendBatch failed: message in batch has length 128001 bytes which exceeds single message size limit of 128000'],
];

test('what cannot be sent is refused in Cloudflare\'s words, and nothing leaves', async (t) => {
  const seen = await control(t);
  await within(async (Q) => {
    for (const [call, type, text] of refused) {
      await assert.rejects(async () => call(Q), (error) => {
        assert.ok(error instanceof type, `${error.name}: ${error.message}`);
        assert.match(error.message, text instanceof RegExp ? text : new RegExp(`^${RegExp.escape(text)}$`));
        return true;
      });
    }
    await Q.send('x'.repeat(128_000), { contentType: 'text' });
  });
  assert.equal(seen.length, 1);
});

test('what control refuses is told', async (t) => {
  await control(t, [507, '{"error":"no space is left"}']);
  await within((Q) => assert.rejects(Q.send(1), /^Error: Queue send failed: no space is left$/));
  await control(t, [502, 'bad gateway']);
  await within((Q) => assert.rejects(Q.sendBatch([{ body: 1 }]), /^Error: Queue sendBatch failed: bad gateway$/));
});
