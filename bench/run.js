/* Mayfly beside its peers: every budget of the design, measured, with a summary at the end and in a JSON file.
 *
 *   bench/run.js [--only NAME,NAME] [--quick] [--json FILE]
 *
 * Exits 0 when everything could be measured, whatever the figures are. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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
};

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

/** Mayfly's path goes through two processes, its peers' through one: on a busy machine it waits for more turns. */
function warnWhenBusy() {
  const [load] = os.loadavg();
  if (load > os.availableParallelism() / 2) {
    process.stdout.write(`bench: this machine is busy (load ${load.toFixed(1)}): no figure, and no ratio, is to be trusted\n`);
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
warnWhenBusy();
const results = [];
for (const name of names) {
  results.push(...(await runSuite(name)));
}
summarize(results);
writeFileSync(options.json, `${JSON.stringify({ date: new Date().toISOString(), quick: options.quick, results }, null, 2)}\n`);
process.stdout.write(`\n  also in ${path.relative(process.cwd(), options.json)}\n`);
process.exit(results.some((result) => result.error) ? 1 : 0);
