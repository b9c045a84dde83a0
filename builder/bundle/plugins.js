/* esbuild plugins: the virtual entry, what stays outside of a bundle, and the places of source files. */
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { loaderOf } from '../source.js';
import { withFilesBeside } from './edge.js';
import { resolveInLayers } from './layers.js';
import { usesCache, withCachedFunctions } from './use_cache.js';
import { isOfNextPackage, isPackageSpecifier, isUnasked, missingText, packageName } from './packages.js';

const SHIMS = '/var/runtime/js/shims';
const TASK_ROOT = '/var/task';
export const ENTRY = 'mayfly:entry';

const NEXT_SHIMS = Object.fromEntries(
  ['server', 'headers', 'navigation', 'cache'].flatMap((name) => [
    [`next/${name}`, `${SHIMS}/next/${name}.js`],
    [`next/${name}.js`, `${SHIMS}/next/${name}.js`],
  ]),
);
const CLOUDFLARE_MODULES = new Set(['cloudflare:workers', 'cloudflare:sockets', 'cloudflare:email', 'cloudflare:node', 'cloudflare:workflows']);
const EMPTY_MODULES = new Set(['server-only', 'client-only']);

/**
 * The bundle's entry: `modules`, a thunk an endpoint, so that each is loaded when asked for and fails alone.
 * @param {() => string} source
 * @param {(name: string) => string} parts the source of all other modules of ours
 */
export function entryPlugin(project, source, parts) {
  return {
    name: 'mayfly-entry',
    setup(build) {
      build.onResolve({ filter: /^mayfly:/ }, ({ path: name }) => ({ path: name, namespace: 'mayfly' }));
      build.onResolve({ filter: /^\.\/___mayfly_esm\.mjs$/, namespace: 'mayfly' }, ({ path: file }) => ({
        path: file, external: true,
      }));
      build.onLoad({ filter: /.*/, namespace: 'mayfly' }, ({ path: name }) => ({
        contents: name === ENTRY ? source() : parts(name), resolveDir: project, loader: 'js',
      }));
      build.onLoad({ filter: /.*/, namespace: 'mayfly-empty' }, () => ({ contents: '', loader: 'js' }));
    },
  };
}

/** `./file?bytes` of the entry is what lies in it, whatever its name says: an endpoint that is a file as it stands. */
export function bytesPlugin(project) {
  return {
    name: 'mayfly-bytes',
    setup(build) {
      build.onResolve({ filter: /^\.\/.*\?bytes$/, namespace: 'mayfly' }, ({ path: file }) => ({
        path: file.slice('./'.length, -'?bytes'.length), namespace: 'mayfly-bytes',
      }));
      build.onLoad({ filter: /.*/, namespace: 'mayfly-bytes' }, async ({ path: file }) => {
        const bytes = await readFile(path.join(project, file));
        return { contents: `export default Buffer.from('${bytes.toString('base64')}', 'base64');`, loader: 'js' };
      });
    },
  };
}

/**
 * Packages stay outside, except for Workers and edge functions, which their platforms bundle whole.
 * @param {{ project: string, root: string, packages: import('./packages.js').PackageMap, dialect: string, whole: boolean,
 *   layers: import('./layers.js').Layer[] }} group
 */
export function importsPlugin(group) {
  return {
    name: 'mayfly-imports',
    setup(build) {
      /* A package does not move while the builder runs, but it may appear: only what was found is kept. */
      const found = new Map();
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.pluginData?.resolving || args.kind === 'entry-point' || path.isAbsolute(args.path)) {
          return undefined;
        }
        const key = `${args.resolveDir}\0${args.path}\0${args.kind}`;
        const known = found.has(key) ? found.get(key) : await resolveBare(build, args, group);
        if (!known?.errors && !known?.warnings) {
          found.set(key, known);
        }
        return known;
      });
    },
  };
}

async function resolveBare(build, args, group) {
  const { path: specifier } = args;
  if (isBuiltin(specifier)) {
    return { path: specifier.startsWith('node:') ? specifier : `node:${specifier}`, external: true };
  }
  if (CLOUDFLARE_MODULES.has(specifier)) {
    return { path: `${SHIMS}/${specifier.replace(':', '-')}.js`, external: true };
  }
  if (EMPTY_MODULES.has(specifier)) {
    return { path: specifier, namespace: 'mayfly-empty' };
  }
  const isNext = group.dialect === 'next' || group.dialect === 'middleware';
  if (isNext && NEXT_SHIMS[specifier]) {
    return { path: NEXT_SHIMS[specifier], external: true };
  }
  const result = await resolveWith(build, args, args.kind);
  if (result.errors.length > 0) {
    const layered = await resolveInLayers(build, args, group.layers);
    if (layered) {
      return layered;
    }
    return NEXT_SHIMS[specifier] && group.dialect !== 'worker'
      ? { path: NEXT_SHIMS[specifier], external: true }
      : missing(args, result, group);
  }
  if (result.external || result.namespace !== 'file' || group.whole || (isNext && isOfNextPackage(result.path))) {
    return bundled(result);
  }
  return externalOrBundled(build, args, result, group);
}

function resolveWith(build, { path: specifier, resolveDir, importer, namespace, with: attributes }, kind) {
  return build.resolve(specifier, {
    kind, resolveDir, importer, namespace, with: attributes, pluginData: { resolving: true },
  });
}

/**
 * Of a file that a plugin names esbuild does not ask whether its package is of "type": "module", and that decides what its default imports of
 * CommonJS are: so it finds such a file once more by itself.
 */
function bundled({ path: file, external, namespace, sideEffects, suffix }) {
  return external || namespace !== 'file' ? { path: file, external, namespace, sideEffects, suffix } : undefined;
}

async function externalOrBundled(build, args, result, { packages }) {
  const name = packages.externalName(args.path, args.resolveDir, result.path);
  if (!name) {
    return bundled(result);
  }
  if (name === args.path && args.kind === 'import-statement') {
    /* A cjs bundle asks with require(), which a package that exports for `import` alone refuses by name. */
    const required = await resolveWith(build, args, 'require-call');
    if (required.errors.length > 0) {
      return { path: packages.fileName(result.path), external: true };
    }
  }
  return { path: withEnding(name, result.path), external: true };
}

/** Next.js itself exports nothing by name: an ES module must say `next/link.js`. */
function withEnding(name, file) {
  return /^next\/[\w/-]+$/.test(name) && file.endsWith(`${name}.js`) ? `${name}.js` : name;
}

/** A package that is only tried (`try { require('x') } catch`) may be missing: Node.js says so when it runs. */
function missing(args, result, { project, dialect }) {
  if (!isPackageSpecifier(args.path)) {
    return { errors: result.errors.map(({ text, notes }) => ({ text, notes })) };
  }
  const name = packageName(args.path);
  const text = missingText(project, args.path, args.resolveDir, dialect);
  if (args.kind === 'require-call' || args.kind === 'require-resolve' || args.kind === 'dynamic-import') {
    return { path: args.path, external: true, warnings: isUnasked(project, args.path, args.resolveDir, args.importer) ? [] : [{ text }] };
  }
  return { errors: [{ text, detail: { missing: name } }] };
}

const PLACE = /\b__(?:dirname|filename)\b|\bimport\.meta\b/;

/**
 * `__dirname`, `import.meta.url` and their kin say where the source file would lie if the root were /var/task.
 * A name that the file declares itself is left alone: esbuild's `define` knows scopes.
 */
/**
 * @param {string} root the project, or the folder of a Lambda function's code
 * @param {Map<string, { text: string, result: object, map?: object }>} done by file: also tells where a place in the
 *   transformed text comes from
 * @param {{ isNext?: boolean, mayFetch?: ((file: string) => boolean) | false, packages?: object }} kind isNext: whether functions may say 'use cache', and
 *   'use workflow' is told; mayFetch: of an edge function, which files beside a source it may fetch;
 *   packages: of all but workers and edge functions, so that bundled packages have their places, too
 */
export function placesPlugin(root, done, { isNext = false, mayFetch = false, packages = null }) {
  const placeOf = (file, isPackage) => (isPackage ? packages.fileName(file).slice(2) : path.relative(root, file));
  return {
    name: 'mayfly-places',
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: 'file' }, async ({ path: file }) => {
        const isPackage = file.includes('/node_modules/');
        if (isPackage && !mayFetch && !packages) {
          return undefined;
        }
        const written = await readFile(file, 'utf8');
        const text = mayFetch ? withFilesBeside(file, written, mayFetch) : written;
        const isPlaced = PLACE.test(text);
        if (isPackage && packages && isPlaced) {
          packages.keepAround(file);
        } else if (isPackage) {
          return text === written ? undefined : { contents: text, loader: loaderOf(file) };
        }
        const caches = isNext && !isPackage && usesCache(text);
        const warnings = isNext && !isPackage ? workflowWarnings(root, file, text) : [];
        if (!isPlaced && !caches) {
          done.delete(file);
          return { contents: text, loader: loaderOf(file), warnings };
        }
        if (done.get(file)?.text !== text) {
          done.set(file, { text, ...(await placed(file, placeOf(file, isPackage), text, caches)) });
        }
        const { result } = done.get(file);
        return { ...result, warnings: [...result.warnings ?? [], ...warnings] };
      });
    },
  };
}

/* What their compiler makes of such a function is not made here: then start() says that it is none. */
function workflowWarnings(root, file, text) {
  const at = text.search(/(['"])use workflow\1/);
  if (at < 0) return [];
  const lines = text.slice(0, at).split('\n');
  const location = { file: path.relative(root, file), line: lines.length, column: lines.at(-1).length, lineText: text.split('\n')[lines.length - 1] };
  return [{ text: "'use workflow': workflows do not run here, and start() fails: run `next dev` for them", location }];
}

async function placed(file, relative, text, caches) {
  const place = path.posix.join(TASK_ROOT, relative.startsWith('..') ? path.basename(file) : relative);
  const folder = path.posix.dirname(place);
  try {
    const { code, map, warnings } = await transform(text, {
      loader: loaderOf(file),
      target: 'esnext',
      jsx: 'automatic',
      sourcefile: path.basename(file),
      sourcemap: 'both',
      logLevel: 'silent',
      define: {
        __dirname: JSON.stringify(folder),
        __filename: JSON.stringify(place),
        'import.meta.dirname': JSON.stringify(folder),
        'import.meta.filename': JSON.stringify(place),
        'import.meta.url': JSON.stringify(pathToFileURL(place).href),
        'import.meta.main': 'false',
      },
    });
    const contents = caches ? withCachedFunctions(place, code) : code;
    return { result: { contents, loader: 'js', warnings }, map: JSON.parse(map) };
  } catch {
    return { result: { contents: text, loader: loaderOf(file) } }; /* esbuild reports the syntax error with its place */
  }
}
