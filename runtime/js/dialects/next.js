'use strict';
/* Next.js route handlers (app/**\/route.ts, and what is one by its name) and pages/api, answered as `next start`
 * answers them. */

const { AsyncLocalStorage } = require('node:async_hooks');
const edge = require('../edge_globals');
const web = require('../web');
const { NextRequest } = require('../shims/next/server');
const { NextStore } = require('../shims/next/store');
const { mergeCookies } = require('../shims/next/cookies');
const { loadInstrumentation } = require('../shims/next/instrumentation');
const { readRedirect, readFallback } = require('../shims/next/navigation');
const { installRequestContext, addNextHeaders } = require('../vercel_context');
const { settleInTime } = require('./load_module');
const { metadataModule } = require('./next/metadata');
const { apiOf, handleApi } = require('./next/pages_api');
const { StaticAnswers, isStaticRoute } = require('../shims/next/static');

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH'];

/* Bodies are framed anew, and fetch has decoded them; the last one is Next's own. */
const DROPPED = ['content-length', 'content-encoding', 'transfer-encoding', 'x-middleware-set-cookie'];

const UNCACHED = 'private, no-cache, no-store, max-age=0, must-revalidate';

/* The methods a module implements, and those Next derives from them. */
function handlersOf(module) {
  const handlers = Object.create(null);
  const implemented = METHODS.filter((method) => module[method]);
  for (const method of implemented) handlers[method] = module[method];
  if (handlers.GET && !handlers.HEAD) handlers.HEAD = handlers.GET;
  if (!handlers.OPTIONS) {
    const allow = [...new Set(['OPTIONS', ...implemented, ...(handlers.HEAD ? ['HEAD'] : [])])].sort().join(', ');
    handlers.OPTIONS = () => new Response(null, { status: 204, headers: { Allow: allow } });
  }
  return handlers;
}

/* Next says these things while one develops, and only then. */
function warnInDevelopment(module, file) {
  if (process.env.NODE_ENV !== 'development') return;
  for (const method of METHODS) {
    const lower = method.toLowerCase();
    if (!(lower in module)) continue;
    console.error(`Detected lowercase method '${lower}' in '${file}'. Export the uppercase '${method}' method name to `
      + 'fix this error.');
  }
  if ('default' in module) {
    console.error(`Detected default export in '${file}'. Export a named export for each HTTP method instead.`);
  }
  if (!METHODS.some((method) => method in module)) {
    console.error(`No HTTP methods exported in '${file}'. Export a named export for each HTTP method.`);
  }
}

async function loadRoute(endpoint, load, instrumentation, isEdge) {
  const route = {
    page: endpoint.name, file: endpoint.file, hasParams: endpoint.name.includes('['), dynamic: undefined, statics: null,
    api: null, instrumentation,
  };
  try {
    const loaded = await settleInTime(load(endpoint.module), endpoint.file);
    if (endpoint.settings?.pages) {
      route.api = apiOf(loaded, endpoint);
      return route;
    }
    const module = endpoint.settings?.metadata ? metadataModule(loaded, endpoint) : loaded;
    warnInDevelopment(module, endpoint.file);
    route.handlers = handlersOf(module);
    route.dynamic = module.dynamic;
    if (!isEdge && isStaticRoute(module, endpoint)) route.statics = new StaticAnswers(module);
  } catch (error) {
    route.error = error;
  }
  return route;
}

async function reportError(exchange, route, error, path) {
  const { instrumentation } = route;
  const request = { path, method: exchange.method, headers: exchange.headers };
  const routerKind = route.api ? 'Pages Router' : 'App Router';
  const context = { routerKind, routePath: route.page, routeType: 'route', revalidateReason: undefined };
  try {
    await instrumentation.onRequestError(error, request, context);
  } catch (fault) {
    console.error('Error in instrumentation.onRequestError:', fault);
  }
}

function report(exchange, route, error, path = exchange.path) {
  if (typeof route.instrumentation?.onRequestError === 'function') {
    exchange.waitUntil(exchange.run(() => reportError(exchange, route, error, path)));
  }
}

function fail(exchange, route, kind, error) {
  report(exchange, route, error);
  exchange.fail(kind, error);
}

/* `params` is a promise, as since Next 15, that has the values too, as before. */
function promiseOfParams(params) {
  const promise = Promise.resolve(params);
  for (const key of Object.keys(params)) {
    if (key in Promise.prototype) continue;
    Object.defineProperty(promise, key, { value: params[key], enumerable: true, configurable: true, writable: true });
  }
  return promise;
}

/* The handler's second argument. A path without dynamic segments has no params, not even empty ones. */
function handlerContext(exchange, route) {
  if (!route.hasParams) return { params: undefined };
  let promise;
  return {
    get params() {
      return (promise ??= promiseOfParams(exchange.params));
    },
  };
}

function describe(value) {
  if (value === null) return 'null';
  if (typeof value === 'object') return value.constructor?.name || 'object';
  return typeof value;
}

function noResponse(exchange, route, value) {
  const { pathname } = exchange.local.request.nextUrl;
  return new Error(`No response is returned from route handler '${route.file}'. Expected a Response object but received `
    + `'${describe(value)}' (method: ${exchange.method}, url: ${pathname}). `
    + 'Ensure you return a `Response` or a `NextResponse` in all branches of your handler.');
}

/* The headers as they leave, or null: the response's own as they are. Throws on what a handler may not do. */
function finalHeaders(store, response) {
  const modified = store.modifiedCookies;
  if (web.isPlain(response) && modified.length === 0) return null;
  const { headers } = response;
  if (headers.has('x-middleware-rewrite')) {
    throw new Error('NextResponse.rewrite() was used in a app route handler, this is not currently supported. '
      + 'Please remove the invocation to continue.');
  }
  if (headers.get('x-middleware-next') === '1') {
    throw new Error('NextResponse.next() was used in a app route handler, this is not supported. See here for more info: '
      + 'https://nextjs.org/docs/messages/next-response-next-in-app-route-handler');
  }
  if (modified.length === 0 && !DROPPED.some((name) => headers.has(name))) return null;
  const copy = new Headers(headers);
  for (const name of DROPPED) copy.delete(name);
  if (modified.length > 0) mergeCookies(copy, modified);
  return copy;
}

function finish(exchange, route, response) {
  if (!web.isResponse(response)) {
    fail(exchange, route, 'invalid', noResponse(exchange, route, response));
    return undefined;
  }
  let headers;
  try {
    headers = finalHeaders(exchange.local, response);
  } catch (error) {
    fail(exchange, route, 'throw', error);
    return undefined;
  }
  return web.sendResponse(exchange, response, headers);
}

/* What was thrown may be one of Next's ways to answer. */
function finishThrown(exchange, route, error) {
  const redirect = readRedirect(error);
  if (redirect) {
    const headers = new Headers();
    try {
      headers.set('location', redirect.url);
    } catch (invalid) {
      fail(exchange, route, 'throw', invalid);
      return undefined;
    }
    const { modifiedCookies } = exchange.local;
    if (modifiedCookies.length > 0) mergeCookies(headers, modifiedCookies);
    return web.sendResponse(exchange, new Response(null, { status: redirect.status, headers }));
  }
  const status = readFallback(error);
  if (status !== null) exchange.respond(status, '', null);
  else fail(exchange, route, 'throw', error);
  return undefined;
}

/* One pair that URLSearchParams would write as it is. */
const PLAIN_QUERY = /^[\w.*-]+=[\w.*-]*$/;

/* Next.js takes a query apart and writes it anew, with all values of a name together. */
function rewriteQuery(query) {
  if (PLAIN_QUERY.test(query)) return query;
  const values = new Map();
  for (const [name, value] of new URLSearchParams(query)) {
    if (values.has(name)) values.get(name).push([name, value]);
    else values.set(name, [[name, value]]);
  }
  return String(new URLSearchParams([...values.values()].flat()));
}

/* What a handler sees of its path: as it came, without the basePath. */
function pathOf(exchange) {
  const { originalPath } = exchange;
  const { basePath = '' } = exchange.spec.settings ?? {};
  const at = originalPath.indexOf('?');
  const whole = at < 0 ? originalPath : originalPath.slice(0, at);
  const rest = basePath !== '' && whole.startsWith(basePath) ? whole.slice(basePath.length) : whole;
  const pathname = rest.startsWith('/') ? rest : `/${rest}`;
  const query = at < 0 ? '' : rewriteQuery(originalPath.slice(at + 1));
  return query === '' ? pathname : `${pathname}?${query}`;
}

/* Whether every %xx of a path stands for UTF-8. */
function isDecodable(path) {
  if (!path.includes('%')) return true;
  try {
    decodeURIComponent(path.split('?', 1)[0]);
    return true;
  } catch {
    return false;
  }
}

/* A project with a folder pages has a page for it; of others Next.js's server fails. */
function refuseEncoding(exchange, app) {
  const [status, text] = app.routes.some((route) => route.api) ? [400, 'Bad Request'] : [500, 'Internal Server Error'];
  exchange.respond(status, ['content-type', 'text/plain', 'cache-control', UNCACHED], text);
}

function answer(exchange, route, handler, request) {
  let result;
  try {
    result = handler(request, handlerContext(exchange, route));
  } catch (error) {
    return finishThrown(exchange, route, error);
  }
  if (typeof result?.then !== 'function') return finish(exchange, route, result);
  return Promise.resolve(result).then(
    (response) => finish(exchange, route, response),
    (error) => finishThrown(exchange, route, error),
  );
}

/* A static route's answer comes from memory; what turns out to depend on the request goes the usual way. */
async function answerStatic(exchange, route, handler, request) {
  const { statics } = route;
  try {
    if (statics.onlyGenerated && !await statics.isGenerated(exchange.params)) {
      exchange.respond(404, ['content-type', 'text/plain; charset=utf-8'], 'This page could not be found.\n');
      return;
    }
  } catch (error) {
    fail(exchange, route, 'throw', error);
    return;
  }
  if (statics.serve(exchange, () => handler(statics.wrap(request, exchange.local), handlerContext(exchange, route)))) return;
  let response;
  try {
    response = await handler(statics.wrap(request, exchange.local), handlerContext(exchange, route));
  } catch (error) {
    finishThrown(exchange, route, error);
    return;
  }
  if (web.isResponse(response) && await statics.keep(exchange, response)) return;
  await finish(exchange, route, response);
}

/* A rejection that nobody waits for is told and harms nobody, as in Next.js: its server says that data which is fetched ahead
 * and turns out not to be needed is no error. */
function uncaught(_exchange, _error, origin) {
  return origin === 'unhandledRejection' ? 'log' : 'continue';
}

module.exports = {
  uncaught,

  addHeaders: addNextHeaders,

  async load(spec, load) {
    installRequestContext();
    globalThis.AsyncLocalStorage ??= AsyncLocalStorage; /* Next.js has it there, and packages look for it */
    const isEdge = spec.settings?.edge === true;
    if (isEdge) edge.install();
    const instrumentation = await loadInstrumentation(spec.settings?.setup, load);
    return { routes: await Promise.all(spec.endpoints.map((endpoint) => loadRoute(endpoint, load, instrumentation, isEdge))) };
  },

  loadErrors: (app) => app.routes.map((route) => route.error),

  handle(app, exchange) {
    const route = app.routes[exchange.endpoint];
    if (route.hasParams && !isDecodable(exchange.path)) {
      refuseEncoding(exchange, app);
      return undefined;
    }
    if (route.error) {
      fail(exchange, route, 'load', route.error);
      return undefined;
    }
    if (route.api) return handleApi(exchange, route, pathOf, (error, path) => report(exchange, route, error, path));
    const { method } = exchange;
    const isStatic = route.statics !== null && !route.statics.isDynamic;
    const isAsked = method === 'GET' || method === 'HEAD';
    if (isStatic && !isAsked && !route.hasParams) {
      exchange.respond(405, ['allow', 'GET', 'allow', 'HEAD'], 'Method Not Allowed');
      return undefined;
    }
    /* What was made ahead for the values of a path is given to whoever asks, however. */
    const handler = isStatic && !isAsked ? route.handlers.GET : route.handlers[method];
    if (handler === undefined) {
      exchange.respond(METHODS.includes(method) ? 405 : 400, '', null);
      return undefined;
    }
    const request = web.requestOf(exchange, NextRequest, pathOf, true);
    exchange.local = new NextStore(exchange, route, request);
    if (isStatic) return answerStatic(exchange, route, handler, request);
    return answer(exchange, route, handler, request);
  },
};
