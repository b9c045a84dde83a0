/* Requests per second of servers that are warm. Every round measures all of them, one after the other, so that a machine
 * that slows down slows down all; a ratio is the median of the rounds' own ratios. */
import path from 'node:path';
import { startMayfly } from '../lib/mayfly.js';
import { BENCH } from '../lib/paths.js';
import { startPeer } from '../lib/peers.js';
import { median } from '../lib/stats.js';
import { perSecond, printTable, times } from '../lib/table.js';
import { requestsPerSecond } from '../lib/wrk.js';

const RIVALS = ['deno', 'bun'];

const LOADS = [
  { what: 'warm, JSON hello', path: '/api/hello', peers: ['deno', 'bun', 'node', 'workerd', 'nginx'] },
  {
    what: 'warm, POST of 1 KB through zod',
    path: '/api/orders',
    script: path.join(BENCH, 'lib/order.lua'),
    peers: ['deno', 'bun', 'node', 'workerd'],
  },
];

const SHAPES = [{ threads: 2, connections: 64 }, { threads: 1, connections: 32 }];

export async function measure({ quick }) {
  const servers = { mayfly: await startMayfly('web') };
  try {
    for (const name of LOADS[0].peers) {
      servers[name] = await startPeer(name);
    }
    const results = [];
    for (const load of LOADS) {
      for (const shape of quick ? SHAPES.slice(0, 1) : SHAPES) {
        const rounds = await measureRounds(servers, { ...load, ...shape }, quick ? { count: 3, seconds: 1 } : { count: 5, seconds: 2 });
        results.push(report(load, shape, rounds));
      }
    }
    return results;
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
}

/** @returns {Promise<Record<string, number[]>>} rates by server, an entry a round */
async function measureRounds(servers, load, { count, seconds }) {
  const names = ['mayfly', ...load.peers];
  const rates = Object.fromEntries(names.map((name) => [name, []]));
  await warmUp(names.map((name) => servers[name]), load);
  for (let round = 0; round < count; round++) {
    /* Every other round backwards: no server always follows the same one. */
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      rates[name].push(await requestsPerSecond(servers[name], { ...load, seconds }));
    }
  }
  return rates;
}

async function warmUp(servers, load) {
  for (const server of servers) {
    await requestsPerSecond(server, { ...load, seconds: 2 });
  }
}

function report({ what }, { threads, connections }, rates) {
  const ratioTo = (others) => median(rates.mayfly.map((rate, round) => rate / Math.max(...others.map((name) => rates[name][round]))));
  const rows = Object.entries(rates).map(([name, values]) => [
    name, perSecond(median(values)), perSecond(Math.min(...values)), perSecond(Math.max(...values)),
    name === 'mayfly' ? '' : times(ratioTo([name])),
  ]);
  const title = `${what}, wrk -t${threads} -c${connections}`;
  printTable(title, ['', 'median', 'least', 'most', 'mayfly to it'], rows);
  const best = RIVALS.reduce((a, b) => (median(rates[b]) > median(rates[a]) ? b : a));
  const ratio = ratioTo(RIVALS);
  return {
    what: title,
    mayfly: perSecond(median(rates.mayfly)),
    peer: `${best} ${perSecond(median(rates[best]))}`,
    ratio,
    budget: '>= 1.0x',
    met: ratio >= 1,
  };
}
