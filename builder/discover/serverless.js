/* Lambda functions of the Serverless Framework's serverless.yml: handlers, their limits and environment, HTTP events and
 * function URLs. What plugins make of it is theirs. */
import path from 'node:path';
import { andMore } from '../diagnostics.js';
import { ACCOUNT, regionOf } from './arn.js';
import { urlSettings } from './lambda_url.js';
import { addSiblings, customTags } from './sam_template.js';
import { logicalId, templateOfService } from './serverless_template.js';
import { parseYaml } from './yaml.js';

const FILE = /(^|\/)serverless\.(ya?ml|json)$/;
const DEFAULT_STAGE = 'dev';
const DEFAULT_TIMEOUT_S = 6; /* the framework's own, and so is the memory */
const DEFAULT_MEMORY_MB = 1024;
const DEPTH_MAX = 20;
/** A kind with its argument, or a literal; what has neither, such as `${AWS::Region}`, is CloudFormation's. */
const REFERENCE = /\$\{(\s*(?:\w+(?:\([^)]*\))?:(?!:)|['"]|file\(|strToBool\()[^${}]*)\}/;

const kept = new WeakMap();

/** @returns {{ file: string, service: object, functions: object[], template: object }[]} those of AWS that can be read */
function services(context) {
  if (!kept.has(context)) {
    const files = context.files.list().filter((file) => FILE.test(file));
    const found = files.map((file) => ({ file, ...serviceOf(context, file) })).filter(({ service }) => service);
    addSiblings(context, found.map(({ template }) => template));
    kept.set(context, found);
  }
  return kept.get(context);
}

/**
 * @param {import('./context.js').Context} context
 * @returns {import('./lambda.js').Declaration[]}
 */
export function serverlessFunctions(context) {
  return services(context).flatMap((one) => {
    tellUnknown(context, one);
    return one.functions.map((fn) => declarationOf(one, fn));
  });
}

/** Variables whose values somebody else has: SSM, another stack, a program. */
function tellUnknown({ diagnostics, env }, { file, service, functions, template }) {
  const said = Object.assign({}, service.provider.environment, ...functions.map((fn) => fn.said.environment));
  const unknown = Object.entries(template.resolve(said)).filter(([name, value]) => (value ?? env[name]) === undefined).map(([name]) => name);
  if (unknown.length > 0) {
    diagnostics.warn(`${file}: the files do not say what is in the variable ${andMore(unknown)}: .env may`, { file });
  }
}

/**
 * @param {import('./context.js').Context} context
 * @returns {import('./sam_template.js').Template[]}
 */
export function serverlessTemplates(context) {
  return services(context).map(({ file, template }) => ({ file, ...template }));
}

/** Functions may be a list of such objects, as of several files. */
function serviceOf(context, file) {
  const read = readService(context, file);
  if (!read) {
    return {};
  }
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
  return { service, functions, template: templateOfService(context, service, functions) };
}

function readService({ files, diagnostics, env }, file) {
  try {
    const text = parse(files.read(file));
    const provider = text?.provider?.name ?? text?.provider;
    if (typeof provider === 'string' && provider !== 'aws') {
      diagnostics.warn(`${file}: functions of the provider "${provider}" do not run here, those of "aws" do`, { file });
    }
    const read = (name) => {
      const beside = path.posix.join(path.posix.dirname(file), name);
      return files.has(beside) ? files.read(beside) : undefined;
    };
    return provider === 'aws' ? new Values(withDefaults(text, env), env, read).all() : null;
  } catch (error) {
    diagnostics.error(`${file}: ${error.message.split('\n')[0]}`, { file });
    return null;
  }
}

/** `${self:provider.stage}` has a value though the file says none. */
function withDefaults(text, env) {
  const provider = typeof text.provider === 'object' ? text.provider : {};
  return { ...text, provider: { stage: DEFAULT_STAGE, region: regionOf(env), ...provider } };
}

function parse(text) {
  const document = parseYaml(text, { customTags, logLevel: 'silent', merge: true, uniqueKeys: false });
  if (document.errors.length > 0) {
    throw document.errors[0];
  }
  return document.toJS();
}

/* Variables */

class Values {
  constructor(service, env, read) {
    Object.assign(this, { service, env, read });
  }

  all() {
    return this.#resolve(this.service, 0);
  }

  #resolve(value, depth) {
    if (depth > DEPTH_MAX) {
      return undefined;
    }
    if (typeof value === 'string') {
      return this.#text(value, depth);
    }
    if (Array.isArray(value)) {
      return value.map((entry) => this.#resolve(entry, depth));
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.#resolve(entry, depth)]));
    }
    return value;
  }

  /** The innermost first; one that is the whole text keeps its type, one that is not known makes all of it unknown. */
  #text(text, depth) {
    const match = REFERENCE.exec(text);
    if (!match) {
      return text;
    }
    const value = this.#either(match[1].split(',').map((part) => part.trim()), depth + 1);
    if (match[0] === text || value === undefined) {
      return value;
    }
    return this.#text(text.slice(0, match.index) + String(value) + text.slice(match.index + match[0].length), depth + 1);
  }

  /** `${self:a.b, opt:c, 'otherwise'}` */
  #either(sources, depth) {
    for (const source of sources) {
      const value = this.#source(source, depth);
      if (value !== undefined && value !== null) {
        return value;
      }
    }
    return undefined;
  }

  #source(source, depth) {
    const literal = /^(['"])(.*)\1$/.exec(source);
    if (literal) {
      return literal[2];
    }
    if (/^(true|false|-?\d+(\.\d+)?)$/.test(source)) {
      return JSON.parse(source);
    }
    const [, kind, argument] = /^([\w]+(?:\([^)]*\))?):?(.*)$/.exec(source) ?? [];
    const file = /^file\(([^)]*)\)$/.exec(kind ?? '');
    if (file) {
      return this.#inFile(file[1], argument, depth);
    }
    const flag = /^strToBool\(['"]?(true|false|0|1)['"]?\)$/.exec(kind ?? '');
    if (flag) {
      return ['true', '1'].includes(flag[1]);
    }
    const kinds = {
      self: () => this.#pick(this.service, argument, depth),
      env: () => this.env[argument],
      opt: () => undefined, /* of its command line */
      sls: () => (argument === 'stage' ? this.#stage(depth) : undefined),
      param: () => this.#parameter(argument, depth),
      aws: () => ({ region: regionOf(this.env), accountId: ACCOUNT })[argument],
    };
    return Object.hasOwn(kinds, kind ?? '') ? kinds[kind]() : undefined;
  }

  /** Its stage's own, or what all stages have. */
  #parameter(name, depth) {
    const { params } = this.service;
    return this.#resolve(params?.[this.#stage(depth)]?.[name] ?? params?.default?.[name], depth);
  }

  #stage(depth) {
    return this.#resolve(this.service.provider.stage, depth) ?? DEFAULT_STAGE;
  }

  /** What is on the way may itself be a reference: `custom: ${file(custom.yml)}`. */
  #pick(object, steps, depth) {
    const at = (value) => (typeof value === 'string' ? this.#resolve(value, depth) : value);
    return this.#resolve(steps.split('.').filter(Boolean).reduce((value, key) => at(value)?.[key], object), depth);
  }

  #inFile(name, argument, depth) {
    const text = this.read(name);
    return text === undefined ? undefined : this.#pick(parse(text), argument, depth);
  }
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
    timeout: number(said.timeout ?? provider.timeout) ?? DEFAULT_TIMEOUT_S,
    memory: number(said.memorySize ?? provider.memorySize) ?? DEFAULT_MEMORY_MB,
    tmp: number(said.ephemeralStorageSize),
    reserved: number(said.reservedConcurrency),
    tags: template.resolve({ ...provider.tags, ...said.tags }),
    environment: template.resolve({ ...provider.environment, ...said.environment }),
    url: urlOf(said.url),
    layers: layersOf(service, base, said.layers ?? provider.layers),
    durable: said.durableConfig !== undefined,
    events: [said.events ?? []].flat().flatMap((event) => eventOf(service, provider, key, event)),
    folder: base,
    declaredIn: file,
  };
}

/** Those of this service, which `!Ref CommonLambdaLayer` names; their folders lie beside it. */
function layersOf({ layers = {} }, base, references) {
  const wanted = [references ?? []].flat().map((reference) => reference?.Ref);
  return Object.entries(layers).filter(([key, said]) => said?.path && wanted.includes(logicalId(key, 'LambdaLayer')))
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
    api: 'rest', payload: '1.0', id: `${key}.${url}`, method, path: url, authorization: authorizationOf(said), ...(binaryTypes ? { binaryTypes } : {}),
    ...(said?.cors ? { cors: corsOf(said.cors) } : {}),
  }];
}

/** Its name, or a name that people know it by. */
function authorizationOf({ authorizer, private: isKeyed } = {}) {
  const { name, arn, type } = typeof authorizer === 'object' && authorizer ? authorizer : { name: authorizer };
  return name ?? arn ?? type ?? (authorizer ? 'authorizer' : isKeyed === true ? 'API key' : undefined);
}

/** Of a REST API's routes; a proxy's kind goes by several names. */
function tellIntegrations({ diagnostics }, file, functions) {
  const routes = functions.flatMap(({ key, said: { events } }) => [events ?? []].flat().map((event) => ({ key, ...event?.http })));
  const others = routes.filter(({ integration }) => integration && !/^(lambda|aws)[-_]proxy$/i.test(integration));
  if (others.length > 0) {
    const names = others.map(({ key, integration }) => `${key} (${integration})`);
    const text = 'integrations other than lambda-proxy do not run here: the function is invoked as by that one';
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
