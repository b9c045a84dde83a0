'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');
const aws4 = require('aws4');
const { JSONPath } = require('jsonpath-plus');
const velocity = require('velocityjs');
const { startInstance } = require('./mock_native');
const adapter = require('../../runtime/js/dialects/integration');
const consoles = require('../../runtime/js/console');

process.setMaxListeners(0);
consoles.install();

/** An AWS port that tells what it got. */
async function port(t, answer = () => ({})) {
  const server = http.createServer(async (req, res) => {
    const body = Buffer.concat(await Array.fromAsync(req)).toString();
    const { status = 200, ...said } = answer({ url: req.url, headers: req.headers, body });
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body, ...said }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.closeAllConnections() ?? server.close());
  Object.assign(process.env, { AWS_ENDPOINT_URL: `http://127.0.0.1:${server.address().port}`, AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'secret' });
}

const DEFAULT = { status: 200, parameters: {}, templates: {} };

function serve(integration, settings = {}) {
  const rest = { method: 'POST', parameters: {}, templates: {}, passthrough: 'WHEN_NO_MATCH', responses: [DEFAULT], ...integration };
  return startInstance({
    adapter, modules: { libraries: { ...velocity, JSONPath, aws4 } },
    endpoints: [{ name: '/', file: '', module: 'libraries', settings: { api: 'rest', payload: '1.0', resource: '/x', stage: 'Prod', integration: rest, ...settings } }],
  });
}

const bus = { service: 'events', region: 'eu-west-1', action: 'PutEvents' };
const json = { 'content-type': 'application/json' };

/** What a template makes of a body. */
async function rendered(template, body, headers = json, target = '/x?q=1') {
  const gateway = await serve({ ...bus, templates: { 'application/json': template } });
  const reply = await gateway.request(`POST ${target}`, { headers, body: typeof body === 'string' ? body : JSON.stringify(body), params: { id: '7' } });
  assert.equal(reply.status, 200, JSON.stringify(reply.logs));
  assert.deepEqual(gateway.violations, []);
  return (await reply.json()).body;
}

test('templates have the methods that texts, lists and maps have in Java', async (t) => {
  await port(t);
  const body = { text: "it's a, b,,", list: [1, 'x', { a: 1 }], map: { b: 2, a: 'A' }, keySet: 1, size: 'large', nothing: null };
  const cases = {
    '$input.path("$.text").replaceAll("[,\']", "<->")': 'it<->s a<-> b<-><->',
    '#foreach($p in $input.path("$.text").split(","))[$p]#end': "[it's a][ b]",
    '$input.path("$.text").isEmpty() $input.path("$.text").length() $input.path("$.text").matches("it.*")': 'false 11 true',
    '#set($m = $input.path("$"))#foreach($k in $m.map.keySet())$k=$m.map.get($k)#if($foreach.hasNext),#end#end': 'b=2,a=A',
    '#foreach($e in $input.path("$.map").entrySet())$e.key:$e.value #end': 'b:2 a:A ',
    '$input.path("$").containsKey("text") $input.path("$.list").size() $input.path("$").size()': 'true 3 6',
    '#set($l = [])#set($ok = $l.add("a"))$l.contains("a") $l.contains("b") $ok': 'true false true',
    '#set($m = {})#set($before = $m.put("__proto__", "p"))#set($before = $m.put("k", "v"))$m.k$before $m.constructor': 'v ',
    '"$input.path("$.nothing")" "$input.path("$.missing")" "$missing" "$context.identity.user"': '"" "" "" ""',
    '$input.json("$.list") $input.json("$.missing") $input.json("$.list[2]") $input.json("$..a")': '[1,"x",{"a":1}] "" {"a":1} [1,"A"]',
    '$util.escapeJavaScript($input.path("$.text")).replaceAll("\\\\\'", "\'")': "it's a, b,,",
    '$util.urlEncode("a b&c+d~") $util.urlDecode("a+b%26") $util.base64Decode($util.base64Encode("é")) #set($p = $util.parseJson($input.json("$.list[2]")))$p.a': 'a+b%26c%2Bd%7E a b& é 1',
  };
  for (const [template, wanted] of Object.entries(cases)) {
    assert.equal((await rendered(template, body)).trimEnd(), wanted.trimEnd(), template);
  }
});

test('templates see parameters by path, query and header, what the API says of the request, and a form as a text', async (t) => {
  await port(t);
  const all = '$input.params("id") $input.params("q") $input.params("x-kind") "$input.params("none")" $context.httpMethod $context.resourcePath $context.stage';
  assert.equal(await rendered(all, '', { ...json, 'x-kind': 'K' }), '7 1 K "" POST /x Prod');
  assert.equal(await rendered('$input.body $input.json("$")', ''), '{} {}');
  assert.equal(await rendered('#foreach($pair in $input.path("$").split("&"))$pair.split("=")[1];#end', 'a=1&b=2'), '1;2;');
  const names = '#foreach($type in $input.params().keySet())$type:#foreach($n in $input.params().get($type).keySet())$n,#end #end';
  assert.match(await rendered(names, '{}'), /^path:id, querystring:q, header:.*content-type,/i);
});

test('a template overrides headers, path and status, parameters are mapped, and the call is signed', async (t) => {
  await port(t, () => ({ why: 'x' }));
  const gateway = await serve({
    service: 'sqs', region: 'eu-west-1', path: '000000000000/{queue}',
    parameters: {
      'integration.request.querystring.Action': "'SendMessage'", 'integration.request.querystring.MessageBody': 'method.request.body.text',
      'integration.request.header.x-id': 'context.requestId', 'integration.request.path.queue': 'method.request.path.id', 'integration.request.header.x-none': 'method.request.header.none',
    },
    templates: { 'application/json': '#set($context.requestOverride.header.x-more = "m")#set($context.responseOverride.header.x-out = "o")' },
    responses: [{ ...DEFAULT, status: 201, parameters: { 'method.response.header.X-Why': 'integration.response.body.why', 'method.response.header.X-Query': 'method.request.querystring.q' }, templates: {
      'application/json': '#set($context.responseOverride.status = 202)$input.body',
    } }],
  });
  const reply = await gateway.request('POST /x?q=a%26b', { headers: json, body: '{"text":"a b"}', params: { id: '7%2Fa%20b' } });
  const { url, headers } = await reply.json();
  assert.deepEqual([reply.status, reply.header('x-out'), reply.header('x-why')], [202, 'o', 'x']);
  assert.equal(url, '/000000000000/7/a%20b?Action=SendMessage&MessageBody=a%20b');
  assert.deepEqual([headers['x-more'], headers['x-none'], typeof headers['x-id']], ['m', undefined, 'string']);
  const other = await gateway.request('POST /x', { headers: json, body: '{}', params: { id: '..%2Fother%2Fq' } });
  assert.deepEqual([other.status, await other.json()], [400, { message: 'Bad Request' }], 'a client does not choose what lies beside it');
  assert.match(headers.authorization, /^AWS4-HMAC-SHA256 Credential=KEY\/\d{8}\/eu-west-1\/sqs\/aws4_request, /);
});

test('the whole of a service is a path, too', async (t) => {
  await port(t);
  const { url } = await (await (await serve({ service: 's3', region: 'us-east-1', method: 'GET', path: '/' })).request('GET /x')).json();
  assert.equal(url, '/');
});

test('what cannot be mapped is the API\'s own error, and the log says why', async (t) => {
  await port(t, ({ body }) => ({ status: Number(body) || 200 }));
  const statusOf = async (integration, body = '{}', headers = json) => {
    const gateway = await serve({ ...bus, ...integration });
    const reply = await gateway.request('POST /x', { headers, body });
    return [reply.status, (await reply.json()).message, reply.logs.map(({ text }) => text.split('\n')[0])];
  };
  assert.deepEqual(await statusOf({ passthrough: 'NEVER' }), [415, 'Unsupported Media Type', ['no mapping template is for application/json']]);
  const forText = { templates: { 'text/plain': 'x' }, passthrough: 'WHEN_NO_TEMPLATES' };
  assert.equal((await statusOf(forText))[0], 415);
  assert.equal((await statusOf(forText, 'y', { 'content-type': 'Text/Plain; charset=utf-8' }))[0], 200);
  assert.deepEqual(await statusOf({ responses: [{ ...DEFAULT, pattern: '4..' }] }), [500, 'Internal server error', ['no integration response is for "200", and there is no default']]);
  const byStatus = { responses: [{ ...DEFAULT, pattern: '50\\d', status: 503 }, { ...DEFAULT, pattern: '(', status: 1 }, DEFAULT] };
  assert.equal((await statusOf(byStatus, '502'))[0], 503);
  assert.equal((await statusOf(byStatus, '404'))[0], 200);
  const broken = await statusOf({ templates: { 'application/json': '#if(' } });
  assert.deepEqual(broken.slice(0, 2), [500, 'Internal server error']);
  assert.equal((await statusOf({ templates: { 'application/json': '$input.path("$.a")' } }, '{"a":{"toString":{"toString":null}}}'))[0], 500);
});

test('parameters of an HTTP API are references, texts, and texts with references in them', async (t) => {
  await port(t);
  const parameters = {
    QueueUrl: 'https://q/jobs', MessageBody: '$request.body', MessageGroupId: 'shop.$request.path.id.', MessageDeduplicationId: '${request.querystring.q}-$context.routeKey', DelaySeconds: '5',
    MessageAttributes: '{"a":{"DataType":"String","StringValue":"${request.header.X-A} costs $5"}}', Region: 'eu-west-1',
  };
  const gateway = await serve({ subtype: 'SQS-SendMessage', region: 'us-east-1', parameters }, { api: 'http', route_key: 'POST /x' });
  const reply = await gateway.request('POST /x?q=1&q=2', { headers: { ...json, 'x-a': 'A' }, body: '{"n":1}', params: { id: '7' } });
  const { body, headers } = await reply.json();
  assert.deepEqual(Object.fromEntries(new URLSearchParams(body)), {
    Action: 'SendMessage', QueueUrl: 'https://q/jobs', MessageBody: '{"n":1}', MessageGroupId: 'shop.7.', MessageDeduplicationId: '1,2-POST /x', DelaySeconds: '5',
    'MessageAttribute.1.Name': 'a', 'MessageAttribute.1.Value.DataType': 'String', 'MessageAttribute.1.Value.StringValue': 'A costs $5',
  });
  assert.match(headers.authorization, /eu-west-1\/sqs/);
});
