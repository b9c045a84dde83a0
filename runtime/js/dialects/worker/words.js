'use strict';

/* What Workers say about wrong arguments, bodies used twice and headers that cannot be changed, where Node.js does the
 * work and has words of its own: handlers and tests show and compare these texts. */

const { inspect } = require('node:util');
const { fieldToText, initToBytes, toBytes, toText } = require('./header_text');

const USED = 'Body has already been used. It can only be used once. Use tee() first if you need to read it twice.';
const ILLEGAL =
  'Illegal invocation: function called with incorrect `this` reference. See ' +
  'https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.';
const LOCKED = 'This ReadableStream is currently locked to a reader.';
const FORM_TYPES =
  'Unrecognized Content-Type header value. FormData can only parse the following MIME types: ' +
  'multipart/form-data, application/x-www-form-urlencoded';
const NO_FORM_TYPE = 'Parsing a Body as FormData requires a Content-Type header.';
const GET_BODY = 'Request with a GET or HEAD method cannot have a body.';
const NO_BYTES = 'This ReadableStream did not return bytes.';
const NULL_BODY = 'Response with null body status (101, 204, 205, or 304) cannot have a body.';

/* Node.js's words, and those of Workers for the same. */
const WORDS = [
  [/is an invalid header name|^Headers\.\w+: .*ByteString/, 'Invalid header name.'],
  [/is an invalid header value|^Invalid value of header/, 'Invalid header value.'],
  [/^Invalid header name/, 'Invalid header name.'],
  [/^immutable$/, "Can't modify immutable headers."],
  [/expected name\/value pair to be length 2/,
    'To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.'],
  [/^Headers constructor: Argument 1/,
    "Failed to construct 'Headers': constructor parameter 1 is not of type 'Headers or Sequence or object'."],
  [/GET\/HEAD method cannot have body/, GET_BODY],
  [/Request object that has already been used/, 'Cannot reconstruct a Request with a used body.'],
  [/^Response body object should not be disturbed or locked$/,
    'This ReadableStream is disturbed (has already been read from), and cannot be used as a body.'],
  [/Received non-Uint8Array chunk/, NO_BYTES],
  [/^Response constructor: Invalid response status code/, NULL_BODY],
  [/Content-Type was not one of/, FORM_TYPES],
  [/Expected signal .* to be an instance of AbortSignal/,
    "Incorrect type for the 'signal' field on 'RequestInitializerDict': the provided value is not of type 'AbortSignal'."],
];

/* The same error in the words of Workers, or itself where they have none. `from`: whose caller the stack begins with. */
function reword(error, from) {
  const known = error instanceof TypeError || error instanceof RangeError;
  const found = known ? WORDS.find(([pattern]) => pattern.test(error.message)) : undefined;
  if (!found) {
    return error;
  }
  const reworded = new error.constructor(found[1]);
  Error.captureStackTrace(reworded, from);
  return reworded;
}

function wrongArgument(method, owner, position, type) {
  return new TypeError(`Failed to execute '${method}' on '${owner}': parameter ${position} is not of type '${type}'.`);
}

function notCallable(name) {
  return new TypeError(
    `Failed to construct '${name}': Please use the 'new' operator, this object constructor cannot be called as a function.`
  );
}

/* A method in the place of another, with its flags. */
function replaceMethod(prototype, name, make) {
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  const made = make(before.value);
  Object.defineProperty(made, 'length', { value: before.value.length, configurable: true });
  Object.defineProperty(prototype, name, { ...before, value: made });
}

/* Headers: at most two arguments, checked for their number first. Written out, for every handler sets some. */
function replaceHeadersMethod(name, count, typeOf) {
  replaceMethod(Headers.prototype, name, (real) => ({ [name](first, second) {
    if (arguments.length < count) {
      throw wrongArgument(name, 'Headers', arguments.length + 1, typeOf);
    }
    try {
      return count === 2 ? real.call(this, first, toBytes(second)) : toText(real.call(this, first));
    } catch (error) {
      throw reword(error, this[name]);
    }
  } })[name]);
}

/* Workers iterate over the fields as they were when it began: whoever deletes some meanwhile still meets all. */
function iterateCopies() {
  for (const [name, convert] of Object.entries({ entries: fieldToText, keys: (key) => key, values: toText })) {
    replaceMethod(Headers.prototype, name, (real) => ({ [name]() {
      return Array.from(real.call(this), convert).values();
    } })[name]);
  }
  replaceMethod(Headers.prototype, 'forEach', (real) => function forEach(callback, self) {
    if (typeof callback !== 'function') {
      real.apply(this, arguments);
    }
    for (const [name, value] of this) {
      callback.call(self, value, name, this);
    }
  });
  const before = Object.getOwnPropertyDescriptor(Headers.prototype, Symbol.iterator);
  Object.defineProperty(Headers.prototype, Symbol.iterator, { ...before, value: Headers.prototype.entries });
  replaceMethod(Headers.prototype, 'getSetCookie', (real) => function getSetCookie() {
    return real.call(this).map(toText);
  });
  replaceMethod(Headers.prototype, inspect.custom, () => function print(depth, options) {
    return `Headers ${inspect(printable(this), options)}`;
  });
}

function printable(headers) {
  const cookies = headers.getSetCookie();
  return { ...Object.fromEntries(headers), ...(cookies.length > 1 ? { 'set-cookie': cookies } : {}) };
}

function installHeaders() {
  iterateCopies();
  replaceHeadersMethod('append', 2, 'string');
  replaceHeadersMethod('set', 2, 'string');
  for (const name of ['get', 'has', 'delete']) {
    replaceHeadersMethod(name, 1, 'string');
  }
  const Base = globalThis.Headers;
  const ours = function Headers(init) {
    if (new.target === undefined) {
      throw notCallable('Headers');
    }
    try {
      return Reflect.construct(Base, init === undefined ? [] : [initToBytes(init)], new.target === ours ? Base : new.target);
    } catch (error) {
      throw reword(error, ours);
    }
  };
  replaceClass('Headers', ours, Base);
}

/* Another constructor for the same prototype, whose statics it inherits. */
function replaceClass(name, ours, Base) {
  Object.setPrototypeOf(ours, Base);
  Object.defineProperty(ours, 'prototype', { value: Base.prototype, writable: false });
  Object.defineProperty(Base.prototype, 'constructor', { value: ours, writable: true, configurable: true });
  Object.defineProperty(globalThis, name, { value: ours, writable: true, configurable: true, enumerable: false });
}

/* A connection that broke. */
function lost(cause) {
  return Object.assign(new Error('Network connection lost.', { cause }), { retryable: true });
}

/* Why a body could not be read. */
function bodyError(object, method, error) {
  if (error instanceof TypeError && error.message === 'terminated') {
    return lost(error.cause);
  }
  if (/^Body is unusable/.test(error?.message)) {
    const isOnlyLocked = object.body?.locked && !object.bodyUsed;
    return new TypeError(isOnlyLocked ? LOCKED : USED);
  }
  if (method !== 'formData' || !(error instanceof TypeError)) {
    return reword(error, bodyError);
  }
  return formError(object, error);
}

function formError({ headers }, error) {
  const type = headers.get('content-type');
  if (type === null) {
    return new TypeError(NO_FORM_TYPE);
  }
  if (!/^\s*multipart\/form-data/i.test(type)) {
    return reword(error, formError);
  }
  return new TypeError(/boundary=/i.test(type)
    ? 'No initial boundary string (or you have a truncated message).'
    : 'No boundary string in Content-Type header. The multipart/form-data MIME type requires a boundary parameter, ' +
      'e.g. \'Content-Type: multipart/form-data; boundary="abcd"\'. See RFC 7578, section 4.');
}

function installBody(prototype) {
  for (const name of ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData']) {
    replaceMethod(prototype, name, (real) => ({ [name]() {
      return real.call(this).catch((error) => {
        throw bodyError(this, name, error);
      });
    } })[name]);
  }
  replaceMethod(prototype, 'clone', (real) => function clone() {
    try {
      return real.call(this);
    } catch (error) {
      throw error instanceof TypeError ? new TypeError(LOCKED) : error;
    }
  });
}

/* In the function's zygote, before its module loads. */
function install() {
  installHeaders();
  installBody(Request.prototype);
  installBody(Response.prototype);
}

module.exports = { GET_BODY, ILLEGAL, LOCKED, NO_BYTES, NULL_BODY, USED, install, lost, notCallable, replaceClass, replaceMethod, reword, wrongArgument };
