'use strict';

/* The arguments of Request, Response and fetch as Workers check them, in their words, and without
 * what only browsers know. */

const METHODS = new Set([
  'ACL', 'BIND', 'CHECKOUT', 'CONNECT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LOCK', 'MERGE', 'MKACTIVITY',
  'MKCALENDAR', 'MKCOL', 'MOVE', 'MSEARCH', 'NOTIFY', 'OPTIONS', 'PATCH', 'POST', 'PROPFIND', 'PROPPATCH',
  'PURGE', 'PUT', 'QUERY', 'REBIND', 'REPORT', 'SEARCH', 'SUBSCRIBE', 'TRACE', 'UNBIND', 'UNLINK', 'UNLOCK',
  'UNSUBSCRIBE',
]);
const CACHE_MODES = new Set(['no-store', 'no-cache']);
const NULL_BODY = new Set([101, 204, 205, 304]);
const REDIRECT_TEXT =
  'Invalid redirect value, must be one of "follow" or "manual" ("error" won\'t be implemented since ' +
  'it does not make sense at the edge; use "manual" and check the response status code).';

function checkCf(init) {
  const { cf } = init;
  if (typeof cf !== 'object' || cf === null || cf.cacheControl === undefined) {
    return;
  }
  if (cf.cacheTtl !== undefined) {
    throw new TypeError(
      "The 'cacheControl' and 'cacheTtl' options on cf are mutually exclusive. Use 'cacheControl' " +
        "for explicit Cache-Control header directives, or 'cacheTtl' for a simplified TTL, but not both."
    );
  }
  if (init.cache !== undefined) {
    throw new TypeError(
      "The 'cacheControl' option on cf cannot be used together with the 'cache' request option. " +
        "The 'cache' option ('no-store'/'no-cache') maps to cache TTL behavior internally, which " +
        'conflicts with explicit Cache-Control directives.'
    );
  }
}

function checkMethod(method) {
  if (method === undefined) {
    return undefined;
  }
  const text = String(method);
  const known = METHODS.has(text.toUpperCase()) ? text.toUpperCase() : undefined;
  /* The standard's methods may be written small, the others not. */
  const isStandard = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'].includes(known);
  if (!known || (!isStandard && known !== text)) {
    throw new TypeError(`Invalid HTTP method string: ${text}`);
  }
  return known;
}

/* What undici is given of the init of a Request or of fetch. */
function requestInit(init) {
  if (typeof init !== 'object' || init === null || init instanceof globalThis.Request) {
    return init;
  }
  if (init.cache !== undefined && !CACHE_MODES.has(init.cache)) {
    throw new TypeError(`Unsupported cache mode: ${init.cache}`);
  }
  if (init.redirect !== undefined && init.redirect !== 'follow' && init.redirect !== 'manual') {
    throw new TypeError(REDIRECT_TEXT);
  }
  checkCf(init);
  const { body, headers, redirect, signal, cache } = init;
  const rest = { body, headers, redirect, signal, cache, method: checkMethod(init.method) };
  if (rest.body instanceof ReadableStream) {
    rest.duplex = 'half';
  }
  for (const key of Object.keys(rest)) {
    if (rest[key] === undefined) {
      delete rest[key];
    }
  }
  return rest;
}

function checkUrl(input) {
  if (typeof input === 'string' && !URL.canParse(input)) {
    throw new TypeError(`Invalid URL: ${input}`);
  }
}

/* The body of a response, which with some states may be empty but not more. */
function responseBody(body, init) {
  const status = init?.status ?? 200;
  if (!Number.isInteger(Number(status)) || status < 200 || status > 599) {
    throw new RangeError(
      'Responses may only be constructed with status codes in the range 200 to 599, inclusive.'
    );
  }
  if (!NULL_BODY.has(Number(status)) || body === null || body === undefined) {
    return body;
  }
  if (body === '' || body.byteLength === 0) {
    return null;
  }
  throw new TypeError('Response with null body status (101, 204, 205, or 304) cannot have a body.');
}

module.exports = { checkUrl, requestInit, responseBody };
