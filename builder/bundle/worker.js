/* What wrangler does to a Worker's bundle: web conditions, and modules of other types beside the code. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import picomatch from 'picomatch';

/** @param {{ define?: Record<string,string>, alias?: Record<string,string> }} [settings] from wrangler's configuration */
export function workerOptions(settings = {}) {
  return {
    platform: 'browser', /* honours a package's "browser" field; node:* stays external by our plugin */
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    define: { 'process.env.NODE_ENV': JSON.stringify(process.env.NODE_ENV ?? 'development'), ...settings.define },
    alias: settings.alias ?? {},
    external: ['__STATIC_CONTENT_MANIFEST'],
  };
}

const DEFAULT_RULES = [
  { type: 'Text', globs: ['**/*.txt', '**/*.html', '**/*.sql'] },
  { type: 'Data', globs: ['**/*.bin'] },
  { type: 'CompiledWasm', globs: ['**/*.wasm', '**/*.wasm?module'] },
];
/** Next.js and Vercel know one such import: `./x.wasm?module`. */
const WASM_MODULE_ONLY = [{ type: 'CompiledWasm', globs: ['**/*.wasm?module'] }];

/**
 * Files that are imported as text, bytes or WebAssembly become files of the artifact.
 * @param {import('../project.js').Draft} draft
 * @param {Map<string, Uint8Array>} assets filled with what the artifact needs
 */
export function workerModulesPlugin(draft, assets) {
  const rules = draft.dialect === 'worker' ? effectiveRules(draft.bundle?.rules ?? []) : WASM_MODULE_ONLY;
  const matchers = rules.map(({ type, globs }) => ({ type, matches: globs.map(globTest) }));
  const typeOf = (file) => matchers.find(({ matches }) => matches.some((match) => match(file)))?.type;
  return {
    name: 'mayfly-modules',
    setup(build) {
      build.onResolve({ filter: /\.[a-z0-9]+(\?module)?$/i }, async (args) => {
        if (args.pluginData?.resolving || args.kind === 'entry-point' || !typeOf(args.path)) {
          return undefined;
        }
        const found = await build.resolve(args.path.replace(/\?module$/, ''), {
          kind: args.kind, resolveDir: args.resolveDir, importer: args.importer, pluginData: { resolving: true },
        });
        return found.errors.length > 0
          ? { errors: found.errors.map(({ text, notes }) => ({ text, notes })) }
          : { path: found.path, namespace: 'mayfly-module', pluginData: { type: typeOf(args.path) } };
      });
      build.onLoad({ filter: /.*/, namespace: 'mayfly-module' }, async ({ path: file, pluginData }) => {
        const contents = await readFile(file);
        return { contents: moduleSource(pluginData.type, file, contents, assets), loader: 'js', watchFiles: [file] };
      });
    },
  };
}

/** Code, as esbuild takes it without being told: a build's own configuration names these. */
const CODE = ['ESModule', 'CommonJS'];

/** wrangler's rule: the user's come first; a type that they name loses its defaults unless one falls through. */
function effectiveRules(rules) {
  const userRules = rules.filter(({ type }) => !CODE.includes(type));
  const closed = new Set(userRules.filter((rule) => !rule.fallthrough).map((rule) => rule.type));
  return [...userRules, ...DEFAULT_RULES.filter((rule) => !closed.has(rule.type))];
}

function globTest(glob) {
  const escaped = glob.replaceAll('?', '\\?');
  const matches = picomatch(escaped, { dot: true });
  return (file) => matches(file.replace(/^(\.\.?\/)+/, ''));
}

function moduleSource(type, file, contents, assets) {
  if (type === 'Text') {
    return `export default ${JSON.stringify(contents.toString('utf8'))};`;
  }
  const digest = createHash('sha256').update(contents).digest('hex').slice(0, 16);
  const name = `___modules/${digest}-${path.basename(file)}`;
  assets.set(name, contents);
  const read = `globalThis.process.getBuiltinModule('node:fs').readFileSync(___mayfly_dirname + ${JSON.stringify(`/${name}`)})`;
  return type === 'CompiledWasm'
    ? `export default new WebAssembly.Module(${read});`
    : `const bytes = ${read};\nexport default bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);`;
}
