/* next.config.{js,mjs,ts} as far as it can be read without running it: literals, and functions that return one. */
import { getTransformedRoutes } from '@vercel/routing-utils';
import { inspect, literal, UNKNOWN } from '../source.js';
import { escapePattern } from '../routes/order.js';
import { convertRoute } from '../routes/vercel.js';

const NAMES = ['next.config.js', 'next.config.mjs', 'next.config.ts', 'next.config.mts', 'next.config.cjs'];
const LISTS = ['redirects', 'rewrites', 'headers'];

/**
 * @param {import('./all.js').Context} context
 * @returns {Promise<{ basePath?: string, trailingSlash?: boolean, redirects?: object[], rewrites?: object, headers?: object[] }>}
 */
export async function readNextConfig({ files, diagnostics }) {
  const file = NAMES.find((name) => files.has(name));
  if (!file) {
    return {};
  }
  const facts = await inspect(file, files.read(file));
  const node = configObject(facts?.defaultNode, facts);
  if (!node) {
    diagnostics.warn(`${file} is computed: its basePath, redirects, rewrites and headers are not applied`, { file });
    return {};
  }
  const locals = localsOf(facts.program);
  const config = literal(node, locals);
  for (const name of LISTS) {
    const value = returnedLiteral(node, name, locals);
    if (value === UNKNOWN) {
      diagnostics.warn(`${file}: ${name}() is computed and not applied`, { file });
    } else if (value !== undefined) {
      config[name] = value;
    }
  }
  return { ...config, basePath: typeof config.basePath === 'string' ? config.basePath.replace(/\/$/, '') : '' };
}

/** The object itself, or the one that a plugin wraps: `withMDX(nextConfig)`. */
function configObject(node, facts, depth = 0) {
  if (!node || depth > 5) {
    return null;
  }
  if (node.type === 'ObjectExpression') {
    return node;
  }
  if (node.type === 'CallExpression') {
    return configObject(node.arguments[0], facts, depth + 1);
  }
  if (node.type === 'Identifier') {
    return configObject(localsOf(facts.program).get(node.name), facts, depth + 1);
  }
  return null;
}

function localsOf(program) {
  const locals = new Map();
  for (const node of program.body) {
    const declaration = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
    if (declaration?.type === 'VariableDeclaration') {
      declaration.declarations.forEach(({ id, init }) => locals.set(id.name, init));
    }
  }
  return locals;
}

/** What `async redirects() { return [...] }` or `redirects: async () => [...]` returns. */
function returnedLiteral(node, name, locals) {
  const property = node.properties.find((p) => p.type === 'Property' && (p.key.name ?? p.key.value) === name);
  if (!property) {
    return undefined;
  }
  const fn = property.value;
  const body = fn.body?.type === 'BlockStatement' ? fn.body.body : null;
  const returned = body ? body.length === 1 && body[0].type === 'ReturnStatement' && body[0].argument : fn.body;
  return returned ? literal(returned, locals) : UNKNOWN;
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
  routes.first.push(...slashRedirects(basePath, trailingSlash, endpoints, alone));
  const { beforeFiles = [], afterFiles = [], fallback = [] } = Array.isArray(config.rewrites)
    ? { afterFiles: config.rewrites }
    : config.rewrites ?? {};
  const convert = (kind, list) => ruleRoutes(kind, prefixed(list, basePath), diagnostics);
  routes.first.push(...convert('headers', config.headers), ...convert('redirects', config.redirects));
  routes.before.push(...convert('rewrites', beforeFiles));
  routes.after.push(...convert('rewrites', afterFiles));
  routes.last.push(...convert('rewrites', fallback));
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

/** `next start` answers 308 to the other form of a path; beside other platforms only for its own paths. */
function slashRedirects(basePath, trailingSlash, endpoints, alone) {
  const base = escapePattern(basePath);
  const redirect = (src, location) => ({ src, location, status: 308, dialect: 'next' });
  if (alone) {
    const folders = '(?!\\.well-known(?:/|$))(?:[^/]+/)*';
    return [
      redirect('^(.*?)(?:[/\\\\]{2,}|\\\\)(.*)$', '$1/$2'),
      ...(trailingSlash
        ? [redirect(`^/(${folders}[^/]+\\.\\w+)/$`, '/$1'), redirect(`^/(${folders}[^/.]+)$`, '/$1/')]
        : [redirect('^/(.+)/$', '/$1')]),
    ];
  }
  return endpoints
    .filter((endpoint) => endpoint.settings.segments.length > 0)
    .map((endpoint) => {
      const path = endpoint.settings.segments
        .map((segment) => (segment.startsWith('[') ? (segment.includes('...') ? '.+' : '[^/]+') : escapePattern(segment)))
        .join('/');
      return trailingSlash
        ? { src: `^(${base}/${path}(?<!/))$`, location: '$1/', status: 308, dialect: 'next' }
        : { src: `^(${base}/${path}(?<!/))/$`, location: '$1', status: 308, dialect: 'next' };
    });
}
