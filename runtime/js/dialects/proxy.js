'use strict';

/* The dialect of external rewrites: a request goes to another site as it is, and so does the answer.
 *
 * The endpoint's settings say `destination`, a URL with $1 or $name for captures. */

const http = require('node:http');
const https = require('node:https');
const { pipeline } = require('node:stream/promises');
const { Readable } = require('node:stream');

const HOP_BY_HOP = new Set([
  'connection', 'expect', 'host', 'keep-alive', 'proxy-authenticate', 'proxy-authorization',
  'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]);
const FORWARDED_FOR = 'x-forwarded-for';
const FORWARDED = new Set(['forwarded', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port']);
const MAX_HOPS = 20;
const HOPS = 'x-mayfly-proxy-hops';

function joined(value) {
  return Array.isArray(value) ? value.map(encodeURIComponent).join('/') : encodePath(String(value ?? ''));
}

/* Captures come decoded; slashes in them were slashes in the path. */
function encodePath(text) {
  return text.split('/').map(encodeURIComponent).join('/');
}

/* The captures are the client's and must not choose the host: they are put in after it is known. */
function destinationOf(exchange) {
  const { destination } = exchange.settings;
  const [, origin, rest] = /^(https?:\/\/[^/?#]+)(.*)$/i.exec(destination) ?? [];
  if (origin === undefined) {
    throw new TypeError(`The destination of a rewrite is not a URL: ${destination}`);
  }
  const { params } = exchange;
  const fill = (text) => text.replace(/\$(\d+|[A-Za-z_]\w*)/g, (whole, name) => (
    Object.hasOwn(params, name) ? joined(params[name]) : ''
  ));
  const host = origin.replace(/\$(\d+|[A-Za-z_]\w*)/g, (whole, name) => hostPart(params, name));
  const url = new URL(host + (rest.startsWith('/') ? '' : '/') + fill(rest));
  return withQuery(url, exchange.path);
}

function hostPart(params, name) {
  const value = String(Object.hasOwn(params, name) ? params[name] : '');
  if (!/^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(value)) {
    throw new TypeError('The path does not give a host name for this rewrite');
  }
  return value;
}

/* The client's query goes along; what the destination says of a name wins. */
function withQuery(url, path) {
  const at = path.indexOf('?');
  const query = at < 0 ? '' : path.slice(at + 1);
  if (url.search === '') {
    url.search = query;
    return url;
  }
  for (const [name, value] of new URLSearchParams(query)) {
    if (!url.searchParams.has(name)) {
      url.searchParams.append(name, value);
    }
  }
  return url;
}

function named(connection) {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

function requestHeaders(exchange, url) {
  const list = ['host', url.host];
  const raw = exchange.rawHeaders;
  const dropped = named(exchange.headers.connection);
  const addresses = [];
  let hops = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const [name, value] = [raw[i], raw[i + 1]];
    if (name === FORWARDED_FOR) {
      addresses.push(value);
    } else if (name === HOPS) {
      hops = Number(value) || 0;
    } else if (!HOP_BY_HOP.has(name) && !FORWARDED.has(name) && !dropped.has(name)) {
      list.push(name, value);
    }
  }
  if (hops >= MAX_HOPS) {
    throw new Error(`The rewrite to ${url.host} leads back to itself`);
  }
  addresses.push(exchange.remoteAddress);
  list.push(
    FORWARDED_FOR, addresses.join(', '), 'x-forwarded-host', exchange.host,
    'x-forwarded-proto', exchange.scheme, HOPS, String(hops + 1)
  );
  return list;
}

function responseHeaders(incoming) {
  const raw = incoming.rawHeaders;
  const dropped = named(incoming.headers.connection);
  const list = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    if (!HOP_BY_HOP.has(name) && !dropped.has(name)) {
      list.push(name, raw[i + 1]);
    }
  }
  return list;
}

async function sendBody(exchange, request) {
  if (!exchange.hasBody) {
    request.end();
    return;
  }
  await pipeline(Readable.fromWeb(exchange.body), request);
}

function isBodiless(exchange, status) {
  return exchange.method === 'HEAD' || status === 204 || status === 304;
}

async function sendAnswer(exchange, incoming) {
  if (isBodiless(exchange, incoming.statusCode)) {
    incoming.resume();
    exchange.respond(incoming.statusCode, responseHeaders(incoming), null);
    return;
  }
  exchange.head(incoming.statusCode, responseHeaders(incoming));
  for await (const chunk of incoming) {
    if (!exchange.write(chunk)) {
      await exchange.drained();
    }
  }
  exchange.end();
}

function forward(app, exchange) {
  const url = destinationOf(exchange);
  const { client, agent } = url.protocol === 'https:' ? app.secure : app.plain;
  const { promise, resolve, reject } = Promise.withResolvers();
  const request = client.request(url, {
    method: exchange.method, headers: requestHeaders(exchange, url), agent, setHost: false,
  });
  exchange.onCancel(() => request.destroy());
  request.on('response', (incoming) => sendAnswer(exchange, incoming).then(resolve, reject));
  request.on('upgrade', (_incoming, socket) => {
    socket.destroy();
    reject(new Error(`${url.host} changed the protocol`));
  });
  request.on('error', reject);
  /* Whoever answers before it has the whole body may stop listening; its answer counts. */
  sendBody(exchange, request).catch((error) => request.destroy(error));
  return promise;
}

async function load() {
  return { plain: null, secure: null };
}

/* Connections belong to an instance. */
function start(app) {
  app.plain = { client: http, agent: new http.Agent({ keepAlive: true }) };
  app.secure = { client: https, agent: new https.Agent({ keepAlive: true }) };
}

function badGateway(exchange, error) {
  if (exchange.started) {
    exchange.fail('throw', error);
    return;
  }
  console.error(error);
  exchange.respond(502, ['content-type', 'text/plain; charset=utf-8'], 'Bad Gateway\n');
}

async function handle(app, exchange) {
  try {
    await forward(app, exchange);
  } catch (error) {
    if (!exchange.cancelled) {
      badGateway(exchange, error);
    } else {
      exchange.fail('throw', error, { log: false });
    }
  }
}

module.exports = { load, start, handle };
