'use strict';

/* The Response constructor as Workers have it, and what is known of the responses it made. */

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
  const { headers } = init;
  const made = new Base(null, { headers });
  Object.defineProperty(made, 'status', { value: 101, configurable: true });
  said.set(made, { webSocket: init.webSocket });
  return made;
}

function note(made, body, init) {
  if (body instanceof Blob && made.body) {
    lengths.set(made.body, body.size);
  } else if (body instanceof URLSearchParams && made.body) {
    lengths.set(made.body, Buffer.byteLength(String(body)));
  }
  if (init?.encodeBody === 'manual' || init?.cf) {
    said.set(made, { isManual: init.encodeBody === 'manual', cf: init.cf });
  }
  return made;
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
    try {
      const made = new.target === Response
        ? new Base(kept, init)
        : Reflect.construct(Base, [kept, init], new.target);
      return note(made, kept, init);
    } catch (error) {
      throw words.reword(error, Response);
    }
  }
  words.replaceClass('Response', Response, Base);
  installStatics(Response, Base);
  Object.defineProperties(Base.prototype, {
    webSocket: { configurable: true, enumerable: true, get() {
      return said.get(this)?.webSocket ?? null;
    } },
    cf: { configurable: true, enumerable: true, get() {
      return said.get(this)?.cf;
    } },
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
      return Base.json(...arguments);
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
  lengthOf: (stream) => lengths.get(stream),
  noteLength: (stream, bytes) => lengths.set(stream, bytes),
};
