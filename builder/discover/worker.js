/* Cloudflare Workers: wrangler's files wherever they lie in the project, or a root worker.ts. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Diagnostics } from '../diagnostics.js';
import { readWorkerSecrets } from '../env.js';
import { inspect } from '../source.js';
import { workerEvents } from '../events/worker.js';
import { workerRoutes } from '../routes/worker.js';
import { asWorker, pagesOutput } from './cloudflare_pages.js';
import { nothing } from './context.js';
import { readAssets } from './worker_assets.js';
import { bindingsOf, functionName } from './worker_bindings.js';
import { modulesBeside } from './worker_modules.js';
import { builtConfigs, CONFIG_NAMES, isWranglerFile, mainOfScripts, readBuilt, readWrangler } from './wrangler.js';

const MAIN_NAMES = ['worker.ts', 'worker.js', 'worker.mjs', 'worker.mts', 'worker.tsx', 'worker.jsx'];
const MEMORY_MB = 256;
const TIMEOUT_MS = 300_000;
/** It has a command of its own: the script build is Next.js's. https://opennext.js.org/cloudflare/get-started */
const OPEN_NEXT = /"@opennextjs\/cloudflare"\s*:/;
/** In the place of a main file where there are only assets. */
const NO_MAIN = 'assets';
const NO_WORKER = fileURLToPath(new URL('../bundle/no_worker.js', import.meta.url));

/**
 * @typedef {object} Worker
 * @property {string} name
 * @property {string} folder relative to the project, '' for its root: what its file names is relative to that
 * @property {string} home where people keep it, with its secrets: another folder, where it `isBuilt` of what is there
 * @property {boolean} isBuilt
 * @property {string|null} main relative to the project; null: there are assets only
 * @property {string} config its file, '' when it has none
 * @property {object} settings wrangler's, of the chosen environment
 * @property {import('./worker_assets.js').Assets|null} [assets]
 */

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<import('./context.js').Found>}
 */
export async function discoverWorkers(context, sofar) {
  const found = { ...nothing(), compress: true };
  const workers = configuredWorkers(context);
  if (workers.length === 0) {
    workers.push(...(await bareWorker(context)));
  }
  if (workers.length === 0 && sofar.drafts.length === 0) {
    workers.push(...builtPages(context));
  }
  const kept = withoutTwins(workers, context.diagnostics);
  found.drafts = await Promise.all(kept.map((worker) => draftOf(context, worker, kept)));
  const hasCatchAll = sofar.routes.catchAll.length > 0;
  kept.forEach((worker, i) => {
    const target = [found.drafts[i].name, found.drafts[i].endpoints[0].module];
    const isMain = i === 0 && !hasCatchAll;
    const isAlone = sofar.drafts.length === 0;
    for (const { phase, route } of workerRoutes(worker, { isMain, isOnly: kept.length === 1 && isAlone, isAlone })) {
      found.routes[phase].push({ ...route, target, dialect: 'worker' });
    }
  });
  const described = kept.map(async (worker) => ({ ...worker, function: functionName(worker), handlers: await handlersOf(context, worker) }));
  found.events = workerEvents(context, await Promise.all(described));
  return found;
}

/** The project's root first: it is the one that answers where no route decides. */
function configuredWorkers(context) {
  const { files } = context;
  const folders = [...new Set(files.list().filter(isWranglerFile).map(folderOf))].sort();
  const built = folders.flatMap((home) => builtConfigs(context, home).map((config) => ({ config, home, isBuilt: true })));
  const isReplaced = (folder) => built.some(({ config, home }) => home === folder || folderOf(config) === folder);
  const own = folders.filter((folder) => !isReplaced(folder)).map((home) => {
    const name = CONFIG_NAMES.find((candidate) => files.has(join(home, candidate)));
    return { config: join(home, name), home, isBuilt: false };
  });
  const workers = [...built, ...own].map((place) => workerOf(context, place)).filter(Boolean);
  const isAlsoBuilt = ({ name, isBuilt }) => !isBuilt && workers.some((other) => other.isBuilt && other.name === name);
  return workers.filter((worker) => !isAlsoBuilt(worker)).sort((a, b) => depth(a.home) - depth(b.home));
}

/** What wrangler's files name as main, for those who ask whose a file is; what is wrong with them is told once. */
export function workerMains(context) {
  return configuredWorkers({ ...context, diagnostics: new Diagnostics() }).flatMap(({ main }) => main ?? []);
}

const depth = (folder) => (folder ? folder.split('/').length : 0);
const join = (folder, name) => path.posix.join(folder, name);
const folderOf = (file) => path.posix.dirname(file).replace(/^\.$/, '');

function workerOf(context, { config, home, isBuilt }) {
  const { files, diagnostics } = context;
  const folder = folderOf(config);
  const said = isBuilt ? readBuilt(context, config) : readWrangler(context, config);
  if (!said) {
    return null;
  }
  if (isBuilt) {
    diagnostics.warn(`${config} is served, which the project's build has made: run \`npm run build\` again after changes`, { file: config });
  } else if (isForVite(context, folder)) {
    diagnostics.warn(`${config} is for @cloudflare/vite-plugin: run \`npm run build\`, and what that makes is served`, { file: config });
  }
  return workerOfSettings(context, { config, folder, home, isBuilt, said });
}

/** Wrangler's file need not name the Worker's, where its command does. */
function withMain(context, folder, said) {
  const isNamed = said.main !== undefined || said.pages_build_output_dir !== undefined;
  const main = isNamed ? undefined : mainOfScripts(context, folder);
  return main ? { ...said, main } : said;
}

/** @param {object} place with `said`: wrangler's settings, of a Worker or of a project of Pages */
function workerOfSettings(context, { config, folder, home, isBuilt, said }) {
  const { files, diagnostics } = context;
  const settings = asWorker(context, { folder, config, settings: withMain(context, folder, said) });
  const main = typeof settings.main === 'string' ? join(folder, settings.main) : null;
  const hint = buildHint(context, folder, settings);
  const assets = readAssets(context, { folder, config, settings, hint });
  if (!main && !settings.assets?.directory) {
    diagnostics.error(`${config} names no "main" and no "assets": give it the Worker's file as "main"`, { file: config });
    return null;
  }
  if (main?.endsWith('.py')) {
    diagnostics.error(`${config}: main "${settings.main}" is in Python, which does not run here: Workers in JavaScript and TypeScript do`, { file: config });
    return null;
  }
  if (main && !files.has(main)) {
    diagnostics.error(`${config}: main "${settings.main}" does not exist${hint}`, { file: config });
    return null;
  }
  if (!main && !assets) {
    return null;
  }
  const name = typeof settings.name === 'string' ? settings.name : path.basename(folder || context.project);
  return { name: safeName(name), folder, home, isBuilt, main, config, settings, assets };
}

/** Whether what is in a folder is built by Vite, which fills in its files and its configuration. */
function isForVite({ files }, folder) {
  const manifest = join(folder, 'package.json');
  return files.has(manifest) && files.read(manifest).includes('"@cloudflare/vite-plugin"');
}

/** For what is not there yet: wrangler would run its own command first, the project's is for people to run. */
function buildHint({ files }, folder, { build }) {
  if (typeof build?.command === 'string') {
    return `; run its build command first: ${build.command}`;
  }
  const manifest = [join(folder, 'package.json'), 'package.json'].find((file) => files.has(file));
  const text = manifest ? files.read(manifest) : '';
  const command = OPEN_NEXT.test(text) ? 'npx opennextjs-cloudflare build' : /"build"\s*:/.test(text) ? 'npm run build' : undefined;
  return command ? `; build the project first: ${command}` : '';
}

function safeName(name) {
  return name.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 64) || 'worker';
}

/** worker.ts with a default export (or a fetch listener), and no configuration at all. */
async function bareWorker({ files }) {
  const main = MAIN_NAMES.find((name) => files.has(name));
  if (!main) {
    return [];
  }
  const text = files.read(main);
  const facts = await inspect(main, text);
  const isThread = facts?.imports.some((name) => /^(node:)?worker_threads$/.test(name));
  const isWorker = !facts || facts.exports.has('default') || /addEventListener\(\s*['"]fetch['"]/.test(text);
  return isWorker && !isThread ? [{ name: 'worker', folder: '', home: '', isBuilt: false, main, config: '', settings: {} }] : [];
}

/** What a build has made for Cloudflare Pages, where wrangler is given the folder as an argument. */
function builtPages(context) {
  const output = pagesOutput(context.files);
  const worker = output === undefined ? null : workerOfSettings(context, {
    config: '', folder: '', home: '', isBuilt: false, said: { pages_build_output_dir: output, compatibility_flags: ['nodejs_compat'] },
  });
  return worker ? [worker] : [];
}

function withoutTwins(workers, diagnostics) {
  const names = new Set();
  return workers.filter((worker) => {
    if (names.has(worker.name)) {
      diagnostics.error(`${worker.config}: another worker is called "${worker.name}" too`, { file: worker.config });
      return false;
    }
    return names.add(worker.name);
  });
}

async function draftOf(context, worker, workers) {
  const { files, project } = context;
  const { settings, home, assets } = worker;
  const main = worker.main ?? NO_MAIN;
  const facts = worker.main ? await inspect(main, files.read(main)) : null;
  const secrets = readWorkerSecrets(context, home);
  const { bindings, files: bindingFiles, mounts } = bindingsOf(context, worker, workers, secrets);
  const module = main.replace(/\.[^.]+$/, '');
  return {
    name: functionName(worker),
    dialect: 'worker',
    memory_mb: MEMORY_MB,
    timeout_ms: TIMEOUT_MS,
    cpu_ms: Number.isInteger(settings.limits?.cpu_ms) ? settings.limits.cpu_ms : 0,
    env: hasVariables(settings) ? variablesOf(bindings) : {},
    bindings,
    files: new Map([...modulesBeside(files, worker), ...bindingFiles]),
    settings: {
      worker: worker.name,
      format: !worker.main || facts?.exports.has('default') || facts?.open ? 'modules' : 'service-worker',
      compatibility_date: settings.compatibility_date ?? null,
      compatibility_flags: settings.compatibility_flags ?? [],
      ...(assets ? { assets: assets.settings } : {}),
      ...(context.development ? { development: true } : {}),
    },
    mounts: [...(assets ? [assets.mount] : []), ...mounts],
    bundle: {
      rules: Array.isArray(settings.rules) ? settings.rules : [],
      define: onlyStrings(settings.define),
      alias: onlyStrings(settings.alias),
    },
    endpoints: [
      { name: '/', file: main, module, methods: null, timeout_ms: 0, settings: {}, source: worker.main ? `${project}/${main}` : NO_WORKER },
    ],
  };
}

/** What the default export has, where it is an object that is written down. */
async function handlersOf({ files }, { main }) {
  const facts = main ? await inspect(main, files.read(main)) : null;
  const { type, properties } = facts?.defaultNode ?? {};
  const isPlain = type === 'ObjectExpression' && properties.every((property) => property.type === 'Property' && !property.computed);
  return isPlain ? new Set(properties.map(({ key }) => key.name ?? String(key.value))) : null;
}

/** From this day on nodejs_compat brings variables. */
const VARIABLES_SINCE = '2025-04-01';

/** Whether process.env has the worker's texts. Without nodejs_compat a Worker has no `process` to look at. */
function hasVariables({ compatibility_date: date, compatibility_flags: flags = [] }) {
  const isTold = flags.includes('nodejs_compat_populate_process_env');
  const isOld = flags.includes('nodejs_compat') && typeof date === 'string' && date < VARIABLES_SINCE;
  return !flags.includes('nodejs_compat_do_not_populate_process_env') && (isTold || !isOld);
}

function variablesOf(bindings) {
  const texts = Object.entries(bindings).filter(([, binding]) => binding.type === 'var');
  return Object.fromEntries(
    texts.map(([name, { value }]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

function onlyStrings(object) {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([, value]) => typeof value === 'string'));
}
