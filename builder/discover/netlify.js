/* Netlify: functions and what they say of themselves, netlify.toml, _redirects and _headers. */
import path from 'node:path';
import { exportedCall, inspect } from '../source.js';
import { functionRoutes } from '../routes/netlify.js';
import { netlifyEvents } from '../events/netlify.js';
import { nothing } from './context.js';
import { groupByMemory } from './group.js';
import { configuredRules, readNetlifyToml } from './netlify_config.js';
import { isAlone, mayBe } from './platforms.js';
import { withProxies } from './proxy.js';
import { siteIn } from './site.js';

const EXTENSIONS = ['.js', '.cjs', '.mjs', '.ts', '.tsx', '.cts', '.mts'];
const DEFAULT_FOLDER = 'netlify/functions';
/** Where frameworks' builds put theirs, the older place last: https://docs.netlify.com/build/frameworks/frameworks-api/ */
const BUILT_FOLDERS = ['.netlify/v1/functions', '.netlify/functions-internal'];
const MEMORY_MB = 1024;
const TIMEOUT_MS = 60_000;
const BACKGROUND_TIMEOUT_MS = 900_000;
const SCHEDULED_TIMEOUT_MS = 30_000;

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<import('./context.js').Found>}
 */
export async function discoverNetlify(context) {
  const found = { ...nothing(), compress: true };
  const config = readNetlifyToml(context);
  const sources = allFunctionFiles(context, config);
  const endpoints = (await Promise.all(sources.map((source) => endpointOf(context, source, config)))).filter(Boolean);
  found.drafts = groupByMemory('netlify', 'netlify', endpoints, {
    memory_mb: MEMORY_MB, timeout_ms: TIMEOUT_MS, env: netlifyEnv(context, config), settings: {},
  });
  const alone = isAlone(context.files, 'netlify');
  for (const draft of found.drafts) {
    for (const endpoint of draft.endpoints) {
      for (const { phase, route } of functionRoutes(endpoint, context.diagnostics, alone)) {
        found.routes[phase].push({ ...route, target: [draft.name, endpoint.module], dialect: 'netlify' });
      }
    }
  }
  found.events = netlifyEvents(context, found.drafts);
  warnEdgeFunctions(context, config);
  const configured = mayBe(context.files, 'netlify') ? configuredRules(context, config) : [];
  const rules = withProxies(configured, 'netlify', found.drafts, context);
  rules.forEach(({ phase, route }) => found.routes[phase].push(route));
  if (config.publish !== undefined) {
    found.static.push(siteIn(context, config.publish, 'netlify', config.isBuilt));
    found.routes.exact.unshift({ static: true, suffix: '.html', dialect: 'netlify', shown: '' }); /* /about is about.html */
  }
  if (alone && (found.drafts.length > 0 || context.files.has('netlify.toml'))) {
    const rest = { src: '^(?!/\\.netlify/functions/).*$', dialect: 'netlify', shown: '' };
    found.routes.last.push(
      { ...rest, methods: ['GET', 'HEAD'], dest: '/404.html', static: true, status: 404 },
      { ...rest, methods: ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], status: 405, headers: { allow: 'GET, HEAD' } }, /* pages are not written to */
    );
  }
  return found;
}

const EDGE_FOLDER = 'netlify/edge-functions';
const BUILT_EDGE_FOLDER = '.netlify/v1/edge-functions';

/** They run in Deno and stand in front of everything: a site that counts on one must know. */
function warnEdgeFunctions({ files, diagnostics }, config) {
  const folders = [config.edgeFunctionsFolder ?? EDGE_FOLDER, BUILT_EDGE_FOLDER];
  const found = files.list().filter((file) => folders.some((folder) => file.startsWith(`${folder}/`)) && /\.[cm]?[jt]sx?$/.test(file));
  const [file = config.edgeFunctions.length > 0 ? 'netlify.toml' : undefined] = found;
  if (file) {
    const names = found.length > 0 ? found.join(', ') : config.edgeFunctions.map((one) => one?.function).join(', ');
    diagnostics.warn(`Netlify edge functions are not supported by Mayfly yet and are not run: ${names}. ` +
      'What they do may be moved into a function with a config.path', { file });
  }
}

/** Where netlify dev says that the site is. */
function siteVariables({ development, port }) {
  if (!development) {
    return {};
  }
  const url = port ? { URL: `http://localhost:${port}`, DEPLOY_URL: `http://localhost:${port}`, DEPLOY_PRIME_URL: `http://localhost:${port}` } : {};
  return { NETLIFY_DEV: 'true', NETLIFY_LOCAL: 'true', ...url };
}

function netlifyEnv(context, config) {
  const { env, development } = context;
  const stage = development ? 'dev' : 'production';
  const fromToml = { ...config.environment };
  return {
    NODE_ENV: development ? 'development' : 'production',
    CONTEXT: stage,
    ...siteVariables(context),
    ...fromToml,
    ...env,
  };
}

/** The project's own come before a framework's of the same name. */
function allFunctionFiles(context, config) {
  const folders = [config.functionsFolder ?? DEFAULT_FOLDER, ...BUILT_FOLDERS];
  const sources = folders.flatMap((folder) => functionFiles(context, folder)).reverse();
  return [...new Map(sources.map((source) => [source.name, source])).values()].reverse();
}

/** x.ts, x/x.ts or x/index.ts in the functions folder, each named x; in that order when several exist. */
function functionFiles({ files, diagnostics }, folder) {
  const named = new Map();
  for (const file of files.list().filter((entry) => entry.startsWith(`${folder}/`))) {
    const name = functionName(file.slice(folder.length + 1));
    if (!name || /\.d\.[cm]?ts$/.test(file) || /\.(test|spec)\.[cm]?[jt]sx?$/.test(file)) {
      continue;
    }
    const other = named.get(name);
    if (other) {
      const chosen = preference(file, folder) < preference(other, folder) ? file : other;
      diagnostics.warn(`${file} and ${other} are both the function "${name}": ${chosen} is used`, { file: chosen });
      named.set(name, chosen);
    } else {
      named.set(name, file);
    }
  }
  return [...named].map(([name, file]) => ({ name, file }));
}

function functionName(relative) {
  const { name, ext, dir } = path.posix.parse(relative);
  if (!EXTENSIONS.includes(ext)) {
    return null;
  }
  if (dir === '') {
    return name;
  }
  return !dir.includes('/') && (name === dir || name === 'index') ? dir : null;
}

/** A folder wins over a file; among extensions Netlify's own order decides. */
function preference(file, folder) {
  const relative = file.slice(folder.length + 1);
  const place = !relative.includes('/') ? 20 : path.posix.parse(relative).name === 'index' ? 10 : 0;
  return place + EXTENSIONS.indexOf(path.posix.extname(file));
}

async function endpointOf({ files, project, diagnostics }, { name, file }, config) {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) {
    diagnostics.error(`${file}: a function's name may have letters, digits, - and _ only`, { file });
    return null;
  }
  const facts = await inspect(file, files.read(file));
  const own = facts?.exports.get('config');
  const isModern = facts === null || (facts.esm && facts.exports.has('default') && !facts.exports.has('handler'));
  const settings = isModern ? (typeof own === 'object' && own ? own : {}) : wrappedSchedule(facts);
  const rule = config.functionRule(name);
  const background = name.endsWith('-background') || settings.background === true;
  if (settings.rateLimit) {
    diagnostics.warn(`${file}: config.rateLimit is not enforced by Mayfly yet`, { file });
  }
  if (facts?.exports.has('asyncWorkloadConfig')) {
    diagnostics.warn(`${file}: async workloads are an extension of Netlify's that is not here: no event comes to this function`, { file });
  }
  const merged = withoutPath({ ...rule.settings, ...settings }, file, diagnostics);
  return {
    name: `/.netlify/functions/${name}`,
    file,
    module: file.replace(/\.[^.]+$/, ''),
    methods: settings.method ? [settings.method].flat().map(String) : null,
    timeout_ms: background ? BACKGROUND_TIMEOUT_MS : merged.schedule ? SCHEDULED_TIMEOUT_MS : 0,
    include: rule.included,
    settings: {
      function_name: name, api_version: isModern ? 2 : 1, background, config: merged,
    },
    source: `${project}/${file}`,
  };
}

/** Ticks come to the path that every function has, which one of its own would replace; so Netlify refuses the two together. */
function withoutPath(config, file, diagnostics) {
  if (config.schedule === undefined || config.path === undefined) {
    return config;
  }
  diagnostics.error(`${file}: a scheduled function is served at no path of its own, and Netlify does not build one that has: take "path" out of its config`, { file });
  return { ...config, path: undefined };
}

/** The older kind says its schedule by a function of @netlify/functions around its handler. */
function wrappedSchedule(facts) {
  const { callee, args } = exportedCall(facts, 'handler') ?? {};
  return callee === 'schedule' && typeof args[0] === 'string' ? { schedule: args[0] } : {};
}
