'use strict';
/* An Exchange is one request inside the runtime and the way its answer leaves.
 *
 * The native addon hands a request over as a few strings; nothing of them is split before somebody
 * asks, because a handler that answers "hello" asks for nothing. An exchange is over when its answer
 * is complete and every promise given to waitUntil has settled: then the gateway hears `done`. */

const context = require('./context');
const { describeError, printable, safely } = require('./exchange_error');
const {
  decodeParams, encodeHeaders, eventOf, fieldsOf, joinHeaders, splitFields, usableHost,
} = require('./exchange_fields');
const { explain } = require('./native_modules');

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

const LOG_WARN = 2;
const LOG_ERROR = 3;

const UNDONE = "the function's time is over and what it gave to waitUntil() is not done: it is not waited for any longer; " +
  'its platform would end it here';

/* src/base/limits.h: what the gateway sends before it wants credit, and what a long body may have. */
const WINDOW_BYTES = 256 * 1024;
const WIDE_WINDOW_BYTES = 512 * 1024;
const WIDE_AFTER_BYTES = 8 * 1024 * 1024;

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
  #host = null;
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
    /** Lambda's: its headers' names where the client wrote them with capitals, by those in lower case. */
    this.writtenNames = null;
    /** The handler has failed, or was not reached. fail() sets it; so do adapters that answer failures themselves. */
    this.failed = false;
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

  /** For URLs: one that no URL can have is not told, but among the headers. */
  get host() {
    return (this.#host ??= usableHost(this.#fields[META_HOST]));
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
    return eventOf(this.#headerBlock);
  }

  get rawHeaders() {
    if (this.#rawHeaders === null) {
      this.#rawHeaders = fieldsOf(this.#headerBlock);
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

  /** Whether the client asks for its connection to become a WebSocket: whoever answers 101 by upgrade() gets it. */
  get upgrades() {
    return this.headers['sec-websocket-key'] !== undefined && this.headers.upgrade?.toLowerCase() === 'websocket';
  }

  /** Answers 101. From then on both bodies are what the connection carries: onBody(), write() and end(). */
  upgrade(headers) {
    this.head(101, headers);
    this.#bodyEnded = false;
    this.#onChunk = this.#onEnd = null;
  }

  informational(status, headers) {
    if (!this.#started && !this.#over) this.#native.informational(this.stream, status, encodeHeaders(headers));
  }

  /** The handler failed; says so in the log, unless an adapter has logged it in its platform's way. */
  fail(kind, error, { log = true } = {}) {
    this.failed = true;
    const index = FAIL_KINDS.indexOf(kind);
    if (index < 0) throw new Error(`no such kind of failure: ${kind}`);
    if (error !== undefined && kind !== 'method') {
      if (log) this.#logError(error);
      this.#logHint(error);
    }
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

  /* A native module may be looked for as late as in a request: as better-sqlite3 does when a database is opened. */
  #logHint(error) {
    const text = safely(() => explain(error), null);
    if (text !== null) this.#native.log(this.stream, LOG_ERROR, text);
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
    if (reason === CANCEL_TIMEOUT) this.#tellUndone();
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

  /* Who still waits for an answer is told of the time-out by that. */
  #tellUndone() {
    const isUnheard = this.#answered || this.#cancelled === CANCEL_GONE;
    if (isUnheard && !this.#over && this.#waiting > 0) this.#native.log(this.stream, LOG_WARN, UNDONE);
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
