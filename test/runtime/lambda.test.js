'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { startInstance, thunk } = require('./mock_native');
const lambda = require('../../runtime/js/dialects/lambda');
const { invokeEndpoint, invokeJson, serve } = require('./lambda_serve');

/* The event */

test('a function URL passes a payload of format 2.0', async () => {
  const gateway = await serve(async (event) => event);
  const reply = await gateway.request('POST /a%20b/c?x=1&x=2&y=a+b&z=', {
    headers: [
      ['cookie', 'a=1; b=2'], ['X-Many', 'one'], ['x-many', 'two'],
      ['content-type', 'application/json'], ['user-agent', 'curl/8'],
    ],
    body: '{"ä":1}',
    host: 'abc.lambda-url.localhost:3000',
  });
  const event = await reply.json();
  assert.equal(event.version, '2.0');
  assert.equal(event.routeKey, '$default');
  assert.equal(event.rawPath, '/a%20b/c');
  assert.equal(event.rawQueryString, 'x=1&x=2&y=a+b&z=');
  assert.deepEqual(event.queryStringParameters, { x: '1,2', y: 'a b', z: '' });
  assert.deepEqual(event.cookies, ['a=1', 'b=2']);
  assert.equal(event.headers['x-many'], 'one,two');
  assert.equal(event.headers.cookie, undefined);
  assert.equal(event.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(event.headers['x-forwarded-proto'], 'http');
  assert.equal(event.headers['x-forwarded-port'], '3000');
  assert.match(event.headers['x-amzn-trace-id'], /^Root=1-0af76519-16cd43dd8448eb211c80319c;/);
  assert.equal(event.body, '{"ä":1}');
  assert.equal(event.isBase64Encoded, false);
  const { requestContext } = event;
  assert.equal(requestContext.accountId, 'anonymous');
  assert.equal(requestContext.domainName, 'abc.lambda-url.localhost');
  assert.equal(requestContext.domainPrefix, 'abc');
  assert.deepEqual(requestContext.http, {
    method: 'POST', path: '/a%20b/c', protocol: 'HTTP/1.1',
    sourceIp: '127.0.0.1', userAgent: 'curl/8',
  });
  assert.equal(requestContext.requestId, 'req-1');
  assert.match(requestContext.time, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  assert.equal(typeof requestContext.timeEpoch, 'number');
  assert.deepEqual(gateway.violations, []);
});

test('a request without body, query and cookies has none in its event', async () => {
  const gateway = await serve(async (event) => Object.keys(event));
  const keys = await (await gateway.request('GET /')).json();
  for (const key of ['body', 'cookies', 'queryStringParameters']) {
    assert.ok(!keys.includes(key), key);
  }
});

test('bodies that are not text, or not UTF-8, travel in base64', async () => {
  const gateway = await serve(async ({ body, isBase64Encoded }) => ({ body, isBase64Encoded }));
  const cases = [
    ['image/png', Buffer.from([1, 2, 255]), true],
    ['application/x-www-form-urlencoded', Buffer.from('a=1'), true],
    ['application/json', Buffer.from([0x22, 0xff, 0x22]), true],
    ['text/plain; charset=utf-8', Buffer.from('ü'), false],
    ['application/vnd.api+json', Buffer.from('{}'), false],
    ['application/problem+xml', Buffer.from('<a/>'), false],
    ['', Buffer.from('plain'), true],
  ];
  for (const [type, bytes, isBase64Encoded] of cases) {
    const headers = type ? { 'content-type': type } : {};
    const reply = await gateway.request('POST /', { headers, body: bytes });
    const event = await reply.json();
    assert.equal(event.isBase64Encoded, isBase64Encoded, type);
    assert.deepEqual(Buffer.from(event.body, isBase64Encoded ? 'base64' : 'utf8'), bytes, type);
  }
});

test('a header or parameter named __proto__ is one like any other', async () => {
  const gateway = await serve(async (event) => JSON.stringify([
    Object.hasOwn(event.headers, '__proto__'), Object.hasOwn(event.queryStringParameters, '__proto__'),
    ({}).polluted,
  ]));
  const reply = await gateway.request('GET /?__proto__=1', { headers: [['__proto__', 'x']] });
  assert.deepEqual(await reply.json(), [true, true, null]);
});

test('an API Gateway REST event has the format 1.0', async () => {
  const gateway = await serve(
    async (event) => ({ statusCode: 200, body: JSON.stringify(event) }),
    { endpoint: { payload: '1.0', api: 'http', resource: '/users/{id}' } }
  );
  const reply = await gateway.request('GET /users/7?x=1&x=2', {
    params: { id: '7' }, headers: [['x-a', '1'], ['x-a', '2']],
  });
  const event = await reply.json();
  assert.equal(event.version, '1.0');
  assert.equal(event.resource, '/users/{id}');
  assert.equal(event.path, '/users/7');
  assert.equal(event.httpMethod, 'GET');
  assert.deepEqual(event.pathParameters, { id: '7' });
  assert.deepEqual(event.queryStringParameters, { x: '2' });
  assert.deepEqual(event.multiValueQueryStringParameters, { x: ['1', '2'] });
  assert.equal(event.headers['x-a'], '2');
  assert.deepEqual(event.multiValueHeaders['x-a'], ['1', '2']);
  assert.equal(event.body, null);
  assert.equal(event.requestContext.identity.sourceIp, '127.0.0.1');
  assert.equal(event.requestContext.identity.principalOrgId, null);
  assert.equal(event.requestContext.resourceId, null, 'what only a REST API has');
});

test("a REST API's event names its resource by an id, the same for each request", async () => {
  const idOf = async (resource) => {
    const gateway = await serve(async (event) => ({ statusCode: 200, body: event.requestContext.resourceId }), { endpoint: { payload: '1.0', api: 'rest', resource } });
    return (await gateway.request('GET /users/7')).text();
  };
  const id = await idOf('/users/{id}');
  assert.match(id, /^[a-z0-9]{6}$/);
  assert.equal(await idOf('/users/{id}'), id);
  assert.notEqual(await idOf('/users'), id);
});

test('an HTTP API event has path parameters and its route key', async () => {
  const gateway = await serve(async (event) => event, {
    endpoint: { payload: '2.0', route_key: 'GET /users/{id}', api: 'http' },
  });
  const event = await (await gateway.request('GET /users/7', { params: { id: '7' } })).json();
  assert.deepEqual(event.pathParameters, { id: '7' });
  assert.equal(event.routeKey, 'GET /users/{id}');
});

/* The answer */

test('what a handler returns becomes HTTP by the rules of function URLs', async () => {
  let result;
  const gateway = await serve(async () => result);
  const cases = [
    [{ statusCode: 201, headers: { 'X-A': 1 }, body: 'made' }, 201, 'application/json', 'made'],
    [{ statusCode: 200, headers: { 'Content-Type': 'text/html' }, body: '<p>' }, 200, 'text/html', '<p>'],
    [{ statusCode: '404', body: { no: 1 } }, 404, 'application/json', '{"no":1}'],
    [{ statusCode: 200, body: 'AAH/', isBase64Encoded: true }, 200, 'application/json', '\0\x01\xff'],
    [{ hello: 'world' }, 200, 'application/json', '{"hello":"world"}'],
    ['hello', 200, 'application/json', 'hello'],
    [7, 200, 'application/json', '7'],
    [[1, 2], 200, 'application/json', '[1,2]'],
    [undefined, 200, 'application/json', 'null'],
    [{ statusCode: 204, body: 'ignored' }, 204, 'application/json', ''],
    [{ statusCode: 200 }, 200, 'application/json', ''],
  ];
  for (const [value, status, type, body] of cases) {
    result = value;
    const reply = await gateway.request('GET /');
    assert.equal(reply.status, status, JSON.stringify(value));
    assert.equal(reply.header('content-type'), type);
    assert.equal((await reply.done()).bytes.toString('latin1'), body);
  }
  assert.deepEqual(gateway.violations, []);
});

test('cookies become set-cookie headers, and headers of the connection are left out', async () => {
  const gateway = await serve(async () => ({
    statusCode: 200,
    headers: { connection: 'close', 'content-length': '999', 'x-wide': 'snow ☃' },
    cookies: ['a=1; Path=/', 'b=2'],
    body: 'x',
  }));
  const reply = await gateway.request('GET /');
  assert.deepEqual(reply.headerList('set-cookie'), ['a=1; Path=/', 'b=2']);
  assert.equal(reply.header('connection'), null);
  assert.equal(reply.header('content-length'), null);
  assert.equal(Buffer.from(reply.header('x-wide'), 'latin1').toString('utf8'), 'snow ☃');
});

test('a header that would break out of its line is refused', async () => {
  let headers;
  const gateway = await serve(async () => ({ statusCode: 200, headers, body: '' }));
  for (const bad of [{ a: 'x\r\nset-cookie: y' }, { 'a b': 'x' }, { a: { b: 1 } }, ['x']]) {
    headers = bad;
    const reply = await gateway.request('GET /');
    assert.equal(reply.failure?.kind, 'invalid', JSON.stringify(bad));
  }
  assert.deepEqual(gateway.violations, []);
});

test('an answer that is none is invalid', async () => {
  let result;
  const gateway = await serve(async () => result);
  for (const bad of [{ statusCode: 'abc' }, { statusCode: 99 }, { statusCode: 1000 },
    { statusCode: 101 }, { statusCode: 200, cookies: 'a=1' }]) {
    result = bad;
    const reply = await gateway.request('GET /');
    assert.equal(reply.failure?.kind, 'invalid', JSON.stringify(bad));
  }
});

test('the API Gateway answers its own errors, and 1.0 needs a statusCode', async () => {
  const rest = await serve(async () => ({ hello: 1 }), { endpoint: { payload: '1.0' } });
  const reply = await rest.request('GET /');
  assert.equal(reply.status, 502);
  assert.deepEqual(await reply.json(), { message: 'Internal server error' });

  const http = await serve(async () => { throw new Error('no'); }, {
    endpoint: { payload: '2.0', api: 'http' },
  });
  const failed = await http.request('GET /');
  assert.equal(failed.status, 500);
  assert.deepEqual(await failed.json(), { message: 'Internal Server Error' });
  assert.equal(failed.logs.filter(({ text }) => text.includes('"errorMessage":"no"')).length, 1);
});

test('multiValueHeaders of format 1.0 win over headers', async () => {
  const gateway = await serve(async () => ({
    statusCode: 200, headers: { 'X-A': '1', b: '1' }, multiValueHeaders: { 'x-a': ['2', '3'] },
  }), { endpoint: { payload: '1.0' } });
  const reply = await gateway.request('GET /');
  assert.deepEqual(reply.headerList('x-a'), ['2', '3']);
  assert.equal(reply.header('b'), '1');
});

test('too large a request is 413, too large an answer an error', async () => {
  const gateway = await serve(async (event) => 'x'.repeat(event.body ? 1 : 6291557));
  const big = Buffer.alloc(6 * 1024 * 1024 + 1, 97);
  const reply = await gateway.request('POST /', { body: big });
  assert.equal(reply.status, 413);
  const huge = await gateway.request('GET /');
  assert.equal(huge.failure.errorType, 'Function.ResponseSizeTooLarge');
});

/* Handlers */

test('the Invoke API passes the event and answers the result', async () => {
  const { reply, value } = await invokeJson(async (event) => ({ got: event }), { a: [1] });
  assert.equal(reply.status, 200);
  assert.deepEqual(value, { got: { a: [1] } });
  assert.equal(reply.header('x-amz-function-error'), null);
  assert.equal(reply.header('x-amz-executed-version'), '$LATEST');
});

test('an event that is no JSON is refused', async () => {
  const gateway = await serve(async () => 1, invokeEndpoint);
  const reply = await gateway.request('POST /', { body: '{' });
  assert.equal(reply.status, 400);
  assert.equal(reply.header('x-amzn-errortype'), 'InvalidRequestContentException');
  assert.equal((await reply.json()).Type, 'User');
});

test('callbacks, promises and the old context methods all answer', async () => {
  let timers = 0;
  const later = (_event, _context, callback) => {
    timers += 1;
    setTimeout(() => {
      timers -= 1;
      callback(null, 'later');
    }, 5);
  };
  const ways = [
    (_event, _context, callback) => callback(null, 'callback'),
    later,
    (_event, context) => context.succeed('succeed'),
    (_event, context) => context.done(null, 'done'),
    () => Promise.resolve('promise'),
    async () => 'async',
    () => ({ then: (resolve) => resolve('thenable') }),
  ];
  const expected = ['callback', 'later', 'succeed', 'done', 'promise', 'async', 'thenable'];
  for (const [i, handler] of ways.entries()) {
    const { value } = await invokeJson(handler, {}, { loopAlive: () => timers > 0 });
    assert.equal(value, expected[i]);
  }
});

test('that callbacks are a thing of the past is told once, however many endpoints the function has', async () => {
  const { logs } = await serve(async () => 1); /* here the instance that runs already hears what the next one prints while it loads */
  const modules = { index: { handler: (_event, _context, callback) => callback(null, 1) } };
  const endpoint = { name: '/', file: 'index.js', module: 'index', settings: {} };
  await startInstance({ adapter: lambda, modules, settings: { handler: 'index.handler', runtime: 'nodejs22.x' }, endpoints: [endpoint, endpoint] });
  assert.equal(logs.filter(({ text }) => /callback-based/.test(text)).length, 1);
});

test('a callback waits for the event loop to be empty unless told not to', async () => {
  let isAlive = true;
  const waiting = await serve((_event, _context, callback) => callback(null, 'x'), {
    ...invokeEndpoint, loopAlive: () => isAlive,
  });
  const reply = waiting.start('POST /', { body: '{}' });
  const hasAnswered = await Promise.race([
    reply.until((it) => it.complete).then(() => true),
    new Promise((resolve) => setTimeout(resolve, 50, false)),
  ]);
  assert.equal(hasAnswered, false);
  isAlive = false;
  assert.equal(await reply.json(), 'x');

  const eager = await serve((_event, context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    callback(null, 'y');
  }, { ...invokeEndpoint, loopAlive: () => true });
  assert.equal(await (await eager.request('POST /', { body: '{}' })).json(), 'y');
});

test('a handler that never answers gives null, an async one an error', async () => {
  const loopAlive = () => false;
  const quiet = await invokeJson(() => {}, {}, { loopAlive });
  assert.equal(quiet.value, null);
  const stuck = await invokeJson(async () => new Promise(() => {}), {}, { loopAlive });
  assert.equal(stuck.value.errorType, 'Runtime.NodeJsExit');
});

test('the first answer counts, a callback before the promise of its handler too', async (t) => {
  /* In an instance the channel keeps the loop turning. */
  const turning = setInterval(() => {}, 5);
  t.after(() => clearInterval(turning));
  const { value } = await invokeJson(async (_event, _context, callback) => {
    callback(null, 'from the callback');
    return 'from the promise';
  });
  assert.equal(value, 'from the callback');
});

test('errors are told as the Invoke API tells them', async () => {
  class Teapot extends Error {
    constructor(message) {
      super(message);
      this.name = 'Teapot';
    }
  }
  const cases = [
    [async () => { throw new Teapot('short\x7f'); }, 'Teapot', 'short%7F'],
    [() => { throw new Teapot('stout'); }, 'Teapot', 'stout'],
    [(_e, _c, callback) => callback(new Teapot('cb')), 'Teapot', 'cb'],
    [(_e, _c, callback) => callback('text'), 'string', 'text'],
    [(_e, context) => context.fail(), 'string', 'handled'],
    [(_e, context) => context.fail(new Teapot('f')), 'Teapot', 'f'],
    [async () => { throw { name: 'N', message: 'M', stack: 'S\nT' }; }, 'N', 'M'],
    [async () => Promise.reject(undefined), 'string', 'handled'],
    [async () => ({ n: 1n }), 'Error', 'Unable to stringify response body'],
    [async () => { throw { get name() { throw new Error('trap'); } }; }, 'handled', /problem while/],
  ];
  for (const [handler, errorType, errorMessage] of cases) {
    const { reply, value } = await invokeJson(handler);
    assert.equal(reply.status, 200);
    assert.equal(reply.header('x-amz-function-error'), 'Unhandled');
    assert.equal(value.errorType, errorType);
    if (errorMessage instanceof RegExp) assert.match(value.errorMessage, errorMessage);
    else assert.equal(value.errorMessage, errorMessage);
    assert.equal(reply.logs.filter(({ text }) => text.startsWith('Invoke Error')).length, 1);
  }
});

test('a thrown error has its trace, and fails a function URL', async () => {
  const { value } = await invokeJson(async () => { throw new RangeError('far'); });
  assert.equal(value.trace[0], 'RangeError: far');
  assert.match(value.trace[1], /lambda\.test\.js/);

  const gateway = await serve(async () => { throw new RangeError('far'); });
  const reply = await gateway.request('GET /');
  assert.equal(reply.failure.kind, 'throw');
  assert.equal(reply.failure.errorType, 'RangeError');
});

test('the context object has every documented member', async () => {
  const seen = {};
  const gateway = await serve(async (_event, context) => {
    Object.assign(seen, context);
    seen.remaining = context.getRemainingTimeInMillis();
    return 1;
  }, { ...invokeEndpoint, spec: { memory_mb: 256 } });
  const clientContext = Buffer.from('{"custom":{"a":1}}').toString('base64');
  await (await gateway.request('POST /', {
    body: '{}', timeoutMs: 3000, requestId: 'r-1',
    headers: { 'x-amz-client-context': clientContext },
  })).json();
  assert.equal(seen.functionName, process.env.AWS_LAMBDA_FUNCTION_NAME);
  assert.equal(seen.functionVersion, '$LATEST');
  assert.match(seen.invokedFunctionArn, /^arn:aws:lambda:us-east-1:000000000000:function:orders$/);
  assert.equal(seen.memoryLimitInMB, process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  assert.equal(seen.awsRequestId, 'r-1');
  assert.match(seen.logGroupName, /^\/aws\/lambda\//);
  assert.match(seen.logStreamName, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
  assert.deepEqual(seen.clientContext, { custom: { a: 1 } });
  assert.equal(seen.callbackWaitsForEmptyEventLoop, true);
  assert.ok(seen.remaining > 2000 && seen.remaining <= 3000, String(seen.remaining));
  for (const name of ['done', 'succeed', 'fail']) assert.equal(typeof seen[name], 'function');
});

test('each request publishes its trace', async () => {
  const gateway = await serve(async () => process.env._X_AMZN_TRACE_ID, invokeEndpoint);
  const reply = await gateway.request('POST /', { body: '{}' });
  assert.equal(await reply.json(),
    'Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1');
});

/* Loading */

test('handlers are found by name, nested and in CommonJS modules', async () => {
  const nested = await serve({ api: { v1: { run: async () => 'deep' } } }, {
    ...invokeEndpoint, settings: { handler: 'src/index.api.v1.run' },
  });
  assert.equal(await (await nested.request('POST /', { body: '{}' })).json(), 'deep');

  const commonjs = await serve(
    { default: {}, 'module.exports': { handler: async () => 'cjs' } }, invokeEndpoint
  );
  assert.equal(await (await commonjs.request('POST /', { body: '{}' })).json(), 'cjs');
});

test('what is wrong with a module is told at each call', async () => {
  const stack = ['/var/task/___mayfly.cjs', '/var/task/___mayfly.cjs'].map((file) => `\n- ${file}`).join('');
  const missing = Object.assign(new Error(`Cannot find module 'left-pad'\nRequire stack:${stack}`), { code: 'MODULE_NOT_FOUND' });
  const cases = [
    [thunk(() => { throw missing; }), {}, 'Runtime.ImportModuleError',
      /^Error: Cannot find module 'left-pad'\nRequire stack:\n- \/var\/task\/index\.js$/],
    [thunk(() => { throw new SyntaxError('bad token'); }), {}, 'Runtime.UserCodeSyntaxError', /^SyntaxError: bad/],
    [thunk(() => { throw new TypeError('at import'); }), {}, 'TypeError', /^at import$/],
    [{ other() {} }, {}, 'Runtime.HandlerNotFound', /^index\.handler is undefined or not exported$/],
    [{ handler: 7 }, {}, 'Runtime.HandlerNotFound', /^index\.handler is not a function$/],
    [{}, { handler: '../index.handler' }, 'Runtime.MalformedHandlerName', /is not a valid handler name/],
    [{}, { handler: 'index' }, 'Runtime.MalformedHandlerName', /^Bad handler$/],
  ];
  for (const [module, settings, errorType, message] of cases) {
    const gateway = await serve(module, { ...invokeEndpoint, settings });
    const reply = await gateway.request('POST /', { body: '{}' });
    const value = await reply.json();
    assert.equal(value.errorType, errorType);
    assert.match(value.errorMessage, message);
    assert.match(reply.logs.at(-1).text, /^Uncaught Exception \t\{/);
  }
  const url = await serve(thunk(() => { throw new Error('no'); }));
  assert.equal((await url.request('GET /')).failure.kind, 'load');
});

/* The end of an environment: in a process of its own. */

function runScript(script) {
  const program = `
    const { startInstance } = require(${JSON.stringify(path.join(__dirname, 'mock_native'))});
    const lambda = require(${JSON.stringify(require.resolve('../../runtime/js/dialects/lambda'))});
    async function serve(handler, settings) {
      return startInstance({
        adapter: lambda, modules: { index: { handler } }, settings: { handler: 'index.handler', runtime: 'nodejs22.x' },
        endpoints: [{ name: '/', file: 'index.js', module: 'index', settings }],
      });
    }
    const fs = require('node:fs');
    async function main() { ${script} }
    process.on('exit', () => {
      for (const reply of replies) {
        fs.writeSync(1, JSON.stringify({
          status: reply.status, failure: reply.failure?.errorMessage, body: reply.bytes.toString(), logs: reply.logs.map(({ text }) => text),
        }) + '\\n');
      }
    });
    const replies = [];
    main();`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk) => { out += chunk; });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, replies: out.trim().split('\n').map(JSON.parse) }));
  });
}

test('process.exit in a handler is told as an exit of the runtime', async () => {
  const { code, replies } = await runScript(`
    const gateway = await serve(async () => process.exit(3), { invoke: true });
    replies.push(gateway.start('POST /', { body: '{}', requestId: 'r-9' }));`);
  assert.equal(code, 3);
  const body = JSON.parse(replies[0].body);
  assert.deepEqual(body, {
    errorType: 'Runtime.ExitError',
    errorMessage: 'RequestId: r-9 Error: Runtime exited with error: exit status 3',
  });
});

test('an uncaught exception and an unhandled rejection end the environment', async () => {
  const thrown = await runScript(`
    const gateway = await serve(() => new Promise(() => {
      setTimeout(() => { throw new RangeError('loose'); }, 1);
    }), { invoke: true });
    replies.push(gateway.start('POST /', { body: '{}' }));`);
  assert.notEqual(thrown.code, 0);
  assert.equal(JSON.parse(thrown.replies[0].body).errorType, 'RangeError');

  const rejected = await runScript(`
    const gateway = await serve(() => new Promise(() => {
      Promise.reject(new RangeError('loose'));
    }), { invoke: true });
    replies.push(gateway.start('POST /', { body: '{}' }));`);
  assert.notEqual(rejected.code, 0);
  const body = JSON.parse(rejected.replies[0].body);
  assert.equal(body.errorType, 'Runtime.UnhandledPromiseRejection');
  assert.equal(body.errorMessage, 'RangeError: loose');

  const text = await runScript(`
    const gateway = await serve(() => new Promise(() => {
      Promise.reject('no error at all');
    }), { invoke: true });
    replies.push(gateway.start('POST /', { body: '{}' }));`);
  assert.equal(JSON.parse(text.replies[0].body).errorMessage, 'no error at all');
});

test('the log tells what nobody caught as it tells what a handler threw', async () => {
  const loose = (what, before = '') => runScript(`
    ${before}
    const gateway = await serve(() => new Promise(() => { ${what} }), { invoke: true });
    replies.push(gateway.start('POST /', { body: '{}' }));`);
  const thrown = await loose("setTimeout(() => { throw Object.assign(new Error('loose'), { code: 'E_TEA' }); }, 1);");
  const [title, json] = thrown.replies[0].logs[0].split('\t');
  assert.equal(title, 'Uncaught Exception ');
  assert.deepEqual({ ...JSON.parse(json), stack: 0 }, { errorType: 'Error', errorMessage: 'loose', code: 'E_TEA', stack: 0 });

  const rejected = await loose("Promise.reject(new Error('loose'));");
  const [kind, told] = rejected.replies[0].logs[0].split('\t');
  assert.equal(kind, 'Unhandled Promise Rejection ');
  assert.equal(JSON.parse(told).reason.errorMessage, 'loose');

  const structured = await loose("setTimeout(() => { throw new Error('loose'); }, 1);", "process.env.AWS_LAMBDA_LOG_FORMAT = 'JSON';");
  const { level, message } = JSON.parse(structured.replies[0].logs[0]);
  assert.deepEqual([level, message.errorType, message.errorMessage], ['ERROR', 'Error', 'loose']);
});
