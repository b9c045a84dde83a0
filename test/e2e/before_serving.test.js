/* What a function does before it serves: while it loads, and where it cannot be forked, until it is an instance. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually, runMayfly, startPlatform } from './harness.js';

const invoke = (platform, name) => platform.post(`/2015-03-31/functions/${name}/invocations`, {});

const GLUTTON = `
const kept = [];
while (kept.length < 100) {
  kept.push(Buffer.alloc(8 << 20, 1));
  await new Promise((done) => setTimeout(done, 20));
}
export const handler = async () => 'full';
`;

test('memory is limited while a function loads, too', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'package.json': '{ "type": "module" }',
      'mayfly.json': JSON.stringify({ functions: { glutton: { handler: 'glutton.handler', memory: 128 } } }),
      'glutton.js': GLUTTON,
    },
  });
  const failed = await platform.record((record) => record.type === 'function' && !record.loaded);
  assert.match(failed.reason, /exceeded its memory limit of 128 MB while loading/);
});

const PARENT = `
const { spawnSync } = require('node:child_process');
const child = spawnSync(process.execPath, ['-e', 'for (const kept = []; kept.length < 60;) kept.push(Buffer.alloc(8 << 20, 1))']);
exports.handler = async () => child.signal;
`;

test('so is that of what it starts then', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'mayfly.json': JSON.stringify({ functions: { parent: { handler: 'parent.handler', memory: 128, tmp: 16 } } }),
      'parent.js': PARENT,
    },
  });
  const limited = !/MISSING +memory limit/.test((await runMayfly(['doctor'])).stdout);
  const load = await platform.record((record) => record.type === 'function');
  /* Version 2 of control groups ends all of a group, version 1 the largest of it. */
  if (load.loaded) {
    assert.equal((await invoke(platform, 'parent')).json, limited ? 'SIGKILL' : null);
  } else {
    assert.match(load.reason, /exceeded its memory limit of 128 MB while loading/);
  }
});

/* A watcher cannot be forked; it waits in its event loop to become an instance, and that stands still. */
const STUCK = `
require('node:fs').watch('/tmp');
process.once('SIGUSR2', () => { for (;;); });
exports.handler = async () => process.title;
`;

test('what is stuck before it has become an instance is killed when its request times out', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'mayfly.json': JSON.stringify({ functions: { stuck: { handler: 'stuck.handler', timeout: 1 } } }), 'stuck.js': STUCK },
  });
  const { pid } = await platform.process(/zygote .*stuck/);
  process.kill(pid, 'SIGUSR2');
  await eventually(() => platform.processes().some((one) => one.pid === pid && one.state === 'R'), 'it does not spin');
  assert.equal((await invoke(platform, 'stuck')).json.errorType, 'Sandbox.Timedout');
  await eventually(() => !platform.processes().some((one) => one.pid === pid), 'it still spins');
  assert.match((await invoke(platform, 'stuck')).text, /instance/);
});
