'use strict';

/* Node.js 24's managed runtime: what aws-lambda-ric 4 does with the same handlers. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const vm = require('node:vm');
const { startInstance, thunk } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const lambda = require('../../runtime/js/dialects/lambda');

process.setMaxListeners(0);
consoles.install();

function serve(handler, settings = {}) {
  return startInstance({
    adapter: lambda,
    modules: { index: typeof handler === 'function' && !handler.thunk ? { handler } : handler },
    settings: { handler: 'index.handler', function_name: 'orders', runtime: 'nodejs24.x', ...settings },
    endpoints: [{ name: '/', file: 'index.js', module: 'index', settings: { invoke: true } }],
  });
}

async function invoke(handler, settings) {
  const gateway = await serve(handler, settings);
  const reply = await gateway.request('POST /', { body: '{}', timeoutMs: 3000, requestId: 'r-1' });
  return reply.json();
}

test('a handler that takes a callback is refused when it loads', async () => {
  for (const handler of [(_e, _c, callback) => callback(null, 1), async (_a, _b, _c, _d) => 1]) {
    const error = await invoke(handler);
    assert.equal(error.errorType, 'Runtime.CallbackHandlerDeprecated');
    assert.match(error.errorMessage, /removed support for callback-based function handlers/);
  }
});

test('a handler gets an event and a context, and returns its result or a promise of it', async () => {
  assert.deepEqual(await invoke((...args) => args.length), 2);
  assert.equal(await invoke(() => 'at once'), 'at once');
  assert.equal(await invoke(async () => 'later'), 'later');
  assert.equal(await invoke(() => ({ then: (resolve) => resolve('a thenable') })), 'a thenable');
  assert.deepEqual(await invoke(function* () {}), {});
  assert.equal(await invoke(async () => undefined), null);
  assert.equal(await invoke(async (_event, ...rest) => rest.length), 1);
});

test('the context has no methods but one, and the trace', async () => {
  const { keys, trace, left } = await invoke(async (_event, context) => ({
    keys: Object.keys(context), trace: context.xRayTraceId === process.env._X_AMZN_TRACE_ID,
    left: context.getRemainingTimeInMillis(),
  }));
  assert.deepEqual(keys, [
    'clientContext', 'identity', 'invokedFunctionArn', 'awsRequestId', 'tenantId', 'xRayTraceId',
    'getRemainingTimeInMillis', 'functionName', 'functionVersion', 'memoryLimitInMB', 'logGroupName', 'logStreamName',
  ]);
  assert.equal(trace, true);
  assert.ok(left > 1000 && left <= 3000, String(left));
});

test('an object as the default export may hold the handler', async () => {
  assert.equal(await invoke(thunk(() => ({ default: { handler: async () => 'inside' } }))), 'inside');
  assert.equal((await invoke(thunk(() => ({ default: {} })))).errorType, 'Runtime.HandlerNotFound');
});

test('errors are told as the Invoke API tells them', async () => {
  const cases = [
    [() => { throw new RangeError('far\x7f'); }, 'RangeError', 'far%7F'],
    [() => { throw 'text'; }, 'string', 'text'],
    [() => { throw null; }, 'object', 'null'],
    [async () => { throw undefined; }, 'undefined', 'undefined'],
    [() => { throw Symbol('s'); }, 'symbol', 'Symbol(s)'],
    [() => { throw { name: 'N', message: 'M', stack: 'S' }; }, 'object', '[object Object]'],
    [() => vm.runInNewContext('throw new Error("foreign")'), 'object', 'Error: foreign'],
    [() => { throw Object.assign(new Error('x'), { stack: undefined }); }, 'Error', 'x'],
    [() => { throw Object.assign(new Error('x'), { name: 5 }); }, 'handled', /problem while/],
    [() => ({ n: 1n }), 'Runtime.JSONStringifyError', 'Unable to stringify response body'],
    [() => () => 1, 'TypeError', 'Wrong arguments'],
    [(_event, context) => context.done(null, 1), 'TypeError', 'context.done is not a function'],
  ];
  for (const [handler, errorType, errorMessage] of cases) {
    const error = await invoke(handler);
    assert.equal(error.errorType, errorType);
    if (errorMessage instanceof RegExp) assert.match(error.errorMessage, errorMessage);
    else assert.equal(error.errorMessage, errorMessage);
    assert.ok(Array.isArray(error.trace), errorType);
  }
});

test('the invocation in progress can be asked for from anywhere', async () => {
  assert.deepEqual(await invoke(async () => {
    const { InvokeStore } = awslambda;
    await null;
    InvokeStore.set('mine', 1);
    return [InvokeStore.getRequestId(), InvokeStore.getXRayTraceId() === process.env._X_AMZN_TRACE_ID, InvokeStore.get('mine')];
  }), ['r-1', true, 1]);
  const error = await invoke(async () => awslambda.InvokeStore.set(Symbol.for('_AWS_LAMBDA_REQUEST_ID'), 1));
  assert.match(error.errorMessage, /^Cannot modify protected/);
});

test('nothing listens for what nobody catches', async () => {
  const before = process.listenerCount('unhandledRejection');
  await serve(async () => 1);
  assert.equal(process.listenerCount('unhandledRejection'), before);
});

/* The end of an environment: in a process of its own. */

function runHandler(source) {
  const program = `
    const { startInstance } = require(${JSON.stringify(path.join(__dirname, 'mock_native'))});
    const lambda = require(${JSON.stringify(require.resolve('../../runtime/js/dialects/lambda'))});
    const reported = [];
    process.on('exit', () => require('node:fs').writeSync(1, reported[0].bytes));
    (async () => {
      const gateway = await startInstance({
        adapter: lambda, modules: { index: { handler: ${source} } },
        settings: { handler: 'index.handler', runtime: 'nodejs24.x' },
        endpoints: [{ name: '/', file: 'index.js', module: 'index', settings: { invoke: true } }],
      });
      gateway.native.loopAlive = () => false;
      require(${JSON.stringify(require.resolve('../../runtime/js/dialects/loop_idle'))}).use(gateway.native, () => false);
      setInterval(() => {}, 5);
      reported.push(gateway.start('POST /', { body: '{}', requestId: 'r-9' }));
    })();`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.on('data', (chunk) => { out += chunk; });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, error: JSON.parse(out) }));
  });
}

test('what nobody catches ends the process, and so does a promise that nobody settles', async () => {
  const cases = [
    ['() => new Promise(() => setTimeout(() => { throw new Error("loose"); }, 1))', 1],
    ['async () => { Promise.reject(new Error("loose")); await new Promise(() => {}); }', 1],
    ['async () => { Promise.reject("text"); await new Promise(() => {}); }', 1],
    ['async () => { Promise.reject(new Error("loose")); return 1; }', 1],
    ['() => new Promise(() => {})', 0],
  ];
  for (const [source, code] of cases) {
    const reason = code === 0 ? 'Runtime exited without providing a reason' : 'Runtime exited with error: exit status 1';
    assert.deepEqual(await runHandler(source), {
      code, error: { errorType: 'Runtime.ExitError', errorMessage: `RequestId: r-9 Error: ${reason}` },
    }, source);
  }
});
