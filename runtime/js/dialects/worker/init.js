'use strict';

/* The arguments of Request, Response and fetch as Workers check them, in their words, and without
 * what only browsers know. */

const { fieldsToBytes } = require('./header_text');
const { GET_BODY, NULL_BODY: NULL_BODY_TEXT } = require('./words');

const METHODS = new Set([
  'ACL', 'BIND', 'CHECKOUT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LOCK', 'MERGE', 'MKACTIVITY',
  'MKCALENDAR', 'MKCOL', 'MOVE', 'MSEARCH', 'NOTIFY', 'OPTIONS', 'PATCH', 'POST', 'PROPFIND', 'PROPPATCH',
  'PURGE', 'PUT', 'QUERY', 'REBIND', 'REPORT', 'SEARCH', 'SUBSCRIBE', 'TRACE', 'UNBIND', 'UNLINK', 'UNLOCK',
  'UNSUBSCRIBE',
]);
const CACHE_MODES = new Set(['no-store', 'no-cache']);
const NULL_BODY = new Set([101, 204, 205, 304]);
const NO_INTEGRITY =
  'Subrequest integrity checking is not implemented. The integrity option must be either undefined or an empty string.';
const STATUS_RANGE = 'Responses may only be constructed with status codes in the range 200 to 599, inclusive.';
const REDIRECT_TEXT =
  'Invalid redirect value, must be one of "follow" or "manual" ("error" won\'t be implemented since ' +
  'it does not make sense at the edge; use "manual" and check the response status code).';

function checkCf(init) {
  const { cf } = init;
  if (cf !== undefined && cf !== null && typeof cf !== 'object') {
    throw new TypeError(
      "Incorrect type for the 'cf' field on 'RequestInitializerDict': the provided value is not of type 'Object'."
    );
  }
  if (!cf || cf.cacheControl === undefined) {
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

/* From this compatibility date on what can be iterated is a stream of its parts, as frameworks (Astro) count on. */
const ITERABLES_SINCE = '2026-02-19';

const rules = { iterables: true };

/* What a worker's compatibility date and flags ask for. */
function configure({ compatibility_date: date, compatibility_flags: flags = [] } = {}) {
  rules.iterables = !flags.includes('no_fetch_iterable_type_support') &&
    (!date || date >= ITERABLES_SINCE || flags.includes('fetch_iterable_type_support'));
}

const encoder = new TextEncoder();

async function* bytesOf(parts) {
  for await (const part of parts) {
    yield typeof part === 'string' ? encoder.encode(part) : part;
  }
}

/* Not what has a text of its own, as strings made by `new` have; an array's counts for none. */
function isIterable(body) {
  const isPlain = body.toString === Object.prototype.toString || body.toString === Array.prototype.toString;
  return typeof body[Symbol.asyncIterator] === 'function' ||
    (typeof body[Symbol.iterator] === 'function' && isPlain && body[Symbol.toPrimitive] === undefined);
}

const BODIES = [ReadableStream, Blob, FormData, URLSearchParams, ArrayBuffer];

/* What is no kind of body is a stream of its parts, or its text. */
function knownBody(body) {
  if (body === null || body === undefined || typeof body === 'string') {
    return body;
  }
  if (typeof body !== 'object') {
    return `${body}`;
  }
  if (ArrayBuffer.isView(body) || BODIES.some((Class) => body instanceof Class)) {
    return body;
  }
  return rules.iterables && isIterable(body) ? ReadableStream.from(bytesOf(body)) : `${body}`;
}

/* What undici is given of the init of a Request or of fetch. */
function requestInit(init) {
  if (typeof init !== 'object' || init === null) {
    return init;
  }
  if (init.cache !== undefined && !CACHE_MODES.has(init.cache)) {
    throw new TypeError(`Unsupported cache mode: ${init.cache}`);
  }
  if (init.redirect !== undefined && init.redirect !== 'follow' && init.redirect !== 'manual') {
    throw new TypeError(REDIRECT_TEXT);
  }
  if (init.integrity) {
    throw new TypeError(NO_INTEGRITY);
  }
  checkCf(init);
  const { body, headers, redirect, signal, cache } = init;
  const rest = { body: knownBody(body), headers: fieldsToBytes(headers), redirect, signal, cache, method: checkMethod(init.method) };
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
  if (!(input instanceof globalThis.Request) && !URL.canParse(String(input))) {
    throw new TypeError(`Invalid URL: ${input}`);
  }
}

function checkStatus(init) {
  const status = init?.status === undefined ? 200 : Number(init.status);
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(STATUS_RANGE);
  }
  return status;
}

/* What undici is given of the body of a response: with some states it may be empty but not more. */
function responseBody(body, init) {
  if (init !== undefined && init !== null && typeof init !== 'object') {
    throw new TypeError("Failed to construct 'Response': constructor parameter 2 is not of type 'InitializerDict or Response'.");
  }
  if (init?.encodeBody !== undefined && init.encodeBody !== 'manual' && init.encodeBody !== 'automatic') {
    throw new TypeError(`encodeBody: unexpected value: ${init.encodeBody}`);
  }
  const status = checkStatus(init);
  if (body instanceof ReadableStream && body.locked) {
    throw new TypeError('This ReadableStream is locked to a reader, and cannot be used as a body.');
  }
  if (!NULL_BODY.has(status) || body === null || body === undefined) {
    return plainBody(body);
  }
  if (body === '' || body.byteLength === 0) {
    return null;
  }
  throw new TypeError(NULL_BODY_TEXT);
}

/* Bytes of any kind as those that take the fast way, which tells their length, too. */
function plainBody(body) {
  if (typeof body === 'string' || body instanceof Uint8Array) {
    return body;
  }
  if (body instanceof ArrayBuffer) {
    return new Uint8Array(body);
  }
  return ArrayBuffer.isView(body) ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength) : knownBody(body);
}

module.exports = { GET_BODY, NULL_BODY: NULL_BODY_TEXT, checkUrl, configure, requestInit, responseBody };
