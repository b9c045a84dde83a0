/* What a stack trace shows: the user's files and lines, and nothing of the machine or of the platform. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ROOT, startPlatform } from './harness.js';

const DEEP = `interface Cup { tea: string }

export function brew(cup?: Cup): string {
  return cup!.tea;
}\n`;

const ROUTE = `import { brew } from '../../../lib/deep';
type Answer = Response;
export const GET = (): Answer => new Response(brew());
export const POST = (): Answer => { try { brew(); } catch (error) { console.error('caught', error); } return new Response(); };\n`;

const PLACED = `interface Nothing {}
const here: string = import.meta.url;
export async function GET() {
  await (null as Nothing | null);
  throw new Error('at ' + here);
}\n`;

const AWAITING = `interface Late { n: number }
const late: Late = await Promise.resolve({ n: 1 });
export default { async fetch(): Promise<Response> {
  throw new RangeError('late ' + late.n);
} };\n`;

const html = { headers: { accept: 'text/html' } };

function assertNothingOfOurs(platform) {
  const said = platform.records.filter(({ type }) => type === 'log').map(({ text }) => text).join('\n');
  assert.ok(!said.includes(ROOT) && !said.includes('runtime/js'), said);
  assert.ok(!said.includes('___mayfly'), said);
}

test('a handler that throws is shown by its file and line, in the answer and in the log', async (t) => {
  const platform = await startPlatform(t, { files: { 'app/api/x/route.ts': ROUTE, 'lib/deep.ts': DEEP } });
  const answer = await platform.get('/api/x', html);
  assert.equal(answer.status, 500);
  assert.match(answer.text, /brew \(\/var\/task\/lib\/deep\.ts:4:\d+\)/);
  assert.match(answer.text, /app\/api\/x\/route\.ts:3:\d+/);
  const log = await platform.log('Cannot read properties of undefined');
  const lines = log.text.split('\n');
  assert.equal(lines.length, 3, log.text);
  assert.match(lines[1], /^    at brew \(\/var\/task\/lib\/deep\.ts:4:15\)$/);
  assert.match(lines[2], /^    at GET \(\/var\/task\/app\/api\/x\/route\.ts:3:\d+\)$/);

  await platform.post('/api/x', 'x');
  const caught = await platform.log('caught');
  assert.match(caught.text, /route\.ts:4:/);
  assertNothingOfOurs(platform);
});

test('so is one in a file that asks for its own place, in an ES module, in a worker and in a Lambda function', async (t) => {
  const functions = { f: { handler: 'f.handler', runtime: 'nodejs24.x', url: true } };
  const platform = await startPlatform(t, {
    files: {
      'api/placed.ts': PLACED, 'api/module.mts': PLACED, 'w/worker.ts': AWAITING,
      'wrangler.toml': 'name = "w"\nmain = "w/worker.ts"\nroutes = ["*/late"]\n',
      'f.ts': `import { brew } from './lib/deep';\nexport const handler = async (): Promise<string> => brew();\n`, 'lib/deep.ts': DEEP,
      'mayfly.json': JSON.stringify({ functions }),
    },
  });
  const wanted = {
    '/api/placed': /GET \(\/var\/task\/api\/placed\.ts:5:9\)/,
    '/api/module': /GET \(\/var\/task\/api\/module\.mts:5:9\)/,
    '/late': /fetch \(\/var\/task\/w\/worker\.ts:4:9\)/,
  };
  for (const [target, frame] of Object.entries(wanted)) {
    const from = platform.records.length;
    await platform.get(target);
    assert.match((await platform.log(/Error: (at|late)/, { from })).text, frame);
  }
  const invoked = await platform.post('/2015-03-31/functions/f/invocations', {});
  assert.match(invoked.json.trace.join('\n'), /brew \(\/var\/task\/lib\/deep\.ts:4:15\)\n.*f\.ts:2:/);
  assertNothingOfOurs(platform);
});

test('a module that throws when it is loaded is shown by its file and line', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'api/x.ts': 'interface A {}\nconst map: Record<string, A> = {};\n(map.none as any).call();\nexport const GET = () => new Response();\n' },
  });
  await platform.get('/api/x');
  const log = await platform.log('Cannot read properties of undefined');
  assert.match(log.text, /\/var\/task\/api\/x\.ts:3:19/);
});
