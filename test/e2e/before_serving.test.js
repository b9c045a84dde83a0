/* What a function does before it serves: while it loads, and where it cannot be forked, until it is an instance. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { compile } from './faults_project.js';
import { eventually, ROOT, runMayfly, startPlatform } from './harness.js';

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

/* What an addon has registered with pthread_atfork() runs before all else in each new instance, which has no control group
 * of its own then. */
const AT_FORK = `
#include <node_api.h>
#include <pthread.h>
#include <unistd.h>
static int armed = 1;
static void in_child(void)
{
    if (armed && vfork() == 0) {
        execl("/bin/sleep", "sleep", "4321", (char *)0);
        _exit(1);
    }
    armed = 0;
}
NAPI_MODULE_INIT()
{
    (void)env;
    (void)pthread_atfork(NULL, NULL, in_child);
    return exports;
}`;

/** How much memory the control groups of a process let it have, itself and all that is in them. */
function memoryLimitMegabytes(pid) {
  const limits = readFileSync(`/proc/${pid}/cgroup`, 'latin1').split('\n').flatMap((line) => {
    const [, group] = /^\d+:(?:memory)?:(.*)$/.exec(line) ?? [];
    const files = ['memory/', 'unified/', ''].flatMap((place) => ['memory.max', 'memory.limit_in_bytes'].map((file) => `/sys/fs/cgroup/${place}${group}/${file}`));
    return files.filter((file) => group && existsSync(file)).map((file) => Number(readFileSync(file, 'latin1').replace('max', 'Infinity')));
  });
  return Math.min(...limits) / 2 ** 20;
}

test('so is that of what is born before its instance has limits of its own', async (t) => {
  if (/MISSING +memory limit/.test((await runMayfly(['doctor'])).stdout)) return; /* only what is looked at is limited there */
  const include = `-I${path.join(ROOT, 'node_modules/node-api-headers/include')}`;
  const platform = await startPlatform(t, {
    files: {
      'package.json': '{ "dependencies": { "hog": "1.0.0" } }',
      'mayfly.json': JSON.stringify({ functions: { forker: { handler: 'forker.handler', memory: 128, tmp: 16 } } }),
      'forker.js': "require('hog');\nexports.handler = async () => 'served';\n",
      'node_modules/hog/package.json': '{ "name": "hog", "version": "1.0.0", "main": "hog.node" }',
      'node_modules/hog/hog.node': compile(AT_FORK, '-shared', '-fPIC', include),
    },
  });
  assert.equal((await invoke(platform, 'forker')).json, 'served');
  const { pid } = await platform.process('sleep 4321');
  const limit = memoryLimitMegabytes(pid);
  assert.ok(limit <= 128 + 16 + 1024, `${limit} MB`);
});
