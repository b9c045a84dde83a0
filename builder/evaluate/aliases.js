/* Names by which a project's files import one another: `paths` and `baseUrl` of tsconfig.json. */
import path from 'node:path';
import { parse } from 'jsonc-parser';

const NAMES = ['tsconfig.json', 'jsconfig.json'];
const EXTENDS_MAX = 10;

/**
 * @param {import('../files.js').Files} files
 * @param {string} folder of the file that imports
 * @returns {(specifier: string) => string[]} where the project may have a module of that name, without its ending
 */
export function aliasesOf(files, folder) {
  const file = foldersUp(folder).flatMap((place) => NAMES.map((name) => path.posix.join(place, name))).find((name) => files.has(name));
  const { base, paths = {}, from } = file ? optionsOf(files, file, 0) : {};
  return (specifier) => [
    ...Object.entries(paths).flatMap(([pattern, targets]) => matches(pattern, specifier, targets)).map((place) => path.posix.join(base ?? from, place)),
    ...(base ? [path.posix.join(base, specifier)] : []),
  ];
}

function foldersUp(folder) {
  const steps = folder.split('/');
  return [...steps.map((_, i) => steps.slice(0, steps.length - i).join('/')), '.'];
}

/** What a file says counts more than what it extends; `paths` are relative to who says them. */
function optionsOf(files, file, depth) {
  if (!files.has(file) || depth > EXTENDS_MAX) {
    return {};
  }
  const folder = path.posix.dirname(file);
  const { extends: extended = [], compilerOptions } = parse(files.read(file), [], { allowTrailingComma: true }) ?? {};
  const named = [extended].flat().filter((name) => typeof name === 'string' && name.startsWith('.'));
  const inherited = named.map((name) => optionsOf(files, path.posix.join(folder, name.replace(/(\.json)?$/, '.json')), depth + 1));
  const { baseUrl, paths } = compilerOptions ?? {};
  return Object.assign({}, ...inherited, baseUrl ? { base: path.posix.join(folder, baseUrl) } : {}, paths ? { paths, from: folder } : {});
}

/** `@functions/*` */
function matches(pattern, specifier, targets) {
  const [head, tail] = pattern.split('*');
  const isMatch = tail === undefined ? specifier === pattern : specifier.startsWith(head) && specifier.endsWith(tail);
  const rest = tail === undefined ? '' : specifier.slice(head.length, specifier.length - tail.length);
  return isMatch && Array.isArray(targets) ? targets.map((target) => String(target).replace('*', () => rest)) : [];
}
