/* Where a bare import leads: to a package that stays outside of the bundle, to source that is bundled, or nowhere. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** @typedef {{ source: string, target: string }} Mount */

/** 'zod/v4' -> 'zod', '@scope/name/x' -> '@scope/name' */
export function packageName(specifier) {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

/** Whether it can be the name of an npm package: '@/lib/db' and '~/x' are path aliases that led nowhere. */
export function isPackageSpecifier(specifier) {
  return /^(@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*(\/|$)/i.test(specifier) && !specifier.startsWith('~/');
}

const LOCK_FILES = [
  ['pnpm-lock.yaml', 'pnpm add'],
  ['yarn.lock', 'yarn add'],
  ['bun.lock', 'bun add'],
  ['bun.lockb', 'bun add'],
];

/** The command that installs a package, in the words of the package manager the project uses. */
export function installCommand(project, name) {
  const found = LOCK_FILES.find(([file]) => existsSync(path.join(project, file)));
  return `${found ? found[1] : 'npm install'} ${name}`;
}

/**
 * Folders named node_modules that the sandbox must show, and how the bundle names a package in them.
 *
 * The bundle lies at /var/task, which stands for the project: a package found from the project's own folder is
 * named as in the source. One found from a folder below (a workspace's own node_modules) is named by its file. One
 * from above (packages hoisted in a monorepo) is mounted as the project's, unless the project has its own too.
 */
export class PackageMap {
  /** @type {Map<string, Mount>} */
  #mounts = new Map();

  constructor(project) {
    this.project = realpathSync(project);
  }

  mounts() {
    return [...this.#mounts.values()].sort((a, b) => (a.target < b.target ? -1 : 1));
  }

  /**
   * @param {string} specifier as imported
   * @param {string} importer folder of the importing file
   * @param {string} resolved the file it leads to, links followed
   * @returns {string|null} the name to leave in the bundle, or null to bundle the file
   */
  externalName(specifier, importer, resolved) {
    if (!resolved.includes('/node_modules/')) {
      return null;
    }
    const holder = holderOf(packageName(specifier), importer);
    if (!holder) {
      return null;
    }
    const modules = path.join(holder, 'node_modules');
    if (!isBelow(modules, resolved)) {
      return null; /* a link that leads elsewhere, which would dangle in the sandbox */
    }
    if (isBelow(holder, this.project)) {
      return this.#mountAs(modules, 'node_modules') ? specifier : null;
    }
    if (isBelow(this.project, holder)) {
      this.#mountAs(modules, path.relative(this.project, modules));
      return `./${path.relative(this.project, resolved)}`;
    }
    return null;
  }

  #mountAs(source, target) {
    const mount = this.#mounts.get(target);
    if (!mount) {
      this.#mounts.set(target, { source, target });
    }
    return !mount || mount.source === source;
  }
}

/**
 * Whether a file is of a package that is made for Next.js, as next-auth is: such are bundled with the project, so that
 * what they import of next is what the project's own files get.
 */
export function isOfNextPackage(file) {
  for (let at = path.dirname(file); path.basename(at) !== 'node_modules' && at !== path.dirname(at); at = path.dirname(at)) {
    const { name, dependencies, peerDependencies } = readManifest(at);
    if (name) {
      return name !== 'next' && Boolean(dependencies?.next ?? peerDependencies?.next);
    }
  }
  return false;
}

const manifests = new Map();

/** A package does not change while the builder runs. */
function readManifest(folder) {
  if (!manifests.has(folder)) {
    manifests.set(folder, parsedManifest(path.join(folder, 'package.json')));
  }
  return manifests.get(folder);
}

function parsedManifest(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) ?? {};
  } catch {
    return {};
  }
}

/** The nearest folder upwards whose node_modules has the package, as Node looks for it. */
function holderOf(name, folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    if (path.basename(at) !== 'node_modules' && existsSync(path.join(at, 'node_modules', name))) {
      return realpathSync(at);
    }
    if (at === path.dirname(at)) {
      return null;
    }
  }
}

function isBelow(folder, file) {
  return file === folder || file.startsWith(`${folder}/`);
}
