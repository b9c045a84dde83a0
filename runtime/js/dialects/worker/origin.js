'use strict';

/* Requests that stay inside the platform: from a worker to what lies behind it (its origin), and
 * to other workers of the project (service bindings).
 *
 * They go to the gateway's inner address, MAYFLY_ORIGIN, with the token that says which function
 * asks, MAYFLY_ORIGIN_TOKEN. The gateway believes these headers with a good token only, and takes
 * them off all other requests:
 *
 *   x-mayfly-token      the caller's token
 *   x-mayfly-via        names of the functions the request came through; their routes are skipped,
 *                       so a worker that fetches its own URL meets what it stands in front of
 *   x-mayfly-service    name of the function that is to answer, whatever the routes say
 *   x-mayfly-entrypoint x-mayfly-props x-mayfly-rpc
 *                       passed on to that function's runtime; the last is "1" for a conversation, "fetch" for a request
 *                       whose failure is the caller's to handle
 *   x-mayfly-host x-mayfly-scheme
 *                       those of the URL, for fetch() lets nobody choose the Host header
 *   x-mayfly-site       the host under which the outermost request came: passed on, for a service
 *                       may be asked under any host, and only this one is the project's own
 *   x-mayfly-control    "1": control answers, not a function
 *   x-mayfly-proxy-hops how often the request has been passed on: the gateway refuses what goes
 *                       round in circles */

const context = require('../../context');
const { fieldsOf } = require('../../web_headers');
const { takeOrigin } = require('../origin');
const { toBytes } = require('./header_text');
const { FIELD, thrownOf } = require('./service_errors');

const MAX_REDIRECTS = 20;
const CAME = Symbol('what the exchange came through');
const NOWHERE = Object.freeze({ via: [], hops: 0, site: undefined });
const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const NO_GATEWAY = 'Requests between functions are not available: this runtime has no gateway.';
const BODY_AGAIN =
  'A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a ' +
  'redirect requiring the body to be retransmitted.';

let gateway = null;
let token = '';
let functionName = '';
let ownName = '';
let platformFetch = null;

function configure(spec) {
  ({ url: gateway, token } = takeOrigin());
  functionName = spec.name;
  ownName = `${spec.settings?.worker ?? functionName}.localhost`.toLowerCase();
}

function useFetch(fetch) {
  platformFetch = fetch;
}

/* What the exchange came through before it got here, in the gateway's words. */
function noteCame(exchange, { via, site, 'proxy-hops': hops }) {
  if (via !== undefined || site !== undefined || hops !== undefined) {
    const came = { via: via ? via.split(',') : [], site, hops: Number(hops) || 0 };
    exchange.local = { ...exchange.local, [CAME]: came };
  }
}

function cameOf(exchange) {
  return exchange?.local?.[CAME] ?? NOWHERE;
}

function siteOf(exchange) {
  return (cameOf(exchange).site ?? exchange.host).toLowerCase();
}

function isLocal({ hostname }) {
  return LOCAL_NAMES.has(hostname) || hostname.endsWith('.localhost');
}

/* One of the project's own addresses: the one under which the request came, this machine's at the
 * same port, or a worker's name. */
function isOurs(url, exchange) {
  if (!gateway || !exchange) {
    return false;
  }
  const site = siteOf(exchange);
  const port = (/:(\d+)$/.exec(site) ?? ['', ''])[1];
  return url.host === site || (isLocal(url) && (url.port === port || url.port === gateway.port));
}

/* Another worker may be asked by its name, and ask back; all else is what lies behind this one. */
function isByName({ hostname, host }, exchange) {
  return hostname.endsWith('.localhost') && hostname !== ownName && host !== siteOf(exchange);
}

/* The same request, addressed to the gateway. Redirects are followed here and not by the platform's
 * fetch, which would show the token to whoever is redirected to. */
function readdress(request, url, said) {
  const target = new URL(url.pathname + url.search, gateway);
  const headers = new Headers(request.headers);
  [...headers.keys()].filter((name) => name.startsWith('x-mayfly-')).forEach((name) => headers.delete(name));
  headers.set('x-mayfly-host', url.host);
  headers.set('x-mayfly-scheme', url.protocol.slice(0, -1));
  headers.set('x-mayfly-token', token);
  for (const [name, value] of Object.entries(said)) {
    if (value !== undefined) {
      headers.set(`x-mayfly-${name}`, value);
    }
  }
  return [target, {
    method: request.method,
    headers: fieldsOf(headers),
    body: request.body,
    duplex: 'half',
    redirect: 'manual',
    signal: request.signal,
  }];
}

/* What a request made for this exchange came through. */
function onwards(exchange, names) {
  const { via, hops } = cameOf(exchange);
  const all = [...new Set([...via, ...names])];
  return {
    via: all.length > 0 ? all.join(',') : undefined,
    site: exchange ? siteOf(exchange) : undefined,
    'proxy-hops': String(hops + 1),
  };
}

/* The response knows the URL that was asked, not the gateway's. */
async function send(request, said) {
  if (!gateway) {
    throw new Error(NO_GATEWAY);
  }
  const response = await platformFetch(...readdress(request, new URL(request.url), said));
  Object.defineProperty(response, 'url', { value: request.url, configurable: true, enumerable: true });
  return response;
}

/* Redirects */

function redirectOf(request, response) {
  const location = response.headers.get('location');
  return request.redirect === 'follow' && REDIRECTS.has(response.status) && location !== null
    ? new URL(location, request.url)
    : null;
}

/* The Fetch Standard's rules of what a redirected request keeps, but that Workers keep cookies. */
function redirected(request, hadBody, status, url) {
  const headers = new Headers(request.headers);
  const becomesGet = status === 303
    ? request.method !== 'GET' && request.method !== 'HEAD'
    : status < 303 && request.method === 'POST';
  if (!becomesGet && hadBody) {
    throw new TypeError(BODY_AGAIN);
  }
  if (becomesGet) {
    ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']
      .forEach((name) => headers.delete(name));
  }
  if (url.origin !== new URL(request.url).origin) {
    headers.delete('authorization');
  }
  return new Request(url, {
    method: becomesGet ? 'GET' : request.method, headers, signal: request.signal,
  });
}

/* ask(request) makes one request; again(request) the one it is redirected to. */
async function following(request, redirects, ask, again) {
  const hadBody = request.body !== null;
  const response = await ask(request);
  const url = redirectOf(request, response);
  if (url === null) {
    return response;
  }
  await response.body?.cancel();
  if (redirects >= MAX_REDIRECTS) {
    throw new TypeError('Too many redirects.');
  }
  const last = await again(redirected(request, hadBody, response.status, url), redirects + 1);
  Object.defineProperty(last, 'redirected', { value: true, configurable: true, enumerable: true });
  return last;
}

/* What ask(request) answers, with its redirects on the same site followed by asking again. */
function followed(request, ask, redirects = 0) {
  const isHere = (next) => new URL(next.url).origin === new URL(request.url).origin;
  return following(request, redirects, ask, (next, count) => (isHere(next) ? followed(next, ask, count) : platformFetch(next)));
}

/* To whatever answers this URL without the functions that the request came through. */
function fetchBehind(request, redirects = 0) {
  const exchange = context.current();
  const ask = (asked) => {
    const names = isByName(new URL(asked.url), exchange) ? [] : [functionName];
    return send(asked, onwards(exchange, names));
  };
  const again = (next, count) => (
    isOurs(new URL(next.url), exchange) ? fetchBehind(next, count) : platformFetch(next)
  );
  return following(request, redirects, ask, again);
}

/* To control, which keeps queues: its answer, or { error } as text. */
async function askControl(path, value) {
  if (!gateway) {
    return { error: 'this runtime has no gateway' };
  }
  const response = await platformFetch(new URL(path, gateway), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-mayfly-token': token, 'x-mayfly-control': '1' },
    body: JSON.stringify(value),
  });
  const text = await response.text();
  const answer = jsonOf(text) ?? {};
  return response.status === 200 ? answer : { error: answer.error ?? (text || `status ${response.status}`) };
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function saidTo({ function: service, entrypoint, props }) {
  return {
    ...onwards(context.current(), [functionName]),
    service,
    entrypoint,
    props: props === undefined ? undefined : Buffer.from(JSON.stringify(props)).toString('base64'),
  };
}

/* Options of http.request() for a conversation with another function. */
function rpcRequest(binding) {
  if (!gateway) {
    throw new Error(NO_GATEWAY);
  }
  const headers = { 'x-mayfly-host': 'rpc.invalid', 'x-mayfly-scheme': 'http', 'x-mayfly-token': token };
  for (const [name, value] of Object.entries({ ...saidTo(binding), rpc: '1' })) {
    if (value !== undefined) {
      headers[`x-mayfly-${name}`] = toBytes(value);
    }
  }
  return { host: gateway.hostname, port: gateway.port, method: 'POST', path: '/', headers };
}

/* To another function; its redirects lead to itself, whatever they say, and what it throws is thrown here. */
function fetchService(request, binding, redirects = 0) {
  const said = { ...saidTo(binding), rpc: 'fetch' };
  const again = (next, count) => fetchService(next, binding, count);
  const ask = async (asked) => {
    const response = await send(asked, said);
    const thrown = response.headers.get(FIELD);
    if (thrown !== null) {
      await response.body?.cancel();
      throw thrownOf(thrown);
    }
    return response;
  };
  return following(request, redirects, ask, again);
}

module.exports = { askControl, configure, fetchBehind, fetchService, followed, isOurs, noteCame, rpcRequest, useFetch };
