'use strict';
/* Middleware: middleware.ts and proxy.ts of a Next.js project, middleware.ts of a Vercel project.
 *
 * It answers a request itself, or lets it pass: on to what comes behind it in the gateway's routes, under the
 * request's own path or another, with other request headers, and with its own headers added to the answer. What it
 * wants is in the x-middleware-* headers of its response, which next/server and @vercel/functions/middleware write.
 * What passes is a request to the gateway with this function's token; src/gateway/inner.h. */

const edge = require('../edge_globals');
const web = require('../web');
const { NextRequest } = require('../shims/next/server');
const { NextFetchEvent } = require('../shims/next/fetch_event');
const { NextStore } = require('../shims/next/store');
const { NextURL, projectUrls, setProjectUrls } = require('../shims/next/url');
const { mergeCookies } = require('../shims/next/cookies');
const { loadInstrumentation } = require('../shims/next/instrumentation');
const { installRequestContext, addNextHeaders, addVercelHeaders } = require('../vercel_context');
const { Forwarder, HOP_BY_HOP, answer, answerHeaders } = require('./http_forward');
const { takeOrigin } = require('./origin');
const { outwardHeaders } = require('./proxy');

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const OVERRIDE = 'x-middleware-override-headers';
const OVERRIDDEN = 'x-middleware-request-';

/* Of these an answer may have several; of others the middleware's wins over that of what is behind it. */
const MULTIPLE = new Set(['set-cookie', 'vary', 'www-authenticate', 'proxy-authenticate']);

/* What a response of middleware says to us, or of its own framing, and not to the client. */
const isOurs = (name) => name.startsWith('x-middleware-') || name === 'content-length' || HOP_BY_HOP.has(name);

/* What the gateway tells the runtime, and hears again of a request that goes on. */
const TOLD = new Map([['x-mayfly-via', 'via'], ['x-mayfly-site', 'site'], ['x-mayfly-proxy-hops', 'hops']]);

/* An exchange as a Request sees it, whose body can still be sent on when the middleware has read it. */
class Peeked {
  #exchange;
  #body = null;
  wasRead = false;

  constructor(exchange) {
    this.#exchange = exchange;
    for (const name of ['method', 'scheme', 'host', 'hasBody', 'rawHeaders']) this[name] = exchange[name];
  }

  get signal() {
    return this.#exchange.signal;
  }

  readBody() {
    this.wasRead = true;
    return this.#exchange.readBody();
  }

  get body() {
    return (this.#body ??= new ReadableStream({
      type: 'bytes',
      pull: async (controller) => {
        const bytes = await this.readBody();
        if (bytes.length > 0) controller.enqueue(new Uint8Array(bytes));
        controller.close();
        controller.byobRequest?.respond(0);
      },
    }, { highWaterMark: 0 }));
  }
}

const isNext = (spec) => spec.settings?.platform === 'next';

async function loadHandler(spec, load) {
  const [endpoint] = spec.endpoints;
  const module = await load(endpoint.module);
  const names = spec.settings?.exports ?? [];
  const found = names.map((name) => module[name]).find((member) => typeof member === 'function') ?? module.default;
  const handler = typeof found?.default === 'function' ? found.default : found;
  if (typeof handler === 'function') return handler;
  throw new Error(`The file "${endpoint.file}" must export a function, either as its default or named "${names.join('" or "')}".`);
}

function secondArgument(exchange, next) {
  if (next) return new NextFetchEvent(exchange);
  return { waitUntil: (promise) => exchange.waitUntil(promise) };
}

/* Where it goes */

/* The request's headers as a flat list, after what the middleware changed. */
function requestHeaders(exchange, response) {
  const raw = exchange.rawHeaders;
  const override = response?.headers.get(OVERRIDE);
  const list = [];
  if (typeof override === 'string') {
    for (const name of override.split(',').map((text) => text.trim().toLowerCase())) {
      const value = response.headers.get(OVERRIDDEN + name);
      if (value !== null && name !== '' && !TOLD.has(name)) list.push(name, value);
    }
  } else {
    for (let i = 0; i < raw.length; i += 2) if (!TOLD.has(raw[i])) list.push(raw[i], raw[i + 1]);
  }
  return response === undefined ? list : withFields(list, ownHeaders(response));
}

/* As Next.js and Vercel's tool have it, what middleware adds to the answer is seen in the request too. */
function withFields(list, fields) {
  const names = new Set(fields.map(([name]) => name));
  const kept = list.filter((_, i) => !names.has(list[i - (i % 2)]));
  return [...kept, ...fields.flat()];
}

function toldOf(raw) {
  const told = {};
  for (let i = 0; i < raw.length; i += 2) if (TOLD.has(raw[i])) told[TOLD.get(raw[i])] = raw[i + 1];
  return told;
}

/* For the gateway: who asks, and whose request it is. */
function inwardHeaders(app, exchange, list) {
  const { via, site, hops } = toldOf(exchange.rawHeaders);
  const headers = ['host', app.origin.url.host, 'x-mayfly-token', app.origin.token];
  let host = exchange.host;
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === 'host') host = list[i + 1];
    else if (!HOP_BY_HOP.has(list[i]) && !list[i].startsWith('x-mayfly-')) headers.push(list[i], list[i + 1]);
  }
  headers.push('x-mayfly-host', host, 'x-mayfly-scheme', exchange.scheme, 'x-mayfly-address', exchange.remoteAddress,
    'x-mayfly-via', via ? `${via},${app.name}` : app.name, 'x-mayfly-proxy-hops', String((Number(hops) || 0) + 1));
  headers.push('x-mayfly-target', exchange.originalPath);
  if (site) headers.push('x-mayfly-site', site);
  if (exchange.traceparent) headers.push('x-mayfly-traceparent', exchange.traceparent);
  return headers;
}

/* The answer of what is behind, with what the middleware adds to it. */
function mergedHeaders(incoming, response, added) {
  const own = [...(response === undefined ? [] : ownHeaders(response).flat()), ...added];
  const names = new Set(own.filter((_, i) => i % 2 === 0 && !MULTIPLE.has(own[i])));
  const behind = answerHeaders(incoming);
  for (let i = 0; i < behind.length; i += 2) {
    const name = behind[i];
    const isPlatforms = name === 'x-mayfly-start' || name === 'x-mayfly-instance' || name === 'date';
    if (!isPlatforms && !names.has(name)) own.push(name, behind[i + 1]);
  }
  return own;
}

const ownHeaders = (response) => [...response.headers].filter(([name]) => !isOurs(name));

async function pass(app, exchange, { peeked, response, url = null, path = exchange.path, added = [] }) {
  const list = requestHeaders(exchange, response);
  const target = url ?? new URL(path, app.origin.url);
  const headers = url ? outwardHeaders(exchange, url, list) : inwardHeaders(app, exchange, list);
  const body = peeked.wasRead ? await exchange.readBody() : null;
  const incoming = await app.forwarder.send(exchange, target, headers, body);
  await answer(exchange, incoming, mergedHeaders(incoming, response, added));
}

/* What the middleware said */

const pathOf = (url) => `${url.pathname}${url.search}`;

/* Within the site a rewrite is to another path, elsewhere to another server. Next.js wants it whole, Vercel takes a path, too. */
function rewritten(request, destination, next) {
  const url = new NextURL(next ? destination : new URL(destination, request.url), projectUrls());
  const target = new URL(url.href);
  return url.origin === new NextURL(request.url).origin ? { path: pathOf(target), shown: pathOf(target) } :
    { url: target, shown: target.href };
}

/* A redirect within the site names the path alone. */
function relativeLocation(request, location) {
  const url = new URL(location, request.url);
  return new NextURL(url).origin === new NextURL(request.url).origin ? `${pathOf(url)}${url.hash}` : location;
}

function finish(exchange, request, response, next) {
  const headers = new Headers(ownHeaders(response));
  const location = headers.get('location');
  if (next && location !== null && REDIRECTS.has(response.status)) {
    const place = relativeLocation(request, location);
    headers.set('location', place);
    if (response.status === 308) headers.set('refresh', `0;url=${place}`);
    return web.sendResponse(exchange, new Response(Buffer.from(place), { status: response.status, headers }));
  }
  return web.sendResponse(exchange, response, headers);
}

function withCookies(exchange, response) {
  const { modifiedCookies } = exchange.local;
  if (modifiedCookies.length > 0) mergeCookies(response.headers, modifiedCookies);
  return response;
}

async function respond(app, exchange, request, peeked, value) {
  if (value === undefined || value === null) return pass(app, exchange, { peeked });
  if (!web.isResponse(value)) throw new TypeError('Expected an instance of Response to be returned');
  const response = withCookies(exchange, value);
  const rewrite = response.headers.get('x-middleware-rewrite');
  if (rewrite !== null) {
    const { shown, ...where } = rewritten(request, rewrite, app.isNext);
    return pass(app, exchange, { peeked, response, ...where, added: app.isNext ? ['x-middleware-rewrite', shown] : [] });
  }
  if (response.headers.has('x-middleware-next')) return pass(app, exchange, { peeked, response });
  return finish(exchange, request, response, app.isNext);
}

module.exports = {
  uncaught: 'continue',

  addHeaders(raw, exchange) {
    if (isNext(exchange.spec)) addNextHeaders(raw, exchange);
    else addVercelHeaders(raw, exchange);
  },

  async load(spec, load) {
    const origin = takeOrigin();
    installRequestContext();
    setProjectUrls(spec.settings?.url);
    if (spec.settings?.edge) edge.install();
    await loadInstrumentation(spec.settings?.setup, load);
    const app = { name: spec.name, origin, isNext: isNext(spec), forwarder: null, handler: null, error: null };
    try {
      app.handler = await loadHandler(spec, load);
    } catch (error) {
      app.error = error;
    }
    return app;
  },

  loadErrors: (app, spec) => spec.endpoints.map(() => app.error),

  start(app) {
    app.forwarder = new Forwarder();
  },

  async handle(app, exchange) {
    if (app.error) {
      exchange.fail('load', app.error);
      return;
    }
    const peeked = new Peeked(exchange);
    const request = web.requestOf(peeked, app.isNext ? NextRequest : Request, exchange.path);
    exchange.local = new NextStore(exchange, { page: '/', dynamic: undefined }, request);
    try {
      const value = await app.handler(request, secondArgument(exchange, app.isNext));
      await respond(app, exchange, request, peeked, value);
    } catch (error) {
      exchange.fail('throw', error, { log: !exchange.cancelled });
    }
  },
};
