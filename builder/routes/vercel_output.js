/* Routes of a build output's config.json, and of what lies beside it, to ours.
 *
 * Vercel walks its routes in phases: those before the first `handle`, then files and functions by their paths, then those of
 * "filesystem" and "rewrite", last those of "resource", "miss" and, where nothing was found, "error". A rule that matches and does
 * not say `continue` ends its phase. https://vercel.com/docs/build-output-api/configuration#routes */
import { convertRoute, withHandles } from './vercel.js';

/** "hit" is left out: what it adds to files that are there is Next.js's own; of "error" pages count that are files. */
const PHASE_OF_HANDLE = { filesystem: 'dynamic', rewrite: 'dynamic', resource: 'last', miss: 'last', error: 'last' };
const READS = ['GET', 'HEAD'];

/**
 * @param {object[]} compiled config.json's, as Vercel's own library has them
 * @param {{ isStatic: (path: string) => string|undefined, middleware: Map<string, [string, number]> }} output isStatic: the file that is
 *   served at a path; middleware: targets by their paths
 * @returns {{ phase: string, route: object }[]} a route with `external` still needs a proxy function
 */
export function configRoutes(compiled, output) {
  return withHandles(compiled).flatMap(({ handle, route }) => {
    const phase = handle === null ? 'first' : PHASE_OF_HANDLE[handle];
    const isOther = handle === 'error' && !(route.status === 404 && output.isStatic(rooted(route.dest)));
    const does = route.dest || route.headers || route.status || route.middlewarePath || route.mitigate || route.transforms;
    return phase && does && !isOther ? [{ phase, route: configRoute(route, handle, output) }] : [];
  });
}

function configRoute(route, handle, { isStatic, middleware }) {
  const { dest, ...converted } = convertRoute({ ...route, dest: rooted(route.dest) }, 'vercel', { ignoresCase: true });
  if (route.middlewarePath) {
    const { src, has, missing, methods } = converted;
    const target = middleware.get(route.middlewarePath.replace(/^\/+/, ''));
    const shown = [route.middlewareRawSrc ?? []].flat().join(', ') || route.src;
    return { src, has, missing, methods, shown, dialect: 'middleware', ...(target ? { target } : { status: 500 }) };
  }
  if (route.mitigate?.action === 'deny') {
    return { ...converted, status: 403 };
  }
  const file = route.status >= 400 ? isStatic(dest) : undefined;
  if (file) {
    const { check: _check, ...rest } = converted;
    return { ...rest, methods: READS, dest: file, static: true, shown: '' };
  }
  const endsPhase = handle === null && !dest && !converted.location && !route.status && !route.continue;
  return { ...converted, ...(dest ? { dest } : {}), ...(endsPhase ? { check: true } : {}) };
}

/** Some adapters leave the first slash out. */
function rooted(dest) {
  return dest && !/^(\/|[a-z]+:|\$)/i.test(dest) ? `/${dest}` : dest;
}

/** @returns {string[]} the paths of what is at `name`, which has no slash in front: with a slash at the end, and an index by its folder */
export function pathsOf(name) {
  const folder = name.replace(/(^|\/)index$/, '');
  const plain = folder === '' ? ['/'] : [`/${folder}`, `/${folder}/`];
  const paths = folder === name ? plain : [...plain, `/${name}`];
  const encoded = (path) => encodeURI(path).replaceAll('%5B', '[').replaceAll('%5D', ']');
  return [...new Set([...paths, ...paths.map(encoded)])];
}

/**
 * @param {Record<string, { path?: string, contentType?: string }>} overrides
 * @returns {object[]} routes of single files
 */
export function overrideRoutes(overrides) {
  return Object.entries(overrides).flatMap(([file, { path, contentType }]) => {
    const headers = typeof contentType === 'string' ? { headers: { 'content-type': contentType } } : {};
    const common = { methods: READS, static: true, dialect: 'vercel', shown: '', ...headers };
    const at = encodeURI(`/${file}`);
    return typeof path === 'string'
      ? pathsOf(path.replace(/^\/+|\/+$/g, '') || 'index').map((name) => ({ path: name, dest: at, ...common }))
      : [{ path: at, ...common }];
  });
}
