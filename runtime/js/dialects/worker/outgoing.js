'use strict';

/* What leaves a worker by fetch(): the headers that were set and no others, as Workers send them, measured with workerd
 * 2026-11-17. Node.js's fetch adds some of its own, which only its dispatcher can still take off; refuses those of a connection,
 * which Workers ignore; does not know how long a stream is; and keeps cookies from other hosts that it is redirected to. */

const { Headers: ByteHeaders, fieldsOf } = require('../../web_headers');
const { CONNECTION_HEADERS } = require('../header_list');
const { bodyOf, withoutCredentials } = require('./request');
const responses = require('./response');

/* Where undici keeps the dispatcher of all requests. */
const DISPATCHER = Symbol.for('undici.globalDispatcher.2');
const ADDED = new Set(['accept', 'accept-encoding', 'accept-language', 'sec-fetch-mode', 'user-agent']);
const KEPT = ['cookie', 'proxy-authorization'];
/* Workers send `expect`, which Node.js's fetch does not know. */
const IGNORED = new Set([...CONNECTION_HEADERS, 'expect', 'host']);

/** The headers of what fetch was given, with values in bytes: so are those of `init`. */
function headersOf(input, init) {
  return new ByteHeaders(init?.headers ?? (input instanceof Request ? fieldsOf(input.headers) : undefined));
}

/** For one request and what it is redirected to. `fields`: what the worker has set; `length`: its body's, where that is known. */
class Dispatcher {
  #fields;
  #length;

  constructor(fields, length) {
    this.#fields = new Map(fields);
    this.#length = length;
  }

  dispatch(options, handler) {
    return globalThis[DISPATCHER].dispatch({ ...options, headers: this.#headersOf(options) }, handler);
  }

  #headersOf({ headers, body }) {
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => this.#isSent(name.toLowerCase())));
    const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
    KEPT.filter((name) => this.#fields.has(name) && !names.has(name)).forEach((name) => {
      sent[name] = this.#fields.get(name);
    });
    if (body && this.#length !== undefined) {
      sent['content-length'] = String(this.#length);
    }
    return sent;
  }

  /* A length that the worker has not set was measured by Node.js. */
  #isSent(name) {
    if (this.#fields.has(name)) {
      return !IGNORED.has(name);
    }
    return !ADDED.has(name);
  }
}

/** Node.js's fetch as it sends for Workers. The headers of `init` are in bytes. */
function makeSend(platformFetch) {
  return (input, init) => {
    const length = responses.lengthOf(bodyOf(input, init));
    const dispatcher = new Dispatcher(fieldsOf(headersOf(input, init)), length);
    return platformFetch(withoutCredentials(input), { ...init, dispatcher });
  };
}

module.exports = { Dispatcher, headersOf, makeSend };
