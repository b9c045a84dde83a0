'use strict';
/* The request and response of a Vercel function of the form (req, res): Node's own, with req.query,
 * req.cookies, req.body and res.status, res.send, res.json, res.redirect. */

const http = require('node:http');
const { hash } = require('node:crypto');
const { parse: parseQuery } = require('node:querystring');
const { parseMediaType, parseParameters } = require('./content_type');

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/* What req.body is made of; a body of any other type stays a stream. */
const PARSED_TYPES = new Set(['application/json', 'application/octet-stream', 'application/x-www-form-urlencoded',
  'text/plain']);

class ApiError extends Error {
  constructor(statusCode, message) {
    super(message);
    this.statusCode = statusCode;
  }
}

function mediaType(field) {
  if (!field) return 'text/plain';
  const type = parseMediaType(field);
  if (type === null) throw new TypeError('invalid media type');
  return type;
}

/** Whether the body has to be there before the handler runs. */
function needsBody(exchange) {
  if (!exchange.hasBody) return false;
  const field = exchange.headers['content-type'];
  return field !== undefined && PARSED_TYPES.has(parseMediaType(field));
}

function parseBody(body, field) {
  switch (mediaType(field)) {
    case 'application/json':
      try {
        return body.length > 0 ? JSON.parse(body.toString()) : {};
      } catch {
        throw new ApiError(400, 'Invalid JSON');
      }
    case 'application/octet-stream': return body;
    case 'application/x-www-form-urlencoded': return parseQuery(body.toString());
    case 'text/plain': return body.toString();
    default: return undefined;
  }
}

function parseUrlQuery(url) {
  const query = {};
  for (const [key, value] of new URL(url, 'http://localhost').searchParams) {
    if (!Object.hasOwn(query, key)) {
      Object.defineProperty(query, key, { value, enumerable: true, configurable: true, writable: true });
    } else if (Array.isArray(query[key])) {
      query[key].push(value);
    } else {
      query[key] = [query[key], value];
    }
  }
  return query;
}

function decodeCookie(text) {
  const value = text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text;
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/* The first of a name wins. */
function parseCookies(field) {
  const cookies = {};
  for (const part of (field ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at < 0) continue;
    const name = part.slice(0, at).trim();
    if (Object.hasOwn(cookies, name)) continue;
    const value = decodeCookie(part.slice(at + 1).trim());
    Object.defineProperty(cookies, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return cookies;
}

const EMPTY = Buffer.alloc(0);

const WHOLE_BODY = Symbol('the body, read before the handler runs');

class VercelRequest extends http.IncomingMessage {
  static name = 'IncomingMessage'; /* as its constructor says it is called */
  [WHOLE_BODY] = EMPTY;
}

/* Computed when first read, and then a plain property that may be changed. */
function lazy(name, compute) {
  const keep = (request, value) => {
    Object.defineProperty(request, name, { value, enumerable: true, configurable: true, writable: true });
    return value;
  };
  Object.defineProperty(VercelRequest.prototype, name, {
    configurable: true,
    enumerable: true,
    get() {
      return keep(this, compute(this));
    },
    set(value) {
      keep(this, value);
    },
  });
}

lazy('query', (request) => parseUrlQuery(request.url));
lazy('cookies', (request) => parseCookies(request.headers.cookie));
lazy('body', (request) => parseBody(request[WHOLE_BODY], request.headers['content-type']));

/* 'text/html' to 'text/html; charset=utf-8', parameters in alphabetical order. */
function withCharset(type) {
  if (type === 'application/json; charset=utf-8' || type === 'text/html; charset=utf-8') return type;
  const parameters = parseParameters(type);
  parameters.set('charset', 'utf-8');
  let text = mediaType(type);
  for (const name of [...parameters.keys()].sort()) {
    const value = parameters.get(name);
    text += `; ${name}=${TOKEN.test(value) ? value : `"${value.replaceAll(/([\\"])/g, '\\$1')}"`}`;
  }
  return text;
}

function weakTag(body) {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  return `W/"${length.toString(16)}-${hash('sha1', body, 'base64').slice(0, 27)}"`;
}

/* redirect('/a') and redirect(301, '/a'). */
function redirectOf(statusOrUrl, url) {
  const [status, target] = typeof statusOrUrl === 'string' ? [307, statusOrUrl] : [statusOrUrl, url];
  if (typeof status === 'number' && typeof target === 'string') return { status, target };
  throw new Error('Invalid redirect arguments. Please use a single argument URL, e.g. '
    + "res.redirect('/destination') or use a status code and URL, e.g. res.redirect(307, '/destination').");
}

class VercelResponse extends http.ServerResponse {
  static name = 'ServerResponse';

  status(statusCode) {
    this.statusCode = statusCode;
    return this;
  }

  redirect(statusOrUrl, url) {
    const { status, target } = redirectOf(statusOrUrl, url);
    this.writeHead(status, { Location: target }).end();
    return this;
  }

  json(value) {
    if (!this.getHeader('content-type')) this.setHeader('content-type', 'application/json; charset=utf-8');
    return this.send(JSON.stringify(value));
  }

  send(value) {
    const body = this.#toBody(value);
    if (body === DELEGATED) return this.json(value);
    if (body !== undefined) this.#describe(body);
    const bodiless = this.statusCode === 204 || this.statusCode === 304;
    if (bodiless) {
      for (const name of ['content-type', 'content-length', 'transfer-encoding']) this.removeHeader(name);
    }
    if (bodiless || this.req.method === 'HEAD') this.end();
    else this.end(body);
    return this;
  }

  /* Text or a Buffer with its content type set, or undefined. */
  #toBody(value) {
    if (value === null) return '';
    if (value === undefined) return undefined;
    if (typeof value === 'string') {
      if (!this.getHeader('content-type')) this.setHeader('content-type', 'text/html');
      return value;
    }
    if (Buffer.isBuffer(value)) {
      if (!this.getHeader('content-type')) this.setHeader('content-type', 'application/octet-stream');
      return value;
    }
    if (['boolean', 'number', 'object'].includes(typeof value)) return DELEGATED;
    throw new Error('`body` is not a valid string, object, boolean, number, Stream, or Buffer');
  }

  #describe(body) {
    const type = this.getHeader('content-type');
    if (typeof body === 'string' && typeof type === 'string') this.setHeader('content-type', withCharset(type));
    this.setHeader('content-length', Buffer.byteLength(body));
    if (!this.getHeader('etag')) this.setHeader('etag', weakTag(body));
  }
}

const DELEGATED = Symbol('an object, sent as JSON');

module.exports = { VercelRequest, VercelResponse, WHOLE_BODY, needsBody, ApiError, parseCookies, redirectOf };
