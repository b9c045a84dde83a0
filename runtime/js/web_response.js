'use strict';
/* Fast Response: text or bytes, a status and perhaps headers, until somebody asks for a stream.
 *
 * The constructor takes the fast way for bodies of text, bytes or nothing with a plain init; everything
 * else is constructed by undici, behind the same prototype. A fast response whose stream is asked for
 * gets a real one inside (`#real`), which from then on owns the body. */

const { types } = require('node:util');
const { makeStamp, patch, impersonate } = require('./web_stamp');
const headersOf = require('./web_headers');
const { isDisturbed } = require('node:stream');

const RealResponse = globalThis.Response;
const realJson = RealResponse.json;

const TEXT = 'text/plain;charset=UTF-8';
const JSON_TYPE = 'application/json';
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;
const NO_BODY = new Set([204, 205, 304]);

const Stamp = makeStamp();
/* On the stream of a fast response: that response. */
const Origin = makeStamp();

const wires = new Map();

/* The addon's header string for a response that has nothing but its default type. */
function wireOfType(type) {
  if (type === null) return '';
  let wire = wires.get(type);
  if (wire === undefined) wires.set(type, (wire = `content-type\0${type}\0`));
  return wire;
}

const unusable = () => new TypeError('Body is unusable: Body has already been read');

/* As the standard decodes: no byte order mark, no lone surrogates. */
function decodeText(source) {
  if (source === null) return '';
  if (typeof source === 'string') {
    const text = source.toWellFormed();
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }
  return decodeBytes(source);
}

function decodeBytes(bytes) {
  const from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return Buffer.prototype.utf8Slice.call(bytes, from, bytes.length);
}

/* Always memory of its own: what is given out may be changed. */
function encodeBytes(source) {
  if (source === null) return new Uint8Array(0);
  if (typeof source !== 'string') return new Uint8Array(source);
  return new TextEncoder().encode(source);
}

class LightResponse {
  #status;
  #statusText;
  /* LightHeaders of the init, with the default type already in; null when there is only #type. */
  #light;
  #type;
  #headers = null;
  #source;
  #used = false;
  #real = null;
  /* Another response's, which it was made of: whoever asks for it gets that one, but to be sent it is not needed. */
  #stream;

  constructor(source, status, statusText, light, type, stream = null) {
    this.#source = source;
    this.#stream = stream;
    this.#status = status;
    this.#statusText = statusText;
    this.#light = light;
    this.#type = type;
    if (light !== null && type !== null && light.find('content-type') === null) {
      light.push('content-type', type);
    }
  }

  get status() {
    return this.#status;
  }

  get statusText() {
    return this.#statusText;
  }

  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }

  get type() {
    return 'default';
  }

  get url() {
    return '';
  }

  get redirected() {
    return false;
  }

  get #lightHeaders() {
    if (this.#light === null) {
      this.#light = new headersOf.LightHeaders(this.#type === null ? [] : ['content-type', this.#type]);
    }
    return this.#light;
  }

  get headers() {
    return (this.#headers ??= headersOf.wrap(this.#lightHeaders));
  }

  /* A body that was read already stays read. */
  get real() {
    if (this.#real) return this.#real;
    const headers = [...this.#lightHeaders.sorted()].filter(([name]) => name === 'content-type');
    this.#real = new RealResponse(this.#stream ?? this.#source, { status: this.#status, headers });
    if (this.#used) this.#real.body.getReader().cancel();
    if (this.#stream === null && this.#source !== null) Origin.put(this.#real.body, this);
    return this.#real;
  }

  get #isReal() {
    return this.#real !== null || this.#stream !== null;
  }

  /** What its stream will say, or null once somebody has begun to read that. */
  untouchedSource(stream) {
    return this.#used || stream.locked || isDisturbed(stream) ? null : this.#source;
  }

  get body() {
    return this.#source === null ? null : this.real.body;
  }

  get bodyUsed() {
    const stream = this.#stream ?? this.#real?.body;
    return this.#used || Boolean(stream && isDisturbed(stream));
  }

  /* Whether reading it now is an error; marks it read. */
  #take() {
    if (this.#used) return false;
    if (this.#source !== null) this.#used = true;
    return true;
  }

  text() {
    if (this.#isReal) return this.real.text();
    return this.#take() ? Promise.resolve(decodeText(this.#source)) : Promise.reject(unusable());
  }

  async json() {
    if (this.#isReal) return this.real.json();
    if (!this.#take()) throw unusable();
    return JSON.parse(decodeText(this.#source));
  }

  async bytes() {
    if (this.#isReal) return this.real.bytes();
    if (!this.#take()) throw unusable();
    return encodeBytes(this.#source);
  }

  async arrayBuffer() {
    if (this.#isReal) return this.real.arrayBuffer();
    if (!this.#take()) throw unusable();
    return encodeBytes(this.#source).buffer;
  }

  blob() {
    return this.real.blob();
  }

  formData() {
    return this.real.formData();
  }

  textStream() {
    return this.real.textStream();
  }

  clone() {
    if (this.#isReal || this.#used) {
      const real = this.real.clone();
      const copy = new RealResponse(real.body, this);
      return copy;
    }
    return wrap(new LightResponse(this.#source, this.#status, this.#statusText, this.#lightHeaders.copy(), null));
  }

  /** Whether it has no headers but its default type. */
  get isPlain() {
    return this.#light === null;
  }

  /** The addon's headers; throws TypeError on what HTTP cannot carry. */
  wire() {
    return this.#light === null ? wireOfType(this.#type) : this.#light.wire();
  }

  /** The body, to be sent as it is: text, bytes or null. Throws TypeError when it is taken already. */
  takeSource() {
    const stream = this.#stream ?? this.#real?.body;
    if (this.#used || (stream && (stream.locked || isDisturbed(stream)))) throw unusable();
    if (this.#source !== null) this.#used = true;
    return this.#source;
  }
}

function Bare() {}

function wrap(light) {
  const object = new Bare();
  Stamp.put(object, light);
  return object;
}

/* Bytes are copied, as the standard has it; shared or resizable memory is undici's to judge. */
function isPlainBytes(body) {
  return types.isUint8Array(body) && types.isArrayBuffer(body.buffer) && !body.buffer.resizable;
}

/**
 * A LightResponse for a body (text, bytes or null) and an init, or null where undici has to judge.
 */
function readInit(source, init, type, stream = null) {
  if (init === undefined || init === null) return new LightResponse(source, 200, '', null, type, stream);
  if (typeof init !== 'object') return null;
  const { status = 200, statusText = '', headers } = init;
  if (!Number.isInteger(status) || status < 200 || status > 599) return null;
  if (source !== null && NO_BODY.has(status)) return null;
  if (typeof statusText !== 'string' || !REASON.test(statusText)) return null;
  if (headers === undefined) return new LightResponse(source, status, statusText, null, type, stream);
  const light = headersOf.readInit(headers);
  return light === null ? null : new LightResponse(source, status, statusText, light, type, stream);
}

function readBody(body, init) {
  if (body === null || body === undefined) return readInit(null, init, null);
  if (typeof body === 'string') return readInit(body, init, TEXT);
  if (isPlainBytes(body)) return readInit(new Uint8Array(body), init, null);
  /* `new Response(other.body, other)`, as it is written to change headers. */
  const source = Origin.find(body)?.untouchedSource(body) ?? null;
  return source === null ? null : readInit(source, init, null, body);
}

/* Fast Headers in an init: undici would ask their public methods, which a dialect may have replaced. */
function initForReal(init) {
  if (typeof init !== 'object' || init === null || headersOf.lightOf(init.headers) === undefined) return init;
  const { status, statusText, headers } = init;
  return { status, statusText, headers: headersOf.fieldsOf(headers) };
}

function Response(body, init) {
  if (new.target === undefined) return RealResponse(body, init);
  const light = readBody(body, init);
  if (light === null) {
    return Reflect.construct(RealResponse, [body, initForReal(init)], new.target === Response ? RealResponse : new.target);
  }
  Stamp.put(this, light);
}

const statics = {
  error() {
    return RealResponse.error();
  },
  json(data, init = undefined) {
    const text = arguments.length > 0 ? JSON.stringify(data) : undefined;
    const light = text === undefined ? null : readInit(text, init, JSON_TYPE);
    if (light !== null) return wrap(light);
    return arguments.length < 2 ? realJson.apply(RealResponse, arguments) : realJson.call(RealResponse, data, initForReal(init));
  },
  redirect(url, status = 302) {
    return RealResponse.redirect(...arguments);
  },
};

/* What reads the state through the class's own members. */
const members = {};
for (const key of ['status', 'statusText', 'ok', 'type', 'url', 'redirected', 'headers', 'body', 'bodyUsed']) {
  const { get } = Object.getOwnPropertyDescriptor(LightResponse.prototype, key);
  Object.defineProperty(members, key, { get, enumerable: true });
}
for (const key of ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData', 'textStream', 'clone']) {
  members[key] = LightResponse.prototype[key];
}

/** Class.json(data, init) for a class that extends Response and keeps no private fields. */
function jsonOf(Class, data, init) {
  const text = JSON.stringify(data);
  const light = text === undefined ? null : readInit(text, init, JSON_TYPE);
  if (light === null) {
    const response = realJson.call(RealResponse, data, init);
    return new Class(response.body, response);
  }
  const object = Object.create(Class.prototype);
  Stamp.put(object, light);
  return object;
}

/** Replaces the global class. */
function install() {
  if (globalThis.Response === Response) return;
  impersonate(Response, RealResponse);
  Bare.prototype = RealResponse.prototype;
  const present = Reflect.ownKeys(RealResponse.prototype);
  patch(RealResponse.prototype, Stamp, Object.defineProperties({}, Object.fromEntries(
    Object.entries(Object.getOwnPropertyDescriptors(members)).filter(([key]) => present.includes(key)))));
  for (const [name, value] of Object.entries(statics)) {
    const before = Object.getOwnPropertyDescriptor(RealResponse, name);
    Object.defineProperty(value, 'length', { value: before.value.length, configurable: true });
    Object.defineProperty(Response, name, { ...before, value });
  }
  Object.defineProperty(globalThis, 'Response', { value: Response, writable: true, configurable: true, enumerable: false });
}

module.exports = { install, jsonOf, Response, RealResponse, lightOf: Stamp.find, decodeBytes, unusable };
