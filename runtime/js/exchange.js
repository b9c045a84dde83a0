'use strict';
/* An Exchange is one request inside the runtime and the way its answer leaves.
 *
 * The native addon hands a request over as a few strings; nothing of them is split before somebody
 * asks, because a handler that answers "hello" asks for nothing. An exchange is over when its answer
 * is complete and every promise given to waitUntil has settled: then the gateway hears `done`. */

const { inspect } = require('node:util');
const context = require('./context');

/** Positions are what crosses the channel; doc/runtime.md says what each means. */
const FAIL_KINDS = ['throw', 'load', 'invalid', 'missing', 'method', 'size'];

const FLAG_BODY = 1;
const FLAG_COLD = 2;

const CANCEL_NONE = 0;
const CANCEL_GONE = 1;
const CANCEL_TIMEOUT = 2;
const CANCEL_DRAINED = 3;

const META_REQUEST_ID = 0;
const META_TRACEPARENT = 1;
const META_REMOTE_ADDRESS = 2;
const META_REMOTE_PORT = 3;
const META_SCHEME = 4;
const META_HOST = 5;
const META_ORIGINAL_TARGET = 6;
const META_CAPTURES = 7;

const LOG_ERROR = 3;

/* src/base/limits.h: what the gateway sends before it wants credit, and what a long body may have. */
const WINDOW_BYTES = 256 * 1024;
const WIDE_WINDOW_BYTES = 512 * 1024;
const WIDE_AFTER_BYTES = 8 * 1024 * 1024;

/* Field values may hold any byte but controls; a name is a token. What gets past here is on the wire. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/* Of headers that come more than once Node keeps the first of these and joins the others. */
const KEEP_FIRST = new Set([
  'age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host',
  'if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards',
  'proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent',
]);

/* The field by which control says that a request stands for an event. It is ours, not the function's. */
const EVENT_FIELD = 'x-mayfly-event\0';

/** Splits 'a\0b\0' into ['a', 'b']; '' into []. */
function splitFields(block) {
  const fields = block.split('\0');
  fields.pop();
  return fields;
}

/* Whether a field's name begins at `at` of a block: an even number of fields lies before it. */
function isName(block, at) {
  return block[at - 1] === '\0' && block.slice(0, at).split('\0').length % 2 === 1;
}

function removeField(raw, name) {
  for (let i = raw.length - 2; i >= 0; i -= 2) {
    if (raw[i] === name) raw.splice(i, 2);
  }
}

/** Flat array of names and values to the addon's string; throws TypeError on what HTTP cannot carry. */
function encodeHeaders(headers) {
  if (typeof headers === 'string') return headers;
  let block = '';
  for (let i = 0; i < headers.length; i += 2) {
    const name = String(headers[i]);
    const value = String(headers[i + 1]);
    if (!HEADER_NAME.test(name)) throw new TypeError(`Invalid header name: ${inspect(name)}`);
    if (!HEADER_VALUE.test(value)) throw new TypeError(`Invalid value of header ${name}: ${inspect(value)}`);
    block += name + '\0' + value + '\0';
  }
  return block;
}

function joinHeaders(raw) {
  const headers = {};
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    const value = raw[i + 1];
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (name === 'set-cookie') {
      if (before) before.push(value);
      else headers[name] = [value];
    } else if (before === undefined) {
      setOwn(headers, name, value);
    } else if (!KEEP_FIRST.has(name)) {
      setOwn(headers, name, before + (name === 'cookie' ? '; ' : ', ') + value);
    }
  }
  return headers;
}

/* A client may name a header __proto__. */
function setOwn(object, key, value) {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

function percentDecode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Captures as ['id', '7', 'rest*', 'a/b'] to { id: '7', rest: ['a', 'b'] }. */
function decodeParams(meta) {
  const params = {};
  for (let i = META_CAPTURES; i + 1 < meta.length; i += 2) {
    const name = meta[i];
    const value = meta[i + 1];
    if (!name.endsWith('*')) {
      setOwn(params, name, percentDecode(value));
    } else if (value !== '') {
      setOwn(params, name.slice(0, -1), value.split('/').map(percentDecode));
    }
  }
  return params;
}

/** What the gateway is told of an error: Lambda's shape, whose \x7f rule it shares. */
function describeError(error) {
  const clean = (text) => String(text).replaceAll('\x7f', '%7F');
  if (!(error instanceof Error) && !isErrorLike(error)) {
    return { errorType: typeof error, errorMessage: clean(printable(error)), trace: [] };
  }
  return {
    errorType: clean(error.name),
    errorMessage: clean(error.message),
    trace: clean(error.stack ?? '').split('\n'),
  };
}

/* Errors of other realms and of libraries that build their own. */
function isErrorLike(value) {
  return value !== null && typeof value === 'object' && typeof value.name === 'string' &&
    typeof value.message === 'string' && typeof value.stack === 'string';
}

function printable(value) {
  return typeof value === 'string' ? value : inspect(value);
}

/* User code can throw anything, also objects whose getters throw. */
function safely(fn, fallback) {
  try {
    return fn();
  } catch {
    return fallback;
  }
}

class Exchange {
  #native;
  #owner;
  #headerBlock;
  #metaBlock;
  #meta = null;
  #flags;
  #rawHeaders = null;
  #headers = null;
  #params = null;
  #body = null;
  #whole = null;
  #abort = null;
  #cancelled = CANCEL_NONE;
  #onCancel = null;
  #chunks = null;
  #bodyEnded;
  #consumed = 0;
  #uncredited = 0;
  #onChunk = null;
  #onEnd = null;
  #drained = null;
  #wakeDrained = null;
  #started = false;
  #answered = false;
  #over = false;
  #waiting = 0;
  #afterwards = null;
  #onClose = null;

  constructor(owner, stream, endpoint, method, path, headerBlock, metaBlock, flags, timeoutMs) {
    this.#owner = owner;
    this.#native = owner.native;
    this.#headerBlock = headerBlock;
    this.#metaBlock = metaBlock;
    this.#flags = flags;
    this.#bodyEnded = (flags & FLAG_BODY) === 0;
    this.stream = stream;
    this.endpoint = endpoint;
    this.method = method;
    this.path = path;
    this.deadlineMs = timeoutMs > 0 ? Date.now() + timeoutMs : Infinity;
    /** For adapters and shims: what they keep about this request. */
    this.local = null;
  }

  /* The request */

  get spec() {
    return this.#owner.spec;
  }

  get settings() {
    return this.#owner.settings[this.endpoint];
  }

  get #fields() {
    return (this.#meta ??= splitFields(this.#metaBlock));
  }

  get requestId() {
    return this.#fields[META_REQUEST_ID];
  }

  get traceparent() {
    return this.#fields[META_TRACEPARENT];
  }

  get remoteAddress() {
    return this.#fields[META_REMOTE_ADDRESS];
  }

  get remotePort() {
    return Number(this.#fields[META_REMOTE_PORT]);
  }

  get scheme() {
    return this.#fields[META_SCHEME] || 'http';
  }

  get host() {
    return this.#fields[META_HOST];
  }

  get url() {
    return `${this.scheme}://${this.host}${this.path}`;
  }

  get originalPath() {
    return this.#fields[META_ORIGINAL_TARGET] || this.path;
  }

  get originalUrl() {
    return `${this.scheme}://${this.host}${this.originalPath}`;
  }

  get params() {
    return (this.#params ??= decodeParams(this.#fields));
  }

  /** 'scheduled', 'queue', 'background' (doc/events.md), or undefined for a plain request. */
  get event() {
    const at = this.#eventAt();
    const from = at + EVENT_FIELD.length;
    return at < 0 ? undefined : this.#headerBlock.slice(from, this.#headerBlock.indexOf('\0', from));
  }

  /* Where a field of that name begins: the text might be the end of another's name, or a value. */
  #eventAt() {
    let at = this.#headerBlock.indexOf(EVENT_FIELD);
    while (at > 0 && !isName(this.#headerBlock, at)) {
      at = this.#headerBlock.indexOf(EVENT_FIELD, at + 1);
    }
    return at;
  }

  get rawHeaders() {
    if (this.#rawHeaders === null) {
      this.#rawHeaders = splitFields(this.#headerBlock);
      if (this.#headerBlock.includes(EVENT_FIELD)) removeField(this.#rawHeaders, 'x-mayfly-event');
      this.#owner.addHeaders?.(this.#rawHeaders, this);
    }
    return this.#rawHeaders;
  }

  get headers() {
    return (this.#headers ??= joinHeaders(this.rawHeaders));
  }

  get cold() {
    return (this.#flags & FLAG_COLD) !== 0;
  }

  get hasBody() {
    return (this.#flags & FLAG_BODY) !== 0;
  }

  /** Whether all of the body has come, or there is none. */
  get bodyEnded() {
    return this.#bodyEnded;
  }

  /** Runs fn(...args) inside this request's context. */
  run(fn, ...args) {
    return context.run(this, fn, ...args);
  }

  /* The request's body: kept until somebody listens, then given as it comes. */

  /** Calls onChunk(buffer) for each piece and onEnd(error or null) once. Give credit by resumeBody. */
  onBody(onChunk, onEnd) {
    if (this.#onChunk) throw new Error('the body of this request has a reader already');
    this.#onChunk = onChunk;
    this.#onEnd = onEnd;
    const kept = this.#chunks;
    this.#chunks = null;
    if (kept) for (const chunk of kept) onChunk(chunk);
    if (this.#cancelled !== CANCEL_NONE && !this.#bodyEnded) onEnd(this.cancelReason);
    else if (this.#bodyEnded) onEnd(null);
  }

  /** The reader has done with so many bytes. A body that turns out long gets a wider window. */
  resumeBody(bytes) {
    const before = this.#consumed;
    this.#consumed = before + bytes;
    this.#uncredited += bytes;
    if (before < WIDE_AFTER_BYTES && this.#consumed >= WIDE_AFTER_BYTES) {
      this.#uncredited += WIDE_WINDOW_BYTES - WINDOW_BYTES;
    }
    const worthwhile = (this.#consumed < WIDE_AFTER_BYTES ? WINDOW_BYTES : WIDE_WINDOW_BYTES) / 2;
    if (this.#uncredited < worthwhile || this.#bodyEnded || this.#over) return;
    this.#native.credit(this.stream, this.#uncredited);
    this.#uncredited = 0;
  }

  /** The whole body as one Buffer. */
  readBody() {
    return (this.#whole ??= this.#readWhole());
  }

  #readWhole() {
    if (!this.hasBody) return Promise.resolve(Buffer.alloc(0));
    return new Promise((resolve, reject) => {
      const parts = [];
      this.onBody(
        (chunk) => {
          parts.push(chunk);
          this.resumeBody(chunk.length);
        },
        (error) => {
          if (error) reject(error);
          else resolve(parts.length === 1 ? parts[0] : Buffer.concat(parts));
        },
      );
    });
  }

  get body() {
    if (!this.hasBody) return null;
    return (this.#body ??= this.#makeStream());
  }

  /* Credit goes back when the reader asks for more, so a slow reader holds the client up. */
  #makeStream() {
    const waiting = [];
    let controller;
    let pulled = null;
    let ended = false;
    let failure = null;
    const deliver = () => {
      if (!pulled) return;
      if (waiting.length > 0) {
        const chunk = waiting.shift();
        this.resumeBody(chunk.length);
        controller.enqueue(ownBytes(chunk));
      } else if (failure) {
        controller.error(failure);
      } else if (ended) {
        controller.close();
        controller.byobRequest?.respond(0);
      } else {
        return;
      }
      pulled();
      pulled = null;
    };
    return new ReadableStream({
      type: 'bytes',
      start: (it) => {
        controller = it;
        this.onBody(
          (chunk) => {
            if (chunk.length === 0) return;
            waiting.push(chunk);
            deliver();
          },
          (error) => {
            ended = true;
            failure = error;
            if (error && !pulled && waiting.length === 0) controller.error(error);
            else deliver();
          },
        );
      },
      pull: () => new Promise((resolve) => {
        pulled = resolve;
        deliver();
      }),
      cancel: () => {
        for (const chunk of waiting) this.resumeBody(chunk.length);
        waiting.length = 0;
        pulled?.();
        pulled = null;
        this.#onChunk = (chunk) => this.resumeBody(chunk.length);
        this.#onEnd = () => {};
      },
    }, { highWaterMark: 0 });
  }

  /* The client, and whether it still listens */

  get cancelled() {
    return this.#cancelled !== CANCEL_NONE;
  }

  get cancelReason() {
    switch (this.#cancelled) {
      case CANCEL_NONE: return null;
      case CANCEL_TIMEOUT: return new DOMException('The function ran out of time', 'TimeoutError');
      case CANCEL_DRAINED: return new DOMException('The instance is being stopped', 'AbortError');
      default: return new DOMException('The client went away', 'AbortError');
    }
  }

  /** Aborted when the client goes away or the time is up. */
  get signal() {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#cancelled !== CANCEL_NONE) this.#abort.abort(this.cancelReason);
    }
    return this.#abort.signal;
  }

  /** Calls fn() once if the client goes away or the time is up; cheaper than a signal. */
  onCancel(fn) {
    if (this.#cancelled !== CANCEL_NONE) fn();
    else (this.#onCancel ??= []).push(fn);
  }

  /* The answer */

  /** Whether the answer's head has left. */
  get started() {
    return this.#started;
  }

  /** Whether the answer is complete. */
  get answered() {
    return this.#answered;
  }

  respond(status, headers, body) {
    if (this.#started || this.#over) return;
    const block = encodeHeaders(headers);
    this.#started = true;
    this.#native.respond(this.stream, status, block, body);
    this.#finish();
  }

  head(status, headers) {
    if (this.#started || this.#over) return;
    const block = encodeHeaders(headers);
    this.#started = true;
    this.#native.head(this.stream, status, block);
  }

  write(chunk) {
    if (this.#answered || this.#cancelled !== CANCEL_NONE) return true;
    if (chunk.length === 0) return true;
    return this.#native.write(this.stream, chunk) > 0;
  }

  /** Resolves when there is room in the window again, or nobody to write to. */
  drained() {
    if (this.#answered || this.#cancelled !== CANCEL_NONE) return Promise.resolve();
    return (this.#drained ??= new Promise((resolve) => {
      this.#wakeDrained = resolve;
    }));
  }

  end() {
    if (this.#answered || !this.#started) return;
    this.#native.end(this.stream);
    this.#finish();
  }

  informational(status, headers) {
    if (!this.#started && !this.#over) this.#native.informational(this.stream, status, encodeHeaders(headers));
  }

  /** The handler failed; says so in the log, unless an adapter has logged it in its platform's way. */
  fail(kind, error, { log = true } = {}) {
    const index = FAIL_KINDS.indexOf(kind);
    if (index < 0) throw new Error(`no such kind of failure: ${kind}`);
    if (log && error !== undefined && kind !== 'method') this.#logError(error);
    if (this.#answered || this.#over) return;
    const report = safely(() => describeError(error), { errorType: 'Error', errorMessage: '', trace: [] });
    const allow = safely(() => error?.allow, undefined);
    if (Array.isArray(allow)) report.allow = allow;
    this.#started = true;
    this.#native.fail(this.stream, index, JSON.stringify(report));
    this.#finish();
  }

  #logError(error) {
    const text = safely(() => printable(error), 'an error that cannot be printed');
    this.#native.log(this.stream, LOG_ERROR, text);
  }

  /** Keeps the invocation alive until the promise settles; a rejection is logged and harms nobody. */
  waitUntil(promise) {
    this.#waiting += 1;
    const settled = () => {
      this.#waiting -= 1;
      this.#finishIfIdle();
    };
    Promise.resolve(promise).then(settled, (error) => {
      this.#logError(error);
      settled();
    });
  }

  /** Calls fn() once the answer is complete or its client gone. */
  onClose(fn) {
    if (this.#answered || this.#cancelled !== CANCEL_NONE) fn();
    else (this.#onClose ??= []).push(fn);
  }

  #close() {
    const listeners = this.#onClose;
    this.#onClose = null;
    for (const fn of listeners) fn();
  }

  /** Calls fn() once the invocation is over. */
  onDone(fn) {
    if (this.#over) fn();
    else (this.#afterwards ??= []).push(fn);
  }

  #finish() {
    this.#answered = true;
    if (this.#onClose) this.#close();
    if (this.#waiting === 0) this.#finishIfIdle();
  }

  #finishIfIdle() {
    if (!this.#answered || this.#waiting > 0 || this.#over) return;
    if (this.#afterwards) for (const fn of this.#afterwards) fn();
    this.#over = true;
    this.#native.done(this.stream);
    this.#owner.finished(this);
  }

  /* What the channel says; called by instance.js alone. */

  receiveBody(chunk) {
    if (this.#onChunk) this.#onChunk(chunk);
    else (this.#chunks ??= []).push(chunk);
  }

  receiveEnd() {
    if (this.#bodyEnded) return;
    this.#bodyEnded = true;
    this.#onEnd?.(null);
  }

  receiveCredit(windowBytes) {
    if (windowBytes <= 0 || !this.#wakeDrained) return;
    this.#wakeWriter();
  }

  receiveCancel(reason) {
    if (this.#cancelled !== CANCEL_NONE || this.#over) return;
    this.#cancelled = reason;
    this.#wakeWriter();
    if (!this.#bodyEnded) this.#onEnd?.(this.cancelReason);
    const listeners = this.#onCancel;
    this.#onCancel = null;
    if (listeners) for (const fn of listeners) fn();
    if (this.#onClose) this.#close();
    this.#abort?.abort(this.cancelReason);
  }

  #wakeWriter() {
    this.#wakeDrained?.();
    this.#wakeDrained = null;
    this.#drained = null;
  }
}

/* A byte stream takes the chunk's memory over, so a view into memory shared with others is copied. */
function ownBytes(chunk) {
  return chunk.byteLength === chunk.buffer.byteLength ? chunk : new Uint8Array(chunk);
}

module.exports = { Exchange, FAIL_KINDS, CANCEL_GONE, CANCEL_TIMEOUT, CANCEL_DRAINED, encodeHeaders };
