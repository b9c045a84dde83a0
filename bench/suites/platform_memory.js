/* What the platform holds when nothing runs: each process's fair share of the memory it maps, and their sum. Function
 * zygotes are listed and not part of it: there is one a deployed function. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startMayfly, untilNoInstance } from '../lib/mayfly.js';
import { proportionalBytes } from '../lib/memory.js';
import { mib, printTable } from '../lib/table.js';

const BUDGET_BYTES = 120 * 2 ** 20;
const SETTLE_MS = 3000;

export async function measure() {
  const mayfly = await startMayfly('web', { idleSeconds: 0.1 });
  try {
    await untilNoInstance(mayfly);
    await sleep(SETTLE_MS);
    return [report(mayfly.processes().map(({ pid, title }) => ({ title, bytes: proportionalBytes(pid) })))];
  } finally {
    await mayfly.stop();
  }
}

/** Base zygotes are the platform's own. */
const isFunction = (title) => title.startsWith('mayfly: zygote') && title !== 'mayfly: zygote base';

function shortTitle(title) {
  return title.includes('/builder/main.js') ? 'builder (Node.js)' : title.split(' ').slice(0, 3).join(' ').replace(/^\S+\/(?=[^/]+$)/, '');
}

function report(processes) {
  const own = processes.filter(({ title }) => !isFunction(title)).reduce((sum, { bytes }) => sum + bytes, 0);
  printTable('the platform idle, proportional set size', ['process', 'memory'], [
    ...processes.map(({ title, bytes }) => [shortTitle(title), mib(bytes)]),
    ['together, without function zygotes', mib(own)],
  ]);
  return { what: 'the platform idle', mayfly: mib(own), budget: mib(BUDGET_BYTES), met: own <= BUDGET_BYTES };
}
