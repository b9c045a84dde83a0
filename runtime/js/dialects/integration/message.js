'use strict';

/* A request, or the answer of a service, as mappings and templates see it:
 *
 *   params   { path, querystring, header }: objects by name, of several values the last
 *   many     { querystring, header }: the same, with all values
 *   text     its body; `bytes` is that as it came */

const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

/* Names of headers have no case, but keep the client's where an API shows all of them. */
function headerOf(headers, name) {
  const wanted = name.toLowerCase();
  const found = Object.keys(headers).find((one) => one.toLowerCase() === wanted);
  return found === undefined ? undefined : headers[found];
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; /* a form, say, which templates take apart themselves */
  }
}

/* Several values can come of it: recursive descent, wildcards, filters, slices, unions. A name in brackets is none of these. */
const isIndefinite = (path) => /\.\.|[*?:,]/.test(path.replace(/\['[^']*'\]|\["[^"]*"\]/g, ''));

/**
 * What a JSONPath leads to in a body; undefined: nowhere.
 * @param {object} libraries
 * @param {string} text
 * @param {string} path `$.user.id`
 */
function select({ JSONPath }, text, path) {
  const json = jsonOf(text);
  if (typeof json !== 'object' || json === null) {
    return path === '$' ? json : undefined;
  }
  const found = JSONPath({ path, json, wrap: true, eval: 'safe' });
  return isIndefinite(path) ? found : found[0];
}

/** Maps of text hold texts: what is something else is written as JSON. */
function asText(value) {
  return value === undefined || value === null || typeof value === 'string' ? value ?? undefined : JSON.stringify(value);
}

/** The request's own message, and what its API says of it. */
function requestOf(event, bytes, routeKey) {
  const { pathParameters, queryStringParameters, multiValueQueryStringParameters, headers, multiValueHeaders, requestContext } = event;
  return {
    request: {
      params: { path: pathParameters ?? {}, querystring: queryStringParameters ?? {}, header: headers },
      many: { querystring: multiValueQueryStringParameters ?? {}, header: multiValueHeaders },
      text: event.body ?? '', bytes,
    },
    context: routeKey === undefined ? requestContext : { ...requestContext, routeKey },
    stageVariables: {},
  };
}

/** The answer of a service. */
function responseOf({ headers, bytes }) {
  return {
    params: { path: {}, querystring: {}, header: headers },
    many: { querystring: {}, header: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])) },
    text: bytes.toString('utf8'), bytes,
  };
}

module.exports = { asText, headerOf, jsonOf, own, requestOf, responseOf, select };
