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
 *                       passed on to that function's runtime
 *   x-mayfly-host x-mayfly-scheme
 *                       those of the URL, for fetch() lets nobody choose the Host header */

const context = require('../context');
const { CONNECTION_HEADERS } = require('./header_list');

const MAX_HOPS = 16;
const VIA = Symbol('functions this request came through');

let gateway = null;
let token = '';
let functionName = '';
let platformFetch = null;

/* Takes the address out of the environment, which is the user's to read. */
function configure(spec) {
  gateway = process.env.MAYFLY_ORIGIN ? new URL(process.env.MAYFLY_ORIGIN) : null;
  token = process.env.MAYFLY_ORIGIN_TOKEN ?? '';
  delete process.env.MAYFLY_ORIGIN;
  delete process.env.MAYFLY_ORIGIN_TOKEN;
  functionName = spec.name;
}

function useFetch(fetch) {
  platformFetch = fetch;
}

/* What the exchange came through before it got here. */
function noteVia(exchange, via) {
  exchange.local = { ...exchange.local, [VIA]: via ? via.split(',') : [] };
}

function viaOf(exchange) {
  return exchange?.local?.[VIA] ?? [];
}

class LoopError extends Error {}

/* One of the project's own addresses: the host of the request being answered, or a worker's name. */
function isOurs(url, exchange) {
  if (!gateway || !exchange) {
    return false;
  }
  const host = exchange.host.toLowerCase();
  const port = (/:\d+$/.exec(host) ?? [''])[0];
  return url.host === host || (url.hostname.endsWith('.localhost') && portOf(url) === port);
}

function portOf(url) {
  return url.port === '' ? '' : `:${url.port}`;
}

/* The same request, addressed to the gateway. */
function readdress(request, url, extra) {
  const target = new URL(url.pathname + url.search, gateway);
  const headers = new Headers(request.headers);
  CONNECTION_HEADERS.forEach((name) => headers.delete(name));
  headers.delete('host');
  headers.set('x-mayfly-host', url.host);
  headers.set('x-mayfly-scheme', url.protocol.slice(0, -1));
  headers.set('x-mayfly-token', token);
  for (const [name, value] of Object.entries(extra)) {
    if (value !== undefined) {
      headers.set(`x-mayfly-${name}`, value);
    }
  }
  return [target, {
    method: request.method,
    headers,
    body: request.body,
    duplex: 'half',
    redirect: request.redirect,
    signal: request.signal,
  }];
}

function send(request, extra) {
  if (!gateway) {
    throw new Error('Requests between functions are not available: this runtime has no gateway.');
  }
  return platformFetch(...readdress(request, new URL(request.url), extra));
}

/* To whatever answers this URL without the functions that the request came through. */
function fetchBehind(request) {
  const exchange = context.current();
  const url = new URL(request.url);
  const via = url.host === exchange?.host ? [...viaOf(exchange), functionName] : viaOf(exchange);
  if (via.length > MAX_HOPS) {
    throw new LoopError(`The request went through more than ${MAX_HOPS} functions: ${via.join(', ')}`);
  }
  return send(request, { via: via.length > 0 ? via.join(',') : undefined });
}

function fetchService(request, { function: service, entrypoint, props, method }) {
  return send(request, {
    service,
    entrypoint,
    props: props === undefined ? undefined : Buffer.from(JSON.stringify(props)).toString('base64'),
    rpc: method,
  });
}

module.exports = { configure, fetchBehind, fetchService, isOurs, noteVia, useFetch };
