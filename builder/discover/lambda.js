/* AWS Lambda functions, however they are declared: Terraform, SAM, serverless.yml, or mayfly.json.
 *
 * Each answers at `<name>.localhost` and `<name>.lambda.localhost` (any port, any path) as a function URL would, and
 * at Lambda's own invoke path. Paths of the project stay free: only a single function gets `/`, if nobody else has. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { allNamed, andMore } from '../diagnostics.js';
import { Installed } from '../bundle/installed.js';
import { layersAtOpt } from '../bundle/layers.js';
import { isFolder, isWithin } from '../files.js';
import { escapePattern } from '../routes/order.js';
import { lambdaEventRoutes, sortApiRoutes } from '../routes/lambda.js';
import { localAddresses } from './addresses.js';
import { DEFAULT_STAGE, integrationDraft, servedIntegration, tellTemplates } from './api_integrations.js';
import { regionOf } from './arn.js';
import { nothing } from './context.js';
import { apiRoutes, functionIn, isServed, leadsPast, preflightsOf, tellApiRoutes, tellTwice } from './api_routes.js';
import { exportsInstead, findHandlerFile, hasFolder, splitHandler, whyNotThere } from './lambda_source.js';
import { setupOf, withoutWrapper, wrappedHandler } from './lambda_startup.js';
import { tellUnknown } from './lambda_unknown.js';
import { urlSettings, withoutUndefined } from './lambda_url.js';
import { strings } from './mayfly_json.js';
import { samFunctions, samTemplates } from './sam.js';
import { templateApis } from './sam_api.js';
import { readServices, serverlessFunctions, serverlessTemplates } from './serverless.js';
import { terraformFunctions, terraformModules } from './terraform.js';
import { terraformApis } from './terraform_api.js';

/**
 * @typedef {object} Declaration
 * @property {string} name
 * @property {string} [handler]
 * @property {string} [runtime]
 * @property {number} [timeout] seconds
 * @property {number} [memory] megabytes
 * @property {number} [tmp] megabytes
 * @property {number} [reserved] how many of it may run at a time
 * @property {object} [tags]
 * @property {Record<string, unknown>} [environment]
 * @property {string} [folder] of its code, relative to the project ('' is its root); absent: to be searched
 * @property {string} [sourceFile] relative to the project
 * @property {string} [absent] the folder of its code that is not there, relative to the project: not built yet
 * @property {string} [missing] what was named as its code and is not there
 * @property {string} [archive] what was named as its code, which is not unpacked
 * @property {object} [url] settings of its function URL: invoke_mode (BUFFERED or RESPONSE_STREAM), auth_type, cors
 * @property {{ folder: string, at: string }[]} [layers] folders relative to the project, and what they are when it runs:
 *   /opt or /opt/nodejs
 * @property {string[]} [foreignLayers] those that others have published
 * @property {Record<string, string>} [inline] its code itself, by the names of files
 * @property {Record<string, string>} [aliases] names and versions by which it can be invoked, and the version of each
 * @property {{ api: 'rest'|'http', method: string, path: string, payload: string, id: string, cors?: object, binaryTypes?: string[],
 *   authorization?: string, stage?: string }[]}
 *   [events] what API Gateway sends it
 * @property {boolean} [image] whether it is a container image
 * @property {boolean} [durable] whether Lambda would run it as durable executions
 * @property {string} declaredIn its file
 */

const DEFAULT_RUNTIME = 'nodejs24.x';
const DEFAULT_TIMEOUT_S = 3;
const DEFAULT_MEMORY_MB = 128;
/** Every function has these two endpoints; more are an API's events. */
const URL_AND_INVOKE = 2;
const AWS_VARIABLES = /^AWS_(REGION|DEFAULT_REGION|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|ENDPOINT_URL(_\w+)?)$/;

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<import('./context.js').Found>}
 */
export async function discoverLambdas(context) {
  const found = nothing();
  const ofTerraform = await terraformFunctions(context);
  await readServices(context);
  const templates = [...samTemplates(context), ...serverlessTemplates(context)]; /* all of them before what is in one: they refer to each other */
  const all = [...ofTerraform, ...samFunctions(context), ...serverlessFunctions(context), ...configuredFunctions(context)];
  const declared = all.filter((one) => whyNotRun(one) === undefined);
  found.notRun = tellNotRun(all, context.diagnostics);
  const scopes = [...terraformApis(await terraformModules(context)), ...templates.map(templateApis)];
  await addApis(context, found, declared, scopes);
  const toLocal = localAddresses(context.port, declared.map(({ name }) => name), scopes.flatMap(({ apis }) => apis));
  for (const declaration of declared) {
    declaration.environment = Object.fromEntries(Object.entries(declaration.environment ?? {}).map(([key, value]) => [key, toLocal(value)]));
  }
  tellUnknown(declared, context);
  for (const declaration of withoutTwins(declared, context.diagnostics)) {
    const draft = await draftOf(context, declaration);
    if (draft) {
      found.drafts.push(draft);
      addRoutes(found.routes, draft, declaration);
    }
  }
  const drafted = new Set(found.drafts.map(({ name }) => name));
  found.notRun.push(...declared.map(({ name }) => name).filter((name) => !drafted.has(`lambda/${name}`)));
  tellDurable(declared, context.diagnostics);
  sortApiRoutes(found.routes);
  if (found.drafts.length > 0) {
    const missing = invokePaths('[^/]+').map((src) => ({ src, methods: ['POST'], status: 404, dialect: 'lambda', shown: '' }));
    found.routes.hosts.push(...missing);
  }
  return found;
}

/** What APIs send to functions, and what they answer browsers themselves. Of what a definition leads to, an event of a function
 * is no more than the leave to do so, as SAM has it: it counts where the definition does not say. */
async function addApis(context, found, declared, scopes) {
  const names = new Set(declared.map(({ name }) => name));
  const others = new Set(found.notRun);
  const mapped = takeMapped(declared);
  const keyOf = ({ file, method, path: url }) => `${file} ${method} ${url}`;
  const all = apiRoutes(scopes).filter(({ uri }) => !others.has(functionIn(uri)));
  const defined = new Set(all.filter((route) => route.isDefined && leadsOn(context, route, names)).map(keyOf));
  for (const declaration of declared) {
    declaration.events = (declaration.events ?? []).filter((event) => !defined.has(keyOf({ ...event, file: declaration.declaredIn })));
  }
  const events = declared.flatMap(({ events: own, declaredIn: file }) => own.map((event) => ({ ...event, file })));
  const own = new Set(events.map(keyOf));
  const routes = [...mapped, ...all.filter((route) => !route.isDefined || !own.has(keyOf(route)))];
  for (const declaration of declared) {
    const sent = routes.filter((route) => isServed(route) && functionIn(route.uri) === declaration.name);
    declaration.events = [...declaration.events, ...sent];
  }
  const preflights = routes.flatMap(preflightsOf);
  for (const { phase, index, route } of lambdaEventRoutes(preflights)) {
    const { headers, has } = preflights[index];
    found.routes[phase].push({ ...route, ...(has ? { has } : {}), headers, status: 204, shown: '' });
  }
  found.apiLeadsPast = routes.some(leadsPast);
  await addIntegrations(context, found, routes.filter(leadsPast), names);
  tellApiRoutes(context.diagnostics, scopes, routes, events, names);
  tellTwice(context.diagnostics, declared);
}

/** Whether it is known where a route leads, and served. */
function leadsOn({ env }, route, names) {
  const functionOf = (uri) => [functionIn(uri)].find((name) => names.has(name));
  return isServed(route) ? functionOf(route.uri) !== undefined : servedIntegration(route, functionOf, regionOf(env)) !== null;
}

/** Events that come by way of a mapping are no events of the function's own, but routes that lead to it. */
function takeMapped(declared) {
  return declared.flatMap((declaration) => {
    const { events = [], name, declaredIn: file } = declaration;
    declaration.events = events.filter(({ integration }) => !integration);
    return events.filter(({ integration }) => integration).map((event) => ({ ...event, uri: name, file }));
  });
}

/** Routes that lead past functions get what is `served` of them, and a function of ours that does. */
async function addIntegrations(context, found, routes, names) {
  const functionOf = (uri) => [functionIn(uri)].find((name) => names.has(name));
  for (const route of routes) {
    route.served = servedIntegration(route, functionOf, regionOf(context.env));
  }
  const served = routes.filter((route) => route.served);
  if (served.length === 0) {
    return;
  }
  await tellTemplates(context.diagnostics, served);
  const draft = await integrationDraft(served, context);
  found.drafts.push(draft);
  for (const { phase, index, route } of lambdaEventRoutes(served)) {
    found.routes[phase].push({ ...route, target: [draft.name, index], dialect: 'integration' });
  }
}

function tellDurable(declared, diagnostics) {
  const durable = declared.filter((declaration) => declaration.durable);
  if (durable.length > 0) {
    const [{ declaredIn: file }] = durable;
    const names = durable.map(({ name }) => `"${name}"`);
    const text = 'durable executions do not run here, it is invoked as any other; AWS\' test runner (@aws/durable-execution-sdk-js-testing) runs them';
    diagnostics.warn(`${file}: function ${andMore(names)}: ${text}`, { file });
  }
}

/** @returns {string|undefined} of one that is told and left out, with all that leads to it */
function whyNotRun({ runtime, image }) {
  const name = String(runtime ?? DEFAULT_RUNTIME);
  return image ? 'image' : /^(nodejs|provided)/.test(name) ? undefined : name;
}

/** @returns {string[]} their names */
function tellNotRun(declared, diagnostics) {
  const others = declared.filter((one) => whyNotRun(one) !== undefined);
  for (const [file, ofFile] of Map.groupBy(others, ({ declaredIn }) => declaredIn)) {
    for (const [why, some] of Map.groupBy(ofFile, whyNotRun)) {
      const [is, need, does] = some.length > 1 ? ['are container images', 'need', 'do'] : ['is a container image', 'needs', 'does'];
      const who = allNamed(some.map(({ name }) => `"${name}"`), 'function');
      diagnostics.warn(`${file}: ${who} ${why === 'image' ? is : `${need} ${why}`}, which ${why === 'image' ? does : 'does'} not run here`, { file });
    }
  }
  return others.map(({ name }) => name);
}

/** mayfly.json: an entry with a handler (or a runtime) is a function; one without only sets limits of another. */
function configuredFunctions({ config, files }) {
  const folderOf = ({ code }) => (typeof code === 'string' ? path.posix.normalize(code).replace(/\/$|^\.$/, '') : undefined);
  return Object.entries(config.functions)
    .filter(([, entry]) => typeof entry.handler === 'string' || typeof entry.runtime === 'string')
    .map(([name, entry]) => ({
      name,
      handler: entry.handler,
      runtime: entry.runtime,
      timeout: entry.timeout,
      memory: entry.memory,
      environment: entry.environment,
      folder: folderOf(entry),
      missing: folderOf(entry) !== undefined && !hasFolder(files, folderOf(entry)) ? entry.code : undefined,
      url: typeof entry.url === 'object' && entry.url ? urlSettings(entry.url) : undefined,
      declaredIn: 'mayfly.json',
    }));
}

function withoutTwins(declared, diagnostics) {
  const names = new Set();
  return declared.filter(({ name, declaredIn }) => {
    const fault = !/^[A-Za-z0-9_-]{1,64}$/.test(name)
      ? `"${name}" is not a name that Lambda accepts: up to 64 letters, digits, - and _`
      : names.has(name) && `a function "${name}" is declared twice`;
    if (fault) {
      diagnostics.error(`${declaredIn}: ${fault}`, { file: declaredIn });
    }
    names.add(name);
    return !fault;
  });
}

async function draftOf(context, declaration) {
  const runtime = String(declaration.runtime ?? DEFAULT_RUNTIME);
  const common = commonOf(context, declaration, runtime);
  if (runtime.startsWith('provided')) {
    return withLayers(context, declaration, bootstrapDraft(context, declaration, common));
  }
  return withLayers(context, declaration, await nodeDraft(context, declaration, common));
}

/** What its layers hold is imported into the bundle, and lies at /opt. */
function withLayers(context, declaration, draft) {
  const layers = layersOf(context, declaration.layers ?? []);
  if (!draft || layers.length === 0) {
    return draft;
  }
  const { files, mounts } = layersAtOpt(layers);
  return { ...draft, bundle: { ...draft.bundle, layers: layers.toReversed() }, files: new Map([...(draft.files ?? []), ...files]), mounts: [...(draft.mounts ?? []), ...mounts] };
}

function commonOf(context, declaration, runtime) {
  const shell = Object.entries(context.shell).filter(([name]) => AWS_VARIABLES.test(name));
  return {
    name: `lambda/${declaration.name}`,
    dialect: 'lambda',
    memory_mb: whole(declaration.memory) ?? DEFAULT_MEMORY_MB,
    timeout_ms: (positive(declaration.timeout) ?? DEFAULT_TIMEOUT_S) * 1000,
    ...(whole(declaration.tmp) ? { tmp_mb: declaration.tmp } : {}),
    concurrency: 1,
    ...reservedOf(declaration),
    env: { ...context.envFiles, ...Object.fromEntries(shell), ...strings(declaration.environment) },
    settings: {
      function_name: declaration.name, handler: declaration.handler ?? 'index.handler', runtime,
      ...(declaration.aliases ? { aliases: declaration.aliases } : {}),
      ...(Object.keys(declaration.tags ?? {}).length > 0 ? { tags: strings(declaration.tags) } : {}),
    },
  };
}

/** 0 turns a function off. */
function reservedOf({ reserved }) {
  return Number.isInteger(reserved) && reserved >= 0 ? { reserved, max_instances: Math.max(1, reserved) } : {};
}

const positive = (value) => (typeof value === 'number' && value > 0 ? value : undefined);
const whole = (value) => (Number.isInteger(value) && value > 0 ? value : undefined);

async function nodeDraft(context, declaration, common) {
  const { diagnostics, project } = context;
  const { handler = 'index.handler', declaredIn, name } = declaration;
  const own = wrappedHandler(declaration, common.env);
  if (own) {
    diagnostics.warn(`${declaredIn}: function "${name}": its own handler runs, ${own}, without ${handler} around it`, { file: declaredIn });
    const settings = { ...common.settings, handler: own };
    return nodeDraft(context, { ...declaration, handler: own }, { ...common, settings, env: withoutWrapper(common.env) });
  }
  if (handler.startsWith('/')) {
    diagnostics.error(`${declaredIn}: handler "${handler}" of "${name}" is a layer's: name a file of the project, as in src/index.handler`, {
      file: declaredIn,
    });
    return emptyDraft(declaration, common);
  }
  if (!splitHandler(handler)) {
    diagnostics.error(`${declaredIn}: function "${name}": "${handler}" is not a handler (file.function)`, { file: declaredIn });
    return emptyDraft(declaration, common);
  }
  if (declaration.inline) {
    return inlineDraft(context, declaration, common);
  }
  const source = await findHandlerFile(context, declaration, handler);
  if (!source) {
    diagnostics.error(`${declaredIn}: no file in the project has the handler "${handler}" of "${name}"${whyNotThere(declaration)}`, {
      file: declaredIn,
    });
    return emptyDraft(declaration, common);
  }
  const others = await exportsInstead(context.files, source.file, handler);
  if (others) {
    const text = `handler "${handler}" of "${name}": ${source.file} exports ${others.length > 0 ? andMore(others) : 'nothing'}, not that`;
    diagnostics.error(`${declaredIn}: ${text}`, { file: declaredIn });
  }
  if (common.env.AWS_LAMBDA_EXEC_WRAPPER) {
    diagnostics.warn(`${declaredIn}: function "${name}": AWS_LAMBDA_EXEC_WRAPPER is not run here: functions are forked, not started`, {
      file: declaredIn,
    });
  }
  const module = source.file.replace(/\.[^.]+$/, '');
  const endpoint = { file: source.file, module, methods: null, timeout_ms: 0, source: `${project}/${source.file}` };
  const root = path.join(project, source.root);
  return { ...common, root, ...setupOf(common.env, root), endpoints: endpointsOf(declaration, endpoint) };
}

/** Those that are folders of the project, perhaps with nothing but packages; others are AWS's or somebody else's. */
function layersOf({ project }, layers) {
  const folders = layers.map(({ folder, at }) => ({ folder: path.join(project, folder), at }));
  return folders.filter(({ folder }) => isFolder(folder) && isWithin(realpathSync(folder), realpathSync(project)));
}

/** Code that stands in the platform's own file: there is nothing to bundle, and packages are the project's. */
function inlineDraft({ project }, declaration, common) {
  const { handler = 'index.handler', inline, declaredIn } = declaration;
  const { module } = splitHandler(handler);
  const file = ['.js', '.mjs', '.cjs'].map((extension) => module + extension).find((name) => Object.hasOwn(inline, name));
  if (!file) {
    return emptyDraft(declaration, common);
  }
  const load = file.endsWith('.mjs') ? 'import' : 'require';
  const entry = '___mayfly.cjs';
  const source = `exports.modules = { ${JSON.stringify(module)}: () => ${load}(${JSON.stringify(`./${file}`)}) };\n`;
  const texts = Object.entries({ ...inline, [entry]: source }).map(([name, text]) => [name, Buffer.from(text)]);
  const { mounts: packages, files } = new Installed(project).whole;
  return {
    ...common,
    build: 'files',
    files: new Map([...files, ...texts]),
    packages,
    entry,
    endpoints: endpointsOf(declaration, { file: declaredIn, module, methods: null, timeout_ms: 0 }),
  };
}

/** A function without its code is there all the same, and says so to whom calls it, as on Lambda. */
function emptyDraft(declaration, common) {
  const entry = '___mayfly.cjs';
  const endpoint = { file: declaration.declaredIn, module: '', methods: null, timeout_ms: 0 };
  return {
    ...common,
    build: 'files',
    files: new Map([[entry, Buffer.from('exports.modules = {};\n')]]),
    entry,
    endpoints: endpointsOf(declaration, endpoint),
  };
}

/** First the function URL, then the invoke API, then what API Gateway sends. */
function endpointsOf(declaration, endpoint) {
  const events = (declaration.events ?? []).map((event) => ({
    ...endpoint, name: event.path, methods: event.method === 'ANY' ? null : [event.method], settings: eventSettings(event),
  }));
  return [
    { ...endpoint, name: `lambda ${declaration.name}`, settings: { url: true, ...declaration.url } },
    { ...endpoint, name: `invoke ${declaration.name}`, settings: { invoke: true } },
    ...events,
  ];
}

function eventSettings({ api, payload, method, path: url, binaryTypes, cors, stage = DEFAULT_STAGE }) {
  const isPreflightOnly = Boolean(cors) && !['ANY', 'OPTIONS'].includes(method);
  const more = withoutUndefined({ binary_types: binaryTypes, cors, preflight_only: isPreflightOnly || undefined });
  return api === 'rest'
    ? { api, payload, resource: url, stage, ...more }
    : { api, payload, resource: url, route_key: url === '$default' ? url : `${method} ${url}`, stage: '$default', ...more };
}

function bootstrapDraft({ files, diagnostics }, declaration, common) {
  const { folder, declaredIn, name } = declaration;
  const prefix = folder ? `${folder}/` : '';
  if (folder === undefined || !files.has(`${prefix}bootstrap`)) {
    diagnostics.error(`${declaredIn}: function "${name}" has no executable "bootstrap" in ${folder || 'its folder'}`, {
      file: declaredIn,
    });
    return null;
  }
  const members = files.list().filter((file) => file.startsWith(prefix));
  const endpoint = { file: `${prefix}bootstrap`, module: 'bootstrap', methods: null, timeout_ms: 0 };
  return {
    ...common,
    dialect: 'bootstrap',
    build: 'files',
    files: new Map(members.map((file) => [file.slice(prefix.length), { copy: files.absolute(file) }])),
    entry: 'bootstrap',
    endpoints: endpointsOf(declaration, endpoint),
  };
}

/** Of Invoke and InvokeWithResponseStream. */
function invokePaths(name) {
  return [`^/2015-03-31/functions/${name}/invocations$`, `^/2021-11-15/functions/${name}/response-streaming-invocations$`];
}

function addRoutes(routes, draft, declaration) {
  const name = escapePattern(declaration.name);
  const target = (index) => [draft.name, index];
  const host = { host: `^${name.toLowerCase()}\\.(lambda\\.)?localhost$`, src: '^/', shown: `${name.toLowerCase()}.localhost/*` };
  /* The path names a function by its name, its ARN or a part of that, and perhaps a version. */
  const colon = '(?::|%3[Aa])';
  const named = `(?:[^/]*function${colon})?${name}(?:${colon}[^/]+)?`;
  for (const src of invokePaths(named)) {
    routes.hosts.push({ src, methods: ['POST'], shown: '', target: target(1), dialect: 'lambda' });
  }
  routes.hosts.push({ ...host, target: target(0), dialect: 'lambda' });
  for (const { phase, index, route } of lambdaEventRoutes(declaration.events ?? [])) {
    routes[phase].push({ ...route, target: target(index + 2), dialect: 'lambda' });
  }
}

/** Once all platforms are known: the only function of a project, if no API names its paths, also answers at `/`. */
export function lambdaAtRoot({ drafts, routes, static: folders, apiLeadsPast }) {
  const lambdas = drafts.filter(({ dialect }) => dialect === 'lambda' || dialect === 'bootstrap');
  const isTaken = routes.catchAll.length > 0 || [...routes.exact, ...routes.before].some((route) => route.path === '/');
  if (lambdas.length !== 1 || isTaken || apiLeadsPast || lambdas[0].endpoints.length > URL_AND_INVOKE) {
    return;
  }
  const target = [lambdas[0].name, 0];
  if (drafts.length === 1) {
    routes.catchAll.push({ src: '^/', target, dialect: 'lambda' });
  } else if (folders.length === 0) {
    routes.exact.push({ path: '/', target, dialect: 'lambda' });
  }
}
