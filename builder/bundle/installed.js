/* The packages that a project's code finds, and where its sandbox shows them.
 *
 * Mostly that is one folder: node_modules of the project, or of a folder around it, mounted as the project's. Where
 * links lead out of it (a monorepo's workspaces, pnpm's store, `npm link`, `file:`), or the project has packages beside
 * those of a folder around it, node_modules holds a link for each package instead. They lead to ___mayfly_packages,
 * where all those folders are at the same places from each other as on the user's machine: Node.js finds there what it
 * would find, in the folders around a package and by the links between them. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { Files, isWithin } from '../files.js';

/** @typedef {{ source: string, target: string }} Mount */

const SHOWN = '___mayfly_packages';

/** A folder named node_modules: what is in it by name, and where links of it lead to out of it. */
class Store {
  constructor(folder) {
    this.folder = folder;
    /** @type {Map<string, string | null>} name of a package to where its link leads; null: it is in here */
    this.entries = new Map();
    for (const { name, isLink } of packagesIn(folder)) {
      const real = isLink ? realOf(path.join(folder, name)) : folder;
      if (real) {
        this.entries.set(name, isWithin(real, folder) ? null : real);
      }
    }
  }

  /** Such a one need not be mounted. */
  get hasLinksAlone() {
    return ![...this.entries.values()].includes(null);
  }
}

export class Installed {
  /** @type {Map<string, Store>} by real path */
  #stores = new Map();
  #linked = new Map();
  #used = new Set();
  #base;

  /** @param {string} project the folder that becomes /var/task */
  constructor(project) {
    this.project = realpathSync(project);
    this.around = this.#storesAround(this.project);
    this.nearest = this.around[0] ?? null;
    const leadsOut = [...(this.nearest?.entries.values() ?? [])].some((real) => real && !isWithin(real, this.project));
    this.isWhole = this.around.length < 2 && !leadsOut;
    this.#base = [...this.#stores.keys(), ...this.#linked.keys()].reduce(commonFolder, this.project);
  }

  /** @returns {Store[]} where Node.js looks for what code in a folder names, in its order */
  #storesAround(folder) {
    const found = [];
    for (let at = folder; ; at = path.dirname(at)) {
      const real = path.basename(at) === 'node_modules' ? null : realOf(path.join(at, 'node_modules'));
      if (real && path.basename(real) === 'node_modules') {
        found.push(this.#addStore(real));
      }
      if (at === path.dirname(at)) {
        return found;
      }
    }
  }

  #addStore(folder) {
    const known = this.#stores.get(folder);
    if (known) {
      return known;
    }
    const store = new Store(folder);
    this.#stores.set(folder, store);
    for (const [name, real] of store.entries) {
      const outer = real && storeOf(real);
      if (outer) {
        this.#addStore(outer);
      } else if (real && !isWithin(this.project, real) && nameOf(real) === name) {
        this.#addLinked(real);
      }
    }
    return store;
  }

  #addLinked(folder) {
    if (!this.#linked.has(folder)) {
      this.#linked.set(folder, null);
      this.#storesAround(folder);
    }
  }

  /** @returns {string} the place below /var/task of a file of the project or of a package */
  placeOf(file) {
    if (this.isWhole && this.nearest && isWithin(file, this.nearest.folder)) {
      return path.join('node_modules', path.relative(this.nearest.folder, file));
    }
    const isOwn = isWithin(file, this.project) && !isWithin(file, path.join(this.project, 'node_modules'));
    return isOwn ? path.relative(this.project, file) : path.join(SHOWN, path.relative(this.#base, file));
  }

  /** @returns {boolean} whether the file is of a folder of packages that can be shown, which it is from now on */
  use(file) {
    const folder = storeOf(file);
    if (folder && !this.#stores.has(folder) && isWithin(folder, this.project)) {
      this.#stores.set(folder, new Store(folder));
    }
    if (!this.#stores.has(folder)) {
      return false;
    }
    this.#used.add(folder);
    return true;
  }

  /** The package that a link leads to, by one of its files; null when it is none. */
  linkedOf(file) {
    return [...this.#linked.keys()].filter((folder) => isWithin(file, folder)).sort((a, b) => b.length - a.length)[0] ?? null;
  }

  /** @returns {string[]} a linked package's files, without hidden ones, its secrets among them, and what it has installed */
  filesOf(folder) {
    if (!this.#linked.get(folder)) {
      this.#linked.set(folder, new Files(folder, '').list().filter((name) => !/(^|\/)\./.test(name)));
    }
    return this.#linked.get(folder);
  }

  /** All that a project that is not bundled may load. */
  get whole() {
    const outside = [...this.#linked.keys()].filter((folder) => !isWithin(folder, this.project));
    return { mounts: this.#mountsOf([...this.#stores.values()]), files: this.files(outside) };
  }

  /** What a bundle needs: folders of packages, those that it uses first. @returns {Mount[]} */
  mounts() {
    const isUsed = (store) => this.#used.has(store.folder);
    const stores = [...this.#stores.values()];
    return this.#used.size > 0 ? this.#mountsOf([...stores.filter(isUsed), ...stores.filter((store) => !isUsed(store))]) : [];
  }

  #mountsOf(stores) {
    return stores
      .filter((store) => (this.isWhole && store === this.nearest) || !store.hasLinksAlone)
      .map(({ folder }) => ({ source: folder, target: this.placeOf(folder) }));
  }

  /** @param {string[]} packages linked ones @returns {import('../artifact.js').ArtifactFiles} what is no mount */
  files(packages) {
    const files = new Map();
    for (const folder of packages) {
      for (const name of this.filesOf(folder)) {
        files.set(path.join(this.placeOf(folder), name), { copy: path.join(folder, name) });
      }
    }
    const isFar = (store) => store.hasLinksAlone && !this.around.includes(store);
    [...this.#stores.values()].filter(isFar).forEach((store) => this.#link(files, store, this.placeOf(store.folder)));
    if (!this.isWhole) {
      this.around.forEach((store) => this.#link(files, store, 'node_modules'));
    }
    return files;
  }

  /** The first of a name stays. */
  #link(files, store, place) {
    for (const [name, real] of store.entries) {
      const at = path.join(place, name);
      if (!files.has(at)) {
        files.set(at, { link: path.relative(path.dirname(at), this.placeOf(real ?? path.join(store.folder, name))) || '.' });
      }
    }
  }
}

/** Packages by name, and what is hidden, where some keep what they generate. isLink: it may lead elsewhere. */
function packagesIn(folder) {
  return entriesIn(folder).flatMap((entry) => {
    const isLink = entry.isSymbolicLink();
    return entry.name.startsWith('@')
      ? entriesIn(path.join(folder, entry.name)).map((inner) => ({
        name: `${entry.name}/${inner.name}`, isLink: isLink || inner.isSymbolicLink(),
      }))
      : [{ name: entry.name, isLink }];
  });
}

function entriesIn(folder) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== '.bin');
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return []; /* a file, or not ours to read */
  }
}

/** A link leads to a package only where its own file has the link's name: not to whatever a hostile project wants to see. */
function nameOf(folder) {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).name;
  } catch {
    return null;
  }
}

function realOf(file) {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}

/** The outermost folder of packages around a file. */
function storeOf(file) {
  const at = `${file}/`.indexOf('/node_modules/');
  return at < 0 ? null : `${file.slice(0, at)}/node_modules`;
}

function commonFolder(a, b) {
  let folder = a;
  while (!isWithin(b, folder)) {
    folder = path.dirname(folder);
  }
  return folder;
}
