/* From save to manifest, on a small project: prints the median and the slowest. Run by hand. */
import { appendFileSync, mkdtempSync, cpSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { Builder } from './harness.js';

const ROUNDS = 30;
const afters = [];
const t = { after: (fn) => afters.push(fn) };
const project = realpathSync(mkdtempSync(path.join(tmpdir(), 'mayfly-latency-')));
afters.push(() => rmSync(project, { recursive: true, force: true }));
cpSync(path.join(import.meta.dirname, '../fixtures/builder/mixed'), project, { recursive: true });

const builder = new Builder(t, project, { watch: true });
builder.send({ type: 'build' });
await builder.next();
const file = path.join(project, process.argv[2] ?? 'app/api/users/route.ts');
const times = [];
for (let i = 0; i < ROUNDS; i += 1) {
  const started = performance.now();
  appendFileSync(file, `export const round${i} = ${i};\n`);
  const { build_ms: buildMs } = await builder.next();
  times.push({ total: performance.now() - started, buildMs });
}
times.sort((a, b) => a.total - b.total);
console.log('median', times[ROUNDS / 2], 'slowest', times.at(-1));
for (const after of afters.reverse()) {
  await after();
}
