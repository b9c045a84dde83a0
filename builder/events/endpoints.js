/* EventBridge's connections and API destinations, which Terraform and CloudFormation declare alike: in the words of
 * AWS's API, as control takes them. */
import { parseArn, uuidFor } from '../discover/arn.js';
import { bounded, tellError, tellWarning } from './found.js';
import { isName } from './names.js';

const METHODS = ['HEAD', 'POST', 'PATCH', 'DELETE', 'PUT', 'GET', 'OPTIONS'];
/** What is kept elsewhere (Secrets Manager), or depends on it. */
const UNKNOWN = /\{\{resolve:|\$\{/;
/** What a connection of each type must have, of its AuthParameters; the last is its secret. */
const NEEDED = {
  API_KEY: ['ApiKeyAuthParameters.ApiKeyName', 'ApiKeyAuthParameters.ApiKeyValue'],
  BASIC: ['BasicAuthParameters.Username', 'BasicAuthParameters.Password'],
  OAUTH_CLIENT_CREDENTIALS: [
    'OAuthParameters.AuthorizationEndpoint', 'OAuthParameters.HttpMethod',
    'OAuthParameters.ClientParameters.ClientID', 'OAuthParameters.ClientParameters.ClientSecret',
  ],
};
const TEXT_MAX = 512; /* bytes, EventBridge's */
const LISTS = ['HeaderParameters', 'QueryStringParameters', 'BodyParameters'];

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Numbers and flags are text to AWS. Undefined: it is not known. */
function asTexts(value) {
  if (Array.isArray(value)) {
    return value.map(asTexts);
  }
  if (isObject(value)) {
    const textOf = (key, one) => (key === 'IsValueSecret' ? String(one) === 'true' : asTexts(one));
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, textOf(key, one)]));
  }
  return value === undefined || value === null || UNKNOWN.test(value) ? undefined : String(value);
}

/**
 * @param {{ type: unknown, description?: unknown, auth: unknown }} said auth: AuthParameters
 * @returns {object|null} perhaps with gaps in its `auth`, see finishConnections()
 */
export function connectionOf(context, declared, name, { type, description, auth }) {
  if (!isName(context.diagnostics, declared, 'a connection', name)) {
    return null;
  }
  if (!Object.hasOwn(NEEDED, String(type))) {
    const types = Object.keys(NEEDED).join(', ');
    tellError(context.diagnostics, declared, `its authorization type ${JSON.stringify(type) ?? ''} is none of ${types}`);
    return null;
  }
  const own = NEEDED[type][0].split('.')[0];
  const { [own]: parameters, InvocationHttpParameters: http } = asTexts(isObject(auth) ? auth : {});
  return {
    name, uuid: uuidFor(`connection/${name}`), type, description: asTexts(description)?.slice?.(0, TEXT_MAX) ?? '',
    auth: { [own]: isObject(parameters) ? parameters : {}, ...(isObject(http) ? { InvocationHttpParameters: http } : {}) },
    declared,
  };
}

/** Gives it the secret of its type. */
export function setSecret({ type, auth }, secret) {
  const path = NEEDED[type].at(-1).split('.');
  const holder = path.slice(0, -1).reduce((at, key) => (at[key] = isObject(at[key]) ? at[key] : {}), auth);
  holder[path.at(-1)] = secret;
}

const titleOf = (path) => path.split('.').slice(-2).join('.');

/** @returns {string[]} what is not known of it, but should be */
function gapsOf({ type, auth }) {
  const isKnown = (value) => typeof value === 'string' && value !== '' && !value.includes('\0') && Buffer.byteLength(value) <= TEXT_MAX;
  const needed = NEEDED[type].filter((path) => !isKnown(path.split('.').reduce((at, key) => at?.[key], auth)));
  const holders = { InvocationHttpParameters: auth.InvocationHttpParameters, OAuthHttpParameters: auth.OAuthParameters?.OAuthHttpParameters };
  const gapsIn = (holder, list) =>
    [holders[holder]?.[list] ?? []].flat().map((one) => (isObject(one) ? one : {}))
      .filter(({ Key, Value }) => !Key || Value === undefined).map(({ Key }) => `${holder}.${Key ?? list}`);
  const parameters = Object.keys(holders).flatMap((holder) => LISTS.flatMap((list) => gapsIn(holder, list)));
  return [...needed.map(titleOf), ...parameters];
}

/** A connection that is not known whole stays, but is not authorized: what goes through it waits, as at AWS. */
export function finishConnections({ found, diagnostics }) {
  found.connections = found.connections.map((connection) => {
    const gaps = gapsOf(connection);
    if (gaps.length === 0) {
      return connection;
    }
    const { name, type, declared } = connection;
    const hint = `. mayfly.json may say its secret: "events": { "connections": { "${name}": { "secret": "$NAME" } } }`;
    tellWarning(
      diagnostics, declared,
      `${gaps.join(', ')} of the connection "${name}" ${gaps.length > 1 ? 'are' : 'is'} not known here: nothing can be sent by it` +
        (gaps.includes(titleOf(NEEDED[type].at(-1))) ? hint : ''),
    );
    const { auth: _auth, ...rest } = connection;
    return rest;
  });
}

/**
 * @param {{ description?: unknown, connection: unknown, url: unknown, method: unknown, rate?: unknown }} said connection: its ARN
 * @returns {object|null} perhaps without a `url`, see finishEndpoints()
 */
export function endpointOf(context, declared, name, said) {
  const { diagnostics } = context;
  const method = String(said.method).toUpperCase();
  const connection = /^connection\/([^/]+)/.exec(parseArn(said.connection)?.resource)?.[1];
  if (!isName(diagnostics, declared, 'an API destination', name)) {
    return null;
  }
  if (!connection) {
    tellError(diagnostics, declared, 'the ARN of its connection is not known; refer to a connection of this project');
    return null;
  }
  if (!METHODS.includes(method)) {
    tellError(diagnostics, declared, `its method ${JSON.stringify(said.method) ?? ''} is none of ${METHODS.join(', ')}`);
    return null;
  }
  return {
    name, uuid: uuidFor(`api-destination/${name}`), description: asTexts(said.description)?.slice?.(0, TEXT_MAX) ?? '', connection, method,
    url: asTexts(said.url),
    rate: bounded(diagnostics, declared, said.rate, { name: 'the rate of invocations', min: 1, max: 2 ** 31 - 1, otherwise: 300 }),
    declared,
  };
}

export const isUrl = (value) => typeof value === 'string' && /^https?:\/\/[^/]/.test(value) && URL.canParse(value) && value.length <= 2048;

/**
 * Those that lead somewhere.
 * @returns {Set<string>} the names of the others, which have been told
 */
export function finishEndpoints({ found, diagnostics }) {
  const left = new Set();
  const connections = new Set(found.connections.map(({ name }) => name));
  const faultOf = ({ name, url, connection }) => {
    if (!connections.has(connection)) {
      return `there is no connection "${connection}" in this project`;
    }
    if (url === undefined) {
      return `its endpoint is not known here. mayfly.json may say it: "events": { "endpoints": { "${name}": { "url": "http://..." } } }`;
    }
    return isUrl(url) ? null : `its endpoint ${JSON.stringify(url)} is no URL, such as https://example.com/orders`;
  };
  found.endpoints = found.endpoints.filter((endpoint) => {
    const fault = faultOf(endpoint);
    if (fault) {
      tellError(diagnostics, endpoint.declared, fault);
      left.add(endpoint.name);
    }
    return !fault;
  });
  return left;
}

/** What a target adds to its requests, in AWS's words; undefined where it says nothing. */
export function httpParametersOf({ headers, path, query }) {
  const said = asTexts({ HeaderParameters: headers ?? undefined, PathParameterValues: path && [path].flat(), QueryStringParameters: query ?? undefined });
  const known = Object.entries(said).filter(([, value]) => value !== undefined);
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}
