/* The platform under test. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstAnswer } from './client.js';
import { descendants } from './memory.js';
import { BENCH, MAYFLY, WORK } from './paths.js';
import { cpuNanoseconds, freePort, start } from './processes.js';

const READY_MS = 30_000;
const PARKED_LOOKS = 3;

let copies = 0;

/** What a project answers, and when it is ready. */
const PATHS = { web: '/api/hello', packages: '/api/packages', lambda: '/', events: '/', thumbnail: '/' };

/**
 * Serves a copy of a project of ours, so that a benchmark may change it, with these settings over its mayfly.json.
 * @param {'web'|'packages'|'lambda'|'events'|'thumbnail'} project
 */
export async function startMayfly(project, settings = {}) {
  copies += 1;
  const folder = path.join(WORK, `${copies}-${project}`);
  cpSync(path.join(BENCH, 'projects', project), folder, { recursive: true });
  writeSettings(path.join(folder, 'mayfly.json'), settings);
  const port = await freePort();
  const awsPort = await freePort();
  const server = start('mayfly', MAYFLY, ['dev', folder, '--port', String(port), '--host', '127.0.0.1', '--aws-port', String(awsPort), '--log', 'none']);
  const mayfly = {
    ...server,
    port,
    awsPort,
    folder,
    path: PATHS[project],
    processes: () => descendants(server.pid),
    instances: () => descendants(server.pid).filter(({ title }) => title.startsWith('mayfly: instance')),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await untilReady(mayfly);
  return mayfly;
}

function writeSettings(file, settings) {
  const own = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  writeFileSync(file, JSON.stringify({ ...own, ...settings }));
}

async function untilReady(mayfly) {
  const end = performance.now() + READY_MS;
  for (;;) {
    const answer = await firstAnswer(mayfly.port, mayfly.path, { server: mayfly });
    if (answer.status === 200) {
      return;
    }
    if (performance.now() > end) {
      throw new Error(`mayfly answers ${answer.status} on ${mayfly.path}: ${answer.body}\n${mayfly.output()}`);
    }
    await sleep(50);
  }
}

/** Waits until no instance is left: the next request starts one. */
export async function untilNoInstance(mayfly) {
  const end = performance.now() + READY_MS;
  while (mayfly.instances().length > 0) {
    if (performance.now() > end) {
      throw new Error('the instances of mayfly do not stop when they are idle');
    }
    await sleep(5);
  }
}

/**
 * Waits until the youngest instance, beside one that is busy, does nothing more: a spare that is parked.
 * @returns {Promise<boolean>} false: the machine was too busy for that before spares are put away
 */
export async function untilParked(mayfly, patienceMs) {
  const end = performance.now() + patienceMs;
  let before = '';
  for (let quiet = 0; quiet < PARKED_LOOKS;) {
    if (performance.now() > end) {
      return false;
    }
    await sleep(5);
    const pids = mayfly.instances().map(({ pid }) => pid);
    const youngest = Math.max(...pids);
    const now = `${youngest} ${cpuNanoseconds(youngest)}`;
    quiet = pids.length > 1 && now === before ? quiet + 1 : 0;
    before = now;
  }
  return true;
}
