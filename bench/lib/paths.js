/* Where things are. */
import path from 'node:path';

const here = import.meta.dirname;
const PROCESSOR = { x64: 'x64', arm64: 'arm64' }[process.arch];

export const BENCH = path.dirname(here);
export const ROOT = path.dirname(BENCH);

/** Copies of projects and generated files of this run; below bench/, so that its node_modules are found from there. */
export const WORK = path.join(BENCH, '.mayfly', `run-${process.pid}`);
export const RESULTS = path.join(BENCH, '.mayfly/results.json');

/** MAYFLY names another build, to compare with. */
export const MAYFLY = process.env.MAYFLY ?? path.join(ROOT, 'build/mayfly');
export const NODE = path.join(ROOT, `node_modules/node-linux-${PROCESSOR}/bin/node`);
export const DENO = path.join(BENCH, `node_modules/@deno/linux-${PROCESSOR}-glibc/deno`);
export const BUN = path.join(BENCH, `node_modules/@oven/bun-linux-${PROCESSOR === 'x64' ? 'x64' : 'aarch64'}/bin/bun`);
export const WORKERD = path.join(BENCH, `node_modules/@cloudflare/workerd-linux-${PROCESSOR === 'x64' ? '64' : 'arm64'}/bin/workerd`);
