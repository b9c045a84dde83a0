/* What one function does to the processors is not what others wait for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { compile } from './faults_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const CHILDREN = 40;

/* The children leave their instance's session, as daemons do: kernels share by session where nobody says otherwise. */
const files = {
  'hog.js': `
    const { spawn } = require('node:child_process');
    exports.handler = async () => {
      const start = () => spawn('/bin/sh', ['-c', 'read begin; while :; do :; done'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
      Array.from({ length: ${CHILDREN} }, start).forEach((child) => child.stdin.end());
      return { started: true };
    };`,
  /* How much longer than its processor time it takes, in the median of some rounds: a pause of the machine is one of them. */
  'quiet.js': `
    exports.handler = async () => {
      const rounds = Array.from({ length: 9 }, () => {
        const from = performance.now();
        const before = process.cpuUsage();
        let used;
        do {
          const { user, system } = process.cpuUsage(before);
          used = (user + system) / 1000;
        } while (used < 20);
        return (performance.now() - from) / used;
      });
      return { slower: rounds.sort((a, b) => a - b)[4] };
    };`,
  'mayfly.json': JSON.stringify({
    functions: Object.fromEntries(['hog', 'quiet'].map((name) => [name, { handler: `${name}.handler`, runtime: 'nodejs24.x', timeout: 120 }])),
  }),
};

const invoke = async (platform, name) => (await platform.post(`/2015-03-31/functions/${name}/invocations`, {})).json;

test('an instance whose children spin takes no more than its share from others', async (t) => {
  const platform = await startPlatform(t, { files });
  const shares = /ok +processor share/.test((await runMayfly(['doctor'])).stdout);
  const { slower: alone } = await invoke(platform, 'quiet');
  assert.deepEqual(await invoke(platform, 'hog'), { started: true });
  const spinning = () => platform.processes().filter(({ title }) => title.includes('while :')).length;
  await eventually(() => spinning() === CHILDREN, () => `${spinning()} children`);
  const { slower } = await invoke(platform, 'quiet');
  /* Two functions want it in place of one, beside what else this machine is busy with. Without shares it is answered. */
  assert.ok(slower < (shares ? 8 * alone : Infinity), `it takes ${slower} times its processor time, alone ${alone}`);
});

/* Takes timers, as many as it is told or gets, says how many, and keeps them. */
const TIMERS = `
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    int wanted = argc > 1 ? atoi(argv[1]) : 1;
    int count = 0;
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    while (count < wanted && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
        count++;
    }
    dprintf(1, "%d\\n", count);
    for (;;) {
        pause();
    }
}`;

const take = (wanted) => `
  const { once } = require('node:events');
  const { spawn } = require('node:child_process');
  exports.handler = async () => Number((await once(spawn(require('taker'), ['${wanted}']).stdout, 'data'))[0]);\n`;

test('a function whose programs take all timers that they get leaves some to others', async (t) => {
  const functions = Object.fromEntries(['greedy', 'modest'].map((name) => [name, { handler: `${name}.handler`, memory: 1024, timeout: 60 }]));
  const platform = await startPlatform(t, {
    files: {
      'mayfly.json': JSON.stringify({ functions }),
      'package.json': '{ "dependencies": { "taker": "1.0.0" } }',
      'greedy.js': take(1_000_000),
      'modest.js': take(1),
      'node_modules/taker/package.json': '{ "name": "taker", "version": "1.0.0", "main": "index.js" }',
      'node_modules/taker/index.js': 'module.exports = `${__dirname}/timers`;\n',
      'node_modules/taker/timers': compile(TIMERS, '-static'),
    },
  });
  const taken = await invoke(platform, 'greedy');
  assert.equal(await invoke(platform, 'modest'), 1, `${taken} are taken`);
});

const EVADER = `
import process from 'node:process';
export default {
  fetch() {
    process.on('SIGXCPU', () => {});
    const until = Date.now() + 5000;
    while (Date.now() < until);
    return new Response('spun');
  },
};\n`;

test('a worker that handles the signal of a CPU time limit has one nonetheless', async (t) => {
  const wrangler = { name: 'evader', main: 'worker.js', compatibility_date: '2025-01-01', compatibility_flags: ['nodejs_compat'], limits: { cpu_ms: 300 } };
  const platform = await startPlatform(t, { files: { 'wrangler.json': JSON.stringify(wrangler), 'worker.js': EVADER } });
  const answer = await platform.get('/');
  assert.equal(answer.status, 503, answer.text);
  assert.match((await platform.usage('/')).error, /exceeded its CPU time limit of 300 ms/);
});
