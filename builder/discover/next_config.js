/* next.config.{js,mjs,ts}, whose rules become routes. It is evaluated, not run: see builder/evaluate/interpret.js. */
import { getTransformedRoutes } from '@vercel/routing-utils';
import { Unfinished, isObject, objectOf } from '../evaluate/interpret.js';
import { evaluateModule } from '../evaluate/modules.js';
import { escapePattern } from '../routes/order.js';
import { convertRoute } from '../routes/vercel.js';
import { UNKNOWN } from '../source.js';

const NAMES = ['next.config.js', 'next.config.mjs', 'next.config.ts', 'next.config.mts', 'next.config.cjs'];
const LISTS = ['redirects', 'rewrites', 'headers'];

/* next/constants */
const PHASES = {
  PHASE_EXPORT: 'phase-export', PHASE_PRODUCTION_BUILD: 'phase-production-build',
  PHASE_PRODUCTION_SERVER: 'phase-production-server', PHASE_DEVELOPMENT_SERVER: 'phase-development-server',
  PHASE_TEST: 'phase-test', PHASE_INFO: 'phase-info',
};

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<{ basePath?: string, trailingSlash?: boolean, redirects?: object[], rewrites?: object, headers?: object[] }>}
 */
export async function readNextConfig(context) {
  const { files, diagnostics } = context;
  const file = NAMES.find((name) => files.has(name));
  if (!file) {
    return {};
  }
  const config = await evaluateConfig(context, file).catch((error) => {
    if (error instanceof Unfinished || error instanceof RangeError) return null;
    throw error;
  });
  if (!config) {
    diagnostics.warn(`${file} is computed: its basePath, redirects, rewrites and headers are not applied`, { file });
    return {};
  }
  for (const name of LISTS) {
    const known = withoutUnknown(config[name]);
    if (config[name] !== undefined && known !== config[name]) {
      diagnostics.warn(`${file}: ${name}() is computed ${known === undefined ? 'and' : 'in part, which is'} not applied`, { file });
    }
    config[name] = known;
  }
  return { ...config, basePath: typeof config.basePath === 'string' ? config.basePath.replace(/\/$/, '') : '' };
}

/** @returns {Promise<object|null>} null when nothing is known of it */
async function evaluateConfig({ files, env, project, development }, file) {
  const stage = development ? 'development' : 'production';
  const variables = objectOf(Object.entries({ NODE_ENV: stage, ...env }));
  const module = await evaluateModule(files, file, {
    names: { process: objectOf([['env', variables], ['cwd', () => project]]) },
    modules: { 'next/constants': objectOf(Object.entries(PHASES)) },
  });
  const { interpreter, exports } = module ?? {};
  const phase = PHASES[development ? 'PHASE_DEVELOPMENT_SERVER' : 'PHASE_PRODUCTION_SERVER'];
  let config = exports?.default;
  if (typeof config === 'function') {
    config = interpreter.call(config, [phase, objectOf([['defaultConfig', objectOf([])]])]);
  }
  if (!isObject(config)) {
    return null;
  }
  const lists = LISTS.map((name) => [name, typeof config[name] === 'function' ? interpreter.call(config[name], []) : undefined]);
  return { ...config, ...Object.fromEntries(lists) };
}

/** The same value if all of it is known; a list without the entries of which something is not; undefined for nothing. */
function withoutUnknown(value) {
  if (Array.isArray(value)) {
    const known = value.filter(isKnown);
    return known.length === value.length ? value : known;
  }
  if (!isObject(value)) {
    return undefined;
  }
  const entries = Object.entries(value).map(([name, list]) => [name, withoutUnknown(list)]);
  return entries.every(([name, list]) => list === value[name]) ? value : Object.fromEntries(entries.filter(([, list]) => list));
}

function isKnown(value) {
  if (Array.isArray(value) || isObject(value)) {
    return Object.values(value).every(isKnown);
  }
  return value !== UNKNOWN && typeof value !== 'function' && !(value instanceof RegExp);
}

/**
 * @param {Record<string, object[]>} routes
 * @param {object} config
 * @param {import('../project.js').Endpoint[]} endpoints
 * @param {boolean} alone whether nothing else serves paths of this project
 * @param {import('../diagnostics.js').Diagnostics} diagnostics
 */
export function configRoutes(routes, config, endpoints, alone, diagnostics) {
  const { basePath = '', trailingSlash = false } = config;
  routes.first.push(...(alone ? [DOUBLE_SLASHES] : []));
  if (!config.skipTrailingSlashRedirect) {
    routes.first.push(...slashRedirects(basePath, trailingSlash, endpoints, alone));
  }
  const { beforeFiles = [], afterFiles = [], fallback = [] } = Array.isArray(config.rewrites)
    ? { afterFiles: config.rewrites }
    : config.rewrites ?? {};
  const convert = (kind, list) => ruleRoutes(kind, prefixed(list, basePath), diagnostics);
  /* Headers are not for a redirect of these rules: they come behind it. */
  routes.first.push(...convert('redirects', withoutEmpty(config.redirects)), ...convert('headers', config.headers));
  routes.before.push(...convert('rewrites', beforeFiles));
  routes.after.push(...convert('rewrites', afterFiles));
  routes.last.push(...convert('rewrites', fallback));
}

/** A path parameter that may be empty takes its slash along: `/old/:path*` to `/new/:path*` leads from /old to /new. */
function withoutEmpty(redirects = []) {
  return redirects.flatMap((rule) => {
    const end = /\/:\w+\*$/.exec(rule.destination ?? '')?.[0];
    if (!end || !rule.source?.endsWith(end) || rule.source === end) {
      return [rule];
    }
    const [source, destination] = [rule.source, rule.destination].map((url) => url.slice(0, -end.length) || '/');
    return [{ ...rule, source, destination }, rule];
  });
}

/** Each by itself: one that is wrong is told, and the others apply. */
function ruleRoutes(kind, list, diagnostics) {
  return list.flatMap((rule) => {
    const { routes, error } = getTransformedRoutes({ [kind]: [rule] });
    if (error) {
      diagnostics.warn(`next.config: ${kind}: ${rule.source}: ${error.message}`);
      return [];
    }
    return routes.filter((route) => !route.handle).map((route) => slashed(convertRoute(route, 'next')));
  });
}

/** A rule's path is meant with and without a slash at its end. */
function slashed(route) {
  return { ...route, src: route.src.replace(/\$$/, '/?$') };
}

function prefixed(list, basePath) {
  const add = (url) => (url?.startsWith('/') ? (basePath + url).replace(/(.)\/$/, '$1') : url);
  return (Array.isArray(list) ? list : []).map(({ basePath: own, locale: _locale, ...entry }) =>
    own === false
      ? entry
      : { ...entry, source: add(entry.source), ...(entry.destination ? { destination: add(entry.destination) } : {}) },
  );
}

function redirect(src, location) {
  return { src, location, status: 308, dialect: 'next' };
}

/** Three such places at once; more need another round. */
const DOUBLE_SLASHES = redirect('^(.*?)(?:[/\\\\]{2,}|\\\\)(.*?)(?:(/)/+(.*?))?(?:(/)/+(.*))?$', '$1/$2$3$4$5$6');

/** `next start` answers 308 to the other form of a path; beside other platforms only for its own paths. */
function slashRedirects(basePath, trailingSlash, endpoints, alone) {
  const base = escapePattern(basePath);
  if (alone) {
    const folders = '(?!\\.well-known(?:/|$))(?:[^/]+/)*';
    return trailingSlash
      ? [redirect(`^/(${folders}[^/]+\\.\\w+)/$`, '/$1'), redirect(`^/(${folders}[^/.]+)$`, '/$1/')]
      : [redirect('^/(.+)/$', '/$1')];
  }
  return endpoints
    .filter((endpoint) => endpoint.settings.segments.length > 0)
    .map((endpoint) => {
      const path = endpoint.settings.segments
        .map((segment) => (segment.startsWith('[') ? (segment.includes('...') ? '.+' : '[^/]+') : escapePattern(segment)))
        .join('/');
      return trailingSlash ? redirect(`^(${base}/${path}(?<!/))$`, '$1/') : redirect(`^(${base}/${path}(?<!/))/$`, '$1');
    });
}
