'use strict';

/* The Response constructor as Workers have it, and what is known of the responses it made. */

const { lightOf } = require('../../web');
const { initToBytes } = require('./header_text');
const { NULL_BODY, responseBody } = require('./init');
const sockets = require('./websocket');
const words = require('./words');

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/* What a response's maker said of it beyond the standard: { encodeBody, cf, webSocket }. */
const said = new WeakMap();
/* Bytes that a stream will have, where that is known. */
const lengths = new WeakMap();

function checkSocket({ webSocket, status = 200 }) {
  if (!sockets.isSocket(webSocket)) {
    throw new TypeError(
      "Incorrect type for the 'webSocket' field on 'InitializerDict': the provided value is not of type 'WebSocket'."
    );
  }
  if (status !== 101) {
    throw new RangeError('Responses with a WebSocket must have status code 101.');
  }
}

/* An upgrade: a response that only says so, for the standard's has no status 101. */
function upgrading(Base, body, init) {
  checkSocket(init);
  if (body !== null && body !== undefined) {
    throw new TypeError(NULL_BODY);
  }
  const made = new Base(null, { headers: initToBytes(init.headers) });
  Object.defineProperty(made, 'status', { value: 101, configurable: true });
  said.set(made, { webSocket: init.webSocket });
  return made;
}

/* How many bytes a body of any kind will have, or undefined. */
function lengthOf(body) {
  if (typeof body === 'string' || body instanceof URLSearchParams) {
    return Buffer.byteLength(String(body));
  }
  return body instanceof Blob ? body.size : lengths.get(body) ?? body?.byteLength;
}

function noteLength(stream, bytes) {
  if (stream && bytes !== undefined) {
    lengths.set(stream, bytes);
  }
}

function note(made, body, init) {
  if (body instanceof Blob || body instanceof URLSearchParams) {
    noteLength(made.body, lengthOf(body)); /* of others the fast Response tells */
  }
  if (init?.encodeBody === 'manual' || init?.cf) {
    said.set(made, { isManual: init.encodeBody === 'manual', cf: init.cf });
  }
  return made;
}

/* The same init, unless a text among its headers is not the bytes it is sent as. */
function initWithBytes(init) {
  const headers = initToBytes(init?.headers);
  return headers === init?.headers ? init : { status: init.status, statusText: init.statusText, headers };
}

function installConstructor() {
  const Base = globalThis.Response;
  function Response(body, init) {
    if (new.target === undefined) {
      throw words.notCallable('Response');
    }
    if (init?.webSocket) {
      return upgrading(Base, body, init);
    }
    const kept = responseBody(body, init);
    const given = initWithBytes(init);
    try {
      const made = new.target === Response
        ? new Base(kept, given)
        : Reflect.construct(Base, [kept, given], new.target);
      return note(made, kept, init);
    } catch (error) {
      throw words.reword(error, Response);
    }
  }
  words.replaceClass('Response', Response, Base);
  installStatics(Response, Base);
  keepLengths(Base.prototype);
  Object.defineProperties(Base.prototype, {
    webSocket: { configurable: true, enumerable: true, get() {
      return said.get(this)?.webSocket ?? null;
    } },
    cf: { configurable: true, enumerable: true, get() {
      return said.get(this)?.cf;
    } },
  });
}

/* Both halves of a stream are as long as it was; a fast Response has none yet. */
function keepLengths(prototype) {
  words.replaceMethod(prototype, 'clone', (real) => function clone() {
    const length = lightOf(this) === undefined ? lengthOf(this.body) : undefined;
    const copy = real.call(this);
    if (length !== undefined) {
      [this, copy].forEach(({ body }) => noteLength(body, length));
    }
    return copy;
  });
}

/* Workers write it all the same. */
function undefinedJson(init) {
  const headers = new Headers(init?.headers);
  if (!headers.has('content-type')) {
    headers.set('content-type', 'application/json');
  }
  return new globalThis.Response('undefined', { ...init, headers });
}

function installStatics(Response, Base) {
  const define = (name, value) => Object.defineProperty(Response, name, { value, writable: true, configurable: true, enumerable: true });
  define('error', () => Base.error());
  define('json', function json(data, init) {
    if (arguments.length === 0) {
      throw words.wrongArgument('json', 'Response', 1, 'Value');
    }
    if (data === undefined) {
      return undefinedJson(init);
    }
    try {
      return arguments.length === 1 ? Base.json(data) : Base.json(data, initWithBytes(init));
    } catch (error) {
      throw words.reword(error, json);
    }
  });
  define('redirect', function redirect(url, status = 302) {
    if (arguments.length === 0) {
      throw words.wrongArgument('redirect', 'Response', 1, 'string');
    }
    if (!URL.canParse(String(url))) {
      throw new TypeError(`Unable to parse URL: ${url}`);
    }
    if (!REDIRECTS.has(Number(status))) {
      throw new RangeError(`${status} is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.`);
    }
    return Base.redirect(url, status);
  });
}

module.exports = {
  install: installConstructor,
  isManuallyEncoded: (response) => said.get(response)?.isManual === true,
  lengthOf,
  noteLength,
};
