/* What a platform may leave on a machine: processes, control groups, mounts, folders. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const CGROUPS = '/sys/fs/cgroup';

/** A process that cannot be mistaken for a later one of the same pid. */
export function identify(pid) {
  try {
    /* proc(5): the name may hold anything, so count from behind its last bracket; field 22 is the start time. */
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, state: fields[0], parent: Number(fields[1]), started: fields[19] };
  } catch {
    return null;
  }
}

export function isAlive(process) {
  const now = identify(process.pid);
  return now !== null && now.started === process.started && now.state !== 'Z';
}

export function titleOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** All processes below `root`, itself included. */
export function processTree(root) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => identify(Number(name)));
  const found = all.filter((one) => one?.pid === root);
  for (const parent of found) {
    found.push(...all.filter((one) => one?.parent === parent.pid));
  }
  return found;
}

/** Control groups whose folder is called `name`, wherever they are mounted. */
export function controlGroups(name, folder = CGROUPS, depth = 4) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const inside = path.join(folder, entry.name);
    const deeper = depth > 0 ? controlGroups(name, inside, depth - 1) : [];
    return entry.name === name ? [inside, ...deeper] : deeper;
  });
}

export function mountsBelow(folder) {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((mount) => mount?.startsWith(folder));
}
