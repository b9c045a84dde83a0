/* Modules that wrangler uploads beside the one that is bundled: all of a folder _worker.js, and what `find_additional_modules` and `no_bundle` ask for.
 * A Worker imports them by names that it makes when it runs, as next-on-pages does: they lie in the artifact as beside its main module. */
import path from 'node:path';
import picomatch from 'picomatch';

const CODE_TYPES = ['ESModule', 'CommonJS'];
/** https://developers.cloudflare.com/workers/wrangler/bundling/#files-which-will-not-be-bundled */
const CODE = ['**/*.js', '**/*.mjs'];

/** @returns {string[]} patterns of what is such a module, of names relative to the main one */
function patternsOf({ no_bundle: noBundle, find_additional_modules: isAsked, rules = [] }, main) {
  const named = [rules].flat().filter((rule) => CODE_TYPES.includes(rule?.type)).flatMap(({ globs }) => globs ?? []);
  const isAll = noBundle === true || /(^|\/)_worker\.js\//.test(main);
  return isAll ? [...CODE, ...named] : isAsked === true ? named : [];
}

/**
 * @param {import('../files.js').Files} files
 * @param {{ settings: object, main?: string }} worker
 * @returns {Map<string, { copy: string } | Uint8Array>} files of the artifact
 */
export function modulesBeside(files, { settings, main }) {
  const patterns = main ? patternsOf(settings, main).filter((glob) => typeof glob === 'string') : [];
  if (patterns.length === 0) {
    return new Map();
  }
  const folder = path.posix.dirname(main);
  const matches = picomatch(patterns, { dot: true });
  const isBeside = (name) => !name.startsWith('../') && !/(^|\/)node_modules\//.test(name) && matches(name);
  const found = files.list().filter((file) => file !== main)
    .map((file) => [path.posix.relative(folder, file), { copy: files.absolute(file) }]).filter(([name]) => isBeside(name));
  return new Map(found.length > 0 ? [...found, ['package.json', Buffer.from('{ "type": "module" }\n')]] : []);
}
