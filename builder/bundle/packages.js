/* Where a bare import leads: to a package that stays outside of the bundle, to source that is bundled, or nowhere. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { Installed } from './installed.js';

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

/**
 * Whether nobody says that a package is needed: what an installed one only tries, if it is there, need not be installed, nor what
 * a bundle that somebody has made tries within, as the CDK's assets are.
 * @param {string} folder of the file that asks for it
 */
export function isUnasked(project, specifier, folder, file) {
  const isOptional = folder.includes('/node_modules/') || isTried(specifier, file);
  return isOptional && namingFolder(project, packageName(specifier), folder) === null;
}

/** Whether a file asks for it within a `try` alone. */
function isTried(specifier, file) {
  const asked = `\\brequire\\(\\s*(["'\`])${specifier.replace(/[^\w/@-]/g, '\\$&')}\\1`;
  const text = path.isAbsolute(file) && existsSync(file) ? readFileSync(file, 'utf8') : '';
  const all = text.match(new RegExp(asked, 'g')) ?? [];
  const tried = text.match(new RegExp(`\\btry\\s*\\{[^{}]*?${asked}`, 'g')) ?? [];
  return tried.length > 0 && tried.length === all.length;
}

/** What Lambda's runtimes have beside the code, and bundlers for Lambda leave out. */
const OF_LAMBDA = /^(@aws-sdk|@smithy)\//;

/** @returns {string} why an import of a package leads nowhere, and what to do */
export function missingText(project, specifier, importer, dialect) {
  const name = packageName(specifier);
  const folder = folderOf(name, importer);
  if (folder) {
    return lackingText(project, specifier, folder);
  }
  const isOfLambda = dialect === 'lambda' && OF_LAMBDA.test(name);
  const command = installCommand(project, name, importer);
  return isOfLambda
    ? `Package "${name}" comes with Lambda's runtime on AWS; here it is not installed. Install it with: ${command.replace(/ (install|add) (?=@)/, ' $1 -D ')}`
    : `Package "${name}" is not installed. Install it with: ${command}`;
}

/** Of one that is there: in a workspace it may not have been built, else it may be of another version. */
function lackingText(project, specifier, folder) {
  const { version, scripts } = parsedManifest(path.join(folder, 'package.json'));
  if (folder.includes('/node_modules/')) {
    return `The package "${packageName(specifier)}" that is installed, ${version}, has no "${specifier}": another version may have it`;
  }
  const place = path.relative(project, folder);
  const [tool] = addCommand(project, folder).split(' ');
  const way = scripts?.build ? `: cd ${place} && ${tool} run build` : `, ${place}`;
  return `The file that "${specifier}" stands for is not there. Build its package first${way}`;
}

function addCommand(...folders) {
  const found = LOCK_FILES.find(([file]) => folders.some((place) => existsSync(path.join(place, file))));
  return found ? found[1] : 'npm install';
}

/**
 * The command that installs a package, in the words of the package manager the project uses: if a package.json names it
 * already, the one that installs all of that.
 * @param {string} importer the folder that the package is wanted in
 */
function installCommand(project, name, importer) {
  const folder = namingFolder(project, name, importer);
  const add = addCommand(folder ?? project, project);
  if (folder === null) {
    return `${add} ${name}`;
  }
  const place = path.relative(project, folder);
  return `${place ? `cd ${place} && ` : ''}${add.split(' ')[0]} install`;
}

/**
 * The nearest folder from the importer up to the project whose package.json names the package. What an installed package
 * depends on comes with it, into the same folder; what it wants of its users (peerDependencies) the project names.
 */
function namingFolder(project, name, importer) {
  for (let at = importer; at === project || at.startsWith(`${project}/`); at = path.dirname(at)) {
    const [owner, inside] = at.split('/node_modules/');
    const { dependencies, devDependencies, optionalDependencies } = parsedManifest(path.join(at, 'package.json'));
    if ({ ...dependencies, ...optionalDependencies, ...(inside ? {} : devDependencies) }[name]) {
      return owner;
    }
  }
  return null;
}

/**
 * How a bundle names the packages that stay outside of it.
 *
 * The bundle lies at /var/task, which stands for the project: a package that code there finds by its name is named as
 * in the source, any other by its file. What a link leads to is source like the project's, and bundled, unless it has a
 * native module, which it looks for beside itself.
 */
export class PackageMap {
  #uses = new Set();
  #linked = new Set();

  constructor(project) {
    this.project = project;
    this.refresh();
  }

  /** Packages may have come since the last build. */
  refresh() {
    this.installed = new Installed(this.project);
    this.#uses.forEach((file) => this.installed.use(file));
  }

  mounts() {
    return this.installed.mounts();
  }

  files() {
    return this.#uses.size > 0 ? this.installed.files([...this.#linked]) : new Map();
  }

  /**
   * @param {string} specifier as imported
   * @param {string} importer folder of the importing file
   * @param {string} resolved the file it leads to, links followed
   * @returns {string|null} the name to leave in the bundle, or null to bundle the file
   */
  externalName(specifier, importer, resolved) {
    if (!resolved.includes('/node_modules/')) {
      return this.#nativeName(resolved);
    }
    if (!this.installed.use(resolved)) {
      return null;
    }
    this.#uses.add(resolved);
    const name = packageName(specifier);
    return holderOf(name, importer) === holderOf(name, this.installed.project) ? specifier : this.fileName(resolved);
  }

  /** Of a file of a package that is bundled: what lies beside it is there when it runs. */
  keepAround(file) {
    if (this.installed.use(file)) {
      this.#uses.add(file);
    }
  }

  #nativeName(resolved) {
    const folder = /\.([cm]?js|json|node)$/.test(resolved) ? this.installed.linkedOf(resolved) : null;
    if (!folder || !this.installed.filesOf(folder).some((name) => name.endsWith('.node'))) {
      return null;
    }
    this.#linked.add(folder);
    this.#uses.add(resolved);
    return this.fileName(resolved);
  }

  /** @returns {string} the name of a package's file for code in /var/task */
  fileName(resolved) {
    return `./${this.installed.placeOf(resolved)}`;
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

/** @returns {object} {} where there is none that can be read */
export function parsedManifest(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) ?? {};
  } catch {
    return {};
  }
}

/** Where a package is installed, links followed; null: it is not. */
function folderOf(name, importer) {
  const holder = holderOf(name, importer);
  const folder = holder && path.join(holder, 'node_modules', name);
  return folder && existsSync(path.join(folder, 'package.json')) ? realpathSync(folder) : null;
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
