/* From saving a file to the new code's answer. Peers watch and restart. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstAnswer, get } from '../lib/client.js';
import { startMayfly } from '../lib/mayfly.js';
import { BENCH, WORK } from '../lib/paths.js';
import { spawnWatching } from '../lib/peers.js';
import { freePort } from '../lib/processes.js';
import { median } from '../lib/stats.js';
import { ms, printTable, times } from '../lib/table.js';

const PEERS = ['node', 'deno', 'bun'];
const BUDGET_MS = 150;
const ANSWER_MS = 10_000;
const REST_MS = 300;
const ASK_MS = 5;

export async function measure({ quick }) {
  const saves = quick ? 5 : 20;
  const results = { mayfly: await measureMayfly(saves) };
  for (const name of PEERS) {
    results[name] = await measurePeer(name, saves);
  }
  return [report(results)];
}

async function measureMayfly(saves) {
  const mayfly = await startMayfly('web');
  try {
    const file = path.join(mayfly.folder, 'app/api/hello/route.ts');
    return await saveAndWait(mayfly, file, (version) => `export function GET() {\n  return Response.json({ hello: '${version}' });\n}\n`, saves);
  } finally {
    await mayfly.stop();
  }
}

async function measurePeer(name, saves) {
  const folder = path.join(WORK, `reload-${name}`);
  cpSync(path.join(BENCH, 'peers'), folder, { recursive: true });
  const server = spawnWatching(name, path.join(folder, `${name}_hello.js`), await freePort());
  try {
    await firstAnswer(server.port, '/api/hello', { server });
    const own = name === 'node' ? nodeSource : webSource;
    const file = path.join(folder, name === 'node' ? 'node_hello.js' : 'hello.js');
    return await saveAndWait(server, file, own, saves);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const webSource = (version) => `export function hello() {\n  return Response.json({ hello: '${version}' });\n}\n`;

const nodeSource = (version) => `import { createServer } from 'node:http';
createServer((request, response) => response.end('${version}')).listen(Number(process.env.PORT), '127.0.0.1');
`;

async function saveAndWait(server, file, source, saves) {
  const took = [];
  for (let i = 0; i < saves; i++) {
    await sleep(REST_MS);
    const version = `version-${i}`;
    const begin = performance.now();
    writeFileSync(file, source(version));
    await untilAnswers(server, version);
    took.push(performance.now() - begin);
  }
  return took;
}

/** Asks seldom, so that asking does not slow down what is asked for. */
async function untilAnswers(server, version) {
  const end = performance.now() + ANSWER_MS;
  for (;;) {
    const last = await get(server.port, '/api/hello').then(({ body }) => body, (error) => error.message);
    if (last.includes(version)) {
      return;
    }
    if (performance.now() > end || server.ended()) {
      throw new Error(`${server.name} did not answer with what was saved, but ${last}\n${server.output()}`);
    }
    await sleep(ASK_MS);
  }
}

function report(results) {
  const base = median(results.mayfly);
  printTable('save a file to new code answering', ['', 'saves', 'median', 'most', 'to mayfly'],
    Object.entries(results).map(([name, values]) => [
      name === 'mayfly' ? name : `${name} --watch`, values.length, ms(median(values)), ms(Math.max(...values)), times(median(values) / base),
    ]));
  const best = PEERS.reduce((a, b) => (median(results[b]) < median(results[a]) ? b : a));
  return {
    what: 'save a file to new code answering',
    mayfly: ms(base),
    peer: `${best} ${ms(median(results[best]))}`,
    ratio: median(results[best]) / base,
    budget: ms(BUDGET_MS),
    met: base <= BUDGET_MS,
  };
}
