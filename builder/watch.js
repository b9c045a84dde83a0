/* Watches the project: one inotify watch a folder, so that a large node_modules costs nothing.
 *
 * Names that come or go are `structure`; editors that save by renaming show up as that, and it is right. A short
 * quiet time gathers what one save does. Most editors save by cutting the file and writing it anew: on a busy machine
 * there may be more than the quiet time between the two, so an empty file is given longer. */
import { existsSync, readdirSync, watch } from 'node:fs';
import path from 'node:path';
import { isEmptyFile, isFolder } from './files.js';

const QUIET_MS = 5;
const EMPTY_MS = 500; /* then somebody wants it to be empty */
const FOLDERS_MAX = 10_000;

/**
 * @param {string} project
 * @param {(file: string) => boolean} isIgnored what is not watched, of relative paths; may change its mind
 * @param {(changes: { file: string, structure: boolean }[]) => void} onChange
 * @param {(level: string, text: string) => void} log
 */
export function watchProject(project, isIgnored, onChange, log) {
  const watchers = new Map();
  const pending = new Map();
  let timer = null;
  let waitedMs = 0;

  function flush() {
    if (waitedMs < EMPTY_MS && [...pending.keys()].some((file) => isEmptyFile(path.join(project, file)))) {
      waitedMs += QUIET_MS;
      timer = setTimeout(flush, QUIET_MS);
      return;
    }
    timer = null;
    waitedMs = 0;
    const changes = [...pending].map(([file, structure]) => ({ file, structure }));
    pending.clear();
    onChange(changes);
  }

  function note(file, structure) {
    pending.set(file, structure || pending.get(file) === true);
    clearTimeout(timer);
    timer = setTimeout(flush, QUIET_MS);
  }

  function forget(folder) {
    for (const [watched, watcher] of watchers) {
      if (watched === folder || watched.startsWith(`${folder}/`)) {
        watcher.close();
        watchers.delete(watched);
      }
    }
  }

  function onEvent(folder, type, name) {
    if (!name) {
      return note(folder, true);
    }
    const file = folder ? `${folder}/${name}` : name;
    if (isIgnored(file)) {
      if (isIgnored(folder)) {
        forget(folder); /* it was not when it was added: a volume now */
      }
      return undefined;
    }
    if (type === 'rename') {
      forget(file);
      if (isFolder(path.join(project, file))) {
        add(file);
      }
    }
    return note(file, type === 'rename');
  }

  function add(folder) {
    if (watchers.has(folder)) {
      return;
    }
    if (watchers.size >= FOLDERS_MAX) {
      log('warn', `not watching ${folder}: more than ${FOLDERS_MAX} folders`);
      return;
    }
    const absolute = path.join(project, folder);
    try {
      const watcher = watch(absolute, (type, name) => onEvent(folder, type, name));
      watcher.on('error', () => forget(folder));
      watchers.set(folder, watcher);
    } catch (error) {
      if (existsSync(absolute)) {
        log('warn', `cannot watch ${folder || project}: ${error.message}`);
      }
      return;
    }
    for (const entry of foldersIn(absolute)) {
      const child = folder ? `${folder}/${entry}` : entry;
      if (!isIgnored(child)) {
        add(child);
      }
    }
  }

  add('');
  return {
    close() {
      clearTimeout(timer);
      forget('');
      watchers.forEach((watcher) => watcher.close());
      watchers.clear();
    },
  };
}

/** Null when it is gone, or not for us to see. */
function foldersIn(absolute) {
  try {
    return readdirSync(absolute, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}
