/* A function's limit of memory is for all that it runs, also where an ordinary user may make no control groups. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { compile } from './faults_project.js';
import { eventually, startPlatform } from './harness.js';

const USER = 1900200002; /* nobody else's: what goes wrong here may end every process of its user */
const MEMORY_MB = 160;
const LINGER_S = 120; /* so long a process keeps what it has taken, unless it is ended: longer than anybody waits here */

const TAKER = `
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    size_t bytes = (strtoul(argv[2], NULL, 10) << 20) + 1;
    int how = strcmp(argv[1], "shared") == 0 ? MAP_SHARED : MAP_PRIVATE;
    if (strcmp(argv[1], "daemon") == 0) {
        if (fork() > 0) return 0;
        setsid();
        if (fork() > 0) return 0;
    }
    if (strcmp(argv[1], "starts") == 0) {
        memset(malloc(bytes), 1, bytes);
        if (vfork() == 0) {
            sleep(2);
            _exit(0);
        }
        return 0;
    }
    memset(mmap(NULL, bytes, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0), 1, bytes);
    sleep(argc > 3 ? 0 : ${LINGER_S});
    return 0;
}`;

const files = () => ({
  'mayfly.json': JSON.stringify({
    functions: {
      taker: { handler: 'taker.handler', runtime: 'nodejs24.x', memory: MEMORY_MB, timeout: LINGER_S },
    },
  }),
  'taker.js': `
    const { spawn } = require('node:child_process');
    const { taker } = require('taker');
    exports.handler = ({ how, megabytes, count }) => new Promise((done) => {
      for (let i = 0; i < count; i += 1) spawn(taker, [how, String(megabytes), ...(megabytes ? [] : ['0'])]).on('exit', () => done('let go'));
    });`,
  'package.json': '{ "name": "memory", "type": "commonjs", "dependencies": { "taker": "1.0.0" } }',
  'node_modules/taker/package.json': '{ "name": "taker", "version": "1.0.0", "main": "index.js" }',
  'node_modules/taker/index.js': 'exports.taker = `${__dirname}/taker`;\n',
  'node_modules/taker/taker': compile(TAKER, '-static'),
});

const invoke = async (platform, name, event) => (await platform.post(`/2015-03-31/functions/${name}/invocations`, event)).json;
const invoked = (name) => (record) => record.path === `/2015-03-31/functions/${name}/invocations`;

for (const [what, how, megabytes, count] of [
  ['one process', 'private', 2 * MEMORY_MB, 1],
  ['several processes together', 'private', MEMORY_MB / 2, 4],
  ['memory that processes share', 'shared', 2 * MEMORY_MB, 1],
]) {
  test(`a function ends that has taken too much by ${what}`, async (t) => {
    const platform = await startPlatform(t, { user: USER, files: files() });
    await invoke(platform, 'taker', { how, megabytes, count });
    assert.equal((await platform.usage(invoked('taker'))).outcome, 'memory');
    await platform.log(`exceeded its memory limit of ${MEMORY_MB} MB`);
    await eventually(() => !platform.processes().some(({ title }) => title.includes('/taker ')), 'what it has started is there still');
  });
}

test('a function ends whose daemons have taken too much', async (t) => {
  const platform = await startPlatform(t, { user: USER, files: files() });
  await invoke(platform, 'taker', { how: 'daemon', megabytes: MEMORY_MB / 2, count: 4 });
  await eventually(() => !platform.processes().some(({ title }) => title.includes('/taker ')), 'they are there still');
  assert.equal(await invoke(platform, 'taker', { how: 'private', megabytes: 0, count: 1 }).then(() => 'answers'), 'answers');
});

/* kcmp(2) tells the two apart; Docker's filter has it denied. */
const DENY = `
#include <errno.h>
#include <seccomp.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kcmp), 0) || seccomp_load(filter);
    return r == 0 ? execv(argv[1], argv + 1) : r;
}`;

for (const where of ['', ', also where nobody may compare processes']) {
  test(`a program that is about to be started takes nothing yet${where}`, async (t) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-deny-'));
    t.after(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o755);
    writeFileSync(path.join(folder, 'deny'), compile(DENY, '-Wl,--no-as-needed', '-lseccomp').program, { mode: 0o755 });
    const platform = await startPlatform(t, { user: USER, files: files(), through: where ? [path.join(folder, 'deny')] : [] });
    assert.equal(await invoke(platform, 'taker', { how: 'starts', megabytes: MEMORY_MB / 2, count: 1 }), 'let go');
  });
}
