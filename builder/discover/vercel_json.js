/* vercel.json: its routes, compiled by Vercel's own library, and its settings for functions. */
import { getTransformedRoutes } from '@vercel/routing-utils';
import picomatch from 'picomatch';
import { convertRoute, withHandles } from '../routes/vercel.js';
import { readJson } from './mayfly_json.js';
import { withRightRules } from './vercel_rules.js';

const FILE = 'vercel.json';
export const DEFAULT_MEMORY_MB = 2048;
export const DEFAULT_TIMEOUT_MS = 300_000;
const kept = new WeakMap();

/**
 * @param {import('./context.js').Context} context
 * @returns {object} {} when there is none, or when it is wrong (which is reported once)
 */
export function readVercelJson(context) {
  if (!kept.has(context)) {
    const { files, diagnostics } = context;
    const config = files.has(FILE) ? readJson(files, FILE, diagnostics) ?? {} : {};
    kept.set(context, validated(config, diagnostics));
  }
  return kept.get(context);
}

const KINDS = {
  routes: Array.isArray, rewrites: Array.isArray, redirects: Array.isArray, headers: Array.isArray,
  crons: Array.isArray, builds: Array.isArray, functions: isObject, env: isObject,
  cleanUrls: isBoolean, trailingSlash: isBoolean, outputDirectory: isText,
};

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBoolean(value) {
  return typeof value === 'boolean';
}

function isText(value) {
  return typeof value === 'string';
}

const KIND_NAMES = new Map([[Array.isArray, 'an array'], [isObject, 'an object'], [isBoolean, 'true or false'], [isText, 'a text']]);

/* "cron" and "clean_urls" are passed over in silence otherwise. Names that are nothing like ours may be new ones of Vercel's. */
function warnOfMisspelt(config, diagnostics) {
  const letters = (name) => name.toLowerCase().replace(/[^a-z]|s$/g, '');
  for (const name of Object.keys(config).filter((name) => !(name in KINDS) && name !== 'build')) {
    const meant = Object.keys(KINDS).find((known) => letters(known) === letters(name));
    if (meant) {
      diagnostics.warn(`${FILE}: "${name}" means nothing: did you mean "${meant}"?`, { file: FILE });
    }
  }
}

function validated(config, diagnostics) {
  warnOfMisspelt(config, diagnostics);
  const valid = { ...config };
  const fault = (text) => diagnostics.error(`${FILE}: ${text}`, { file: FILE });
  for (const [name, isKind] of Object.entries(KINDS)) {
    if (config[name] !== undefined && !isKind(config[name])) {
      fault(`"${name}" must be ${KIND_NAMES.get(isKind)}`);
      delete valid[name];
    }
  }
  for (const [glob, settings] of Object.entries(valid.functions ?? {})) {
    const wrong = functionFault(settings);
    if (wrong) {
      fault(`functions["${glob}"]: ${wrong}`);
      valid.functions = { ...valid.functions, [glob]: {} };
    }
  }
  tellOfQueues(valid.functions ?? {}, diagnostics);
  valid.crons = validCrons(valid.crons ?? [], fault);
  return withRightRules(valid, fault);
}

/** @returns {{ path: string, schedule: string, at: number }[]} at: its place in the list */
export function validCrons(crons, fault) {
  return crons.map((cron, at) => ({ ...cron, at })).filter((cron, i) => {
    const good = typeof cron.path === 'string' && /^\/.{0,511}$/s.test(cron.path) && typeof cron.schedule === 'string';
    if (!good) {
      fault(`crons[${i}] needs a "path" that starts with / (at most 512 characters) and a "schedule"`);
    }
    return good;
  });
}

function hasQueue({ experimentalTriggers }) {
  return [experimentalTriggers].flat().some((trigger) => /^queue\//.test(trigger?.type));
}

/* In development the package itself hands on what it has sent: Vercel's queue must have taken it before. */
function tellOfQueues(functions, diagnostics) {
  const [file] = Object.keys(functions).filter((glob) => hasQueue(functions[glob]));
  if (file) {
    diagnostics.warn(`${FILE}: functions["${file}"].experimentalTriggers: Vercel's queues are not here. What @vercel/queue sends goes to Vercel, with `
      + 'the token that `vercel env pull` writes; then the package calls the handlers here, and nothing else brings them messages', { file: FILE });
  }
}

function functionFault(settings) {
  if (!isObject(settings) || Object.keys(settings).length === 0) {
    return 'must be an object with at least one property';
  }
  const { maxDuration, memory } = settings;
  if (maxDuration !== undefined && maxDuration !== 'max' && !(Number.isInteger(maxDuration) && maxDuration >= 1)) {
    return 'maxDuration must be a whole number of seconds';
  }
  if (memory !== undefined && !(Number.isInteger(memory) && memory >= 128 && memory <= 10_240)) {
    return 'memory must be a whole number of megabytes from 128 to 10240';
  }
  return null;
}

/** @returns {(file: string) => { timeout_ms?: number, memory_mb?: number, include?: string[] }} */
export function functionSettings(config) {
  const rules = Object.entries(config.functions ?? {}).map(([glob, settings]) => ({
    matches: picomatch(glob.replace(/^\//, ''), { dot: true }), glob, settings,
  }));
  const own = rules.some(({ settings }) => hasQueue(settings)) ? [FILE] : []; /* @vercel/queue reads there which handlers are whose */
  return (file) => {
    const rule = rules.find(({ glob, matches }) => glob === file || matches(file));
    const { maxDuration, memory, includeFiles } = rule?.settings ?? {};
    return {
      ...(Number.isInteger(maxDuration) ? { timeout_ms: maxDuration * 1000 } : {}),
      ...(memory ? { memory_mb: memory } : {}),
      include: [includeFiles, own].flat().filter((glob) => typeof glob === 'string'),
    };
  };
}

/** Where each of Vercel's own phases falls among ours. */
const PHASE_OF_HANDLE = { filesystem: 'after', miss: 'after', rewrite: 'last', resource: 'last' };

/**
 * @param {object} config
 * @param {import('../diagnostics.js').Diagnostics} diagnostics
 * @returns {{ phase: string, route: object }[]} a route with `external` still needs a proxy function
 */
export function configuredRoutes(config, diagnostics) {
  const { routes, cleanUrls, rewrites, redirects, headers, trailingSlash } = config;
  const compiled = compiledRoutes({ routes, cleanUrls, rewrites, redirects, headers, trailingSlash }, FILE, diagnostics);
  return withHandles(compiled).flatMap(({ handle, route }) => {
    const phase = handle === null ? 'first' : PHASE_OF_HANDLE[handle];
    return phase ? fromRoot(route).map((one) => ({ phase, route: one })) : [];
  });
}

/** A destination is a path from the root, with a slash or without; that with a status is mostly the page of an error. */
function fromRoot(route) {
  const { dest, status } = route;
  const isPath = typeof dest === 'string' && !/^[a-z][a-z+.-]*:/i.test(dest);
  const converted = convertRoute({ ...route, ...(isPath ? { dest: dest.replace(/^(?!\/)/, '/') } : {}) }, 'vercel');
  const isPage = isPath && status >= 400 && !route.continue;
  return isPage ? [{ ...converted, static: true, check: undefined }, converted] : [converted];
}

/** @returns {object[]} all rules as Vercel's routes; none when they are wrong, which is told of `file` */
export function compiledRoutes(rules, file, diagnostics) {
  const { routes, error } = getTransformedRoutes(rules);
  if (error) {
    diagnostics.error(`${file}: ${error.message}`, { file });
  }
  return error ? [] : routes ?? [];
}

/** The environment of a project's functions. What `env` of an older vercel.json takes from Vercel's secrets (`@name`) is not here. */
export function vercelEnv(context) {
  const { env, development } = context;
  const stage = development ? 'development' : 'production';
  const own = Object.entries(readVercelJson(context).env ?? {}).filter(([name, value]) => /^[a-z_]\w*$/i.test(name) && isText(value) && !value.startsWith('@'));
  return { NODE_ENV: stage, VERCEL: '1', VERCEL_ENV: stage, VERCEL_REGION: 'dev1', ...Object.fromEntries(own), ...env };
}
