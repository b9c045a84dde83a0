import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './harness.js';

/* A project in five dialects whose handlers do what a function should not: `?fault=NAME` says what. Those called brief
 * may take a second; the others have the time to run into what they run into. */

/** What every function may use and send at most. */
export const MEMORY_MB = 80;
export const TMP_MB = 16;
export const BODY_BYTES = 100_000;

const FAULTS = `
import { execFile } from 'node:child_process';
import fs from 'node:fs';

const never = () => new Promise(() => setInterval(() => {}, 1000));

const survived = () => new Promise((done) => setTimeout(() => done({ survived: true }), 300));

const faults = {
  ok: () => ({ ok: true }),
  slow: () => new Promise((done) => { console.log('slow has begun'); setTimeout(() => done({ slow: true }), 600); }),
  after() { setTimeout(() => console.log('said afterwards'), 100); return { ok: true }; },
  throw() { throw new Error('boom'); },
  reject: () => { Promise.reject(new Error('not handled')); return survived(); },
  uncaught: () => { setTimeout(() => { throw new Error('late boom'); }, 10); return survived(); },
  exit: () => process.exit(3),
  abort: () => process.abort(),
  native: async () => (await import('crasher')).default.crash(),
  loop() { console.log('spins'); for (;;); },
  never,
  late: () => new Promise(() => setTimeout(() => console.log('late effect'), 1500)),
  oom() { for (const kept = []; ; ) kept.push(Buffer.alloc(1 << 20, 1)); },
  heap() { for (const kept = []; ; ) kept.push(new Array(10_000).fill(1.5)); },
  big: () => ({ text: 'x'.repeat(${BODY_BYTES + 1}) }),
  full() {
    let megabytes = 0;
    try {
      for (; ; megabytes++) fs.appendFileSync('/tmp/full', Buffer.alloc(1 << 20));
    } catch (error) {
      return { megabytes, code: error.code };
    } finally {
      fs.rmSync('/tmp/full');
    }
  },
  bomb: async () => {
    const { bomb } = (await import('crasher')).default;
    return new Promise((done) => { execFile(bomb).on('error', (error) => done({ error: String(error) })); });
  },
  aborted: ({ signal }) => new Promise((done) => {
    console.log('waits');
    const work = setInterval(() => {}, 1000); /* a worker that has nothing to do is told that it hangs */
    signal.addEventListener('abort', () => {
      clearInterval(work);
      console.log('client gone: ' + signal.reason.name);
      done({ late: true });
    });
  }),
};

export function fault(name, request) {
  return Object.hasOwn(faults, name) ? faults[name](request) : { unknown: name };
}
`;

const WEB = `
const answer = async (request) => Response.json(await fault(new URL(request.url).searchParams.get('fault'), request));
`;

const web = (depth, how) => `import { fault } from '${depth}lib/faults.js';\n${WEB}${how}\n`;

const LAMBDA = `
import { fault } from '../lib/faults.js';
export const handler = async (event) => fault(event.queryStringParameters?.fault ?? event.fault);
`;

const lambda = (name, timeout) => `
resource "aws_lambda_function" "${name}" {
  function_name = "${name}"
  handler       = "lambda/${name}.handler"
  runtime       = "nodejs22.x"
  filename      = "${name}.zip"
  timeout       = ${timeout}
}
resource "aws_lambda_function_url" "${name}" {
  function_name      = aws_lambda_function.${name}.function_name
  authorization_type = "NONE"
}
`;

export function compile(code, ...flags) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-cc-'));
  try {
    const program = path.join(folder, 'program');
    execFileSync('cc', ['-O1', ...flags, '-x', 'c', '-o', program, '-'], { input: code });
    return { program: readFileSync(program) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/* Forks for as long as it may, and so does each child. That they rest then is for this machine's sake. */
const BOMB = '#include <unistd.h>\nint main(void) { for (;;) { if (fork() < 0) pause(); } }';

const CRASHER = `
#include <node_api.h>
static napi_value crash(napi_env env, napi_callback_info info)
{
    (void)env, (void)info;
    return *(napi_value *volatile)16;
}
NAPI_MODULE_INIT()
{
    napi_value function;
    napi_create_function(env, "crash", NAPI_AUTO_LENGTH, crash, 0, &function);
    napi_set_named_property(env, exports, "crash", function);
    return exports;
}
`;

export const files = () => ({
  'lib/faults.js': FAULTS,
  'mayfly.json': JSON.stringify({
    tmp: TMP_MB, memory: MEMORY_MB, bodyMaxBytes: BODY_BYTES, responseMaxBytes: BODY_BYTES,
    functions: { 'netlify/functions/brief.mjs': { timeout: 1 }, 'lambda/roomy': { memory: 1024 } },
  }),
  'vercel.json': JSON.stringify({
    functions: {
      'api/vercel.js': { maxDuration: 30 },
      'api/brief.js': { maxDuration: 1 },
      'api/spins.js': { maxDuration: 5 },
    },
  }),
  'api/vercel.js': web('../', 'export const GET = answer, POST = answer;'),
  'api/brief.js': web('../', 'export const GET = answer;'),
  'api/spins.js': web('../', 'export const GET = answer;'),
  'app/next/route.js': web('../../', 'export const GET = answer, POST = answer, maxDuration = 30;'),
  'app/brief/route.js': web('../../', 'export const GET = answer, maxDuration = 1;'),
  'netlify/functions/faulty.mjs': web('../../', 'export default answer;'),
  'netlify/functions/brief.mjs': web('../../', 'export default answer;'),
  'main.tf': `${lambda('faulty', 30)}${lambda('brief', 1)}${lambda('bystander', 30)}${lambda('roomy', 60)}`,
  'lambda/faulty.js': LAMBDA,
  'lambda/brief.js': LAMBDA,
  'lambda/roomy.js': LAMBDA,
  'lambda/bystander.js': 'export const handler = async () => "unharmed";\n',
  'edge/wrangler.jsonc': '{ "name": "edge", "main": "worker.js", "routes": ["edge.localhost/*"] }',
  'edge/worker.js': web('../', 'export default { fetch: answer };'),
  'spinner/wrangler.jsonc': '{ "name": "spinner", "main": "worker.js", "routes": ["spinner.localhost/*"], "limits": { "cpu_ms": 400 } }',
  'spinner/worker.js': web('../', 'export default { fetch: answer };'),
  'package.json': '{ "name": "faults", "type": "module", "dependencies": { "crasher": "1.0.0" } }',
  'node_modules/crasher/package.json': '{ "name": "crasher", "version": "1.0.0", "main": "index.js" }',
  'node_modules/crasher/index.js': "module.exports = { ...require('./crasher.node'), bomb: `${__dirname}/bomb` };\n",
  'node_modules/crasher/bomb': compile(BOMB, '-static'),
  'node_modules/crasher/crasher.node': compile(CRASHER, '-shared', '-fPIC', `-I${path.join(ROOT, 'node_modules/node-api-headers/include')}`),
});
