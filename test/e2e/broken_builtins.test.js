/* A function that breaks a built-in (`Array.prototype.push = null`) has broken everything in its process. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const BREAKS = [
  'Array.prototype.push = null', 'Array.prototype[Symbol.iterator] = null', 'String.prototype.split = () => { throw 1; }', 'globalThis.Promise = null',
  'delete RegExp.prototype.exec', 'JSON.parse = null', 'globalThis.Buffer = null', 'Function.prototype.bind = null', 'Date.now = null',
  'globalThis.setTimeout = null', 'globalThis.process = null', 'Object.prototype.then = () => {}', 'Set.prototype.has = null', 'globalThis.URL = null',
];

const files = {
  'mayfly.json': JSON.stringify({ functions: { breaker: { handler: 'breaker.handler', runtime: 'nodejs24.x', timeout: 5 } } }),
  'breaker.js': 'exports.handler = async ({ code }) => { eval(code); return { well: true }; };',
  'package.json': '{}',
  'vercel.json': '{}',
  'api/breaker.js': 'module.exports = (req, res) => { eval(req.headers["x-code"]); res.json({ well: true }); };',
};

const DIALECTS = {
  lambda: (platform, code) => platform.post('/2015-03-31/functions/breaker/invocations', { code }),
  vercel: (platform, code) => platform.get('/api/breaker', { headers: { 'x-code': code } }),
};

test('a function that breaks what all code needs serves again after one failure at most', async (t) => {
  const platform = await startPlatform(t, { files });
  for (const [dialect, ask] of Object.entries(DIALECTS)) {
    for (const code of BREAKS) {
      const what = `${dialect}: ${code}`;
      await ask(platform, code); /* may answer yet */
      const answers = [];
      for (let i = 0; i < 4; i++) {
        answers.push(await ask(platform, ''));
      }
      answers.slice(1).forEach(({ status, text }) => assert.deepEqual([status, text], [200, '{"well":true}'], what));
    }
  }
  const told = platform.records.find(({ type, text }) => type === 'log' && /has broken a built-in of JavaScript or Node.js \(Array\)/.test(text));
  assert.ok(told, 'it is not said');
});
