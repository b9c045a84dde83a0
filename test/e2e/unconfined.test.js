/* Where the kernel lets an ordinary user make no namespaces, as Ubuntu's does and containers do, and where it has no Landlock. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { compile } from './faults_project.js';
import { eventually, identify, isAlive, startPlatform } from './harness.js';

const USER = 1900200001; /* nobody else's: what goes wrong here may end every process of its user */

const DENY = `
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct scmp_arg_cmp user = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
    (void)prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN); /* of root: as a container's, which may mount nothing */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0) ||
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, user) ||
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, user) || seccomp_load(filter);
    return r == 0 ? execv(argv[1], argv + 1) : r;
}
`;

/** The path of a program that has what it is to become do without. */
function denier(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-deny-'));
  t.after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const file = path.join(folder, 'deny');
  writeFileSync(file, compile(DENY, '-Wl,--no-as-needed', '-lseccomp').program, { mode: 0o755 });
  return file;
}

test('functions of an ordinary user run without namespaces, and nothing else of that user ends with them', async (t) => {
  const other = spawn('sleep', ['1000'], { uid: USER, gid: USER });
  t.after(() => other.kill());
  const platform = await startPlatform(t, {
    user: USER,
    through: [denier(t)],
    files: {
      'mayfly.json': JSON.stringify({ functions: { hello: { handler: 'hello.handler', runtime: 'nodejs24.x', idleSeconds: 0.2 } } }),
      'hello.js': "exports.handler = async () => 'hello';",
    },
  });
  const invoke = async () => (await platform.post('/2015-03-31/functions/hello/invocations', {})).json;
  const instances = () => platform.processes().filter((one) => one.title.startsWith('mayfly: instance'));

  assert.equal(await invoke(), 'hello');
  await eventually(() => instances().length === 0, () => `still there: ${JSON.stringify(instances())}`);
  assert.equal(await invoke(), 'hello');
  assert.equal(other.signalCode, null);
});

test("root without the right to mount, as a container's is, is served, and keeps what is stored", async (t) => {
  const platform = await startPlatform(t, {
    through: [denier(t)],
    files: {
      'mayfly.json': JSON.stringify({ functions: { hello: { handler: 'hello.handler', runtime: 'nodejs24.x' } } }),
      'hello.js': "exports.handler = async () => 'hello';",
    },
  });
  const s3 = new S3Client({ ...platform.aws, forcePathStyle: true });
  t.after(() => s3.destroy());
  const object = { Bucket: 'kept', Key: 'a' };

  assert.equal((await platform.post('/2015-03-31/functions/hello/invocations', {})).json, 'hello');
  await s3.send(new CreateBucketCommand({ Bucket: object.Bucket }));
  await s3.send(new PutObjectCommand({ ...object, Body: 'text' }));
  assert.equal(await (await s3.send(new GetObjectCommand(object))).Body.transformToString(), 'text');
});

test('without namespaces a zygote that has ended is missed, and one that is not needed any more ends', async (t) => {
  const platform = await startPlatform(t, {
    user: USER,
    through: [denier(t)],
    files: {
      'mayfly.json': JSON.stringify({ functions: { hello: { handler: 'hello.handler', runtime: 'nodejs24.x' } } }),
      'hello.js': "exports.handler = async () => 'hello';",
    },
  });
  const invoke = async () => (await platform.post('/2015-03-31/functions/hello/invocations', {})).json;
  const zygote = () => platform.processes().find((one) => one.title.startsWith('mayfly: zygote lambda/hello'))?.pid;

  const first = zygote();
  process.kill(first, 'SIGKILL');
  await eventually(async () => await invoke() === 'hello' && zygote() !== first, 'nobody has missed it');
  const second = zygote();
  await platform.save('hello.js', "exports.handler = async () => 'good day';");
  await eventually(() => !platform.processes().some(({ pid }) => pid === second), 'it is there still');
  assert.equal(await invoke(), 'good day');
});

/* A watcher cannot be forked, so the supervisor is its instance's parent, and the zygote the others'. */
for (const [who, line] of [['an instance', ''], ['one that is not forked', "require('node:fs').watch('/tmp');"]]) {
  test(`without control groups what ${who} has started ends with it`, async (t) => {
    const platform = await startPlatform(t, {
      user: USER,
      through: [denier(t)],
      files: {
        'mayfly.json': JSON.stringify({ functions: { leaves: { handler: 'leaves.handler', runtime: 'nodejs24.x' } } }),
        'leaves.js': `${line} exports.handler = async ({ ends }) => {
          if (ends) process.exit(3);
          return require('node:child_process').spawn('sleep', ['1234']).pid;
        };`,
      },
    });
    const invoke = (event) => platform.post('/2015-03-31/functions/leaves/invocations', event);
    const child = identify((await invoke({})).json);
    assert.ok(child && isAlive(child), 'it has started nothing');
    await invoke({ ends: true });
    await eventually(() => !isAlive(child), 'it is there still');
  });
}

test('a function whose CPU time nobody can limit does not run', async (t) => {
  const platform = await startPlatform(t, {
    through: ['prlimit', '--sigpending=0', '--'], /* a timer is counted as a signal that waits: none can be made */
    files: {
      'wrangler.json': JSON.stringify({ name: 'spins', main: 'worker.js', compatibility_date: '2026-01-01', routes: ['spins.test/*'], limits: { cpu_ms: 200 } }),
      'worker.js': 'export default { fetch() { const until = Date.now() + 3000; while (Date.now() < until); return new Response("spun"); } };',
      'mayfly.json': JSON.stringify({ functions: { hello: { handler: 'hello.handler', runtime: 'nodejs24.x' } } }),
      'hello.js': "exports.handler = async () => 'hello';",
    },
  });
  assert.equal((await platform.post('/2015-03-31/functions/hello/invocations', {})).json, 'hello');
  const answer = await platform.get('/', { host: 'spins.test' });
  assert.deepEqual([answer.status, answer.text === 'spun'], [500, false], answer.text);
  await platform.log(/limit its CPU time/);
});
