/* Artifacts on disk: `<out>/<name>@<digest>/`, written whole or not at all, removed when two builds old. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmodSync, copyFileSync, constants, statSync } from 'node:fs';
import path from 'node:path';

const KEPT_BUILDS = 2;

/**
 * @typedef {Map<string, Uint8Array | { copy: string } | { link: string }>} ArtifactFiles relative name to contents, to the file
 *   copied, or to what a link says
 */

/**
 * @param {ArtifactFiles} files
 * @param {string[]} [mountPoints]
 */
export function digestFiles(files, mountPoints = []) {
  const hash = createHash('sha256');
  for (const name of [...files.keys()].sort()) {
    const entry = files.get(name);
    hash.update(`${name}\0`);
    hash.update(typeof entry.copy === 'string' ? fileStamp(entry.copy) : (entry.link ?? entry));
    hash.update('\0');
  }
  hash.update(JSON.stringify(mountPoints));
  return hash.digest('hex').slice(0, 16);
}

/** In bytes, of the files alone. */
export function sizeOfFiles(files) {
  return [...files.values()].reduce((sum, entry) => sum + (typeof entry.copy === 'string' ? fileSize(entry.copy) : (entry.length ?? 0)), 0);
}

function fileSize(file) {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

export function digestJson(value) {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/** Copied files may be large: their size and time stand for their contents. */
function fileStamp(file) {
  try {
    const { size, mtimeMs, mode } = statSync(file);
    return `${size}:${mtimeMs}:${mode}`;
  } catch {
    return 'gone';
  }
}

export class ArtifactStore {
  #generations = [];
  #busy = [];

  constructor(out) {
    this.out = out;
  }

  /**
   * @param {string} name of the function
   * @param {ArtifactFiles} files
   * @param {string} digest
   * @param {string[]} mountPoints folders that must be there, since the artifact is bound read-only
   * @returns {string} the folder
   */
  write(name, files, digest, mountPoints = []) {
    const folder = path.join(this.out, `${name}@${digest}`);
    if (existsSync(folder)) {
      return folder;
    }
    mkdirSync(path.dirname(folder), { recursive: true });
    const draft = mkdtempSync(`${folder}.new-`);
    try {
      chmodSync(draft, 0o755); /* the sandbox's user must read it */
      fill(draft, files);
      mountPoints.forEach((point) => mkdirSync(path.join(draft, point), { recursive: true }));
      renameSync(draft, folder);
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      throw error;
    }
    return folder;
  }

  /** Call once a build, with the folders it uses: what the last two builds did not use is removed. */
  retire(folders) {
    this.#generations.push(new Set(folders));
    if (this.#generations.length <= KEPT_BUILDS) {
      return;
    }
    const oldest = this.#generations.shift();
    const isUsed = (folder) => this.#generations.some((generation) => generation.has(folder));
    this.#busy = [...this.#busy, ...oldest].filter((folder) => !isUsed(folder) && !removeWhole(folder));
  }
}

/** False where a function that is still being drained has a folder mounted in it: the next build tries again. */
function removeWhole(folder) {
  try {
    rmSync(folder, { recursive: true, force: true });
    return true;
  } catch (error) {
    /* Node.js 26 has the words of it, but not its code. */
    if (error.code !== 'EBUSY' && !error.message.includes('Device or resource busy')) {
      throw error;
    }
    return false;
  }
}

function fill(folder, files) {
  for (const [file, entry] of files) {
    const target = path.join(folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    if (typeof entry.copy === 'string') {
      copyWhole(entry.copy, target);
    } else if (typeof entry.link === 'string') {
      symlinkSync(entry.link, target);
    } else {
      writeFileSync(target, entry);
    }
  }
}

/** A clone where the file system can; a file that vanishes meanwhile is left out. */
function copyWhole(source, target) {
  try {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (error.code !== 'ENOENT') {
      throw error;
    }
  }
}
