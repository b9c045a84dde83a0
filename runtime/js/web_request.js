'use strict';
/* Fast Request: the Request of an exchange, which splits and parses only what the handler asks for.
 *
 * Text, JSON and bytes are read from the exchange directly. Whoever asks for the stream, a clone or
 * anything else of the body gets a real Request inside (`#real`), which from then on owns the body. */

const { makeStamp, patch, impersonate } = require('./web_stamp');
const headersOf = require('./web_headers');
const { decodeBytes, unusable, RealResponse } = require('./web_response');

const RealRequest = globalThis.Request;
const realFetch = globalThis.fetch;

const Stamp = makeStamp();

/* What the URL parser leaves as it is, and no dot segments: then the text is the URL. */
const PLAIN_PATH = /^\/(?!\/)[\w\-~!$&()*+,;=:@%/.]*(?:\?[\w\-~!$&()*+,;=:@%/.?|]*)?$/;
const DOT_SEGMENT = /\/(?:\.|%2e)/i;
const PLAIN_HOST = /^(?:[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.)*[a-z][a-z0-9]*(?::[1-9][0-9]{0,4})?$/;

/* Fields of the connection a request came over; on another connection they are wrong or refused. */
const HOP_BY_HOP = ['connection', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade'];

function normalizeUrl(exchange, path) {
  const { scheme, host } = exchange;
  const port = scheme === 'https' ? ':443' : ':80';
  if (PLAIN_PATH.test(path) && !DOT_SEGMENT.test(path) && PLAIN_HOST.test(host) && !host.endsWith(port) &&
      !host.startsWith('xn--') && !host.includes('.xn--')) {
    return `${scheme}://${host}${path}`;
  }
  const url = new URL(`${scheme}://${host || 'localhost'}${path.startsWith('/') ? '' : '/'}${path}`);
  url.username = '';
  url.password = '';
  return url.href;
}

function emptyStream() {
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}

class LightRequest {
  #exchange;
  #method;
  #hasBody;
  #path;
  #url = null;
  #headers = null;
  #used = false;
  #real = null;

  constructor(exchange, path, hasStream) {
    this.#exchange = exchange;
    this.#path = path;
    this.#method = exchange.method;
    /* A Request cannot have a body with these methods; what a client sent all the same is dropped. */
    this.#hasBody = (hasStream || exchange.hasBody) && this.#method !== 'GET' && this.#method !== 'HEAD';
  }

  get exchange() {
    return this.#exchange;
  }

  get method() {
    return this.#method;
  }

  get url() {
    return (this.#url ??= normalizeUrl(this.#exchange,
      typeof this.#path === 'function' ? this.#path(this.#exchange) : this.#path));
  }

  get headers() {
    return (this.#headers ??= headersOf.wrap(
      new headersOf.LightHeaders(this.#exchange.rawHeaders, { borrowed: true })));
  }

  get signal() {
    return this.#exchange.signal;
  }

  get #contentType() {
    return headersOf.lightOf(this.headers).find('content-type');
  }

  /* A real Request that carries the body, and what reading it depends on: its type. */
  #carry(stream) {
    const type = this.#contentType;
    const headers = type === null ? [] : [['content-type', type]];
    const body = stream === null ? {} : { method: 'POST', body: stream, duplex: 'half' };
    return new RealRequest('http://localhost', { headers, ...body });
  }

  get real() {
    if (this.#real) return this.#real;
    if (!this.#hasBody) return (this.#real = this.#carry(null));
    if (!this.#used) return (this.#real = this.#carry(this.#exchange.body ?? emptyStream()));
    /* Read already: locked and disturbed. */
    this.#real = this.#carry(new ReadableStream({ type: 'bytes' }));
    this.#real.body.getReader().cancel();
    return this.#real;
  }

  get body() {
    return this.#hasBody ? this.real.body : null;
  }

  get bodyUsed() {
    return this.#real ? this.#real.bodyUsed : this.#used;
  }

  /* The whole body, for who reads it first. */
  #take() {
    if (this.#used) return Promise.reject(unusable());
    if (!this.#hasBody) return Promise.resolve(Buffer.alloc(0));
    this.#used = true;
    return this.#exchange.readBody();
  }

  text() {
    if (this.#real) return this.#real.text();
    return this.#take().then(decodeBytes);
  }

  json() {
    if (this.#real) return this.#real.json();
    return this.#take().then((bytes) => JSON.parse(decodeBytes(bytes)));
  }

  bytes() {
    if (this.#real) return this.#real.bytes();
    return this.#take().then((bytes) => new Uint8Array(bytes));
  }

  arrayBuffer() {
    if (this.#real) return this.#real.arrayBuffer();
    return this.#take().then((bytes) => new Uint8Array(bytes).buffer);
  }

  async blob() {
    if (this.#real) return this.#real.blob();
    return this.#parse(await this.#take()).blob();
  }

  async formData() {
    if (this.#real) return this.#real.formData();
    return this.#parse(await this.#take()).formData();
  }

  #parse(bytes) {
    const type = this.#contentType;
    return new RealResponse(bytes, { headers: type === null ? [] : [['content-type', type]] });
  }

  textStream() {
    return this.real.textStream();
  }

  /** A real Request that says the same, to be given to undici. Takes the body unless init brings one. */
  toReal(init, { forSending = false } = {}) {
    const headers = headersOf.fieldsOf(this.headers).filter(([name]) => !forSending || !HOP_BY_HOP.includes(name));
    const options = { method: this.#method, headers, signal: this.signal };
    const takesBody = this.#hasBody && (init?.body === undefined || init?.body === null);
    if (takesBody) {
      if (this.#used || this.bodyUsed || this.body.locked) {
        throw new TypeError('Cannot construct a Request with a Request object that has already been used.');
      }
      const pass = new TransformStream();
      this.body.pipeThrough(pass);
      Object.assign(options, { body: pass.readable, duplex: 'half' });
    } else if (forSending && this.#hasBody) {
      options.headers = headers.filter(([name]) => name !== 'content-length');
    }
    return new RealRequest(this.url, options);
  }

  clone() {
    if (!this.#hasBody) return this.toReal();
    const half = this.real.clone();
    return new RealRequest(this.url, {
      method: this.#method, headers: headersOf.fieldsOf(this.headers), signal: this.signal, body: half.body, duplex: 'half',
    });
  }

  /* What a Request says of itself that was constructed from a URL. */

  get destination() {
    return '';
  }

  get referrer() {
    return 'about:client';
  }

  get referrerPolicy() {
    return '';
  }

  get mode() {
    return 'cors';
  }

  get credentials() {
    return 'same-origin';
  }

  get cache() {
    return 'default';
  }

  get redirect() {
    return 'follow';
  }

  get integrity() {
    return '';
  }

  get keepalive() {
    return false;
  }

  get isReloadNavigation() {
    return false;
  }

  get isHistoryNavigation() {
    return false;
  }

  get duplex() {
    return 'half';
  }
}

const makers = new WeakMap();

/* An object of the class without running its constructor, whose arguments an exchange has no need of. */
function makerOf(Class) {
  let maker = makers.get(Class);
  if (!maker) {
    maker = function Bare() {};
    maker.prototype = Class.prototype;
    makers.set(Class, maker);
  }
  return maker;
}

/**
 * The Request of an exchange, as an object of Class (Request or what extends it); `path`, or a function of the exchange
 * that tells it when it is asked for, if it is not the exchange's; `hasStream`: other methods than GET and HEAD have a
 * body, be it empty.
 */
function requestOf(exchange, Class = RealRequest, path = exchange.path, hasStream = false) {
  const object = new (makerOf(Class))();
  Stamp.put(object, new LightRequest(exchange, path, hasStream));
  return object;
}

function Request(input, init) {
  if (new.target === undefined) return RealRequest(input, init);
  const light = Stamp.find(input);
  const args = light === undefined ? arguments : [light.toReal(init), init];
  return Reflect.construct(RealRequest, args, new.target === Request ? RealRequest : new.target);
}

/* Bodies that fetch has decompressed although the headers of their response still say otherwise. */
const decoded = new WeakSet();

function noteDecoded(response) {
  if (response.headers.has('content-encoding') && response.body) decoded.add(response.body);
  return response;
}

function fetch(input, init = undefined) {
  let target = input;
  const light = Stamp.find(input);
  if (light !== undefined) {
    try {
      target = light.toReal(init, { forSending: true });
    } catch (error) {
      return Promise.reject(error);
    }
  }
  return (arguments.length === 0 ? realFetch() : realFetch(target, init)).then(noteDecoded);
}

const members = {};
for (const key of Object.getOwnPropertyNames(LightRequest.prototype)) {
  const own = Object.getOwnPropertyDescriptor(LightRequest.prototype, key);
  const real = Object.getOwnPropertyDescriptor(RealRequest.prototype, key);
  if (key !== 'constructor' && real) Object.defineProperty(members, key, { ...own, enumerable: true });
}

/** Replaces the global class and fetch. */
function install() {
  if (globalThis.Request === Request) return;
  impersonate(Request, RealRequest);
  patch(RealRequest.prototype, Stamp, members);
  Object.defineProperty(globalThis, 'Request', { value: Request, writable: true, configurable: true, enumerable: false });
  globalThis.fetch = fetch;
}

module.exports = {
  install, requestOf, Request, RealRequest, lightOf: Stamp.find, isDecoded: (stream) => decoded.has(stream),
};
