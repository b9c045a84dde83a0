/* The first answer of a fresh instance whose function imports next/server, zod and stripe, against plain Node.js that
 * loads the same: from node_modules, and bundled into one file as Mayfly does. */
import { build } from 'esbuild';
import path from 'node:path';
import { Connection } from '../lib/client.js';
import { startMayfly, untilNoInstance } from '../lib/mayfly.js';
import { BENCH, WORK } from '../lib/paths.js';
import { median, percentile } from '../lib/stats.js';
import { ms, printTable, times } from '../lib/table.js';
import { coldOnly, spawnedAnswerMs } from './cold_start.js';

const PATH = '/api/packages';
const BUDGET = 20;

export async function measure({ quick }) {
  const rounds = quick ? 30 : 200;
  const every = quick ? 6 : 8;
  await bundlePeer();
  const results = { mayfly: [], node: [], bundled: [] };
  const mayfly = await startMayfly('packages', { idleSeconds: 0.05 });
  try {
    for (let round = 0; round < rounds; round++) {
      results.mayfly.push(await coldAnswerMs(mayfly));
      if (round % every === 0) {
        results.node.push(await spawnedAnswerMs('node', 'packages', PATH));
        results.bundled.push(await spawnedAnswerMs('node', 'packages_bundled', PATH));
      }
    }
  } finally {
    await mayfly.stop();
  }
  return [report(results)];
}

async function bundlePeer() {
  await build({
    entryPoints: [path.join(BENCH, 'peers/node_packages.js')],
    outfile: path.join(WORK, 'node_packages_bundled.cjs'),
    bundle: true,
    minify: true,
    platform: 'node',
    logLevel: 'error',
  });
}

async function coldAnswerMs(mayfly) {
  const connection = await Connection.open(mayfly.port);
  try {
    await untilNoInstance(mayfly);
    return coldOnly(await connection.request(PATH));
  } finally {
    connection.close();
  }
}

function report(results) {
  const labels = { mayfly: 'mayfly, no spare', node: 'node, fresh process', bundled: 'node, fresh process, bundled' };
  const base = median(results.mayfly);
  printTable('cold start over HTTP, next/server + zod + stripe', ['', 'starts', 'p50', 'p99', 'to mayfly'],
    Object.entries(results).map(([name, values]) => [
      labels[name], values.length, ms(median(values)), values.length >= 100 ? ms(percentile(values, 99)) : '',
      times(median(values) / base),
    ]));
  const ratio = median(results.node) / base;
  return {
    what: 'cold start, next/server + zod + stripe, p50',
    mayfly: ms(base),
    peer: `node ${ms(median(results.node))}`,
    ratio,
    budget: `${BUDGET}x`,
    met: ratio >= BUDGET,
  };
}
