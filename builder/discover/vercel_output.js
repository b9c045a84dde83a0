/* .vercel/output: what frameworks' adapters (SvelteKit, Astro, Nitro...) and `vercel build` have built for Vercel, by its Build
 * Output API: https://vercel.com/docs/build-output-api
 *
 * A function is a folder x.func with all that it needs, and with .vc-config.json; several paths may link to one. Each folder is a
 * function here, as it is there. What of it the project has the sources of is served from those. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { andMore } from '../diagnostics.js';
import { isWithin, VERCEL_OUTPUT } from '../files.js';
import { isEdge } from '../bundle/edge.js';
import { parsedManifest } from '../bundle/packages.js';
import { configRoutes, overrideRoutes, pathsOf } from '../routes/vercel_output.js';
import { isKnownTransform } from '../routes/vercel.js';
import { compiledRoutes, DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_MS, validCrons, vercelEnv } from './vercel_json.js';

const CONFIG = `${VERCEL_OUTPUT}/config.json`;
const VERSION = 3;
/** What `vercel build` leaves beside: who has built what. */
const BUILDS = 'builds.json';
/** Of those who build, who runs a framework's own build; the others build what is served here from its sources. */
const OF_FRAMEWORKS = /^@vercel\/(static-build|remix-builder|redwood|hydrogen|gatsby-plugin-vercel-builder)(@|$)/;
const ENTRY = '___mayfly.cjs';
const MODULE = 'function';
const NAME_MAX = 80;

const served = new WeakSet();
const crons = new WeakMap();

/**
 * @typedef {object} BuiltFunction
 * @property {string} name its path, without a slash in front and without .func
 * @property {string} folder absolute, links followed
 * @property {object} settings .vc-config.json
 * @property {{ allowQuery?: string[] }|null} prerender x.prerender-config.json
 */

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Found} sofar what other platforms' discovery has found
 * @returns {{ config: object, folder: string, functions: BuiltFunction[] }|null} null: there is none, or none to serve
 */
function readOutput({ files, diagnostics }, sofar) {
  const folder = realOf(files.absolute(VERCEL_OUTPUT));
  const config = folder && parsed(path.join(folder, 'config.json'));
  if (!config || isOfSources(files, folder, sofar)) {
    return null;
  }
  if (config.version !== VERSION) {
    diagnostics.error(`${CONFIG}: only version ${VERSION} of Vercel's Build Output API is known`, { file: CONFIG });
    return null;
  }
  served.add(files);
  return { config, folder, functions: functionsBelow(path.join(folder, 'functions'), '') };
}

/** Whether what is served of a project is what was built for Vercel. */
export function servesOutput(context) {
  return crons.has(context);
}

/** Whether what was served is being built anew: until it is there, the last stays. */
export function isBeingBuilt(files) {
  return served.has(files) && !parsed(files.absolute(CONFIG));
}

/** Next.js, and what `vercel build` has made of functions and servers that are here, is served from its sources. */
function isOfSources(files, folder, sofar) {
  const builds = parsed(path.join(folder, BUILDS))?.builds;
  const { dependencies, devDependencies } = parsedManifest(files.absolute('package.json'));
  const isNext = sofar.drafts.some(({ dialect }) => dialect === 'next') || 'next' in { ...dependencies, ...devDependencies };
  return isNext || (asList(builds).length > 0 && builds.every((build) => !OF_FRAMEWORKS.test(build?.use ?? '') && files.has(build?.src ?? '')));
}

/** @returns {BuiltFunction[]} */
function functionsBelow(root, folder) {
  return entriesIn(path.join(root, folder)).flatMap((entry) => {
    const place = path.posix.join(folder, entry.name);
    if (!entry.name.endsWith('.func')) {
      return entry.isDirectory() ? functionsBelow(root, place) : [];
    }
    const name = place.slice(0, -'.func'.length);
    const real = realOf(path.join(root, place));
    const settings = real && isWithin(real, root) ? parsed(path.join(real, '.vc-config.json')) : null;
    return settings ? [{ name, folder: real, settings, prerender: parsed(path.join(root, `${name}.prerender-config.json`)) }] : [];
  });
}

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Found} sofar
 * @param {{ has: (path: string) => boolean, middleware: boolean }} sources what is served from sources: functions by their paths
 * @returns {{ drafts: import('../project.js').Draft[], rules: { phase: string, route: object }[], static: object[] }}
 */
export function discoverOutput(context, sofar, sources) {
  const output = readOutput(context, sofar);
  if (!output) {
    return { drafts: [], rules: [], static: [] };
  }
  const { config, folder, functions } = output;
  const compiled = compiledRoutes({ routes: asList(config.routes) }, CONFIG, context.diagnostics);
  const middlewares = new Set(compiled.map(({ middlewarePath }) => middlewarePath?.replace(/^\/+/, '')));
  const wanted = functions.filter(({ name }) => !middlewares.has(name) && !pathsOf(name).some(sources.has));
  tellUnserved(context.diagnostics, config, compiled, wanted);
  crons.set(context, validCrons(asList(config.crons), (text) => context.diagnostics.error(`${CONFIG}: ${text}`, { file: CONFIG })));
  const drafts = draftsOf(context, output, wanted.filter(isServed));
  const guards = sources.middleware ? [] : middlewareDrafts(context, functions.filter((one) => middlewares.has(one.name) && isServed(one)));
  const overrides = isObject(config.overrides) ? config.overrides : {};
  const routes = configRoutes(sources.middleware ? compiled.filter((route) => !route.middlewarePath) : compiled, {
    isStatic: (place) => staticFile(path.join(folder, 'static'), overrides, place),
    middleware: new Map(guards.map(({ draft, name }) => [name, [draft.name, 0]])),
  });
  return {
    drafts: [...drafts, ...guards.map(({ draft }) => draft)],
    rules: [...overrideRoutes(overrides).map((route) => ({ phase: 'files', route })), ...drafts.flatMap(routesOf), ...routes],
    static: [{ prefix: '/', directory: path.join(folder, 'static'), named: true }],
  };
}

/** @returns {{ path: string, schedule: string, declared: object }[]} of config.json, once it was discovered */
export function builtCrons(context) {
  return (crons.get(context) ?? []).map((cron) => ({ ...cron, declared: { file: CONFIG, what: `crons[${cron.at}]` } }));
}

/* Functions */

const isServed = ({ settings }) => isEdge(settings.runtime) || isNode(settings);
const isNode = ({ runtime, launcherType, handler, awsLambdaHandler }) =>
  /^nodejs/.test(runtime ?? '') && launcherType === 'Nodejs' && !awsLambdaHandler && isInside(handler);
const isInside = (file) => typeof file === 'string' && file !== '' && !path.posix.normalize(file).startsWith('..') && !file.startsWith('/');

function draftsOf(context, output, functions) {
  const names = new Set();
  return [...Map.groupBy(functions, ({ folder }) => folder)].map(([folder, paths]) => {
    const [{ settings }] = paths;
    const place = path.relative(path.join(output.folder, 'functions'), folder).replace(/\.func$/, '');
    const draft = {
      name: uniqueName(place, names),
      dialect: 'vercel',
      memory_mb: Number.isInteger(settings.memory) ? settings.memory : DEFAULT_MEMORY_MB,
      timeout_ms: Number.isInteger(settings.maxDuration) ? settings.maxDuration * 1000 : DEFAULT_TIMEOUT_MS,
      env: builtEnv(context, settings),
      settings: {},
      endpoints: paths.map((one) => endpointOf(one, context.project)),
    };
    return { ...draft, ...(isEdge(settings.runtime) ? onEdge(draft, folder, settings) : onNode(context, folder, settings)) };
  });
}

/** What stands in front of others is a function of its own kind. @returns {{ name: string, draft: import('../project.js').Draft }[]} */
function middlewareDrafts(context, functions) {
  return functions.map(({ name, folder, settings }, i) => {
    const edge = isEdge(settings.runtime);
    const draft = {
      name: i === 0 ? 'middleware' : `middleware/${i + 1}`, dialect: 'middleware', memory_mb: DEFAULT_MEMORY_MB, timeout_ms: DEFAULT_TIMEOUT_MS,
      env: builtEnv(context, settings), settings: { platform: 'vercel', exports: ['middleware'], url: { basePath: '', trailingSlash: false } },
      endpoints: [{ name: '/', file: path.relative(context.project, folder), module: MODULE, methods: null, timeout_ms: 0, settings: edge ? { runtime: 'edge' } : {} }],
    };
    return { name, draft: { ...draft, ...(edge ? onEdge(draft, folder, settings) : onNode(context, folder, settings)) } };
  });
}

/** What is built is built for production, wherever it runs. */
function builtEnv(context, { environment }) {
  const own = isObject(environment) ? Object.entries(environment).filter(([, value]) => typeof value === 'string') : [];
  return { ...vercelEnv(context), NODE_ENV: context.env.NODE_ENV ?? 'production', ...Object.fromEntries(own) };
}

function endpointOf({ name, folder, settings, prerender }, project) {
  const [shown] = pathsOf(name);
  return {
    name: shown, file: path.relative(project, folder), module: MODULE, methods: null, timeout_ms: 0,
    settings: {
      ...(settings.shouldAddHelpers === true ? {} : { helpers: false }),
      ...(settings.useWebApi === true ? { web: true } : {}),
      ...(Array.isArray(prerender?.allowQuery) ? { allow_query: prerender.allowQuery } : {}),
    },
  };
}

/** Functions' names have few characters; what is left out of a path must not make two of them one. */
function uniqueName(place, names) {
  const parts = place.split('/').map((part) => part.replace(/[^A-Za-z0-9_-]+/g, '')).filter((part) => /\w/.test(part));
  const plain = ['vercel', ...parts].join('/').slice(0, NAME_MAX).replace(/\/$/, '');
  const name = names.has(plain) ? `${plain}-${createHash('sha256').update(place).digest('hex').slice(0, 8)}` : plain;
  names.add(name);
  return name;
}

function onEdge(draft, folder, { entrypoint }) {
  const source = path.join(folder, isInside(entrypoint) ? entrypoint : 'index.js');
  return {
    bundle: { edge: true, built: true }, root: folder, settings: { ...draft.settings, edge: true },
    endpoints: draft.endpoints.map((endpoint) => ({ ...endpoint, source, settings: { ...endpoint.settings, runtime: 'edge' } })),
  };
}

function onNode({ project }, folder, { handler, filePathMap }) {
  const source = [
    "const { join } = require('node:path');",
    "const { pathToFileURL } = require('node:url');",
    `exports.modules = { ${MODULE}: () => import(pathToFileURL(join(__dirname, ${JSON.stringify(handler)})).href) };`,
    '',
  ].join('\n');
  const mapped = isObject(filePathMap) ? Object.entries(filePathMap) : [];
  const copies = mapped.filter(([name, file]) => isInside(name) && typeof file === 'string').map(([name, file]) => [name, realOf(path.join(project, file))]);
  return {
    build: 'files', entry: ENTRY,
    files: new Map([
      ...copies.filter(([, file]) => file && isWithin(file, realOf(project))).map(([name, file]) => [name, { copy: file }]),
      ...filesBelow(folder, ''),
      [ENTRY, Buffer.from(source)],
    ]),
  };
}

/** All files of a function, and links that stay in it. */
function filesBelow(root, folder) {
  return entriesIn(path.join(root, folder)).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    const absolute = path.join(root, name);
    if (entry.isSymbolicLink()) {
      const real = realOf(absolute);
      return real && isWithin(real, root) ? [[name, { link: path.relative(path.dirname(absolute), real) || '.' }]] : [];
    }
    return entry.isDirectory() ? filesBelow(root, name) : [[name, { copy: absolute }]];
  });
}

function routesOf({ name, endpoints }) {
  return endpoints.flatMap(({ name: shown }, i) => pathsOf(shown.slice(1) || 'index').map((place) => ({
    phase: 'exact', route: { path: place, target: [name, i], dialect: 'vercel', ...(place === shown ? {} : { shown: '' }) },
  })));
}

/* Files */

/** @returns {string|undefined} the path in the folder of what is served at `place`, if that is a file */
function staticFile(folder, overrides, place) {
  const [name] = (place ?? '').replace(/^\/+/, '').split('?');
  const other = Object.keys(overrides).find((file) => overrides[file]?.path === name);
  const file = [other, name, `${name}/index.html`].find((one) => one && isInside(one) && statSync(path.join(folder, one), { throwIfNoEntry: false })?.isFile());
  return file && encodeURI(`/${file}`);
}

function entriesIn(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return []; /* not there: being built anew */
  }
}

function realOf(file) {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}

function parsed(file) {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8'));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const asList = (value) => (Array.isArray(value) ? value : []);

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/* What is not served */

function tellUnserved(diagnostics, config, compiled, functions) {
  const tell = (text) => diagnostics.warn(text, { file: CONFIG });
  const others = functions.filter((one) => !isServed(one));
  if (others.length > 0) {
    const runtimes = new Set(others.map(({ settings: { runtime } }) => (/^nodejs/.test(runtime) ? 'Node.js without its launcher' : runtime ?? 'no runtime')));
    tell(`${andMore(others.map(({ name }) => `/${name}`))}: functions of ${[...runtimes].join(' and of ')} do not run here`);
  }
  if (config.images) {
    tell('Vercel\'s image optimization is not here: /_vercel/image answers 404');
  }
  if (compiled.some(({ transforms }) => !asList(transforms).every(isKnownTransform))) {
    tell('"transforms" of its routes: only names that leave the query, and headers of answers, are known here');
  }
  if (asList(config.wildcard).length > 0) {
    tell('"wildcard": domains are not known here, $wildcard stays as it is');
  }
  if (asList(config.services).length > 0) {
    tell('"services": they are not served, only what lies in .vercel/output itself');
  }
}
