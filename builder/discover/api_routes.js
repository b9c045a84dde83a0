/* The routes of APIs of API Gateway: one model of HTTP APIs (routes and integrations) and REST APIs (a tree of resources with
 * methods), and of OpenAPI definitions of both, which the readers of Terraform's and CloudFormation's files fill. Parts name one
 * another; a name is looked for where it is used first, and then everywhere, as ids are handed from file to file. */
import { andMore } from '../diagnostics.js';
import { integrationOfDefinition } from './api_integrations.js';
import { escapePattern } from '../routes/order.js';

/**
 * @typedef {object} ApiScope what one module or template declares
 * @property {{ name: string, title: string, file: string, kind: 'http'|'rest'|'websocket', stages?: string[], cors?: object, binaryTypes?: string[],
 *   target?: string, routeKey?: string, definition?: object }[]} apis
 * @property {{ name: string, parent: string, part: string }[]} resources of REST APIs
 * @property {{ title: string, file: string, api: string, resource: string, method: string, type: string, uri: string, authorization?: string,
 *   integration: import('./api_integrations.js').Integration }[]} methods
 *   of those, each with its integration
 * @property {{ title: string, file: string, api: string, key: string, target: string, authorization?: string }[]} routes of HTTP APIs
 * @property {{ name: string, type: string, uri: string, payload?: string, integration: import('./api_integrations.js').Integration }[]} integrations
 *   of those
 *
 * @typedef {object} ApiRoute what is sent to where: an event of lambda.js, if `uri` is a function's
 */

const DEFAULT_PAYLOAD = '1.0'; /* of an integration that says nothing, though the console's is 2.0 */
const PROXY = 'AWS_PROXY';
const OPERATION = /^(get|put|post|delete|options|head|patch|trace|x-amazon-apigateway-any-method)$/i;
const PARTS_MAX = 30;

const isText = (value) => typeof value === 'string';

/** @param {ApiScope[]} scopes @returns {ApiRoute[]} */
export function apiRoutes(scopes) {
  return scopes.flatMap((scope) => {
    const find = (kind, name) => [scope, ...scopes].flatMap((one) => one[kind]).find((one) => one.name === name);
    return [
      ...scope.routes.map((route) => httpRoute(find, route)),
      ...scope.apis.filter(({ target }) => isText(target)).map(quickRoute),
      ...scope.methods.map((method) => restRoute(find, method)),
      ...scope.apis.flatMap(definedRoutes),
    ].filter(Boolean);
  });
}

/** A function's name (as Terraform's `invoke_arn` is worked out to), its ARN, or an address that holds it. */
export function functionIn(uri) {
  return isText(uri) ? /:function:([^:/]+)/.exec(uri)?.[1] ?? uri : undefined;
}

/** Whether a function gets it, if it is one of the project. */
export function isServed({ type, uri, path, method }) {
  return type === PROXY && isText(uri) && isText(path) && isText(method);
}

const typeOf = (type) => String(type ?? '').toUpperCase().replaceAll('-', '_');
/** An HTTP API's subtype says more. */
const kindOf = (type, integration) => integration?.subtype ?? typeOf(type);

/* HTTP APIs */

function httpRoute(find, { title, file, api: apiName, key, target, authorization }) {
  const api = find('apis', apiName);
  if (api?.kind === 'websocket') {
    return null;
  }
  const { type, uri, payload = DEFAULT_PAYLOAD, integration } = find('integrations', /^integrations\/(.+)$/.exec(target ?? '')?.[1]) ?? {};
  return {
    api: 'http', ...parseKey(key), payload: String(payload), cors: api?.cors, id: title, file, uri, type: kindOf(type, integration), integration, authorization,
  };
}

function quickRoute({ title, file, cors, target, routeKey }) {
  return { api: 'http', ...parseKey(routeKey ?? '$default'), payload: '2.0', cors, id: title, file, uri: target, type: PROXY };
}

/** "GET /users/{id}", "ANY /x" or "$default". */
function parseKey(key) {
  const match = /^(\S+)\s+(\/\S*)$/.exec(isText(key) ? key : '');
  return match ? { method: match[1].toUpperCase(), path: match[2] } : key === '$default' ? { method: 'ANY', path: key } : {};
}

/* REST APIs */

function restRoute(find, { title, file, api, resource, method, type, uri, integration, authorization }) {
  const { binaryTypes, stages: [stage] = [] } = find('apis', api) ?? {};
  return {
    api: 'rest', payload: '1.0', path: pathOf(find, resource, 0), method: isText(method) ? method.toUpperCase() : undefined,
    id: title, file, uri, type: typeOf(type), integration, authorization, stage, ...(binaryTypes ? { binaryTypes } : {}),
  };
}

/** From the resource up to the root, whose id is the API's name. */
function pathOf(find, name, depth) {
  if (!isText(name) || depth > PARTS_MAX) {
    return undefined;
  }
  const resource = find('resources', name);
  if (!resource) {
    return find('apis', name) ? '/' : undefined;
  }
  const parent = pathOf(find, resource.parent, depth + 1);
  return parent === undefined ? undefined : `${parent === '/' ? '' : parent}/${resource.part}`;
}

/* OpenAPI */

function definedRoutes({ kind, file, cors, binaryTypes, definition, stages: [stage] = [] }) {
  const of = { file, stage, cors: cors ?? corsIn(definition), binaryTypes: binaryTypes ?? definition?.['x-amazon-apigateway-binary-media-types'] };
  return Object.entries(definition?.paths ?? {}).flatMap(([path, item]) => Object.entries(item ?? {})
    .filter(([method]) => OPERATION.test(method))
    .map(([method, operation]) => ({
      ...definedRoute(kind, of, path, method, operation?.['x-amazon-apigateway-integration'] ?? {}),
      authorization: Object.keys((operation?.security ?? definition.security)?.[0] ?? {})[0],
    })));
}

function definedRoute(kind, { file, cors, binaryTypes, stage }, path, operation, said) {
  const method = operation.startsWith('x-') ? 'ANY' : operation.toUpperCase();
  const integration = integrationOfDefinition(said);
  const common = { method, id: `${method} ${path}`, file, uri: said.uri, type: kindOf(said.type, integration), integration, isDefined: true };
  return kind === 'http'
    ? { ...common, api: 'http', path: path === '/$default' ? '$default' : path, payload: String(said.payloadFormatVersion ?? DEFAULT_PAYLOAD), cors }
    : { ...common, api: 'rest', path, payload: '1.0', stage, ...(binaryTypes ? { binaryTypes } : {}) };
}

function corsIn(definition) {
  const said = definition?.['x-amazon-apigateway-cors'];
  return said && Object.fromEntries(Object.entries(said).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]));
}

/* What answers browsers that ask before they send: a MOCK that says the fields of CORS, which are constants in quotes. */

const FIELD = /^method\.response\.header\.(Access-Control-[\w-]+)$/i;

/** What the CDK makes of further origins: a program that compares them. */
const OTHER_ORIGIN = /\$origin == "([^"]+)"/g;
const ALLOWED = 'access-control-allow-origin';

/** @returns {{ path: string, method: string, headers: object, has?: object[] }[]} those for certain origins first */
export function preflightsOf(route) {
  const preflight = preflightOf(route);
  const programs = Object.values(route.integration?.responses[0]?.templates ?? {});
  const others = preflight ? new Set(programs.flatMap((text) => [...text.matchAll(OTHER_ORIGIN)].map(([, origin]) => origin))) : [];
  const forOthers = [...others].map((origin) => ({
    ...preflight, headers: { ...preflight.headers, [ALLOWED]: origin }, has: [{ type: 'header', key: 'origin', value: escapePattern(origin) }],
  }));
  return preflight ? [...forOthers, preflight] : [];
}

function preflightOf({ method, path, type, integration }) {
  const headers = Object.entries(integration?.responses[0]?.parameters ?? {}).flatMap(([name, value]) => {
    const [, field] = FIELD.exec(name) ?? [];
    return field && /^'.*'$/.test(value) ? [[field.toLowerCase(), value.slice(1, -1)]] : [];
  });
  return method === 'OPTIONS' && type === 'MOCK' && isText(path) && headers.length > 0
    ? { path, method, headers: Object.fromEntries(headers) }
    : null;
}

/* What is not served */

/** To a service, or to a function by way of a mapping, or nowhere. */
export const leadsPast = (route) => route.type !== PROXY && !preflightOf(route);

/**
 * @param {ApiScope[]} scopes
 * @param {ApiRoute[]} routes
 * @param {object[]} own events that functions name themselves, each with its file
 */
export function tellApiRoutes(diagnostics, scopes, routes, own, names) {
  const tell = (entries, nameOf, text) => tellByFile(diagnostics, entries, nameOf, text);
  tell(routes.filter((route) => leadsPast(route) && !route.served), ({ id, type, uri }) => `${id} (${describe(type, uri)})`,
    'what it leads to does not run here, or is not known before it is deployed');
  const lost = routes.filter((route) => route.type === PROXY && !(isServed(route) && names.has(functionIn(route.uri))));
  tell(lost, ({ id }) => id, 'where it leads is not known before it is deployed, or is no function of this project');
  tell([...own, ...routes.filter((route) => isServed(route) || route.served)].filter(({ authorization }) => (authorization ?? 'NONE') !== 'NONE'), ({ id, authorization }) => `${id} (${isText(authorization) ? authorization : 'an authorizer'})`,
    'authorizers do not run here: everybody may call it');
  for (const [file, sockets] of Map.groupBy(scopes.flatMap(({ apis }) => apis).filter(({ kind }) => kind === 'websocket'), ({ file: its }) => its)) {
    const text = 'WebSocket APIs do not run here: invoke their functions with the events that they would get';
    diagnostics.warn(`${file}: ${andMore(sockets.map(({ title }) => title))}: ${text}`, { file });
  }
}

/** With the service's name, where that is what is not here. */
function describe(type, uri) {
  const [, service] = /:apigateway:[^:]*:([^:]+):/.exec(isText(uri) ? uri : '') ?? [];
  return type === '' ? 'no integration' : service ? `${type}: ${service}` : type;
}

function tellByFile(diagnostics, entries, nameOf, text) {
  for (const [file, ofFile] of Map.groupBy(entries, (entry) => entry.file)) {
    const [first] = ofFile;
    diagnostics.warn(`${file}: ${andMore(ofFile.map(nameOf), 'route')}: ${typeof text === 'string' ? text : text(first)}`, { file });
  }
}

/** Of several functions that APIs send the same to, the first gets it. */
export function tellTwice(diagnostics, declared) {
  const taken = new Map();
  const keyOf = ({ method, path }) => `${method} ${String(path).replaceAll(/\{[^}+]*(\+?)\}/g, '{$1}')}`;
  const all = declared.flatMap(({ name, declaredIn: file, stack, events }) => (events ?? []).map((event) => ({ ...event, file, stack, name })));
  const late = all.filter((event) => {
    const before = taken.get(keyOf(event));
    taken.set(keyOf(event), before ?? event);
    return before && before.name !== event.name;
  });
  tellByFile(diagnostics, late, ({ method, path, name }) => `${method} ${path} (${name})`, (event) => {
    const first = taken.get(keyOf(event));
    const choice = first.stack && event.stack && first.stack !== event.stack ? '; "stacks" in mayfly.json says which stacks are served' : '';
    return `"${first.name}" answers there already, as all APIs have one address here; ` +
      `this function has its own, http://${event.name.toLowerCase()}.localhost${choice}`;
  });
}
