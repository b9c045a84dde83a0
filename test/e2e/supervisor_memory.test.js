/* The supervisor outlives everything that it starts, so nothing of what has ended may stay with it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { eventually, isAlive, startPlatform } from './harness.js';

const CYCLES = 16;
/* What malloc keeps for the next time differs from one time to another. A function that was not freed would be 16 KiB a
 * cycle, its instances 5. */
const TOLERANCE = 64 * 1024;

const say = (text) => `
  export async function GET(request) {
    if (new URL(request.url).searchParams.has('exit')) process.exit(1);
    await new Promise((done) => setTimeout(done, 50));
    return new Response(${JSON.stringify(text)});
  }\n`;

/** The folders of all functions whose instances have a /tmp, waiting ones too. */
function foldersOfInstances(pid) {
  const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'latin1');
  return new Set([...mounts.matchAll(/\/scratch\/(f\d+)\/\S+/g)].map(([, folder]) => folder));
}

/** Bytes of the heap that the process has touched. The kernel may list it in several parts. */
function heapBytes(pid) {
  const parts = readFileSync(`/proc/${pid}/smaps`, 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).filter((one) => one.includes('[heap]'));
  return parts.reduce((sum, one) => sum + Number(/^Private_Dirty:\s+(\d+) kB$/m.exec(one)[1]) * 1024, 0);
}

test('what has ended leaves nothing in the supervisor', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/tea.js': say('0') } });
  const supervisor = await platform.process('mayfly: supervisor');
  const all = (title) => platform.processes().filter((one) => title.test(one.title));
  const kill = (title) => all(title).forEach(({ pid }) => process.kill(pid, 'SIGKILL'));

  /* Instances that end by themselves, that are killed, and with their zygote; a function that is replaced. */
  const cycle = async (number) => {
    await Promise.all(Array.from({ length: 8 }, () => platform.get('/api/tea')));
    await platform.get('/api/tea?exit');
    kill(/^mayfly: instance/);
    await platform.get('/api/tea');
    kill(/^mayfly: zygote api/);
    await platform.save('api/tea.js', say(String(number)));
    const answer = () => platform.get('/api/tea').then(({ text }) => text === String(number));
    await eventually(answer, () => `the new version is not served:\n${platform.transcript()}`);
    await eventually(() => all(/^mayfly: zygote api/).length === 1, 'an old version stays');
  };
  const cycles = async (from) => {
    for (let i = 1; i <= CYCLES; i += 1) await cycle(from + i);
    return heapBytes(supervisor.pid);
  };

  const once = await cycles(0);
  const twice = await cycles(CYCLES);
  assert.ok(twice - once <= TOLERANCE, `${once} bytes after ${CYCLES} cycles, ${twice} after as many again`);
});

test('an instance that waits for its function to load is gone with the function', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'api/slow.js': 'await new Promise((done) => setTimeout(done, 4000));\nexport const GET = () => new Response("at last");\n' },
  });
  const supervisor = await platform.process('mayfly: supervisor');
  await platform.get('/api/slow');
  const zygote = await platform.process(/^mayfly: zygote api/);
  process.kill(zygote.pid, 'SIGKILL');
  await eventually(() => !isAlive(zygote), 'it lives');
  const answer = platform.get('/api/slow').catch(() => null); /* whose gateway ends, gets none */
  await platform.process(/^mayfly: zygote api/); /* which loads again, for the instance that waits */
  const before = foldersOfInstances(supervisor.pid);
  assert.equal(before.size, 1);
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  await answer;
  const isLeft = () => [...foldersOfInstances(supervisor.pid)].some((folder) => before.has(folder));
  await eventually(() => !isLeft(), 'it waits for ever', 20_000);
  assert.equal((await platform.get('/api/slow')).text, 'at last');
});

test('a supervisor that may open no more files starts no instances, and ends none', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'mayfly.json': JSON.stringify({
        functions: { serves: { handler: 'f.handler', idleSeconds: 600 }, grows: { handler: 'f.handler', idleSeconds: 600 } },
      }),
      'f.js': "exports.handler = ({ ms }) => new Promise((done) => setTimeout(done, ms, 'done'));",
    },
  });
  const invoke = async (name, ms) => (await platform.post(`/2015-03-31/functions/${name}/invocations`, { ms })).json;
  const crowd = async () => new Set(await Promise.all(Array.from({ length: 16 }, () => invoke('grows', 300))));
  const served = () => platform.processes().filter((one) => one.title.includes('lambda/serves')).map((one) => one.pid);
  const { pid } = await platform.process('mayfly: supervisor');
  const limit = (files) => execFileSync('prlimit', ['--pid', pid, `--nofile=${files}:`]);
  await Promise.all([invoke('serves', 0), invoke('grows', 0)]);
  const before = served();

  const open = readdirSync(`/proc/${pid}/fd`);
  limit([...open.keys(), open.length].find((number) => !open.includes(String(number))));
  assert.deepEqual([...await crowd()], ['done'], 'one instance takes them after the other');
  limit(1024);
  assert.ok(before.every((one) => served().includes(one)), 'what had nothing to do with it was ended');
  assert.deepEqual([...await crowd()], ['done']);
  assert.equal(await invoke('serves', 0), 'done');
});
