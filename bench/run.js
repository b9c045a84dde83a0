/* Mayfly beside its peers: every budget of the design, measured, with a summary at the end and in a JSON file.
 *
 *   bench/run.js [--only NAME,NAME] [--quick] [--json FILE]
 *
 * Exits 0 when everything could be measured, whatever the figures are. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RESULTS, WORK } from './lib/paths.js';
import { preparePeers } from './lib/peers.js';
import { printTable, times } from './lib/table.js';

const SUITES = {
  cold: './suites/cold_start.js',
  packages: './suites/cold_packages.js',
  memory: './suites/instance_memory.js',
  idle: './suites/platform_memory.js',
  burst: './suites/burst.js',
  reload: './suites/reload.js',
  warm: './suites/warm.js',
  bodies: './suites/large_bodies.js',
  events: './suites/events.js',
  objects: './suites/objects.js',
  thumbnail: './suites/thumbnail.js',
};

const BUSY_SHARE = 0.1;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(SUITES).join(',') },
    quick: { type: 'boolean', default: false },
    json: { type: 'string', default: RESULTS },
  },
});

/** @returns {Promise<object[]>} results; a suite that cannot be measured is one result with an error */
async function runSuite(name) {
  try {
    const { measure } = await import(SUITES[name]);
    return (await measure({ quick: options.quick })).map((result) => ({ suite: name, ...result }));
  } catch (error) {
    process.stdout.write(`\n${name}: could not be measured: ${error.stack}\n`);
    return [{ suite: name, what: name, error: error.message }];
  }
}

/** How much of all cores was in use while we only waited. */
async function shareInUse() {
  const sum = () => os.cpus().reduce(([idle, all], { times: t }) => [idle + t.idle, all + t.user + t.nice + t.sys + t.irq + t.idle], [0, 0]);
  const [idleBefore, allBefore] = sum();
  await sleep(1000);
  const [idle, all] = sum();
  return 1 - (idle - idleBefore) / (all - allBefore);
}

/** Mayfly's path goes through two processes, its peers' through one: on a busy machine it waits for more turns. */
async function warnWhenBusy() {
  const share = await shareInUse();
  if (share > BUSY_SHARE) {
    process.stdout.write(`bench: others use ${Math.round(share * 100)}% of this machine: no figure, and no ratio, is to be trusted\n`);
  }
}

function summarize(results) {
  printTable('Summary', ['what', 'mayfly', 'best peer', 'ratio', 'budget', 'met'], results.map((result) => [
    result.what, result.mayfly ?? 'not measured', result.peer ?? '', result.ratio ? times(result.ratio) : '',
    result.budget ?? '', result.met === undefined ? '' : result.met ? 'yes' : 'NO',
  ]));
}

const names = options.only.split(',');
const unknown = names.filter((name) => !Object.hasOwn(SUITES, name));
if (unknown.length > 0) {
  process.stderr.write(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}\n`);
  process.exit(2);
}
mkdirSync(WORK, { recursive: true });
process.on('exit', () => rmSync(WORK, { recursive: true, force: true }));
await preparePeers();
await warnWhenBusy();
const results = [];
for (const name of names) {
  results.push(...(await runSuite(name)));
}
summarize(results);
writeFileSync(options.json, `${JSON.stringify({ date: new Date().toISOString(), quick: options.quick, results }, null, 2)}\n`);
process.stdout.write(`\n  also in ${path.relative(process.cwd(), options.json)}\n`);
process.exit(results.some((result) => result.error) ? 1 : 0);
