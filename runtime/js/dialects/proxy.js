'use strict';

/* The dialect of external rewrites: a request goes to another site as it is, and so does the answer.
 *
 * The endpoint's settings say `destination`, a URL with $1 or $name for captures, and maybe `headers` that the request
 * gets in the place of its client's. */

const { Forwarder, HOP_BY_HOP, connectionNames, answer, answerHeaders } = require('./http_forward');

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

/* A flat list of request headers, as another site gets them. */
function outwardHeaders(exchange, url, raw = exchange.rawHeaders) {
  const list = ['host', url.host];
  const dropped = connectionNames(exchange.headers.connection);
  const addresses = [];
  let hops = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const [name, value] = [raw[i], raw[i + 1]];
    if (name === FORWARDED_FOR) {
      addresses.push(value);
    } else if (name === HOPS) {
      hops = Number(value) || 0;
    } else if (name !== 'host' && !HOP_BY_HOP.has(name) && !FORWARDED.has(name) && !dropped.has(name)) {
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

function withOwn(list, own = {}) {
  const names = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const others = list.flatMap((name, i) => (i % 2 === 0 && !names.has(name) ? [name, list[i + 1]] : []));
  return [...others, ...Object.entries(own).flat()];
}

async function forward(app, exchange) {
  const url = destinationOf(exchange);
  const headers = withOwn(outwardHeaders(exchange, url), exchange.settings.headers);
  const incoming = await app.forwarder.send(exchange, url, headers);
  await answer(exchange, incoming, answerHeaders(incoming));
}

async function load() {
  return { forwarder: null };
}

function start(app) {
  app.forwarder = new Forwarder();
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

module.exports = { load, start, handle, outwardHeaders };
