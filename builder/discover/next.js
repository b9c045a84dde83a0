/* Next.js route handlers: app/**\/route.ts, and what next.config says of them without being run. */
import { isEdge } from '../bundle/edge.js';
import { inspect } from '../source.js';
import { compareSegments, nextRoute } from '../routes/next.js';
import { configRoutes, readNextConfig } from './next_config.js';
import { nothing } from './all.js';
import { discoverMiddleware } from './middleware.js';
import { groupByRuntime } from './group.js';
import { isAlone } from './platforms.js';
import { functionSettings, readVercelJson } from './vercel_json.js';
import { vercelEnv } from './vercel.js';

const ROUTE_FILE = /^(?:src\/)?app\/(?:.*\/)?route\.(tsx|ts|jsx|js|mjs)$/;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const SETTINGS = ['runtime', 'dynamic', 'maxDuration', 'revalidate', 'fetchCache', 'dynamicParams', 'preferredRegion'];
/* What Next.js's server says of everything in the folder app that runs on Node.js. */
const VARY = 'rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch';
const DEFAULT_MEMORY_MB = 2048;
const DEFAULT_TIMEOUT_MS = 300_000;

/**
 * @param {import('./all.js').Context} context
 * @returns {Promise<import('./all.js').Found>}
 */
export async function discoverNext(context) {
  const { files, project } = context;
  const found = nothing();
  const routeFiles = findRouteFiles(files);
  if (routeFiles.length === 0) {
    return found;
  }
  const nextConfig = await readNextConfig(context);
  found.compress = nextConfig.compress !== false;
  const vercel = readVercelJson(context);
  const settingsOf = functionSettings(vercel);
  const endpoints = await Promise.all(routeFiles.map((entry) => endpointOf(context, entry, settingsOf)));
  const kept = withoutDuplicates(endpoints, context.diagnostics);
  kept.sort((a, b) => compareSegments(a.settings.segments, b.settings.segments));

  const stage = context.development ? 'development' : 'production';
  found.drafts = groupByRuntime('app', 'next', kept, {
    memory_mb: DEFAULT_MEMORY_MB,
    timeout_ms: DEFAULT_TIMEOUT_MS,
    env: { NEXT_RUNTIME: 'nodejs', ...textsOf(nextConfig.env), ...(files.has('vercel.json') ? vercelEnv(context) : { NODE_ENV: stage, ...context.env }) },
    settings: {
      basePath: nextConfig.basePath ?? '',
      trailingSlash: nextConfig.trailingSlash === true,
      ...(nextConfig.experimental?.authInterrupts === true ? { auth_interrupts: true } : {}),
    },
  }, { NEXT_RUNTIME: 'edge' });
  const setup = findInstrumentation(files, project, routeFiles[0].folder);
  for (const draft of found.drafts) {
    draft.setup = setup;
    for (const endpoint of draft.endpoints) {
      const { phase, route } = nextRoute(endpoint.settings.segments, nextConfig);
      const headers = isEdge(endpoint.settings.runtime) ? {} : { headers: { vary: VARY } };
      found.routes[phase].push(...route.map((r) => ({ ...r, ...headers, target: [draft.name, endpoint.module], dialect: 'next' })));
    }
  }
  await addMiddleware(context, found, { endpoints: kept, folder: routeFiles[0].folder, nextConfig, setup });
  if (nextConfig.basePath) {
    found.static.push({ prefix: nextConfig.basePath, directory: `${project}/public` });
  }
  configRoutes(found.routes, nextConfig, kept, isAlone(files, 'next', ['vercel']), context.diagnostics);
  return found;
}

/** As Next.js has it, src/app is only looked at when there is no app. */
function findRouteFiles(files) {
  const all = files.list().filter((file) => ROUTE_FILE.test(file));
  const top = files.list().some((file) => file.startsWith('app/')) ? 'app/' : 'src/app/';
  return all
    .filter((file) => file.startsWith(top))
    .map((file) => ({ file, folder: top.slice(0, -'app/'.length), folders: file.slice(top.length).split('/').slice(0, -1) }))
    .filter(({ folders }) => !folders.some(isPrivate) && !folders.some(isInterception));
}

function textsOf(env) {
  return Object.fromEntries(Object.entries(env ?? {}).filter(([, value]) => typeof value === 'string'));
}

/** Middleware lies beside the folder app, and has as much time as the slowest route. */
async function addMiddleware(context, found, { endpoints, folder, nextConfig, setup }) {
  const middleware = await discoverMiddleware(context, {
    platform: 'next', names: ['proxy', 'middleware'], folder, nextConfig, setup, env: { ...found.drafts[0].env },
    timeoutMs: Math.max(DEFAULT_TIMEOUT_MS, ...endpoints.map((endpoint) => endpoint.timeout_ms)),
  });
  if (middleware) {
    found.drafts.push(middleware.draft);
    found.routes.middleware.push(...middleware.routes);
  }
}

/** instrumentation.ts lies beside the folder app. */
function findInstrumentation(files, project, folder) {
  const file = ['tsx', 'ts', 'jsx', 'js'].map((ending) => `${folder}instrumentation.${ending}`).find((name) => files.has(name));
  return file && { module: 'instrumentation', source: `${project}/${file}` };
}

const isPrivate = (folder) => folder.startsWith('_');
const isInterception = (folder) => /^\(\.{1,3}\)/.test(folder);
const isGroup = (folder) => folder.startsWith('(') && folder.endsWith(')');

/** Folders to URL segments: groups and slots are not part of the URL, `%5F` writes an underscore. */
function segmentsOf(folders) {
  return folders
    .filter((folder) => !isGroup(folder) && !folder.startsWith('@'))
    .map((folder) => folder.replace(/^%5F/i, '_'));
}

async function endpointOf({ files, project }, { file, folders }, settingsOf) {
  const facts = await inspect(file, files.read(file));
  const segments = segmentsOf(folders);
  const settings = { segments };
  for (const name of SETTINGS) {
    const value = facts?.exports.get(name);
    if (typeof value !== 'symbol' && value !== undefined) {
      settings[name] = value;
    }
  }
  const duration = settings.maxDuration;
  return {
    name: `/${segments.join('/')}`,
    file,
    module: file.replace(/\.[^.]+$/, ''),
    methods: facts && !facts.open ? METHODS.filter((method) => facts.exports.has(method)) : null,
    timeout_ms: typeof duration === 'number' && duration > 0 ? duration * 1000 : 0,
    ...settingsOf(file),
    settings,
    source: `${project}/${file}`,
  };
}

/** Two groups may name one URL: Next.js refuses to build that; here the first one answers. */
function withoutDuplicates(endpoints, diagnostics) {
  const taken = new Map();
  return endpoints.filter((endpoint) => {
    const shape = endpoint.name.replace(/\[(\[?\.{3})?[^\]]*\]/g, (_, dots) => `[${dots ?? ''}]`);
    const other = taken.get(shape);
    if (other) {
      diagnostics.error(`${endpoint.file} and ${other.file} both answer ${endpoint.name}: the second is left out`, {
        file: endpoint.file,
      });
      return false;
    }
    taken.set(shape, endpoint);
    return true;
  });
}
