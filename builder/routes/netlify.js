/* Netlify's URLs of a function, and its redirect rules, as routes. */
import { escapePattern } from './order.js';
import { compileUrlPattern, isLiteralPattern } from './url_pattern.js';

/**
 * `config.path` replaces the default URL. Such a function wins over static files unless it says `preferStatic`; in a
 * project of several platforms, patterns wait until the others' exact paths had their turn.
 * @returns {{ phase: string, route: object }[]}
 */
export function functionRoutes(endpoint, diagnostics, alone) {
  const { config, function_name: name, api_version: version } = endpoint.settings;
  const paths = [config.path ?? []].flat().filter((entry) => typeof entry === 'string');
  if (version === 1 || paths.length === 0) {
    return [defaultRoute(name)];
  }
  const common = { ...(endpoint.methods ? { methods: endpoint.methods.map((m) => m.toUpperCase()) } : {}) };
  const excluded = exclusions(config.excludedPath, endpoint, diagnostics);
  return paths.flatMap((pattern) => {
    const compiled = compile(pattern, endpoint, diagnostics);
    if (!compiled) {
      return [];
    }
    const route = { src: `(?i)^${excluded}${compiled.src}/?$`, params: compiled.params, ...common, shown: pattern };
    const phase = phaseOf(pattern, config.preferStatic === true, alone);
    /* A rewrite leads behind those that come before files: they are found there, too. */
    return [{ phase, route }, ...(phase === 'before' ? [{ phase: 'exact', route: { ...route, shown: '' } }] : [])];
  });
}

/** An on-demand builder is asked for at a path of its own. */
function defaultRoute(name) {
  const src = `^/\\.netlify/(?:functions|builders)/${escapePattern(name)}(?:/.*)?$`;
  return { phase: 'exact', route: { src, shown: `/.netlify/functions/${name}` } };
}

function phaseOf(pattern, preferStatic, alone) {
  if (isLiteralPattern(pattern) || alone) {
    return preferStatic ? (pattern === '/*' ? 'catchAll' : 'exact') : 'before';
  }
  return pattern === '/*' ? 'catchAll' : 'dynamic';
}

function compile(pattern, { file }, diagnostics) {
  if (!pattern.startsWith('/')) {
    diagnostics.error(`${file}: config.path must start with a /, but is "${pattern}"`, { file });
    return null;
  }
  try {
    const trimmed = pattern.length > 1 ? pattern.replace(/\/$/, '') : '';
    const compiled = compileUrlPattern(trimmed);
    /* Netlify takes a slash off the path's end first: then nothing is left for a star to match. */
    return { ...compiled, src: compiled.src.replace(/\/\(\.\*\)$/, pattern === '/*' ? '/(.*)' : '/(.*[^/])') };
  } catch (error) {
    diagnostics.error(`${file}: config.path: ${error.message}`, { file });
    return null;
  }
}

/** Captures of an excluded path would shift the numbers of the others: they only look. */
function exclusions(excludedPath, endpoint, diagnostics) {
  const patterns = [excludedPath ?? []].flat().filter((entry) => typeof entry === 'string');
  const sources = patterns.map((pattern) => compile(pattern, endpoint, diagnostics)?.src).filter((src) => src !== undefined);
  const silent = sources.map((src) => src.replace(/(\\.)|\((?!\?)/g, (_, escaped) => escaped ?? '(?:'));
  return silent.length > 0 ? `(?!(?:${silent.join('|')})/?$)` : '';
}

/**
 * @typedef {object} Rule of netlify.toml or _redirects
 * @property {string} from
 * @property {string} to
 * @property {number} status
 * @property {boolean} force
 * @property {Record<string,string>} query
 * @property {Record<string,unknown>} conditions
 * @property {Record<string,string>} [headers] of a request that goes on to another site
 *
 * @param {Rule} rule
 * @returns {{ phase: string, route: object }[]} as many as there are ways to meet its conditions
 */
export function ruleRoutes(rule) {
  return waysToMeet(rule.conditions).map((way) => ruleRoute(rule, way));
}

function ruleRoute({ from, to, status, force, query, headers }, way) {
  const origin = /^https?:\/\/([^/]+)(\/.*)?$/.exec(from);
  const names = [];
  const src = starredPath(origin ? origin[2] ?? '/' : from, names);
  const target = to.replace(/:([A-Za-z_]\w*)/g, (whole, name) => (names.includes(name) || query[name] ? `$${name}` : whole));
  const has = [...queryConditions(query), ...way.has];
  const route = { src, dialect: 'netlify', ...(has.length > 0 ? { has } : {}), ...(way.missing.length > 0 ? { missing: way.missing } : {}) };
  if (origin) {
    route.host = `^${escapePattern(origin[1])}$`;
  }
  if (status >= 300 && status < 400) {
    return { phase: force ? 'first' : 'after', route: { ...route, location: target, status } };
  }
  if (status !== 200) {
    const page = target.startsWith('/') && !target.startsWith('/.netlify/') ? { dest: target, static: true } : {};
    return { phase: force ? 'first' : 'last', route: { ...route, status, ...page } };
  }
  if (/^https?:\/\//.test(target)) {
    return { phase: force ? 'before' : 'after', route: { ...route, external: target, externalHeaders: headers } };
  }
  return { phase: force ? 'before' : 'after', route: { ...route, dest: target, check: true } };
}

/** `/blog/:slug/*`: a star only at the end; a trailing slash does not matter. */
function starredPath(from, names) {
  const parts = from.replace(/(.)\/$/, '$1').split('/').slice(1);
  const src = parts.map((part, i) => {
    if (part === '*' && i === parts.length - 1) {
      names.push('splat');
      return '(?:/(?<splat>.*))?';
    }
    const name = /^:([A-Za-z_]\w*)$/.exec(part)?.[1];
    if (name) {
      names.push(name);
      return `/(?<${name}>[^/]+)`;
    }
    return `/${escapePattern(part)}`;
  });
  return `^${src.join('')}${names.at(-1) === 'splat' ? '' : '/?'}$`;
}

function queryConditions(query) {
  return Object.entries(query).map(([key, value]) => {
    const name = /^:([A-Za-z_]\w*)$/.exec(value)?.[1];
    return { type: 'query', key, value: name ? `(?<${name}>.*)` : escapePattern(value) };
  });
}

/** Where netlify dev, and the context of a function here, say that everybody is. */
const COUNTRY = 'us';

/** What a site keeps in these cookies counts instead of what is found out: https://docs.netlify.com/routing/redirects/redirect-options/ */
const CHOSEN_COUNTRY = { type: 'cookie', key: 'nf_country' };
const CHOSEN_LANGUAGE = { type: 'cookie', key: 'nf_lang' };

/** @returns {{ has: object[], missing: object[] }[]} of which one has to hold; none when that cannot be */
function waysToMeet(conditions) {
  const list = (value) => [value ?? []].flat().flatMap((text) => String(text).split(','));
  const oneOf = (values) => `(?:${values.map(escapePattern).join('|')})`;
  const cookies = { has: list(conditions.Cookie).map((key) => ({ type: 'cookie', key })), missing: [] };
  const countries = list(conditions.Country).map((country) => country.toLowerCase());
  const byCountry = countries.length === 0 ? [cookies] : [
    { has: [{ ...CHOSEN_COUNTRY, value: oneOf([...countries, ...countries.map((country) => country.toUpperCase())]) }], missing: [] },
    ...(countries.includes(COUNTRY) ? [{ has: [], missing: [CHOSEN_COUNTRY] }] : []),
  ].map(({ has, missing }) => ({ has: [...cookies.has, ...has], missing }));
  const languages = list(conditions.Language);
  if (languages.length === 0) {
    return byCountry;
  }
  const value = `${oneOf(languages)}.*`;
  return byCountry.flatMap(({ has, missing }) => [
    { has: [...has, { ...CHOSEN_LANGUAGE, value }], missing },
    { has: [...has, { type: 'header', key: 'accept-language', value }], missing: [...missing, CHOSEN_LANGUAGE] },
  ]);
}
