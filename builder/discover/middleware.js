/* What stands in front of a project's functions and files: middleware.ts of Next.js and of Vercel, proxy.ts of Next.js 16.
 *
 * It is a function of its own, as the platforms keep it apart from the routes: it shares no memory with them, and what it
 * lets pass comes back to the gateway (runtime/js/dialects/middleware.js). */
import path from 'node:path';
import { getTransformedRoutes } from '@vercel/routing-utils';
import { inspect, UNKNOWN } from '../source.js';
import { convertRoute } from '../routes/vercel.js';

const ENDINGS = ['ts', 'tsx', 'js', 'jsx', 'mjs', 'mts', 'cjs', 'cts'];
const MEMORY_MB = 1024;

/**
 * @param {import('./context.js').Context} context
 * @param {object} wanted
 * @param {'next'|'vercel'} wanted.platform
 * @param {string[]} wanted.names of the file and of its export, in the order in which they are looked for
 * @param {string} wanted.folder '' or 'src/'
 * @param {number} wanted.timeoutMs it waits for what it lets pass
 * @param {Record<string, string>} wanted.env
 * @param {object} [wanted.nextConfig]
 * @param {object} [wanted.setup]
 * @returns {Promise<{ draft: import('../project.js').Draft, routes: object[] }|null>}
 */
export async function discoverMiddleware(context, { platform, names, folder, timeoutMs, env, nextConfig = {}, setup }) {
  const { files, project } = context;
  const file = names.flatMap((name) => ENDINGS.map((ending) => `${folder}${name}.${ending}`)).find((name) => files.has(name));
  if (!file) {
    return null;
  }
  const facts = await inspect(file, files.read(file));
  const config = facts?.exports.get('config');
  const module = file.replace(/\.[^.]+$/, '');
  const { basePath = '', trailingSlash = false, i18n } = nextConfig;
  const edge = isOnEdge(platform, module, config);
  const runtime = edge ? 'edge' : 'nodejs';
  const draft = {
    name: 'middleware', dialect: 'middleware', setup, ...(edge ? { bundle: { edge } } : {}),
    env: platform === 'next' ? { ...env, NEXT_RUNTIME: runtime } : env, memory_mb: MEMORY_MB, timeout_ms: timeoutMs,
    endpoints: [{ name: '/', file, module, methods: null, timeout_ms: 0, settings: edge ? { runtime } : {}, source: `${project}/${file}` }],
    settings: { platform, ...(edge ? { edge } : {}), exports: names, url: { basePath, trailingSlash, ...(i18n ? { i18n } : {}) } },
  };
  const routes = matcherRoutes(matchersOf(config, file, context.diagnostics), basePath, file, context.diagnostics);
  return { draft, routes: routes.map((route) => ({ ...route, target: [draft.name, module] })) };
}

/** proxy.ts is for Node.js; middleware is not, if it does not say so. */
function isOnEdge(platform, module, config) {
  const isProxy = platform === 'next' && path.basename(module) === 'proxy';
  return !isProxy && config?.runtime !== 'nodejs';
}

/** `export const config = { matcher }`: a path, an object that describes one, or several; absent: every path. */
function matchersOf(config, file, diagnostics) {
  const computed = config === UNKNOWN || (config && Object.values(config).includes(UNKNOWN));
  const { matcher } = (typeof config === 'object' && config) || {};
  if (computed) {
    diagnostics.error(`${file}: config must be written as plain values; this middleware runs for every path`, { file });
  }
  return matcher === undefined ? [] : [matcher].flat().map((entry) => (typeof entry === 'string' ? { source: entry } : entry));
}

function matcherRoutes(matchers, basePath, file, diagnostics) {
  if (matchers.length === 0) {
    return [{ dialect: 'middleware', shown: '/:path*' }];
  }
  return matchers.flatMap(({ source, has, missing, basePath: own }) => {
    const full = own === false ? source : `${basePath}${source}`.replace(/(.)\/$/, '$1');
    const rules = [{ source: full, destination: '/', ...(has ? { has } : {}), ...(missing ? { missing } : {}) }];
    const { routes, error } = getTransformedRoutes({ rewrites: rules });
    if (error || typeof source !== 'string' || !source.startsWith('/')) {
      diagnostics.error(`${file}: matcher "${source}": ${error?.message ?? 'it must be a path that starts with /'}`, { file });
      return [];
    }
    return routes.filter((route) => route.src).map((route) => ({ ...matcherRoute(route), shown: full }));
  });
}

/** A path matches with and without a slash at its end. */
function matcherRoute(route) {
  const { src, has, missing } = convertRoute({ ...route, caseSensitive: true }, 'middleware');
  return {
    src: src.replace(/\$$/, '/?$'), dialect: 'middleware', ...(has ? { has } : {}), ...(missing ? { missing } : {}),
  };
}
