/* What Next.js and Vercel do to the bundle of an edge function: packages are bundled whole, as they are for the web;
 * of Node.js's modules there are a few, and the others fail when they are used (runtime/js/edge_globals.js). */
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** https://nextjs.org/docs/app/api-reference/edge */
const SUPPORTED = new Set(['assert', 'async_hooks', 'buffer', 'events', 'util']);

/** Values of `runtime` that ask for it. */
export const isEdge = (runtime) => runtime === 'edge' || runtime === 'experimental-edge';

const PROCESS = fileURLToPath(new URL('edge_process.js', import.meta.url));

/** What Vercel's own edge functions lack, and Next.js brings along. A use of it fails by a name that nothing has. */
const NODE_ONLY = ['Buffer', 'setImmediate', 'clearImmediate', 'global'].flatMap((name) => [
  [name, `___edge_has_no_${name}`], [`globalThis.${name}`, 'undefined'],
]);

/** @param {import('../project.js').Draft} draft what was built for Vercel has what it needs, and may make itself a `global` */
export function edgeOptions({ env: { NODE_ENV: stage = 'production', NEXT_RUNTIME: runtime }, dialect, bundle }) {
  return {
    platform: 'browser',
    conditions: ['edge-light', 'browser'],
    mainFields: ['edge-light', 'browser', 'module', 'main'],
    define: {
      'process.env.NODE_ENV': JSON.stringify(stage),
      ...(dialect === 'vercel' && !bundle.built ? Object.fromEntries(NODE_ONLY) : {}),
      /* So that what is for the other runtime is not bundled. */
      ...(runtime ? { 'process.env.NEXT_RUNTIME': JSON.stringify(runtime) } : {}),
    },
    inject: [PROCESS],
  };
}

const BESIDE = /\bnew\s+URL\(\s*(['"`])(\.{1,2}\/[^'"`$]+)\1\s*,\s*import\.meta\.url\s*,?\s*\)/g;

/**
 * What an edge function has of files is what it fetches of those beside its source, `fetch(new URL('./font.ttf', import.meta.url))`:
 * they are part of the bundle, and their address is one that fetch() can read there.
 */
export function withFilesBeside(file, text, mayFetch) {
  return text.replace(BESIDE, (written, _quote, name) => {
    try {
      const beside = path.resolve(path.dirname(file), name);
      return mayFetch(beside) ? `new URL("data:application/octet-stream;base64,${readFileSync(beside, 'base64')}")` : written;
    } catch {
      return written; /* it is not there, which fetch() says when it is asked */
    }
  });
}

/** @returns {import('esbuild').Plugin} before the one that leaves Node.js's modules outside */
export function edgeModulesPlugin() {
  return {
    name: 'mayfly-edge-modules',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path: specifier }) => {
        const name = specifier.replace(/^node:/, '');
        return isBuiltin(specifier) && !SUPPORTED.has(name) ? { path: name, namespace: 'mayfly-edge-missing' } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: 'mayfly-edge-missing' }, ({ path: name }) => ({
        contents: `module.exports = globalThis[Symbol.for('mayfly.edge.unsupported')](${JSON.stringify(name)}, ${
          JSON.stringify(Object.keys(process.getBuiltinModule(name)))});`,
        loader: 'js',
      }));
    },
  };
}
