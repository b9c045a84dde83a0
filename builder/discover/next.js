/* Next.js route handlers: app/**\/route.ts, the files of the folder app that are routes by their name (sitemap.ts), and
 * pages/api/**; and what next.config says of them without being run. */
import { isEdge } from '../bundle/edge.js';
import { inspect } from '../source.js';
import { compareSegments, nextRoute } from '../routes/next.js';
import { configRoutes, readNextConfig } from './next_config.js';
import { nothing } from './context.js';
import { metadataRoute } from './next_metadata.js';
import { discoverMiddleware } from './middleware.js';
import { groupByRuntime } from './group.js';
import { hasSigns, isAlone } from './platforms.js';
import { functionSettings, readVercelJson, vercelEnv } from './vercel_json.js';

const ROUTE_FILE = /(?:^|\/)route\.(tsx|ts|jsx|js|mjs)$/;
const API_FILE = /^api(?:\/.*)?\/[^/]+\.(tsx|ts|jsx|js|mjs)$|^api\.(tsx|ts|jsx|js|mjs)$/;
const PAGE_FILE = /(?:^|\/)page\.(tsx|ts|jsx|js|mdx?)$/;
const SCRIPT = /\.(tsx|ts|jsx|js|mdx?)$/;
/** What the folder pages has beside pages. */
const NO_PAGE = /^(_app|_document|_error|404|500)\.|\.d\.ts$/;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const SETTINGS = ['runtime', 'dynamic', 'maxDuration', 'revalidate', 'fetchCache', 'dynamicParams', 'preferredRegion'];
/* What Next.js's server says of everything in the folder app that runs on Node.js. */
const VARY = 'rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch';
const DEFAULT_MEMORY_MB = 2048;
const DEFAULT_TIMEOUT_MS = 300_000;

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<import('./context.js').Found>}
 */
export async function discoverNext(context) {
  const { files, project } = context;
  const found = nothing();
  const sources = [...findRouteFiles(files), ...findApiFiles(files)];
  const settingsOf = functionSettings(readVercelJson(context));
  const endpoints = (await Promise.all(sources.map((entry) => endpointOf(context, entry, settingsOf)))).filter(Boolean);
  if (endpoints.length === 0) {
    return found;
  }
  const { folder } = sources[0];
  const nextConfig = await readNextConfig(context);
  found.compress = nextConfig.compress !== false;
  const kept = withoutDuplicates(endpoints, context.diagnostics);
  kept.sort((a, b) => compareSegments(a.settings.segments, b.settings.segments));

  const stage = context.development ? 'development' : 'production';
  found.drafts = groupByRuntime('app', 'next', kept, {
    memory_mb: DEFAULT_MEMORY_MB,
    timeout_ms: DEFAULT_TIMEOUT_MS,
    env: { NEXT_RUNTIME: 'nodejs', PORT: String(context.port || 3000), ...textsOf(nextConfig.env), ...(files.has('vercel.json') ? vercelEnv(context) : { NODE_ENV: stage, ...context.env }) },
    settings: {
      basePath: nextConfig.basePath ?? '',
      trailingSlash: nextConfig.trailingSlash === true,
      ...(nextConfig.experimental?.authInterrupts === true ? { auth_interrupts: true } : {}),
      ...cacheLifeOf(nextConfig),
    },
  }, { NEXT_RUNTIME: 'edge' });
  const setup = findInstrumentation(files, project, folder);
  for (const draft of found.drafts) {
    draft.setup = setup;
    for (const endpoint of draft.endpoints) {
      const { phase, route } = nextRoute(endpoint.settings.segments, nextConfig);
      const headers = endpoint.settings.pages || isEdge(endpoint.settings.runtime) ? {} : { headers: { vary: VARY } };
      found.routes[phase].push(...route.map((r) => ({ ...r, ...headers, target: [draft.name, endpoint.module], dialect: 'next' })));
    }
  }
  await addMiddleware(context, found, { endpoints: kept, folder, nextConfig, setup });
  if (nextConfig.basePath) {
    found.static.push({ prefix: nextConfig.basePath, directory: `${project}/public` });
  }
  configRoutes(found.routes, nextConfig, kept, isAlone(files, 'next', ['vercel']), context.diagnostics);
  return found;
}

/** As Next.js has it, src/app is only looked at when there is no app; so with pages. */
function filesBelow(files, name) {
  const all = files.list();
  const top = all.some((file) => file.startsWith(`${name}/`)) ? `${name}/` : `src/${name}/`;
  return all.filter((file) => file.startsWith(top))
    .map((file) => ({ file, folder: top.slice(0, -`${name}/`.length), inside: file.slice(top.length) }));
}

function findRouteFiles(files) {
  const isNext = hasSigns(files, 'next') || dependsOnNext(files);
  return filesBelow(files, 'app').flatMap(({ file, folder, inside }) => {
    const folders = inside.split('/').slice(0, -1);
    const metadata = isNext && metadataRoute(inside);
    if (!(metadata || ROUTE_FILE.test(inside)) || folders.some(isPrivate) || folders.some(isInterception)) {
      return [];
    }
    return [{ file, folder, folders, ...(metadata ? { metadata } : {}) }];
  });
}

/** The files of its pages, which are for Next.js' own server. */
export function pagesOfNext(files) {
  if (!dependsOnNext(files)) {
    return [];
  }
  const app = filesBelow(files, 'app').filter(({ inside }) => PAGE_FILE.test(inside) && !inside.split('/').some(isPrivate));
  const pages = filesBelow(files, 'pages').filter(({ inside }) => SCRIPT.test(inside) && !API_FILE.test(inside) && !NO_PAGE.test(inside));
  return [...app, ...pages].map(({ file }) => file);
}

function dependsOnNext(files) {
  try {
    return 'next' in JSON.parse(files.read('package.json')).dependencies;
  } catch {
    return false;
  }
}

/** Handlers of the older kind: (req, res), a file a path. */
function findApiFiles(files) {
  return filesBelow(files, 'pages').filter(({ inside }) => API_FILE.test(inside)).map(({ file, folder, inside }) => ({
    file, folder, folders: inside.replace(/\.[^.]+$/, '').replace(/\/index$/, '').split('/'), pages: true,
  }));
}

/** Profiles of 'use cache'; until Next.js 16 they are an experiment. A time that JSON cannot say is for ever. */
function cacheLifeOf({ cacheLife, experimental }) {
  const times = (profile) => Object.entries(profile ?? {}).filter(([, seconds]) => Number.isFinite(seconds));
  const profiles = Object.entries({ ...experimental?.cacheLife, ...cacheLife }).map(([name, profile]) => [name, Object.fromEntries(times(profile))]);
  return profiles.length > 0 ? { cache_life: Object.fromEntries(profiles) } : {};
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

/** @returns {Promise<object|null>} null for a file of another framework's folder pages/api */
async function endpointOf({ files, project }, source, settingsOf) {
  const { file, folders, pages, metadata } = source;
  const isCode = metadata?.kind !== 'file';
  const facts = isCode ? await inspect(file, files.read(file)) : null;
  if (pages && facts?.esm && !facts.open && !facts.exports.has('default')) {
    return null;
  }
  const segments = pages ? folders : [...segmentsOf(folders), ...(metadata?.segments(facts) ?? [])];
  const settings = { segments, ...(metadata ? { metadata: metadata.kind } : {}), ...(pages ? { pages } : {}) };
  for (const name of SETTINGS) {
    const value = facts?.exports.get(name);
    if (typeof value !== 'symbol' && value !== undefined) {
      settings[name] = value;
    }
  }
  if (pages) {
    Object.assign(settings, ownConfig(facts));
  }
  const duration = settings.maxDuration;
  return {
    name: `/${segments.join('/')}`,
    file,
    module: isCode ? file.replace(/\.[^.]+$/, '') : file,
    methods: metadata ? ['GET'] : facts && !facts.open && !pages ? METHODS.filter((method) => facts.exports.has(method)) : null,
    timeout_ms: typeof duration === 'number' && duration > 0 ? duration * 1000 : 0,
    ...settingsOf(file),
    settings,
    source: `${project}/${file}${isCode ? '' : '?bytes'}`,
  };
}

/** What `export const config` of a file of pages/api says of where and how long it runs. */
function ownConfig(facts) {
  const config = facts?.exports.get('config');
  const { runtime, maxDuration } = (typeof config === 'object' && config) || {};
  return { ...(typeof runtime === 'string' ? { runtime } : {}), ...(typeof maxDuration === 'number' ? { maxDuration } : {}) };
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
