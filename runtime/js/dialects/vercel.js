'use strict';
/* Vercel functions (api/**): of the web form (named methods, `export default { fetch }`, edge functions)
 * or of Node's form (req, res), told apart as @vercel/node does. */

const http = require('node:http');
const edge = require('../edge_globals');
const web = require('../web');
const { serveNodeRequest, createPair } = require('../node_http');
const { VercelRequest, VercelResponse, WHOLE_BODY, needsBody } = require('../vercel_helpers');
const { settleInTime } = require('./load_module');
const { installRequestContext, addVercelHeaders } = require('../vercel_context');

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH'];

/* How long a module without a handler may take to call listen(), as @vercel/node waits. */
const LISTEN_MS = 1000;

/* Defaults can be nested by compilers. */
function unwrap(module) {
  let found = module;
  for (let depth = 0; depth < 5 && found?.default; depth++) found = found.default;
  return found;
}

function isEdge(module, settings) {
  return /^(?:experimental-)?edge$/.test(module?.config?.runtime ?? settings?.runtime ?? '');
}

const hasMethods = (handler) => METHODS.some((method) => typeof handler?.[method] === 'function');

/* Handlers by method. What is not there answers 405. */
function webHandlers(handler) {
  const handlers = Object.create(null);
  for (const method of METHODS) {
    if (typeof handler.fetch === 'function') handlers[method] = handler.fetch.bind(handler);
    else if (typeof handler[method] === 'function') handlers[method] = handler[method];
  }
  return handlers;
}

const edgeDefault = (module) => (typeof module.default === 'function' ? module.default : undefined);

function edgeHandlers(module) {
  if (typeof module.default?.fetch === 'function') return webHandlers(module.default);
  return webHandlers(module);
}

/* Loads a module and catches the server it starts, if that is its way to handle requests. */
async function importCatching(load, name, settings) {
  const { prototype } = http.Server;
  const { listen } = prototype;
  const caught = Promise.withResolvers();
  let server = null;
  prototype.listen = function catchServer() {
    server ??= this;
    caught.resolve();
    return this;
  };
  let timer;
  try {
    const module = await load(name);
    const handler = unwrap(module);
    if (typeof handler === 'function' || typeof handler?.fetch === 'function' || hasMethods(handler) || isEdge(module, settings)) {
      return { module, handler };
    }
    if (handler instanceof http.Server) return { module, handler };
    if (server === null) {
      await Promise.race([caught.promise, new Promise((resolve) => {
        timer = setTimeout(resolve, LISTEN_MS);
      })]);
    }
    return { module, handler: server };
  } finally {
    clearTimeout(timer);
    prototype.listen = listen;
  }
}

/* Vercel's words; what is there may be a handler with its name misspelt. */
function noHandler(module, file) {
  const names = Object.keys(module ?? {}).filter((name) => name !== '__esModule');
  const exported = names.length === 0 ? 'nothing' : names.join(', ').slice(0, 200);
  return new Error(`Can't detect way to handle request: ${file} exports ${exported}, and no function as default or as GET, POST...`);
}

function edgeFunction(module, file) {
  const [handlers, any] = [edgeHandlers(module), edgeDefault(module)];
  if (any === undefined && Object.keys(handlers).length === 0) throw noHandler(module, file);
  return { kind: 'web', edge: true, handlers, any };
}

async function loadFunction(endpoint, load) {
  try {
    const { module, handler } = await settleInTime(importCatching(load, endpoint.module, endpoint.settings), endpoint.file);
    if (isEdge(module, endpoint.settings)) return edgeFunction(module, endpoint.file);
    if (typeof handler?.fetch === 'function' || hasMethods(handler)) {
      return { kind: 'web', edge: false, handlers: webHandlers(handler) };
    }
    if (endpoint.settings?.web && typeof handler === 'function') return { kind: 'web', edge: false, any: handler };
    if (handler instanceof http.Server) return { kind: 'node', target: handler, helpers: false };
    if (typeof handler !== 'function') throw noHandler(module, endpoint.file);
    /* An Express app brings its own. */
    const wanted = endpoint.settings?.helpers !== false && process.env.NODEJS_HELPERS !== '0';
    const helpers = wanted && typeof handler.listen !== 'function';
    return { kind: 'node', target: handler, helpers };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/* The path as it was before rewrites, with the query that they left. */
function urlOf(exchange) {
  const { path, originalPath } = exchange;
  if (path === originalPath) return path;
  const [pathname] = splitOnce(originalPath, '?');
  const [, search] = splitOnce(path, '?');
  return search === undefined ? pathname : `${pathname}?${search}`;
}

/* Of a prerendered page's query its function gets what the page depends on. */
const urlWithQuery = (names) => function urlOfPage(exchange) {
  const [pathname, search = ''] = splitOnce(urlOf(exchange), '?');
  const kept = search.split('&').filter((pair) => names.has(decoded(splitOnce(pair, '=')[0])));
  return kept.length === 0 ? pathname : `${pathname}?${kept.join('&')}`;
};

function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/* Dynamic segments of the path are part of the query, which may name them itself. */
function urlWithParams(exchange) {
  const { params } = exchange;
  const [pathname, search = ''] = splitOnce(urlOf(exchange), '?');
  const query = new URLSearchParams(search);
  const added = Object.keys(params).filter((name) => !query.has(name))
    .map((name) => `${name}=${encodeURIComponent([params[name]].flat().join('/'))}`);
  const all = [...added, ...(search === '' ? [] : [search])].join('&');
  return all === '' ? pathname : `${pathname}?${all}`;
}

function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/* The second argument of a web handler. */
const handlerContext = (exchange) => ({ waitUntil: (promise) => exchange.waitUntil(promise) });

/* Vercel's servers take a Response for what it has, not for its class: libraries bring one of their own (GraphQL Yoga). */
function ownResponse(value) {
  const isForeign = !web.isResponse(value) && Number.isInteger(value.status) && typeof value.headers?.entries === 'function';
  return isForeign ? new Response(value.body, value) : value;
}

function finishWeb(exchange, fn, value) {
  if (value === undefined || value === null) {
    if (fn.edge) exchange.fail('invalid', new Error('Edge Function did not return a response.'));
    else exchange.respond(200, '', null);
    return undefined;
  }
  return web.sendResponse(exchange, ownResponse(value));
}

function handleWeb(exchange, fn) {
  const handler = fn.any ?? fn.handlers[exchange.method];
  if (handler === undefined) {
    exchange.respond(405, '', null);
    return undefined;
  }
  const request = web.requestOf(exchange, Request, fn.urlOf, true);
  const value = handler(request, handlerContext(exchange));
  if (typeof value?.then !== 'function') return finishWeb(exchange, fn, value);
  return Promise.resolve(value).then(
    (response) => finishWeb(exchange, fn, response),
    (error) => exchange.fail('throw', error),
  );
}

function callListener(exchange, fn, body) {
  const url = fn.urlOf(exchange);
  const { req, res } = createPair(exchange, { Request: VercelRequest, Response: VercelResponse, url, body });
  if (body !== null) req[WHOLE_BODY] = body;
  const result = fn.target(req, res);
  if (typeof result?.then === 'function') result.then(undefined, (error) => exchange.fail('throw', error));
}

function handleNode(exchange, fn) {
  if (!fn.helpers) return serveNodeRequest(exchange, fn.target, fn.urlOf(exchange));
  if (!needsBody(exchange)) return callListener(exchange, fn, null);
  return exchange.readBody().then((body) => callListener(exchange, fn, body))
    .catch((error) => exchange.fail('throw', error));
}

module.exports = {
  /* Requests in flight finish before the process ends. */
  uncaught: 'drain',

  addHeaders: addVercelHeaders,

  async load(spec, load) {
    installRequestContext();
    if (spec.settings?.edge) edge.install({ bare: true });
    const functions = [];
    const loaded = new Map(); /* several paths of a build output lead to one module */
    for (const endpoint of spec.endpoints) {
      const { module, name, settings } = endpoint;
      if (!loaded.has(module)) loaded.set(module, await loadFunction(endpoint, load));
      const names = settings?.allow_query;
      functions.push({ ...loaded.get(module), urlOf: names ? urlWithQuery(new Set(names)) : name.includes('[') ? urlWithParams : urlOf });
    }
    return { functions };
  },

  loadErrors: (app) => app.functions.map((fn) => fn.error),

  handle(app, exchange) {
    const fn = app.functions[exchange.endpoint];
    try {
      switch (fn.kind) {
        case 'web': return handleWeb(exchange, fn);
        case 'node': return handleNode(exchange, fn);
        default: return exchange.fail('load', fn.error);
      }
    } catch (error) {
      return exchange.fail('throw', error);
    }
  },
};
