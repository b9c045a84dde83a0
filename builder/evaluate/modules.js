/* What a configuration file exports, with the files of the project that it imports. */
import path from 'node:path';
import { inspect, UNKNOWN } from '../source.js';
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
  if (!(await collect(files, file, programs))) {
    return null;
  }
  const done = new Map();
  const load = (name) => {
    if (!done.has(name)) {
      done.set(name, objectOf([])); /* what a circle of imports finds */
      done.set(name, runModule(name, programs.get(name), load, given));
    }
    return done.get(name);
  };
  return { interpreter: new Interpreter(() => UNKNOWN), exports: load(file) };
}

/** Reads a file and what it imports, before anything is evaluated. */
async function collect(files, file, programs) {
  const facts = file.endsWith('.json') ? null : await inspect(file, files.read(file));
  if (programs.size > FILES_MAX || (!facts && !file.endsWith('.json'))) {
    return false;
  }
  programs.set(file, facts ? { facts, found: new Map() } : { json: files.read(file) });
  for (const specifier of facts?.imports.filter((name) => name.startsWith('.')) ?? []) {
    const base = path.posix.join(path.posix.dirname(file), specifier);
    const found = ENDINGS.map((ending) => base + ending).find((name) => files.has(name));
    if (found) {
      programs.get(file).found.set(specifier, found);
      if (!programs.has(found)) {
        await collect(files, found, programs);
      }
    }
  }
  return true;
}

function runModule(file, { facts, found, json } = {}, load, { names, modules }) {
  if (json !== undefined) {
    return jsonModule(json);
  }
  if (!facts) {
    return UNKNOWN;
  }
  const module = objectOf([['exports', objectOf([])]]);
  const interpreter = new Interpreter((specifier) => {
    const place = found.get(specifier);
    return place ? load(place) : modules[specifier] ?? UNKNOWN;
  });
  const scope = interpreter.run(facts.program, { ...names, module, exports: module.exports });
  return facts.esm ? exportsOf(facts.program, scope) : commonjs(module.exports);
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

function exportsOf({ body }, scope) {
  const names = body.filter((node) => node.type === 'ExportNamedDeclaration' && !node.source).flatMap(({ declaration, specifiers }) => [
    ...(declaration?.declarations ?? (declaration ? [declaration] : [])).map(({ id }) => [id.name, id.name]),
    ...specifiers.map(({ local, exported }) => [exported.name, local.name]),
  ]);
  return objectOf([['default', scope.get('*default*')], ...names.map(([exported, local]) => [exported, scope.get(local)])]);
}
