/* Lambda functions of an AWS SAM (or CloudFormation) template. */
import path from 'node:path';
import { assetPath } from './cdk.js';
import { hasFolder } from './lambda_source.js';
import { foreignLayers } from './lambda_unknown.js';
import { loggingVariables, urlSettings } from './lambda_url.js';
import { addSiblings, isOpen } from './sam_template.js';
import { readStacks } from './stacks.js';

const LAYER = /^AWS::(Serverless|Lambda)::LayerVersion$/;
export const API_EVENTS = { Api: { api: 'rest', payload: '1.0' }, HttpApi: { api: 'http', payload: '2.0' } };

const kept = new WeakMap();

/**
 * @param {import('./context.js').Context} context
 * @returns {import('./sam_template.js').Template[]} those that can be read
 */
export function samTemplates(context) {
  if (!kept.has(context)) {
    kept.set(context, addSiblings(context, readStacks(context)));
  }
  return kept.get(context);
}

/**
 * @param {import('./context.js').Context} context
 * @returns {import('./lambda.js').Declaration[]}
 */
export function samFunctions(context) {
  return samTemplates(context).flatMap((template) => functionsOf(context, template));
}

function functionsOf(context, template) {
  const helpers = template.isSynthesized ? helpersOf(template.resources) : [];
  return Object.entries(template.resources)
    .filter(([id, resource]) => isFunction(resource) && !helpers.includes(id))
    .flatMap(([id, resource]) => declarationOf(context, template, template.file, id, resource));
}

/** What the CDK has custom resources do while a stack is deployed, which nothing is here. */
function helpersOf(resources) {
  return Object.values(resources).map((resource) => resource?.Properties?.ServiceToken)
    .map((token) => [token?.['Fn::GetAtt'] ?? token?.Ref].flat()[0]);
}

export function isFunction(resource) {
  return resource?.Type === 'AWS::Serverless::Function' || resource?.Type === 'AWS::Lambda::Function';
}

function declarationOf(context, template, file, id, resource) {
  const properties = resource.Properties ?? {};
  const value = (name) => template.resolve(properties[name]);
  const logging = value('LoggingConfig');
  return [{
    name: nameOf(context, template, id, value('FunctionName')),
    handler: value('Handler'),
    runtime: textOf(value('Runtime')),
    image: value('PackageType') === 'Image' || properties.ImageUri !== undefined,
    timeout: numberOf(value('Timeout')),
    memory: numberOf(value('MemorySize')),
    tmp: numberOf(template.resolve(properties.EphemeralStorage)?.Size),
    environment: { ...withoutOpen(template.resolve(properties.Environment?.Variables)), ...loggingVariables(logging?.LogFormat, logging?.ApplicationLogLevel) },
    reserved: numberOf(value('ReservedConcurrentExecutions')),
    tags: tagsOf(template.resolve(properties.Tags)),
    url: urlOf(template, id, properties),
    aliases: aliasesOf(value('AutoPublishAlias')),
    events: eventsOf(template, id, properties.Events),
    layers: layersOf(context, template, properties.Layers),
    foreignLayers: foreignLayers(template.resolve(properties.Layers)),
    durable: value('DurableConfig') !== undefined,
    stack: template.stack,
    declaredIn: file,
    ...codeOf(context, file, properties, template, resource.Metadata),
  }];
}

/** A text with a parameter that has no value is not known either. */
function withoutOpen(variables) {
  return Object.fromEntries(Object.entries(variables ?? {}).map(([name, value]) => [name, isOpen(value) ? undefined : value]));
}

/** SAM's are an object, CloudFormation's a list. */
function tagsOf(said) {
  return Array.isArray(said) ? Object.fromEntries(said.map((tag) => [tag?.Key, tag?.Value])) : said;
}

/** A name that depends on a parameter without a value is asked for when the stack is deployed. */
function nameOf({ diagnostics }, { file, nameOf: madeUp }, id, given) {
  if (given !== undefined && !isOpen(given)) {
    return String(given);
  }
  const name = madeUp(id);
  if (given !== undefined) {
    const text = `function "${name}" is to be called "${given}": give the parameter a value in samconfig.toml (parameter_overrides)`;
    diagnostics.warn(`${file}: ${text}`, { file });
  }
  return name;
}

/** SAM's own property, or a resource that names the function. */
function urlOf(template, id, properties) {
  const config = template.resolve(properties.FunctionUrlConfig) ?? Object.values(template.resources)
    .filter((resource) => resource?.Type === 'AWS::Lambda::Url').map((resource) => template.resolve(resource.Properties))
    .find((url) => [template.nameOf(id), template.arnOf(id)].includes(url?.TargetFunctionArn));
  return config ? urlSettings(config) : undefined;
}

/** SAM packs what it builds itself below `nodejs`; other folders are /opt as they stand, and so are those that have such a folder. */
function layerOf({ files }, { BuildMethod: method = '' }, folder) {
  const isPacked = files.list().some((file) => file.startsWith(`${folder}/nodejs/`)) && !files.has(`${folder}/package.json`);
  return { folder, at: /^nodejs/.test(method) && !isPacked ? '/opt/nodejs' : '/opt' };
}

/** Of whatever stack. */
function layersOf(context, template, references) {
  const wanted = [template.resolve(references) ?? []].flat();
  return samTemplates(context).flatMap((other) => Object.entries(other.resources)
    .filter(([id, resource]) => LAYER.test(resource?.Type) && wanted.includes(other.nameOf(id)))
    .map(([id, { Properties: said = {}, Metadata: metadata = {} }]) => ({
      ...layerOf(context, metadata, folderFrom(other.file, String(assetPath(context, other.file, metadata, other.resolve(said.Content)?.S3Key) ?? other.resolve(said.ContentUri) ?? '.'))),
      order: wanted.indexOf(other.nameOf(id)),
    }))).toSorted((a, b) => a.order - b.order);
}

/** A path that a template says, which is relative to it. */
function folderFrom(file, place) {
  return path.posix.normalize(path.posix.join(path.posix.dirname(file), place)).replace(/\/$|^\.$/, '');
}

function aliasesOf(alias) {
  return typeof alias === 'string' ? { 1: '1', [alias]: '1' } : undefined;
}

/** What else stands there CloudFormation refuses. */
function textOf(value) {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value) {
  const number = Number(value);
  return value === undefined || value === null || Number.isNaN(number) ? undefined : number;
}

/** CodeUri is relative to the template; esbuild's entry point, if given, to CodeUri. */
function codeOf(context, file, properties, template, metadata) {
  const code = template.resolve(properties.CodeUri) ?? template.resolve(properties.Code);
  const inline = template.resolve(properties.InlineCode) ?? code?.ZipFile;
  if (typeof inline === 'string') {
    return { inline: { 'index.js': inline } };
  }
  const codeUri = assetPath(context, file, metadata, code?.S3Key) ?? code;
  const place = typeof codeUri === 'string' ? codeUri : '.';
  const folder = folderFrom(file, place);
  if (/^s3:|\.zip$/.test(place) || folder.startsWith('..')) {
    return context.files.has(folder) ? { archive: place } : { missing: place };
  }
  const entry = metadata?.BuildProperties?.EntryPoints?.[0];
  if (typeof entry === 'string') {
    const source = path.posix.join(folder, entry);
    const named = context.files.has(source) ? source : `${source}.ts`;
    return { sourceFile: named, folder };
  }
  return hasFolder(context.files, folder) ? { folder } : { folder, missing: place };
}

function eventsOf(template, id, events) {
  return Object.entries(events ?? {}).flatMap(([name, event]) => {
    const kind = API_EVENTS[event?.Type];
    if (!kind) {
      return [];
    }
    const properties = template.resolve(event.Properties ?? {}) ?? {};
    const url = typeof properties.Path === 'string' ? properties.Path : kind.api === 'rest' ? '/' : '$default';
    const method = String(properties.Method ?? 'ANY').toUpperCase();
    const payload = properties.PayloadFormatVersion === '1.0' ? '1.0' : kind.payload;
    return [{
      ...kind, payload, id: `${id}.${name}`, path: url, method: method === 'X-AMAZON-APIGATEWAY-ANY-METHOD' ? 'ANY' : method,
      ...apiOf(template, kind, event.Properties, properties.Auth),
    }];
  });
}

/** What the event's API says, or the globals of all that are not declared. */
function apiOf(template, kind, { ApiId: apiId, RestApiId: restApiId } = {}, auth) {
  const named = [apiId, restApiId].map((reference) => template.resources[reference?.Ref ?? reference]).find(Boolean);
  const globals = kind.api === 'rest' ? template.globals.Api : template.globals.HttpApi;
  const api = template.resolve(named?.Properties ?? globals ?? {});
  const cors = kind.api === 'rest' ? api.Cors : api.CorsConfiguration;
  const binaryTypes = api.BinaryMediaTypes?.map((type) => type.replaceAll('~1', '/'));
  const authorization = authorizationOf({ ...api.Auth, ...auth });
  const stage = kind.api === 'rest' && typeof api.StageName === 'string' && !isOpen(api.StageName) ? api.StageName : undefined;
  return { ...(stage ? { stage } : {}), ...(cors ? { cors: corsOf(cors) } : {}), ...(binaryTypes ? { binaryTypes } : {}), authorization };
}

/** An event's own is that of its API, if it names none. */
function authorizationOf({ Authorizer: own, DefaultAuthorizer: name, ApiKeyRequired: isKeyed }) {
  return own ?? name ?? (isKeyed === true ? 'API key' : undefined);
}

/** Text of a REST API's CORS is in quotes within its own, because it becomes the value of a header. */
function corsOf(cors) {
  if (cors === true || typeof cors === 'string') {
    return { allow_origins: [cors === true ? '*' : unquoted(cors)] };
  }
  const listed = Object.fromEntries(Object.entries(cors).map(([key, value]) => [key, typeof value === 'string' ? listOf(value) : value]));
  const { AllowOrigin, AllowOrigins = AllowOrigin, ...others } = listed;
  return urlSettings({ Cors: { ...others, AllowOrigins } }).cors;
}

const unquoted = (text) => text.replace(/^'(.*)'$/, '$1');
const listOf = (text) => unquoted(text).split(',').map((part) => part.trim());
