/* What a configuration file exports, with the files of the project that it imports. */
import path from 'node:path';
import { inspect, UNKNOWN } from '../source.js';
import { aliasesOf } from './aliases.js';
import { Interpreter, isObject, objectOf } from './interpret.js';

const ENDINGS = ['', '.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '/index.ts', '/index.js'];
const FILES_MAX = 100;

/**
 * @param {import('../files.js').Files} files
 * @param {string} file
 * @param {{ names: object, modules: Record<string, object> }} given names that the files find, e.g. `process`, and what
 *   packages are known to export
 * @returns {Promise<{ interpreter: Interpreter, exports: object }|null>} null when the file does not parse
 * @throws {import('./interpret.js').Unfinished}
 */
export async function evaluateModule(files, file, given) {
  const programs = new Map();
  if (!(await collect(files, file, programs, aliasesOf(files, path.posix.dirname(file))))) {
    return null;
  }
  const done = new Map();
  const load = (name) => {
    if (!done.has(name)) {
      done.set(name, objectOf([])); /* what a circle of imports finds */
      const absolute = files.absolute(name);
      const names = { ...given.names, __filename: absolute, __dirname: path.dirname(absolute) };
      done.set(name, runModule(programs.get(name), load, { ...given, names }));
    }
    return done.get(name);
  };
  return { interpreter: new Interpreter(() => UNKNOWN), exports: load(file) };
}

/** Reads a file and what it imports, before anything is evaluated. */
async function collect(files, file, programs, aliases) {
  const facts = file.endsWith('.json') ? null : await inspect(file, files.read(file));
  if (programs.size > FILES_MAX || (!facts && !file.endsWith('.json'))) {
    return false;
  }
  programs.set(file, facts ? { facts, found: new Map() } : { json: files.read(file) });
  for (const specifier of facts?.imports ?? []) {
    const places = specifier.startsWith('.') ? [path.posix.join(path.posix.dirname(file), specifier)] : aliases(specifier);
    const found = places.flatMap((place) => ENDINGS.map((ending) => place + ending)).find((name) => files.has(name));
    if (found) {
      programs.get(file).found.set(specifier, found);
      if (!programs.has(found)) {
        await collect(files, found, programs, aliases);
      }
    }
  }
  return true;
}

function runModule({ facts, found, json } = {}, load, { names, modules }) {
  if (json !== undefined) {
    return jsonModule(json);
  }
  if (!facts) {
    return UNKNOWN;
  }
  const module = objectOf([['exports', objectOf([])]]);
  const require = (specifier) => {
    const place = found.get(specifier);
    return place ? load(place) : modules[specifier] ?? UNKNOWN;
  };
  const given = module.exports;
  const scope = new Interpreter(require).run(facts.program, { ...names, module, exports: given });
  /* TypeScript lets one file have both `import` and `module.exports =`. */
  return facts.esm && module.exports === given ? exportsOf(facts.program, scope, require) : commonjs(module.exports);
}

function jsonModule(json) {
  try {
    return commonjs(JSON.parse(json));
  } catch {
    return UNKNOWN;
  }
}

/** `import x from` gets the whole. */
function commonjs(exports) {
  const members = isObject(exports) ? Object.entries(exports) : [];
  return objectOf([...members, ...(members.some(([name]) => name === 'default') ? [] : [['default', exports]])]);
}

function exportsOf({ body }, scope, require) {
  return objectOf(body.flatMap((node) => (node.source ? handedOn(node, require) : exportedBy(node, scope))));
}

function exportedBy({ type, declaration, specifiers }, scope) {
  if (type !== 'ExportNamedDeclaration') {
    return type === 'ExportDefaultDeclaration' ? [['default', scope.get('*default*')]] : [];
  }
  const declared = (declaration?.declarations ?? (declaration ? [declaration] : [])).map(({ id }) => [id.name, scope.get(id.name)]);
  return [...declared, ...specifiers.map(({ local, exported }) => [exported.name, scope.get(local.name)])];
}

/** `export { default as hello } from './hello'`, `export * from './hello'` */
function handedOn({ type, source, specifiers, exported }, require) {
  if (!type.startsWith('Export')) {
    return [];
  }
  const module = require(source.value);
  const member = (name) => (isObject(module) ? module[name] : UNKNOWN);
  if (type === 'ExportNamedDeclaration') {
    return specifiers.map((specifier) => [specifier.exported.name, member(specifier.local.name)]);
  }
  return exported ? [[exported.name, module]] : Object.entries(isObject(module) ? module : {}).filter(([name]) => name !== 'default');
}
