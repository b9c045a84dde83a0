/* Processes that a benchmark starts: all are ended, by their id, when it is over, whatever ends it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_MS = 5000;
const OUTPUT_BYTES = 64 * 1024;

/** @type {Set<Started>} */
const running = new Set();

/**
 * @typedef {object} Started
 * @property {string} name
 * @property {number} pid
 * @property {() => string} output the last of what it printed
 * @property {() => boolean} ended
 * @property {() => Promise<void>} stop
 */

/** @returns {Started} */
export function start(name, command, args, { env = {}, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output = (output + data).slice(-OUTPUT_BYTES);
    });
  }
  let failure;
  child.on('error', (error) => {
    failure = error;
  });
  const started = {
    name,
    pid: child.pid,
    output: () => (failure ? String(failure) : output),
    ended: () => failure !== undefined || child.exitCode !== null || child.signalCode !== null,
    stop: () => stop(started, child),
    kill: () => child.kill('SIGTERM'),
  };
  running.add(started);
  child.on('exit', () => running.delete(started));
  return started;
}

async function stop(started, child) {
  if (!started.ended()) {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(patience);
  }
  running.delete(started);
}

/** Runs a program to its end. */
export async function run(command, args, timeoutMs) {
  const started = start(command, command, args);
  const end = performance.now() + timeoutMs;
  while (!started.ended() && performance.now() < end) {
    await sleep(10);
  }
  const late = !started.ended();
  await started.stop();
  if (late) {
    throw new Error(`${command} did not end within ${timeoutMs} ms`);
  }
  return started.output();
}

/** What a process has used; proc(5), schedstat. */
export function cpuNanoseconds(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]);
  } catch {
    return 0; /* it is gone */
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

process.on('exit', () => running.forEach((started) => started.kill()));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(130));
}
