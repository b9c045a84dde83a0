/* Lambda functions of the Serverless Framework's serverless.yml, or serverless.ts: handlers, their limits and environment, HTTP
 * events and function URLs. What plugins make of it is theirs. */
import path from 'node:path';
import { andMore } from '../diagnostics.js';
import { regionOf } from './arn.js';
import { foreignLayers } from './lambda_unknown.js';
import { urlSettings } from './lambda_url.js';
import { addSiblings } from './sam_template.js';
import { isProgram, readServerlessFile } from './serverless_file.js';
import { isMapped, isOther, mappedIntegration } from './serverless_integration.js';
import { logicalId, templateOfService } from './serverless_template.js';
import { DEFAULT_STAGE, serviceWithValues } from './serverless_values.js';

/** Of those in a folder the framework takes the first. */
const NAMES = ['yml', 'yaml', 'json', 'js', 'cjs', 'mjs', 'ts', 'cts', 'mts'].map((extension) => `serverless.${extension}`);
/** One that exports no service is some other program of this name. */
const OTHERS = /\.[cm]?js$/;
const DEFAULT_TIMEOUT_S = 6; /* the framework's own, and so is the memory */
const DEFAULT_MEMORY_MB = 1024;

const kept = new WeakMap();

/** Reads them; what follows gives what is in them. @param {import('./context.js').Context} context */
export async function readServices(context) {
  const found = [];
  for (const file of filesOf(context.files)) {
    const service = await readService(context, file);
    found.push(...(service ? [{ file, ...serviceOf(context, file, service) }] : []));
  }
  addSiblings(context, found.map(({ template }) => template));
  kept.set(context, found);
}

function filesOf(files) {
  const all = files.list().filter((file) => NAMES.includes(path.posix.basename(file)));
  const folders = new Set(all.map((file) => path.posix.dirname(file)));
  return [...folders].map((folder) => NAMES.map((name) => path.posix.join(folder, name)).find((file) => files.has(file)));
}

/** @returns {{ file: string, service: object, functions: object[], template: object }[]} those of AWS that can be read */
const services = (context) => kept.get(context) ?? [];

/**
 * @param {import('./context.js').Context} context
 * @returns {import('./lambda.js').Declaration[]}
 */
export function serverlessFunctions(context) {
  return services(context).flatMap((one) =>
    one.functions.filter(({ said }) => said.handler !== undefined || said.image !== undefined).map((fn) => declarationOf(one, fn)));
}

/**
 * @param {import('./context.js').Context} context
 * @returns {import('./sam_template.js').Template[]}
 */
export function serverlessTemplates(context) {
  return services(context).map(({ file, template }) => ({ file, ...template }));
}

/** Functions may be a list of such objects, as of several files. */
function serviceOf(context, file, read) {
  const service = { ...read, functions: Object.assign({}, ...[read.functions ?? {}].flat()) };
  const functions = functionsOf(service);
  if (read.constructs) {
    const text = 'constructs are a plugin\'s (serverless-lift) and are not read: declare their queues and buckets as resources';
    context.diagnostics.warn(`${file}: ${text}`, { file });
  }
  if (service.custom?.apiGatewayServiceProxies) {
    const text = 'custom.apiGatewayServiceProxies is a plugin\'s (serverless-apigateway-service-proxy): its routes are not served here';
    context.diagnostics.warn(`${file}: ${text}`, { file });
  }
  tellIntegrations(context, file, functions);
  tellNoHandlers(context, file, functions);
  return { service, functions, template: templateOfService(context, service, functions) };
}

async function readService(context, file) {
  const { diagnostics, env } = context;
  try {
    const folder = path.posix.dirname(file);
    const text = await readServerlessFile(context, file, folder);
    const provider = text?.provider?.name ?? text?.provider;
    if (typeof provider === 'string' && provider !== 'aws') {
      diagnostics.warn(`${file}: functions of the provider "${provider}" do not run here, those of "aws" do`, { file });
    }
    if (text?.service === undefined && OTHERS.test(file)) {
      return null;
    }
    tellComputed(diagnostics, file, text);
    const inFile = async (name) => {
      const beside = path.posix.join(folder, name);
      return context.files.has(beside) ? readServerlessFile(context, beside, folder) : undefined;
    };
    return provider === 'aws' ? await serviceWithValues(withDefaults(text, env), env, inFile) : null;
  } catch (error) {
    const [at] = error.linePos ?? []; /* of YAML */
    const source = at && context.files.read(file);
    const text = error.message.split('\n')[0].replace(/ at line \d+, column \d+:$/, '');
    diagnostics.error(`${file}: ${text}`, { file, source, line: at?.line, column: at?.col });
    return null;
  }
}

/** What only running it would tell. */
function tellComputed(diagnostics, file, service) {
  const functions = [service?.functions ?? {}].flat().flatMap((some) => Object.entries(some ?? {}));
  const computed = functions.filter(([, said]) => typeof (said?.handler ?? said?.image) === 'undefined').map(([name]) => `functions.${name}`);
  const unknown = service?.provider ? computed : ['its service'];
  if (isProgram(file) && unknown.length > 0) {
    const text = `it is evaluated, not run, which does not tell ${andMore(unknown)}: \`npx serverless print > serverless.yml\` writes what is read`;
    diagnostics.warn(text, { file });
  }
}

/** `${self:provider.stage}` has a value though the file says none. */
function withDefaults(text, env) {
  const provider = typeof text.provider === 'object' ? text.provider : {};
  return { ...text, provider: { stage: DEFAULT_STAGE, region: regionOf(env), ...provider } };
}

/* Functions */

function functionsOf({ service, provider, functions }) {
  const prefix = `${service?.name ?? service}-${provider.stage ?? DEFAULT_STAGE}`;
  return Object.entries(functions).map(([key, said]) => {
    return { key, name: String(said?.name ?? `${prefix}-${key}`), said: said ?? {} };
  });
}

function declarationOf({ file, service, template }, { key, name, said }) {
  const { provider } = service;
  const base = path.posix.dirname(file).replace(/^\.$/, '');
  return {
    name,
    handler: said.handler,
    runtime: said.runtime ?? provider.runtime,
    image: said.handler === undefined,
    timeout: number(said.timeout ?? provider.timeout) ?? DEFAULT_TIMEOUT_S,
    memory: number(said.memorySize ?? provider.memorySize) ?? DEFAULT_MEMORY_MB,
    tmp: number(said.ephemeralStorageSize),
    reserved: number(said.reservedConcurrency),
    tags: template.resolve({ ...provider.tags, ...said.tags }),
    environment: template.resolve({ ...provider.environment, ...said.environment }),
    url: urlOf(said.url),
    layers: layersOf(service, base, said.layers ?? provider.layers),
    foreignLayers: foreignLayers(template.resolve(said.layers ?? provider.layers)),
    durable: said.durableConfig !== undefined,
    events: [said.events ?? []].flat().flatMap((event) => eventOf(service, provider, key, event)),
    folder: base,
    declaredIn: file,
  };
}

/** Those of this service, which `!Ref CommonLambdaLayer` names; their folders lie beside it. */
function layersOf({ layers = {} }, base, references) {
  const wanted = [references ?? []].flat().map((reference) => reference?.Ref);
  const orderOf = ([key]) => wanted.indexOf(logicalId(key, 'LambdaLayer'));
  return Object.entries(layers).filter((layer) => layer[1]?.path && orderOf(layer) >= 0).toSorted((a, b) => orderOf(a) - orderOf(b))
    .map(([, said]) => ({ folder: path.posix.join(base, String(said.path)), at: '/opt' }));
}

function number(value) {
  const parsed = Number(value);
  return value === undefined || value === null || Number.isNaN(parsed) ? undefined : parsed;
}

function urlOf(url) {
  if (typeof url !== 'object' || url === null) {
    return undefined;
  }
  const { authorizer, invokeMode, cors } = url;
  const { allowedHeaders, allowedMethods, allowedOrigins, exposedResponseHeaders, ...others } = cors === true ? { allowedOrigins: ['*'] } : cors ?? {};
  const fields = { ...others, allowHeaders: allowedHeaders, allowMethods: allowedMethods, allowOrigins: allowedOrigins, exposeHeaders: exposedResponseHeaders };
  return urlSettings({ authType: authorizer === 'aws_iam' ? 'AWS_IAM' : undefined, invokeMode, cors: cors ? fields : undefined });
}

/** `httpApi: GET /x`, `http: { path: x, method: get }` and their kin; other events are not HTTP. */
function eventOf(service, provider, key, event) {
  const [[kind, said] = []] = Object.entries(typeof event === 'object' && event ? event : { [event]: '*' });
  if (kind === 'httpApi') {
    const { method, path: url } = placeOf(said);
    const payload = (said?.payload ?? provider.httpApi?.payload ?? '2.0') === '1.0' ? '1.0' : '2.0';
    const cors = provider.httpApi?.cors;
    return [{
      api: 'http', payload, id: `${key}.${url}`, method, path: url === '*' ? '$default' : url, authorization: authorizationOf(said),
      ...(cors ? { cors: corsOf(cors) } : {}),
    }];
  }
  if (kind !== 'http') {
    return [];
  }
  const { method, path: url } = placeOf(said);
  const binaryTypes = provider.apiGateway?.binaryMediaTypes;
  return [{
    api: 'rest', payload: '1.0', id: `${key}.${url}`, method, path: url, authorization: authorizationOf(said), stage: provider.stage, ...(binaryTypes ? { binaryTypes } : {}),
    ...(said?.cors ? { cors: corsOf(said.cors) } : {}),
    ...(isMapped(said) ? { type: 'AWS', integration: mappedIntegration(said) } : {}),
  }];
}

/** Its name, or a name that people know it by. */
function authorizationOf({ authorizer, private: isKeyed } = {}) {
  const { name, arn, type } = typeof authorizer === 'object' && authorizer ? authorizer : { name: authorizer };
  return name ?? arn ?? type ?? (authorizer ? 'authorizer' : isKeyed === true ? 'API key' : undefined);
}

/** Of a program it is told already that they may be computed. */
function tellNoHandlers({ diagnostics }, file, functions) {
  const without = functions.filter(({ said }) => typeof said === 'object' && said.handler === undefined && said.image === undefined);
  if (!isProgram(file) && without.length > 0) {
    diagnostics.error(`${file}: ${andMore(without.map(({ key }) => `functions.${key}`))}: it has no handler`, { file });
  }
}

/** Of a REST API's routes. */
function tellIntegrations({ diagnostics }, file, functions) {
  const others = functions.flatMap(({ key, said: { events } }) => [events ?? []].flat().map((event) => ({ key, ...event?.http }))).filter(isOther);
  if (others.length > 0) {
    const names = others.map(({ key, integration }) => `${key} (${integration})`);
    const text = 'integrations other than lambda-proxy and lambda do not run here: the function is invoked as by lambda-proxy';
    diagnostics.warn(`${file}: ${andMore(names, 'route')}: ${text}`, { file });
  }
}

function placeOf(said) {
  const [first, second] = typeof said === 'string' ? said.trim().split(/\s+/) : [said?.method ?? '*', said?.path ?? '*'];
  const [method, url] = second === undefined ? ['*', first] : [first, second];
  const rooted = url === '*' || url.startsWith('/') ? url : `/${url}`;
  return { method: ['*', 'any'].includes(String(method).toLowerCase()) ? 'ANY' : String(method).toUpperCase(), path: rooted };
}

function corsOf(cors) {
  const said = cors === true ? {} : cors;
  return urlSettings({ cors: {
    allowOrigins: [said.allowedOrigins ?? said.origins ?? said.origin ?? '*'].flat(), allowHeaders: said.allowedHeaders ?? said.headers,
    allowMethods: said.allowedMethods, allowCredentials: said.allowCredentials, maxAge: said.maxAge,
  } }).cors;
}
