'use strict';

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync, fork } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

let folder;
let inC;

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bootstrap-'));
  fs.chmodSync(folder, 0o755);
  inC = path.join(folder, 'in-c');
  execFileSync('cc', ['-std=gnu17', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-O1', '-o', inC,
    path.join(__dirname, 'fixtures/bootstrap.c')]);
});

after(() => fs.rmSync(folder, { recursive: true, force: true }));

let scripts = 0;

function shell(text) {
  const file = path.join(folder, `shell-${++scripts}`);
  fs.writeFileSync(file, `#!/bin/sh\nset -eu\n${text}`, { mode: 0o755 });
  return file;
}

/* The loop of the AWS tutorial. */
const looping = (body) => shell(`
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
HEADERS="$(mktemp)"
trap 'rm -f "$HEADERS"' EXIT
header() { grep -Fi "$1" "$HEADERS" | tr -d '\\r' | cut -d ' ' -f 2-; }
while true; do
  EVENT=$(curl -sS -L -D "$HEADERS" "$API/invocation/next")
  ID=$(header Lambda-Runtime-Aws-Request-Id:)
  ${body}
done
`);

/* An instance in a process of its own. */
async function start(t, executable, settings = {}) {
  const child = fork(path.join(__dirname, 'bootstrap_box.js'), [executable, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execPath: process.execPath,
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 2000).unref();
    await exited;
  });
  const pending = new Map();
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line);
    pending.get(answer.id)?.(answer);
  });
  await new Promise((resolve) => child.once('message', resolve));
  let ids = 0;
  return {
    exited,
    request(line, options = {}) {
      const id = ++ids;
      const { promise, resolve } = Promise.withResolvers();
      pending.set(id, resolve);
      child.send({ id, line, options });
      return promise;
    },
  };
}

const invoke = { invoke: true };
const header = ({ headers }, name) => headers[headers.indexOf(name) + 1];

test('a runtime in shell answers a function URL, again and again', async (t) => {
  const box = await start(t, looping(`
  BODY=$(printf '%s' "$EVENT" | sed 's/.*"rawPath":"\\([^"]*\\)".*/\\1/')
  echo "handling $BODY"
  curl -sS -X POST "$API/invocation/$ID/response" -d "{\\"statusCode\\":200,\\"headers\\":{\\"content-type\\":\\"text/plain\\"},\\"body\\":\\"path $BODY\\"}" > /dev/null`));
  const first = await box.request('GET /one', { untilLog: 'handling /one' });
  assert.equal(first.status, 200);
  assert.equal(header(first, 'content-type'), 'text/plain');
  assert.equal(first.body, 'path /one');
  assert.ok(first.logs.includes('handling /one'));
  const second = await box.request('GET /two');
  assert.equal(second.body, 'path /two');
});

test('one invocation at a time, in their order', async (t) => {
  const box = await start(t, looping(`
  curl -sS -X POST "$API/invocation/$ID/response" -d "$EVENT" > /dev/null`), invoke);
  const answers = await Promise.all([1, 2, 3].map((n) => box.request('POST /', { body: `{"n":${n}}` })));
  assert.deepEqual(answers.map(({ body }) => JSON.parse(body).n), [1, 2, 3]);
});

test('the documented headers and environment are there', async (t) => {
  const box = await start(t, looping(`
  [ "$(header Lambda-Runtime-Deadline-Ms:)" -gt "$(date +%s)000" ]
  RESULT="$ID|$(header Lambda-Runtime-Invoked-Function-Arn:)|$(header Lambda-Runtime-Trace-Id:)|$(header Lambda-Runtime-Client-Context:)|$_HANDLER|$AWS_LAMBDA_FUNCTION_NAME|$LAMBDA_TASK_ROOT|$AWS_LAMBDA_FUNCTION_MEMORY_SIZE|\${AWS_EXECUTION_ENV-none}|$PWD"
  curl -sS -X POST "$API/invocation/$ID/response" -d "$RESULT" > /dev/null`), invoke);
  const reply = await box.request('POST /', {
    body: '{}', requestId: 'req-x', timeoutMs: 30_000,
    headers: { 'x-amz-client-context': Buffer.from('{"a":"b"}').toString('base64') },
  });
  const [id, arn, trace, context, handler, name, root, memory, execution, cwd] = reply.body.split('|');
  assert.equal(id, 'req-x');
  assert.equal(arn, 'arn:aws:lambda:us-east-1:000000000000:function:custom');
  assert.match(trace, /^Root=1-0af76519-/);
  assert.equal(context, '{"a":"b"}');
  assert.deepEqual([handler, name, root, memory, execution], ['my.handler', 'custom', '/var/task', '128', 'none']);
  assert.equal(cwd, folder);
});

test('an event is handed on to the byte', async (t) => {
  const box = await start(t, looping(`
  curl -sS -X POST "$API/invocation/$ID/response" -d "$EVENT" > /dev/null`), invoke);
  const body = '{ "id": 12345678901234567890,  "x": 1.10 }';
  assert.equal((await box.request('POST /', { body })).body, body);
});

test('time runs from when an event is handed out, not while the executable starts', async (t) => {
  const slow = (seconds) => shell(`sleep ${seconds}
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
HEADERS="$(mktemp)"
while true; do
  EVENT=$(curl -sS -D "$HEADERS" "$API/invocation/next")
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id: "$HEADERS" | tr -d '\\r' | cut -d ' ' -f 2-)
  [ "$EVENT" = '"stop"' ] && sleep 60
  curl -sS -X POST "$API/invocation/$ID/response" -d "$EVENT" > /dev/null
done
`);
  let seconds = 1;
  let box;
  for (;; seconds *= 2) {
    box = await start(t, slow(seconds + 1), { ...invoke, timeoutMs: seconds * 1000 });
    const { body } = await box.request('POST /', { body: '"go"' });
    if (body === '"go"') {
      break;
    }
    assert.ok(seconds < 16, body); /* a busy machine takes its time for a dozen programs */
  }
  const late = await box.request('POST /', { body: '"stop"', requestId: 'r-7' });
  assert.deepEqual(JSON.parse(late.body), {
    errorType: 'Sandbox.Timedout', errorMessage: `RequestId: r-7 Error: Task timed out after ${seconds}.00 seconds`,
  });
  assert.equal(await box.exited, 1);
});

test('results that are no JSON pass as they are', async (t) => {
  const box = await start(t, looping(`
  curl -sS -X POST "$API/invocation/$ID/response" -d 'Echoing request' > /dev/null`));
  const reply = await box.request('GET /');
  assert.deepEqual([reply.status, reply.body], [200, 'Echoing request']);
});

test('a runtime in C answers, streams, and tells errors', async (t) => {
  const url = await start(t, inC);
  const made = await url.request('GET /?mode=plain');
  assert.deepEqual([made.status, header(made, 'x-from'), made.body], [201, 'c', 'made in C']);
  const streamed = await url.request('GET /?mode=stream');
  assert.deepEqual([streamed.status, header(streamed, 'x-from'), streamed.body], [206, 'c', 'onetwo']);
  const broken = await url.request('GET /?mode=break');
  assert.equal(broken.status, 206);
  assert.equal(broken.failure.midway, true);
  assert.deepEqual([broken.failure.errorType, broken.failure.errorMessage], ['Broken', 'midway']);
  const failed = await url.request('GET /?mode=error');
  assert.deepEqual([failed.failure.errorType, failed.failure.errorMessage], ['C.Error', 'as asked']);
  assert.equal((await url.request('GET /')).status, 201);

  const api = await start(t, inC, invoke);
  const told = await api.request('POST /', { body: '"mode=error"' });
  assert.equal(told.status, 200);
  assert.equal(header(told, 'x-amz-function-error'), 'Unhandled');
  assert.deepEqual(JSON.parse(told.body), { errorType: 'C.Error', errorMessage: 'as asked', stackTrace: ['here'] });
  const bytes = await api.request('POST /', { body: '"mode=stream"' });
  assert.match(bytes.body, /^\{"statusCode":206.*\}\0{8}onetwo$/);
});

test('its death is told to whoever waits, and ends the instance', async (t) => {
  const cases = [
    ['exit', 'Runtime exited with error: exit status 7'],
    ['crash', 'Runtime exited with error: signal: aborted'],
  ];
  for (const [mode, reason] of cases) {
    const box = await start(t, inC, invoke);
    const answers = await Promise.all([
      box.request('POST /', { body: `"mode=${mode}"`, requestId: 'r-1' }),
      box.request('POST /', { body: '"next"', requestId: 'r-2' }),
    ]);
    answers.forEach(({ status, body }, i) => {
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body), {
        errorType: 'Runtime.ExitError', errorMessage: `RequestId: r-${i + 1} Error: ${reason}`,
      });
    });
    assert.equal(await box.exited, 1);
  }
});

test('one that ends well without a word has given no reason', async (t) => {
  const box = await start(t, looping('exit 0'), invoke);
  const reply = await box.request('POST /', { body: '{}', requestId: 'r' });
  assert.equal(JSON.parse(reply.body).errorMessage, 'RequestId: r Error: Runtime exited without providing a reason');
});

test('an init error is what the first invocation gets', async (t) => {
  const box = await start(t, shell(`
sleep 0.2
curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error" -H 'Lambda-Runtime-Function-Error-Type: Runtime.NoConfig' -d '{"errorMessage":"no configuration"}' > /dev/null
exit 1
`), invoke);
  const reply = await box.request('POST /', { body: '{}' });
  const { errorType, errorMessage } = JSON.parse(reply.body);
  assert.deepEqual([errorType, errorMessage], ['Runtime.NoConfig', 'no configuration']);
});

test('what is no executable is said so', async (t) => {
  const plain = path.join(folder, 'plain');
  fs.writeFileSync(plain, 'just text', { mode: 0o644 });
  for (const file of [plain, path.join(folder, 'absent'), folder]) {
    const box = await start(t, file, invoke);
    const { errorType, errorMessage } = JSON.parse((await box.request('POST /', { body: '{}' })).body);
    assert.equal(errorType, 'Runtime.InvalidEntrypoint');
    assert.ok(errorMessage.includes(file));
  }
  const garbage = path.join(folder, 'garbage');
  fs.writeFileSync(garbage, Buffer.from([0x7f, 0x45, 0, 1]), { mode: 0o755 });
  const box = await start(t, garbage, invoke);
  const { errorType } = JSON.parse((await box.request('POST /', { body: '{}' })).body);
  assert.equal(errorType, 'Runtime.InvalidEntrypoint');
});

test('the Runtime API refuses what makes no sense', async (t) => {
  const box = await start(t, looping(`
  try() { curl -s -o /dev/null -w '%{http_code} ' "$@"; }
  CODES="$(try "$API/invocation/next")$(try -X POST "$API/invocation/other/response" -d 1)$(try -X POST "$API/invocation/next" -d 1)$(try "$API/nothing")$(try "http://$AWS_LAMBDA_RUNTIME_API/")$(try "$API/invocation/$ID/response")$(try -X POST "$API/invocation/%zz/response" -d 1)"
  curl -sS -X POST "$API/invocation/$ID/response" -d "\\"$CODES\\"" > /dev/null
  AGAIN=$(try -X POST "$API/invocation/$ID/response" -d 2)
  [ "$AGAIN" = '400 ' ] || exit 9`), invoke);
  const reply = await box.request('POST /', { body: '{}' });
  assert.equal(JSON.parse(reply.body).trim(), '403 400 405 404 404 405 400');
  assert.equal((await box.request('POST /', { body: '{}' })).status, 200);
});

test('an answer that is too large is an error, and the runtime lives on', async (t) => {
  const box = await start(t, looping(`
  if [ "$EVENT" = 1 ]; then
    head -c 6300000 /dev/zero | tr '\\0' a | curl -sS -X POST "$API/invocation/$ID/response" --data-binary @- > /dev/null
  else
    curl -sS -X POST "$API/invocation/$ID/response" -d '"fine"' > /dev/null
  fi`), invoke);
  const large = await box.request('POST /', { body: '1' });
  assert.equal(JSON.parse(large.body).errorType, 'Function.ResponseSizeTooLarge');
  assert.equal((await box.request('POST /', { body: '2' })).body, '"fine"');
});

test('a process of another user cannot speak to the Runtime API', async (t) => {
  /* Only root can become somebody else; for others the question is whether they are let in. */
  const isRoot = process.getuid() === 0;
  const box = await start(t, looping(`
  OTHER=$(${isRoot ? 'setpriv --reuid=65534 --regid=65534 --clear-groups ' : ''}curl -s -o /dev/null -w '%{http_code}' "$API/nothing" || true)
  curl -sS -X POST "$API/invocation/$ID/response" -d "\\"$OTHER\\"" > /dev/null`), invoke);
  const reply = await box.request('POST /', { body: '{}' });
  assert.equal(JSON.parse(reply.body), isRoot ? '000' : '404');
});
