/* The first answer of a fresh instance, over HTTP: with nothing but the zygote there, and with a parked spare. Peers
 * have no instances: theirs is the first answer of a fresh process. */
import { Connection, firstAnswer } from '../lib/client.js';
import { startMayfly, untilNoInstance, untilParked } from '../lib/mayfly.js';
import { spawnPeer } from '../lib/peers.js';
import { freePort } from '../lib/processes.js';
import { median, percentile } from '../lib/stats.js';
import { ms, printTable, times } from '../lib/table.js';

const PEERS = ['node', 'deno', 'bun', 'workerd'];
/* Long enough for a spare to be parked, short enough to wait for the last instance's end in each round. */
const IDLE_SECONDS = 1;
/* Milliseconds. */
const BUDGETS = { fork: { p50: 3, p99: 8 }, spare: { p50: 0.5, p99: 3 } };

export async function measure({ quick }) {
  const rounds = quick ? 20 : 120;
  const every = quick ? 10 : 8;
  const mayfly = await startMayfly('web', { idleSeconds: IDLE_SECONDS, concurrency: 1 });
  const results = Object.fromEntries(['fork', 'spare', 'warm', ...PEERS].map((name) => [name, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      await measureMayfly(mayfly, results);
      if (round % every === 0) {
        await measurePeers(results);
      }
    }
  } finally {
    await mayfly.stop();
  }
  return report(results);
}

/**
 * One instance from a fork, one from the spare that was parked meanwhile: a first request that stays open keeps its
 * instance busy, and with a concurrency of 1 the next request needs another.
 */
async function measureMayfly(mayfly, results) {
  const connections = [];
  for (let i = 0; i < 3; i++) {
    connections.push(await Connection.open(mayfly.port));
  }
  const [alone, holder, other] = connections;
  try {
    await untilNoInstance(mayfly);
    results.fork.push(coldOnly(await alone.request('/api/hello')));
    results.warm.push((await alone.request('/api/hello')).ms);
    await holder.request('/api/hold', { firstByte: true });
    if (await untilParked(mayfly, IDLE_SECONDS * 900)) {
      results.spare.push(coldOnly(await other.request('/api/hello')));
    }
  } finally {
    connections.forEach((connection) => connection.close());
  }
}

export function coldOnly({ ms: took, status, headers, body }) {
  if (status !== 200 || headers['x-mayfly-start'] !== 'cold') {
    throw new Error(`wanted a cold start, got ${status} ${headers['x-mayfly-start']}: ${body}`);
  }
  return took;
}

async function measurePeers(results) {
  for (const name of PEERS) {
    results[name].push(await spawnedAnswerMs(name, 'hello', '/api/hello'));
  }
}

/** From the start of a process to its first answer. */
export async function spawnedAnswerMs(name, kind, path) {
  const port = await freePort();
  const begin = performance.now();
  const server = spawnPeer(name, kind, port);
  try {
    const { status, body } = await firstAnswer(port, path, { server });
    if (status !== 200) {
      throw new Error(`${name} answered ${status}: ${body}`);
    }
    return performance.now() - begin;
  } finally {
    await server.stop();
  }
}

function report(results) {
  const labels = { fork: 'mayfly, no spare', spare: 'mayfly, parked spare', warm: 'mayfly, warm, for comparison' };
  const base = median(results.fork);
  printTable('cold start over HTTP, hello', ['', 'starts', 'p50', 'p99', 'to mayfly without a spare'], Object.entries(results).map(([name, values]) => [
    labels[name] ?? `${name}, fresh process`, values.length, ms(median(values)),
    values.length >= 100 ? ms(percentile(values, 99)) : '', times(median(values) / base),
  ]));
  const best = PEERS.reduce((a, b) => (median(results[b]) < median(results[a]) ? b : a));
  return [result('cold start, no spare', results.fork, BUDGETS.fork), result('cold start, parked spare', results.spare, BUDGETS.spare)];

  function result(what, values, { p50, p99 }) {
    return {
      what: `${what}, p50 / p99`,
      mayfly: `${ms(median(values))} / ${ms(percentile(values, 99))}`,
      peer: `${best} ${ms(median(results[best]))}`,
      ratio: median(results[best]) / median(values),
      budget: `${p50} / ${p99} ms`,
      met: median(values) <= p50 && percentile(values, 99) <= p99,
    };
  }
}
