'use strict';

const { test, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { Readable } = require('node:stream');
const { startInstance, thunk } = require('./mock_native');
const { aStuckModuleFailsAlone } = require('./stuck_module');
const consoles = require('../../runtime/js/console');
const web = require('../../runtime/js/web');

process.setMaxListeners(0);
consoles.install();
web.install();
process.env.CONTEXT = 'dev';

const netlify = require('../../runtime/js/dialects/netlify');
const { nextRun } = require('../../runtime/js/dialects/netlify/schedule');

beforeEach(() => {
  delete process.env.NETLIFY_DEV;
});

/* An instance with one function; `exported` are its module's exports. */
function serve(exported, settings = {}) {
  return startInstance({
    adapter: netlify,
    modules: { hello: exported },
    endpoints: [{ name: '/.netlify/functions/hello', file: 'hello.mts', module: 'hello',
      settings: { function_name: 'hello', ...settings } }],
  });
}

const modern = (handler, config) => serve({ default: handler }, { api_version: 2, config });
const older = (handler, settings) => serve({ handler }, { api_version: 1, ...settings });

/* The second kind */

test('a function may set what its context says, as those that hand it to a library of its own', async () => {
  const gateway = await modern(async (_request, context) => {
    const before = context.params;
    Object.assign(context, { params: { query: '{a}' }, path: 'own', ip: '::' });
    return Response.json([before, context.params, context.path, context.ip, Object.keys(context).includes('params')]);
  }, { path: '/users/:id' });
  assert.deepEqual(await (await gateway.request('GET /users/7')).json(), [{ id: '7' }, { query: '{a}' }, 'own', '::', true]);
});

test('a function answers with a Response', async () => {
  const gateway = await modern(async (request, context) => Response.json({
    method: request.method, url: request.url, body: await request.json(), context: context.url.pathname,
  }, { status: 201 }));
  const reply = await gateway.request('POST /api/x?y=1', { body: '{"a":1}' });
  assert.equal(reply.status, 201);
  assert.deepEqual(await reply.json(), {
    method: 'POST', url: 'http://localhost:3000/api/x?y=1', body: { a: 1 }, context: '/api/x',
  });
  assert.deepEqual(gateway.violations, []);
});

test('an object with fetch answers too', async () => {
  const gateway = await modern({ fetch: async (_request, { ip }) => new Response(ip) });
  assert.equal(await (await gateway.request('GET /')).text(), '127.0.0.1');
});

test('the context says what Netlify knows', async () => {
  let seen;
  const gateway = await modern(async (_request, context) => {
    seen = { ...context };
    assert.throws(() => context.next(), /not implemented for serverless functions/);
    assert.throws(() => context.waitUntil(), TypeError);
    assert.equal(Netlify.context, context);
    return context.json({ ok: true });
  }, { path: ['/none', '/users/:id/:rest*'] });
  const reply = await gateway.request('GET /users/7/a/b', {
    requestId: 'rid', remoteAddress: '203.0.113.5', headers: { 'x-nf-client-connection-ip': '1.1.1.1' },
  });
  assert.deepEqual(await reply.json(), { ok: true });
  assert.deepEqual(seen.params, { id: '7', rest: 'a/b' });
  assert.equal(seen.path, '/users/:id/:rest*');
  assert.equal(seen.requestId, 'rid');
  assert.equal(seen.ip, '203.0.113.5');
  assert.equal(seen.geo.country.code, 'US');
  assert.equal(seen.deploy.context, 'dev');
  assert.equal(seen.server.region, process.env.AWS_REGION);
  assert.ok(seen.url instanceof URL);
  for (const key of ['account', 'site', 'flags', 'log', 'rewrite', 'cookies']) assert.ok(key in seen, key);
  assert.equal(Netlify.context, null);
});

test('the request says by whom it has come, the last whom the platform itself has seen', async () => {
  const gateway = await modern(async ({ headers }) => Response.json([headers.get('x-forwarded-for'), headers.get('client-ip')]));
  const of = async (headers) => (await gateway.request('GET /', { remoteAddress: '203.0.113.5', headers })).json();
  assert.deepEqual(await of({}), ['203.0.113.5', '203.0.113.5']);
  assert.deepEqual(await of({ 'x-forwarded-for': '10.0.0.1', 'client-ip': '10.0.0.1' }), ['10.0.0.1, 203.0.113.5', '203.0.113.5']);
});

test('cookies are read, and changes land on the response', async () => {
  const gateway = await modern(async (_request, { cookies }) => {
    cookies.set('plain', cookies.get('in'));
    cookies.set({ name: '__Host-x', value: 'v', httpOnly: true, maxAge: 60, sameSite: 'Lax', domain: 'd' });
    cookies.delete('old');
    assert.throws(() => cookies.set('n', 1), TypeError);
    return new Response('x', { headers: { 'set-cookie': 'own=1' } });
  });
  const reply = await gateway.request('GET /', { headers: { cookie: 'a=b; in=1=2' } });
  assert.deepEqual(reply.headerList('set-cookie'), [
    'own=1', 'plain=1=2', '__Host-x=v; Secure; HttpOnly; Max-Age=60; SameSite=Lax; Path=/',
    'old=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
  ]);
  const bad = await modern(async (_request, { cookies }) => {
    cookies.set('a', 'x\r\ny: z');
    return new Response('x');
  });
  assert.equal((await bad.request('GET /')).failure.kind, 'throw');
});

test('nothing is 204, and what is neither is refused', async () => {
  assert.equal((await (await modern(async () => {})).request('GET /')).status, 204);
  const reply = await (await modern(async () => 'text')).request('GET /');
  assert.equal(reply.failure.kind, 'invalid');
  assert.match(reply.failure.errorMessage, /unsupported value/);
});

test('errors go to the gateway, and under netlify dev to the developer', async () => {
  const gateway = await modern(async () => { throw new RangeError('far <b>'); });
  assert.equal((await gateway.request('GET /')).failure.errorType, 'RangeError');
  process.env.NETLIFY_DEV = 'true';
  const plain = await gateway.request('GET /');
  assert.equal(plain.status, 500);
  assert.match(await plain.text(), /^RangeError: far <b>\n {5}at /);
  const page = await gateway.request('GET /', { headers: { accept: 'text/html' } });
  assert.equal(page.header('content-type'), 'text/html');
  assert.match(await page.text(), /far &#60;b&#62;/);
});

test('what fails beside the handler is told to the developer in the same words', async () => {
  process.env.NETLIFY_DEV = 'true';
  const gateway = await modern(() => new Promise(() => {}));
  const reply = gateway.start('GET /');
  await new Promise(setImmediate);
  const others = process.rawListeners('uncaughtException'); /* a program that listens itself would be left alone */
  process.removeAllListeners('uncaughtException');
  gateway.instance.uncaught(new Error('from a timer'), 'uncaughtException');
  others.forEach((other) => process.on('uncaughtException', other));
  assert.match(await reply.text(), /^Error: from a timer\n {5}at /);
  assert.deepEqual([reply.status, reply.failure], [500, null]);
});

test('a rewritten request has the URL that the client asked for', async () => {
  const gateway = await modern(async (request, context) => Response.json([request.url, context.url.href]));
  const reply = await gateway.request('GET /.netlify/functions/hello?added=1', { originalTarget: '/short' });
  const url = 'http://localhost:3000/short?added=1';
  assert.deepEqual(await reply.json(), [url, url]);
});

test('a module that throws fails its own function only', async () => {
  const gateway = await startInstance({
    adapter: netlify,
    modules: { bad: thunk(() => { throw new Error('at import'); }), good: { default: () => new Response('fine') } },
  });
  assert.equal((await gateway.request('GET /', { endpoint: 0 })).failure.kind, 'load');
  assert.equal(await (await gateway.request('GET /', { endpoint: 1 })).text(), 'fine');
});

test('a module that never finishes loading fails alone', aStuckModuleFailsAlone(netlify, 'default'));

test('Netlify.env reads and writes the environment', async () => {
  const gateway = await modern(() => {
    Netlify.env.set('NF_TEST', 'v');
    const seen = [Netlify.env.get('NF_TEST'), Netlify.env.has('NF_TEST'), Netlify.env.toObject().NF_TEST];
    Netlify.env.delete('NF_TEST');
    return Response.json([...seen, Netlify.env.has('NF_TEST')]);
  });
  assert.deepEqual(await (await gateway.request('GET /')).json(), ['v', true, 'v', false]);
});

test('the context of @netlify/functions is the same', async () => {
  const { getContext } = await import('@netlify/functions');
  const gateway = await modern(async (_request, context) => {
    await new Promise(setImmediate);
    return new Response(String((getContext?.() ?? context) === context));
  });
  assert.equal(await (await gateway.request('GET /')).text(), 'true');
});

test('waitUntil keeps the invocation alive', async () => {
  let isDone = false;
  const gateway = await modern(async (_request, context) => {
    context.waitUntil(new Promise((resolve) => setImmediate(() => resolve(isDone = true))));
    return new Response('x');
  });
  await (await gateway.request('GET /')).done();
  assert.equal(isDone, true);
});

test('a background function answers 202 and runs on with its body', async () => {
  let body;
  const gateway = await serve({ default: async (request) => { body = await request.text(); } },
    { api_version: 2, background: true });
  const reply = await gateway.request('POST /', { body: 'work' });
  assert.equal(reply.status, 202);
  await reply.done();
  assert.equal(body, 'work');
});

test('a scheduled function gets its next run', async () => {
  let seen;
  const gateway = await modern(async (request) => { seen = [request.method, await request.json()]; }, { schedule: '@hourly' });
  const reply = await gateway.request('GET /.netlify/functions/hello');
  assert.equal(reply.status, 200);
  assert.match(await reply.text(), /which is a scheduled function/);
  assert.equal(seen[0], 'POST');
  assert.match(seen[1].next_run, /^\d{4}-\d\d-\d\dT\d\d:00:00\.000Z$/);
});

test('a background function that control calls is waited for, and its failure told', async () => {
  const order = [];
  const gateway = await serve({ default: async (request, context) => {
    assert.equal(request.headers.get('x-mayfly-event'), null);
    context.waitUntil(new Promise((resolve) => setImmediate(() => resolve(order.push('later')))));
    const text = await request.text();
    if (text === 'fail') throw new Error('not today');
    order.push(`${request.method} ${text}`);
  } }, { api_version: 2, background: true });
  const ask = (body) => gateway.request('PUT /.netlify/functions/hello', { headers: { 'x-mayfly-event': 'background' }, body });
  const done = await ask('work');
  assert.deepEqual([done.status, await done.text(), order[0]], [200, '', 'PUT work']);
  await done.done();
  assert.deepEqual(order, ['PUT work', 'later']);
  const failed = await ask('fail');
  assert.deepEqual([failed.failure.kind, failed.failure.errorMessage], ['throw', 'not today']);
});

test('a background function of the first kind may answer nothing', async () => {
  let seen;
  const gateway = await older(async (event) => { seen = [event.httpMethod, event.body, event.headers['x-mayfly-event']]; }, { background: true });
  const reply = await gateway.request('POST /', { headers: { 'x-mayfly-event': 'background', 'content-type': 'text/plain' }, body: 'b' });
  assert.equal(reply.status, 200);
  assert.deepEqual(seen, ['POST', 'b', undefined]);
});

test('control says when a scheduled function runs next, and hears how it went', async () => {
  const body = '{"next_run":"2030-01-01T00:00:00.000Z"}';
  const tick = { headers: { 'x-mayfly-event': 'scheduled' }, body };
  let seen;
  const modernGateway = await modern(async (request) => {
    seen = [await request.text(), request.headers.get('user-agent'), request.headers.get('x-nf-event'), request.headers.get('x-mayfly-event')];
  }, { schedule: '@hourly' });
  const reply = await modernGateway.request('POST /.netlify/functions/hello', tick);
  assert.deepEqual([reply.status, await reply.text()], [200, '']);
  assert.deepEqual(seen, [body, 'Netlify Clockwork', 'schedule', null]);

  const failing = await older(async (event) => { seen = event.body; throw new Error('no'); }, { config: { schedule: '@daily' } });
  const failed = await failing.request('POST /.netlify/functions/hello', tick);
  assert.deepEqual([failed.status, await failed.text(), seen], [500, '', body]);
});

test('schedules know days, names, steps and leap years', () => {
  const from = new Date('2026-01-31T23:59:30Z');
  const cases = [
    ['* * * * *', '2026-02-01T00:00:00.000Z'],
    ['*/15 9-17 * * mon-fri', '2026-02-02T09:00:00.000Z'],
    ['0 0 29 feb *', '2028-02-29T00:00:00.000Z'],
    ['30 6 13 * 5', '2026-02-06T06:30:00.000Z'],
    ['0 12 * * 7', '2026-02-01T12:00:00.000Z'],
    ['@monthly', '2026-02-01T00:00:00.000Z'],
    ['0 0 31 2 *', null],
  ];
  for (const [expression, expected] of cases) assert.equal(nextRun(expression, from), expected, expression);
  for (const bad of ['* * * *', '60 * * * *', '*/0 * * * *', 'x * * * *']) {
    assert.throws(() => nextRun(bad, from), /Invalid cron/, bad);
  }
});

/* The first kind */

test('a handler gets the event of netlify dev', async () => {
  let event;
  const gateway = await older(async (given) => {
    event = given;
    return { statusCode: 200, body: 'ok' };
  });
  await gateway.request('POST /.netlify/functions/hello/x?a=1&a=2&b=', {
    headers: [['content-type', 'application/json'], ['x-a', '1'], ['x-a', '2']], body: '{"ü":1}',
  });
  assert.equal(event.path, '/.netlify/functions/hello/x');
  assert.equal(event.httpMethod, 'POST');
  assert.deepEqual(event.queryStringParameters, { a: '1, 2', b: '' });
  assert.deepEqual(event.multiValueQueryStringParameters, { a: ['1', '2'], b: [''] });
  assert.equal(event.headers['x-a'], '1, 2');
  assert.deepEqual(event.multiValueHeaders['x-a'], ['1, 2']);
  assert.equal(event.headers['client-ip'], '127.0.0.1');
  assert.equal(event.body, '{"ü":1}');
  assert.equal(event.isBase64Encoded, false);
  assert.equal(event.rawUrl, 'http://localhost:3000/.netlify/functions/hello/x?a=1&a=2&b=');
  assert.equal(event.rawQuery, 'a=1&a=2&b=');

  await gateway.request('POST /', { headers: { 'content-type': 'image/png' }, body: Buffer.from([255, 0]) });
  assert.deepEqual([event.body, event.isBase64Encoded], ['/wA=', true]);
});

test('a rewritten request shows the path that the client asked for', async () => {
  let event;
  const gateway = await older(async (given) => {
    event = given;
    return { statusCode: 200 };
  });
  await gateway.request('GET /.netlify/functions/hello?from=rule', { originalTarget: '/api/x' });
  assert.equal(event.path, '/api/x');
  assert.equal(event.rawUrl, 'http://localhost:3000/api/x?from=rule');
  assert.deepEqual(event.queryStringParameters, { from: 'rule' });
});

test('callbacks, promises and context methods answer', async () => {
  const answer = (body) => ({ statusCode: 200, body });
  const ways = [
    [(_e, _c, callback) => { callback(null, answer('callback')); }, 'callback'],
    [(_e, _c, callback) => { setImmediate(callback, null, answer('later')); }, 'later'],
    [(_e, context) => { context.succeed(answer('succeed')); }, 'succeed'],
    [() => Promise.resolve(answer('promise')), 'promise'],
  ];
  for (const [handler, body] of ways) {
    assert.equal(await (await (await older(handler)).request('GET /')).text(), body);
  }
});

test('answers have their headers, all values, and bodies in base64 or as streams', async () => {
  const gateway = await older(async () => ({
    statusCode: 203, headers: { 'X-One': 1, 'Set-Cookie': 'lost=1' }, multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'] },
    body: Buffer.from([0, 255]).toString('base64'), isBase64Encoded: true,
  }));
  const reply = await (await gateway.request('GET /')).done();
  assert.equal(reply.status, 203);
  assert.equal(reply.header('x-one'), '1');
  assert.deepEqual(reply.headerList('set-cookie'), ['a=1', 'b=2']);
  assert.deepEqual([...reply.bytes], [0, 255]);

  const streaming = await older(async () => ({ statusCode: 200, body: Readable.from(['a', 'b']) }));
  assert.equal(await (await streaming.request('GET /')).text(), 'ab');
});

test('answers that are none are refused in the words of netlify dev', async () => {
  process.env.NETLIFY_DEV = 'true';
  const cases = [
    [async () => undefined, /lambda response was undefined/],
    [() => true, /no lambda response/],
    [async () => ({ body: 'x' }), /numerical statusCode. You gave: undefined/],
    [async () => ({ statusCode: 200, body: { a: 1 } }), /a string or a stream body/],
    [async () => ({ statusCode: 200, headers: { a: 'x\ny' } }), /Invalid value for the header/],
    [(_e, _c, callback) => { callback('plain'); }, /^plain$/],
    [() => { throw new TypeError('typed'); }, /^TypeError: typed/],
  ];
  for (const [handler, text] of cases) {
    const reply = await (await older(handler)).request('GET /');
    assert.equal(reply.status, 500);
    assert.match(await reply.text(), text);
  }
});

test('the identity of a bearer token is in the client context', async () => {
  let context;
  const gateway = await older(async (_event, given) => {
    context = given;
    return { statusCode: 200 };
  });
  const token = ['{"alg":"HS256"}', '{"email":"a@b.c","app_metadata":{"roles":["x"]}}'].map((part) => Buffer.from(part).toString('base64url'));
  await gateway.request('GET /', { headers: { authorization: `Bearer ${token.join('.')}.sig` }, timeoutMs: 1000 });
  assert.equal(context.clientContext.user.email, 'a@b.c');
  const custom = JSON.parse(Buffer.from(context.clientContext.custom.netlify, 'base64').toString());
  assert.equal(custom.user.email, 'a@b.c');
  assert.ok(context.getRemainingTimeInMillis() <= 1000);
  for (const header of ['Bearer nonsense', 'Basic x', 'Bearer a.bm90IGpzb24.c']) {
    await gateway.request('GET /', { headers: { authorization: header } });
    assert.deepEqual(context.clientContext, {});
  }
});

test('builder, schedule and stream of @netlify/functions work as they are', async () => {
  const helpers = await import('@netlify/functions');
  const built = await older(helpers.builder(async () => ({ statusCode: 200, body: 'built', ttl: 60 })));
  assert.equal(await (await built.request('GET /?x=1')).text(), 'built');
  assert.equal((await built.request('POST /', { body: '' })).status, 405);

  const scheduled = await older(helpers.schedule('@hourly', async () => ({ statusCode: 200, body: 's' })));
  assert.equal(await (await scheduled.request('GET /')).text(), 's');

  const streamed = await serve(thunk(() => ({
    handler: helpers.stream(async () => ({
      statusCode: 202, headers: { 'content-type': 'text/plain' }, body: Readable.from(['one', 'two']),
    })),
  })), { api_version: 1 });
  const reply = await streamed.request('GET /');
  assert.equal(reply.status, 202);
  assert.equal(reply.header('content-type'), 'text/plain');
  assert.equal(await reply.text(), 'onetwo');
});
