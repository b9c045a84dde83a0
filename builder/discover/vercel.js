/* Vercel functions: api/**, and vercel.json's rules. */
import path from 'node:path';
import picomatch from 'picomatch';
import { andMore } from '../diagnostics.js';
import { isFolder } from '../files.js';
import { inspect } from '../source.js';
import { escapePattern } from '../routes/order.js';
import { nothing } from './context.js';
import { groupByRuntime } from './group.js';
import { ignoredFiles } from './ignored_files.js';
import { discoverMiddleware } from './middleware.js';
import { isAlone } from './platforms.js';
import { withProxies } from './proxy.js';
import { folderInProject, hasBuildScript, hasPage, siteIn } from './site.js';
import { builtFiles, builtSite } from './vercel_builds.js';
import { configuredRoutes, DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_MS, functionSettings, readVercelJson, vercelEnv } from './vercel_json.js';
import { discoverOutput, servesOutput } from './vercel_output.js';
import { workerMains } from './worker.js';

const API_FILE = /^api\/.*\.(ts|tsx|js|mjs|cjs|mts|cts)$/;
/** Where they are, other names may be exported for Lambda. */
const OF_AWS = /(^|\/)(template\.ya?ml|serverless\.(ya?ml|json|[cm]?[jt]s)|cdk\.json|[^/]+\.tf)$/;
/** What Vercel has other runtimes for. */
const OTHER_API_FILE = /^api\/.*\.(py|go|rb|rs)$/;
const RUNTIMES = ['nodejs', 'edge', 'experimental-edge'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<import('./context.js').Found>}
 */
export async function discoverVercel(context, sofar) {
  const found = { ...nothing(), compress: true };
  const config = readVercelJson(context);
  const settingsOf = functionSettings(config);
  const sources = [...(await apiFiles(context)), ...builtFiles(context.files, config, (file) => API_FILE.test(file))];
  const endpoints = await Promise.all(sources.map((source) => endpointOf(context, source, settingsOf)));
  tellCatchAlls(context, config, endpoints);
  tellUnmatched(context, config);
  tellOtherLanguages(context, sources.length > 0);

  found.drafts = groupByRuntime('api', 'vercel', endpoints, {
    memory_mb: DEFAULT_MEMORY_MB,
    timeout_ms: DEFAULT_TIMEOUT_MS,
    env: vercelEnv(context),
    settings: {},
  }, {});
  for (const draft of found.drafts) {
    for (const endpoint of draft.endpoints) {
      const target = [draft.name, endpoint.module];
      const { phase, routes } = routesOf(endpoint);
      found.routes[phase].push(...routes.map((route) => ({ ...route, target, dialect: 'vercel' })));
    }
  }
  const isVercel = sources.length > 0 || context.files.has('vercel.json');
  if (isVercel || (await isForPages(context))) {
    await addMiddleware(context, found, { sofar, endpoints });
  }
  const names = new Set(endpoints.map(({ name }) => name));
  const built = discoverOutput(context, sofar, { has: (place) => names.has(place), middleware: found.routes.middleware.length > 0 });
  found.drafts.push(...built.drafts);
  found.static.push(...built.static);
  if ((isVercel || found.routes.middleware.length > 0) && isAlone(context.files, 'vercel')) {
    found.routes.first.push({ src: '^(.*?)/{2,}(.*)$', location: '$1/$2', status: 301, methods: ['GET'], dialect: 'vercel' });
    const site = servesOutput(context) ? undefined : siteFolder(context, config, found.drafts);
    const named = servesOutput(context) ? undefined : builtSite(context, config);
    if (named) {
      found.static.push({ ...named.site, named: true });
      found.routes.exact.push(...named.indexes.map((route) => ({ ...route, dialect: 'vercel', shown: '' })));
    } else if (site !== undefined) {
      found.static.push({ ...siteIn(context, site, 'vercel', isBuilt(context, config)), named: true });
    }
    found.routes.last.push({
      src: '^(?!/api).*$', methods: ['GET', 'HEAD'], dest: '/404.html', static: true, status: 404, dialect: 'vercel', shown: '',
    });
  }
  const rules = [...configuredRoutes(config, context.diagnostics), ...built.rules];
  withProxies(rules, 'vercel', found.drafts, context).forEach(({ phase, route }) => found.routes[phase].push(route));
  if (config.cleanUrls) {
    found.routes.exact.push({ static: true, suffix: '.html', dialect: 'vercel', shown: '' });
  }
  if (sources.length > 0) {
    found.routes[config.cleanUrls ? 'first' : 'after'].push(withEnding(config.cleanUrls));
  }
  return found;
}

function isBuilt(context, config) {
  return Boolean(config.buildCommand || config.framework) || hasBuildScript(context);
}

/** Vercel refuses to build such a project; other globs than those of api may be a framework's. */
function tellUnmatched({ files, diagnostics }, config) {
  for (const glob of Object.keys(config.functions ?? {}).filter((one) => /^\/?api\//.test(one))) {
    const matches = picomatch(glob.replace(/^\//, ''), { dot: true });
    if (!files.list().some((file) => glob === file || matches(file))) {
      diagnostics.warn(`vercel.json: functions["${glob}"] matches no file of the folder api`, { file: 'vercel.json' });
    }
  }
  const site = folderInProject(config.outputDirectory);
  if (site && !isBuilt({ files, diagnostics }, config) && !isFolder(files.absolute(site))) {
    diagnostics.warn(`vercel.json: outputDirectory: there is no folder ${site}`, { file: 'vercel.json' });
  }
}

/** The folder of the site, '' for the project itself, which is one if it has a page and nothing builds another; a server's pages
 * are its own. Vercel serves a project of functions alone, too: here that would show their sources and data to no purpose. */
function siteFolder(context, config, drafts) {
  const { files } = context;
  const hasFiles = (folder) => folder === '' || files.list().some((file) => file.startsWith(`${folder}/`));
  const configured = folderInProject(config.outputDirectory);
  if (configured !== undefined && hasFiles(configured)) {
    return configured;
  }
  if (hasFiles('public')) {
    return 'public';
  }
  const isSite = hasPage(files) || (drafts.length === 0 && files.has('vercel.json'));
  return isSite && configured === undefined && !isBuilt(context, config) && (drafts.length > 0 || !files.has('package.json')) ? '' : undefined;
}

/** Whether middleware.js is Vercel's where nothing else is: helpers of servers have that name, too. */
async function isForPages(context) {
  const { files } = context;
  const file = ['middleware.js', 'middleware.ts'].find((name) => files.has(name));
  if (!file || !isAlone(files, 'vercel')) {
    return false;
  }
  const facts = await inspect(file, files.read(file));
  const isMiddleware = facts?.esm && (facts.exports.has('default') || facts.exports.has('middleware'));
  const says = facts?.exports.has('config') || facts?.imports.some((name) => /^@vercel\/(functions|edge)$/.test(name));
  return Boolean(isMiddleware && (says || (files.has('index.html') && !files.has('package.json'))));
}

/** Of a project that is not Next.js's, which has its own. */
async function addMiddleware(context, found, { sofar, endpoints }) {
  if (sofar.drafts.some(({ dialect }) => dialect === 'next')) {
    return;
  }
  const middleware = await discoverMiddleware(context, {
    platform: 'vercel', names: ['middleware'], folder: '', env: vercelEnv(context),
    timeoutMs: Math.max(DEFAULT_TIMEOUT_MS, ...endpoints.map((endpoint) => endpoint.timeout_ms)),
  });
  if (middleware) {
    found.drafts.push(middleware.draft);
    found.routes.middleware.push(...middleware.routes);
  }
}

/** Where nothing else says that they are Vercel's, such files may be a server's. */
function tellOtherLanguages({ files, diagnostics }, hasFunctions) {
  const others = files.list().filter((file) => OTHER_API_FILE.test(file) && !/\/[_.]/.test(file));
  if (others.length > 0 && (hasFunctions || files.has('vercel.json') || !files.has('package.json'))) {
    const text = 'of Vercel\'s functions those in JavaScript and TypeScript run here, those in Python, Go, Ruby and Rust do not';
    diagnostics.warn(`${andMore(others)}: ${text}`, { file: others[0] });
  }
}

/** A function may be asked for by its file's name, but for clean URLs. */
function withEnding(isClean) {
  const src = '^/api/(.+)\\.(?:ts|tsx|js|mjs|cjs|mts|cts)$';
  return isClean
    ? { src, location: '/api/$1', status: 308, dialect: 'vercel' }
    : { src, dest: '/api/$1', check: true, dialect: 'vercel' };
}

/** Names with `_` or `.` in front, of files and of folders, are helpers; so are declarations. */
async function apiFiles(context) {
  const isIgnored = ignoredByVercel(context.files);
  const named = context.files
    .list()
    .filter((file) => API_FILE.test(file) && !/\/[_.]/.test(file) && !/\.d\.[cm]?ts$/.test(file) && !isIgnored(file));
  return (await withoutOthers(context, named))
    .sort(byMoreSegments)
    .map((file) => ({ file, url: `/${file.replace(/\.[^.]+$/, '')}` }));
}

/** What .vercelignore names is not deployed. */
function ignoredByVercel(files) {
  const patterns = files.has('.vercelignore') ? ignoredFiles(files, 'vercel').map((pattern) => new RegExp(pattern)) : [];
  return (file) => patterns.some((pattern) => pattern.test(file));
}

/** Other platforms' projects have a folder `api` too: that of a Worker's main, or with Lambda's handlers. */
async function withoutOthers(context, named) {
  const { files } = context;
  if (named.length === 0 || files.has('vercel.json')) {
    return named;
  }
  if (workerMains(context).some((main) => named.includes(main))) {
    return [];
  }
  const facts = await Promise.all(named.map((file) => inspect(file, files.read(file))));
  const isOfAws = files.list().some((file) => OF_AWS.test(file));
  return named.filter((_, i) => !facts[i] || facts[i].open || isFunction(facts[i].exports) || !(isOfAws || facts[i].exports.has('handler')));
}

const isFunction = (exported) => ['default', ...METHODS].some((name) => exported.has(name));

/** The order in which Vercel tries dynamic routes. */
function byMoreSegments(a, b) {
  const count = (file) => file.split('/').length;
  const placeholders = (file) => file.split('/').filter((segment) => segment.startsWith('[')).length;
  return count(b) - count(a) || placeholders(a) - placeholders(b) || a.localeCompare(b);
}

async function endpointOf({ files, project, diagnostics }, { file, url, build }, settingsOf) {
  const facts = await inspect(file, files.read(file));
  const own = facts?.exports.get('config');
  const settings = typeof own === 'object' && own ? { ...own } : {};
  const runtime = facts?.exports.get('runtime');
  if (typeof runtime === 'string') {
    settings.runtime = runtime;
  }
  if (typeof settings.runtime === 'string' && !RUNTIMES.includes(settings.runtime)) {
    diagnostics.error(`${file}: its runtime "${settings.runtime}" is none: there are ${RUNTIMES.join(', ')}`, { file });
  }
  const exported = facts?.exports.get('maxDuration') ?? settings.maxDuration;
  const configured = settingsOf(file);
  const methods = facts ? METHODS.filter((method) => facts.exports.has(method)) : [];
  return {
    name: url.replace(/\/index$/, '') || '/',
    file,
    folders: build?.folders,
    module: build?.hasTwin ? file : file.replace(/\.[^.]+$/, ''),
    methods: methods.length > 0 && !facts.open ? methods : null,
    timeout_ms: 0,
    ...(typeof exported === 'number' && exported > 0 ? { timeout_ms: exported * 1000 } : {}),
    ...configured,
    include: [...configured.include, ...build?.include ?? []],
    settings: build?.helpers === false ? { ...settings, helpers: false } : settings,
    source: `${project}/${file}`,
  };
}

/** Names that are catch-alls in Next.js alone; Vercel itself takes `[...x]` for one segment and `[[...x]]` for none. */
function tellCatchAlls({ diagnostics }, { rewrites, routes }, endpoints) {
  const configured = JSON.stringify([rewrites, routes]);
  for (const { name, file } of endpoints) {
    const [, above, segment] = /^(.*?)\/(\[{1,2}\.\.\.[^/]*)/.exec(name) ?? [];
    if (segment && !configured.includes(segment)) {
      const what = segment.startsWith('[[') ? 'no path leads here' : 'only paths of one more segment lead here';
      const instead = `${above.slice(1)}/index${path.posix.extname(file)}`;
      const rewrite = JSON.stringify({ rewrites: [{ source: `${above}/(.*)`, destination: above }] });
      diagnostics.warn(`${what}: Vercel knows catch-alls of Next.js only. Call it ${instead}, with ${rewrite} in vercel.json`, { file });
    }
  }
}

/** @returns {{ phase: string, routes: object[] }} */
function routesOf({ name, file, folders }) {
  if (!/(^|\/)\[[^\]/]+\](\/|$)/.test(name)) {
    const forms = name === '/' ? ['/'] : [name, `${name}/`];
    const index = folders ?? (/\/index\.[^./]+$/.test(file) ? [`${name}/index`] : []);
    return { phase: 'exact', routes: [...forms, ...index].map((form) => ({ path: form })) };
  }
  const params = [];
  const pattern = name
    .split('/')
    .map((segment) => {
      const parameter = /^\[([^\]]+)\]$/.exec(segment);
      if (!parameter) {
        return escapePattern(segment);
      }
      params.push(parameter[1]);
      return '([^/]+)';
    })
    .join('/');
  return { phase: 'dynamic', routes: [{ src: `^${pattern}$`, params }] };
}
