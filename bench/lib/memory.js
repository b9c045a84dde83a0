/* What processes hold, as the kernel counts it. Kilobytes in, bytes out. */
import { readdirSync, readFileSync } from 'node:fs';

const KIB = 1024;

function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; /* the process is gone */
  }
}

/** @returns {{ pid: number, title: string }[]} a process and all below it, zombies left out */
export function descendants(root) {
  const children = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = readOrEmpty(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) {
    found.push(...(children.get(pid) ?? []));
  }
  return found.map((pid) => ({ pid, title: titleOf(pid) })).filter(({ title }) => title !== '');
}

function titleOf(pid) {
  return readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function fields(text) {
  return Object.fromEntries([...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)].map(([, name, kb]) => [name, Number(kb) * KIB]));
}

/** Pages no other process has, and the page tables that map them all. */
export function privateBytes(pid) {
  const rollup = fields(readOrEmpty(`/proc/${pid}/smaps_rollup`));
  const status = fields(readOrEmpty(`/proc/${pid}/status`));
  const data = rollup.Private_Clean + rollup.Private_Dirty;
  return { data, tables: status.VmPTE, total: data + status.VmPTE };
}

/** Its fair share of all it maps. */
export function proportionalBytes(pid) {
  return fields(readOrEmpty(`/proc/${pid}/smaps_rollup`)).Pss ?? 0;
}

/** All it has in memory, shared pages included. */
export function residentBytes(pid) {
  return fields(readOrEmpty(`/proc/${pid}/status`)).VmRSS ?? 0;
}

/** Pages of the shared memory through which an instance talks to the gateway. */
export function channelBytes(pid) {
  const mappings = readOrEmpty(`/proc/${pid}/smaps`).split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const channels = mappings.filter((mapping) => /^\S+ \S+ \S+ \S+ \S+\s+\/memfd:/.test(mapping));
  return channels.reduce((sum, mapping) => sum + (fields(mapping).Rss ?? 0), 0);
}
