'use strict';
/* Handlers of Next.js's folder pages/api, (req, res) with its helpers, and those of them that run on the edge.
 * https://nextjs.org/docs/pages/building-your-application/routing/api-routes */

const http = require('node:http');
const { parse: parseQuery } = require('node:querystring');
const { Stream } = require('node:stream');
const web = require('../../web');
const { parseMediaType, parseParameters } = require('../../content_type');
const { createPair } = require('../../node_http');
const { ApiError, parseCookies, redirectOf } = require('../../vercel_helpers');
const { NextRequest } = require('../../shims/next/server');
const { NextFetchEvent } = require('../../shims/next/fetch_event');
const { renewPath } = require('../../shims/next/cache');
const { entityTag } = require('./etag');
const { setDraftMode, setPreviewData, clearPreviewData, previewDataOf } = require('./preview');

const JSON_TYPE = 'application/json; charset=utf-8';
const DEFAULT_BODY_LIMIT = '1mb';
const UNITS = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };

/* '500kb', '4.5mb' or a number to bytes; what says nothing is no limit. */
function bytesOf(limit) {
  if (typeof limit === 'number') return limit;
  const [, amount, unit = 'b'] = /^\s*(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?\s*$/i.exec(limit) ?? [];
  return amount === undefined ? Infinity : Math.floor(Number(amount) * UNITS[unit.toLowerCase()]);
}

/* All of a body, or as much of it as shows that it is too long. */
async function readBody(req, limit) {
  const maximum = bytesOf(limit);
  const tooLong = () => new ApiError(413, `Body exceeded ${limit} limit`);
  if (Number(req.headers['content-length']) > maximum) throw tooLong();
  const parts = [];
  let length = 0;
  for await (const part of req) {
    parts.push(part);
    length += part.length;
    if (length > maximum) throw tooLong();
  }
  return Buffer.concat(parts);
}

function decode(bytes, charset) {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    throw new ApiError(400, 'Invalid body');
  }
}

function parseJson(text) {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(400, 'Invalid JSON');
  }
}

async function parseBody(req, limit) {
  const field = req.headers['content-type'] ?? '';
  const type = parseMediaType(field);
  const charset = type === null ? undefined : parseParameters(field).get('charset');
  const text = decode(await readBody(req, limit), charset);
  if (type === 'application/json' || type === 'application/ld+json') return parseJson(text);
  return type === 'application/x-www-form-urlencoded' ? parseQuery(text) : text;
}

/* Computed when it is first read; it can be set. */
function lazy(object, name, compute) {
  const keep = (value) => {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    return value;
  };
  Object.defineProperty(object, name, { enumerable: true, configurable: true, get: () => keep(compute()), set: keep });
}

function addRequestHelpers(req, res, exchange) {
  lazy(req, 'cookies', () => parseCookies(req.headers.cookie));
  req.query = { ...queryOf(exchange), ...exchange.params };
  lazy(req, 'previewData', () => previewDataOf(parseCookies(req.headers.cookie), res, exchange.spec));
  lazy(req, 'preview', () => (req.previewData === false ? undefined : true));
  lazy(req, 'draftMode', () => req.preview);
}

/* Whether the client has what the tag stands for (RFC 9110 13.1.2; no-cache asks to see it all the same). */
function isFresh({ 'if-none-match': tags, 'cache-control': control = '' }, tag) {
  if (tags === undefined || /(?:^|,)\s*no-cache\s*(?:,|$)/.test(control)) return false;
  const plain = (text) => text.trim().replace(/^W\//, '');
  return tags.trim() === '*' || tags.split(',').some((one) => plain(one) === tag);
}

function sendBody(req, res, value) {
  const text = ['object', 'number', 'boolean'].includes(typeof value) ? JSON.stringify(value) : value;
  const tag = entityTag(text); /* a Buffer's, too, is that of its JSON */
  res.setHeader('ETag', tag);
  if (isFresh(req.headers, tag)) {
    res.statusCode = 304;
    res.end();
    return;
  }
  const isBytes = Buffer.isBuffer(value);
  const body = isBytes ? value : text;
  if (!isBytes && typeof value !== 'string') res.setHeader('Content-Type', JSON_TYPE);
  else if (isBytes && !res.getHeader('Content-Type')) res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

function send(req, res, value) {
  if (value === null || value === undefined) {
    res.end();
  } else if (res.statusCode === 204 || res.statusCode === 304) {
    for (const name of ['Content-Type', 'Content-Length', 'Transfer-Encoding']) res.removeHeader(name);
    res.end();
  } else if (value instanceof Stream) {
    if (!res.getHeader('Content-Type')) res.setHeader('Content-Type', 'application/octet-stream');
    value.pipe(res);
  } else {
    sendBody(req, res, value);
  }
}

function redirect(res, statusOrUrl, url) {
  const { status, target } = redirectOf(statusOrUrl, url);
  res.writeHead(status, { Location: target });
  res.write(target);
  res.end();
  return res;
}

/* What an instance keeps of its static routes is made anew; pages are not served here. */
async function revalidate(path) {
  if (typeof path !== 'string' || !path.startsWith('/')) {
    throw new Error(`Invalid urlPath provided to revalidate(), must be a path e.g. /blog/post-1, received ${path}`);
  }
  renewPath(path);
}

function addResponseHelpers(req, res, { spec }) {
  Object.assign(res, {
    status: (code) => Object.assign(res, { statusCode: code }),
    send: (value) => send(req, res, value),
    json(value) {
      res.setHeader('Content-Type', JSON_TYPE);
      res.send(JSON.stringify(value));
    },
    redirect: (statusOrUrl, url) => redirect(res, statusOrUrl, url),
    setDraftMode: (options) => setDraftMode(res, spec, options),
    setPreviewData: (data, options) => setPreviewData(res, spec, data, options),
    clearPreviewData: (options) => clearPreviewData(res, options),
    revalidate,
  });
}

const parseOwn = (query) => {
  const { __proto__: _proto, ...own } = parseQuery(query);
  return own;
};

/* The query as it came, and over it what a rewrite's destination says, which stands before it in the path. */
function queryOf({ path, originalPath }) {
  const [, rewritten] = splitQuery(path);
  const [, original] = splitQuery(originalPath);
  const query = parseOwn(original);
  if (rewritten === original) return query;
  for (const [name, values] of Object.entries(parseOwn(rewritten))) {
    const added = [values].flat().slice(0, [values].flat().length - [query[name] ?? []].flat().length);
    if (added.length > 0) query[name] = added.length > 1 ? added : added[0];
  }
  return query;
}

function splitQuery(url) {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

/* The URL without what its path says already. */
function urlOf(exchange, pathOf) {
  const [pathname, query] = splitQuery(pathOf(exchange));
  if (query === '') return pathname;
  const left = new URLSearchParams(query);
  for (const name of [...Object.keys(exchange.params), '__proto__']) left.delete(name);
  return left.size > 0 ? `${pathname}?${left}` : pathname;
}

/* The URL that an edge handler sees has what its path says in its query, too. */
function edgeUrlOf(exchange, pathOf) {
  const [pathname, query] = splitQuery(pathOf(exchange));
  const all = new URLSearchParams(query);
  for (const [name, values] of Object.entries(exchange.params)) for (const value of [values].flat()) all.append(name, value);
  return all.size > 0 ? `${pathname}?${all}` : pathname;
}

function warnOfNoAnswer(req, res, config) {
  if (process.env.NODE_ENV === 'production' || config.externalResolver || res.writableEnded || res.headersSent) return;
  if (res.listenerCount('unpipe') > 0) return; /* something is piped into it */
  console.warn(`API resolved without sending a response for ${req.url}, this may result in stalled requests.`);
}

async function call(exchange, { handler, config }, req, res) {
  if (config.bodyParser !== false) req.body = await parseBody(req, config.bodyParser?.sizeLimit ?? DEFAULT_BODY_LIMIT);
  await exchange.run(() => handler(req, res));
  warnOfNoAnswer(req, res, config);
}

/* Our own refusals say what was wrong, everything else is hidden. */
function answerThrown(res, error) {
  const refused = error instanceof ApiError;
  if (!refused) console.error(error);
  if (res.writableEnded) return;
  if (!res.headersSent) {
    res.statusCode = refused ? error.statusCode : 500;
    res.statusMessage = refused ? error.message : 'Internal Server Error';
  }
  res.end(refused ? error.message : 'Internal Server Error');
}

async function handleNode(exchange, route, pathOf, report) {
  const { req, res } = createPair(exchange, { url: urlOf(exchange, pathOf) });
  addRequestHelpers(req, res, exchange);
  addResponseHelpers(req, res, exchange);
  try {
    await call(exchange, route.api, req, res);
  } catch (error) {
    report(error, req.url);
    exchange.run(() => answerThrown(res, error));
  }
}

async function handleEdge(exchange, route, pathOf) {
  const request = web.requestOf(exchange, NextRequest, (one) => edgeUrlOf(one, pathOf), true);
  const response = await exchange.run(() => route.api.handler(request, new NextFetchEvent(exchange)));
  if (response === undefined) exchange.respond(200, ['x-middleware-next', '1'], null);
  else await web.sendResponse(exchange, response);
}

/** @returns what a module of pages/api is to handleApi(). Throws if it is nothing. */
function apiOf(module, { name, settings }) {
  const found = module.default ?? module;
  const handler = typeof found?.default === 'function' ? found.default : found;
  if (typeof handler === 'function') return { handler, config: module.config?.api ?? {}, isEdge: /edge/.test(settings.runtime) };
  throw new Error(`API Resolver: the page ${name} does not export a default function.`);
}

/**
 * Answers by a route's `api`.
 * @param {(exchange) => string} pathOf the path and query that a handler sees
 * @param {(error, path: string) => void} report tells instrumentation of a handler's fault
 */
async function handleApi(exchange, route, pathOf, report) {
  if (!route.api.isEdge) return handleNode(exchange, route, pathOf, report);
  try {
    return await handleEdge(exchange, route, pathOf);
  } catch (error) {
    report(error, pathOf(exchange));
    return exchange.fail('throw', error);
  }
}

module.exports = { apiOf, handleApi };
