'use strict';

/* What a function URL does around its function: signatures, CORS, the mode in which it answers. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { startInstance, thunk } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const lambda = require('../../runtime/js/dialects/lambda');

process.setMaxListeners(0);
consoles.install();

function serve(handler, endpoint = {}) {
  return startInstance({
    adapter: lambda,
    modules: { index: handler.thunk ? handler : { handler } },
    settings: { handler: 'index.handler', function_name: 'orders', runtime: 'nodejs24.x' },
    endpoints: [{ name: '/', file: 'index.js', module: 'index', settings: endpoint }],
  });
}

async function ask(gateway, line, headers = {}, body) {
  const reply = await gateway.request(line, { headers, body });
  await reply.done();
  return reply;
}

test('AWS_IAM wants a signature, and tells the function whose it is', async () => {
  const gateway = await serve(async (event) => event.requestContext, { url: true, auth_type: 'AWS_IAM' });
  const refused = await ask(gateway, 'GET /');
  assert.deepEqual([refused.status, refused.header('x-amzn-errortype')], [403, 'AccessDeniedException']);
  assert.match(JSON.parse(refused.bytes).Message, /^Forbidden\./);
  await ask(gateway, 'GET /again');
  const told = gateway.logs.filter(({ text }) => text.includes('curl --aws-sigv4 aws:amz:us-east-1:lambda --user mayfly:mayfly-dev-only'));
  assert.equal(told.length, 1, 'it is told once how to sign');
  const credential = 'AKIDEXAMPLE/20260101/us-east-1/lambda/aws4_request';
  const signed = [
    ['GET /', { authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0` }],
    [`GET /?X-Amz-Credential=${encodeURIComponent(credential)}&X-Amz-Signature=0`, {}],
  ];
  for (const [line, headers] of signed) {
    const context = JSON.parse((await ask(gateway, line, headers)).bytes);
    assert.equal(context.accountId, '000000000000');
    assert.equal(context.authorizer.iam.accessKey, 'AKIDEXAMPLE');
  }
});

const CORS = {
  allow_origins: ['https://shop.example', 'https://*.test'], allow_methods: ['GET', 'POST'],
  allow_headers: ['x-a', 'x-b'], expose_headers: ['x-c'], max_age: 60, allow_credentials: true,
};
const preflight = (origin) => ({ origin, 'access-control-request-method': 'GET' });

test('a preflight request is answered without the function', async () => {
  let calls = 0;
  const gateway = await serve(async () => { calls += 1; return 'called'; }, { url: true, cors: CORS });
  const allowed = await ask(gateway, 'OPTIONS /x', preflight('https://shop.example'));
  assert.equal(allowed.status, 200);
  const fields = {
    'access-control-allow-origin': 'https://shop.example', vary: 'Origin', 'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET,POST', 'access-control-allow-headers': 'x-a,x-b', 'access-control-max-age': '60',
  };
  for (const [name, value] of Object.entries(fields)) assert.equal(allowed.header(name), value);
  assert.equal((await ask(gateway, 'OPTIONS /', preflight('https://a.b.test'))).header('vary'), 'Origin');
  const other = await ask(gateway, 'OPTIONS /', preflight('https://evil.example'));
  assert.deepEqual([other.status, other.header('access-control-allow-origin')], [200, null]);
  assert.equal(calls, 0);
  assert.equal(String((await ask(gateway, 'OPTIONS /')).bytes), 'called');
  const without = await serve(async () => 'called', { url: true });
  assert.equal(String((await ask(without, 'OPTIONS /', preflight('https://shop.example'))).bytes), 'called');
});

test('answers to an allowed origin say so, whatever the function says', async () => {
  const handler = async () => ({ statusCode: 200, headers: { 'access-control-allow-origin': 'mine', 'x-c': '1' }, body: '' });
  const listed = await serve(handler, { url: true, cors: CORS });
  const reply = await ask(listed, 'GET /', { origin: 'https://shop.example' });
  assert.equal(reply.header('access-control-allow-origin'), 'https://shop.example');
  assert.equal(reply.header('access-control-expose-headers'), 'x-c');
  assert.equal(reply.header('x-c'), '1');
  assert.equal((await ask(listed, 'GET /')).header('access-control-allow-origin'), 'mine');

  const streaming = thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => stream.end('x')),
  }));
  const open = await serve(streaming, { url: true, cors: { allow_origins: ['*'] } });
  assert.equal((await ask(open, 'GET /', { origin: 'https://any.example' })).header('access-control-allow-origin'), '*');
});

test('a URL that streams passes on what a plain handler returns', async () => {
  const gateway = await serve(async () => ({ statusCode: 404, body: 'x' }), { url: true, invoke_mode: 'RESPONSE_STREAM' });
  const reply = await ask(gateway, 'GET /');
  assert.deepEqual([reply.status, JSON.parse(reply.bytes)], [200, { statusCode: 404, body: 'x' }]);
});

test('a REST API gives text as it is but for what is binary there, and the stage in the context alone', async () => {
  const endpoint = { api: 'rest', payload: '1.0', resource: '/a', stage: 'Prod', binary_types: ['image/*'] };
  const gateway = await serve(async (event) => ({ statusCode: 200, body: JSON.stringify(event) }), endpoint);
  const form = JSON.parse((await ask(gateway, 'POST /a', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=1')).bytes);
  assert.deepEqual([form.body, form.isBase64Encoded, form.version], ['a=1', false, undefined]);
  assert.deepEqual([form.path, form.requestContext.path], ['/a', '/Prod/a']);
  const image = JSON.parse((await ask(gateway, 'POST /a', { 'content-type': 'image/png' }, Buffer.from([255]))).bytes);
  assert.deepEqual([image.body, image.isBase64Encoded], ['/w==', true]);
});

test('a route of an HTTP API that is not for OPTIONS answers preflight requests and nothing else', async () => {
  const endpoint = { api: 'http', payload: '2.0', route_key: 'GET /x', preflight_only: true, cors: { allow_origins: ['*'] } };
  const gateway = await serve(async () => 'called', endpoint);
  assert.equal((await ask(gateway, 'OPTIONS /x', preflight('https://any.example'))).status, 204);
  const plain = await ask(gateway, 'OPTIONS /x');
  assert.deepEqual([plain.status, JSON.parse(plain.bytes)], [404, { message: 'Not Found' }]);
  assert.equal(String((await ask(gateway, 'GET /x')).bytes), 'called');
});
