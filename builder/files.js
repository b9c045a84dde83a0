/* The project's files: one walk, kept until the watcher says that something came or went. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const IGNORED_FOLDERS = new Set([
  'node_modules', '.git', '.hg', '.svn', '.mayfly', '.next', '.vercel', '.wrangler', '.turbo',
  '.terraform', '.aws-sam', '.serverless', '.cache', '.idea', '.vscode', 'coverage',
]);
const FILES_MAX = 50_000;

/** Of .netlify: what frameworks build for Netlify, and not its tools' own state. */
export const NETLIFY_BUILT = ['v1', 'functions-internal'];

/** @param {string} folder relative to the project */
export function isIgnoredFolder(folder) {
  const { base, dir } = path.posix.parse(folder);
  return IGNORED_FOLDERS.has(base) || (path.posix.basename(dir) === '.netlify' && !NETLIFY_BUILT.includes(base));
}

/** What a build has made for Vercel (discover/vercel_output.js). It is none of the project's own files, and is not listed. */
export const VERCEL_OUTPUT = '.vercel/output';

/** @param {string} folder relative to the project, of which changes are nothing to build; static files are looked up as they are asked for */
export function isUnwatchedFolder(folder) {
  if (!isWithin(folder, '.vercel')) {
    return isIgnoredFolder(folder);
  }
  const isOutput = isWithin(VERCEL_OUTPUT, folder) || isWithin(folder, VERCEL_OUTPUT);
  return !isOutput || isWithin(folder, `${VERCEL_OUTPUT}/static`) || (folder !== '.vercel' && isIgnoredFolder(folder));
}

/** @returns {boolean} whether `file` is `folder` or lies in it */
export function isWithin(file, folder) {
  return file === folder || file.startsWith(folder === '/' ? folder : `${folder}/`);
}

export class Files {
  #list = null;
  #text = new Map();
  #volumes = [];

  /**
   * @param {string} project
   * @param {string} out where artifacts go; ignored when it lies inside the project
   */
  constructor(project, out) {
    this.project = project;
    this.out = out;
  }

  /** @param {string[]} volumes folders that hold data: nothing in them is a file of the project */
  setVolumes(volumes) {
    if (volumes.join('\0') !== this.#volumes.join('\0')) {
      this.#volumes = volumes;
      this.#list = null;
    }
  }

  get volumes() {
    return this.#volumes;
  }

  /** @returns {boolean} whether a path lies in a volume, or is one */
  isInVolume(file) {
    return this.#volumes.some((volume) => isWithin(file, volume));
  }

  /** @param {{ file: string, structure: boolean }[]} changes structure: a name came or went */
  invalidate(changes) {
    for (const { file, structure } of changes) {
      this.#text.delete(file);
      if (structure) {
        this.#list = null;
      }
    }
  }

  /** Relative paths with forward slashes, sorted, so that what is built does not depend on the file system. */
  list() {
    if (!this.#list) {
      const found = [];
      this.#walk('', found);
      this.#list = found.sort();
      this.#set = new Set(found);
    }
    return this.#list;
  }

  #set = new Set();

  has(file) {
    this.list();
    return this.#set.has(file);
  }

  /** @returns {string} the text of a file of the project; '' when it has just vanished */
  read(file) {
    let text = this.#text.get(file);
    if (text === undefined) {
      text = readText(path.join(this.project, file));
      this.#text.set(file, text);
    }
    return text;
  }

  absolute(file) {
    return path.join(this.project, file);
  }

  #walk(folder, found) {
    for (const entry of readFolder(path.join(this.project, folder))) {
      if (found.length >= FILES_MAX) {
        return;
      }
      const file = folder ? `${folder}/${entry.name}` : entry.name;
      if (entry.isDirectory()) {
        if (!isIgnoredFolder(file) && !this.isInVolume(file) && path.join(this.project, file) !== this.out) {
          this.#walk(file, found);
        }
      } else if (entry.isFile() || (entry.isSymbolicLink() && isFile(path.join(this.project, file)))) {
        found.push(file);
      }
    }
  }
}

function readFolder(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; /* removed between the listing of its parent and now, or not ours to read */
  }
}

function statOf(absolute) {
  try {
    return statSync(absolute);
  } catch {
    return null; /* not there, not ours to look at, a loop of links */
  }
}

function isFile(absolute) {
  return statOf(absolute)?.isFile() ?? false;
}

export function isFolder(absolute) {
  return statOf(absolute)?.isDirectory() ?? false;
}

export function isEmptyFile(absolute) {
  const found = statOf(absolute);
  return found !== null && found.isFile() && found.size === 0;
}

/** Some editors put a byte order mark first, which is no part of the text and no JSON. */
function readText(absolute) {
  try {
    return readFileSync(absolute, 'utf8').replace(/^\uFEFF/, '');
  } catch {
    return '';
  }
}
