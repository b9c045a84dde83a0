'use strict';
/* The native addon of doc/runtime.md, in memory: a gateway for tests of adapters.
 *
 *   const gateway = await startInstance({ adapter, modules, endpoints, settings });
 *   const reply = await gateway.request('POST /path', { headers: {...}, body: 'text' });
 *   reply.status, reply.header('content-type'), await reply.text(), reply.failure
 *
 * It is as strict as the real one is to be: what the addon could not take throws here, in the runtime's
 * face, and is kept in `gateway.violations`. */

const { FAIL_KINDS } = require('../../runtime/js/exchange');

const WINDOW = 256 * 1024;
const WIDE_WINDOW = 512 * 1024;
const FLAG_BODY = 1;
const FLAG_COLD = 2;
const CANCEL = { gone: 1, timeout: 2, drained: 3 };

const latin1 = (text) => Buffer.from(text, 'utf8').toString('latin1');

function parseHeaders(block) {
  const fields = block.split('\0');
  if (fields.pop() !== '') throw new Error('a header block must end in a NUL');
  if (fields.length % 2 !== 0) throw new Error('a header block must hold pairs');
  for (const field of fields) {
    if (/[^\t\x20-\x7e\x80-\xff]/.test(field)) throw new Error(`not a header field: ${JSON.stringify(field)}`);
  }
  return fields;
}

function bytesOf(body) {
  if (body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  if (body instanceof Uint8Array) return Buffer.from(body);
  throw new TypeError('a body is a string, a Uint8Array or null');
}

/** One request under way, as its client sees it. */
class Reply {
  constructor(mock, stream) {
    this.mock = mock;
    this.stream = stream;
    this.status = 0;
    this.headers = [];
    this.informational = [];
    this.chunks = [];
    this.failure = null;
    this.complete = false;
    this.over = false;
    this.logs = [];
    this.window = WINDOW;
    this.reading = true;
    this.bodyWindow = WINDOW;
    this.bodyCredited = 0;
    this.changed = Promise.withResolvers();
  }

  touch() {
    const { resolve } = this.changed;
    this.changed = Promise.withResolvers();
    resolve();
  }

  /** Waits until test() is true of this reply. */
  async until(test) {
    while (!test(this)) await this.changed.promise;
    return this;
  }

  header(name) {
    const values = this.headerList(name);
    return values.length ? values.join(', ') : null;
  }

  headerList(name) {
    const values = [];
    for (let i = 0; i < this.headers.length; i += 2) {
      if (this.headers[i].toLowerCase() === name) values.push(this.headers[i + 1]);
    }
    return values;
  }

  get bytes() {
    return Buffer.concat(this.chunks);
  }

  /** The whole body; waits for its end. */
  async text() {
    await this.until((it) => it.complete);
    return this.bytes.toString('utf8');
  }

  async json() {
    return JSON.parse(await this.text());
  }

  /** Waits until the invocation is over (`done`). */
  done() {
    return this.until((it) => it.over);
  }

  /** Stops reading: the function's window fills. */
  pause() {
    this.reading = false;
  }

  resume() {
    this.reading = true;
    this.mock.grant(this);
  }

  cancel(reason = 'gone') {
    this.mock.deliver(() => this.mock.callbacks.cancel(this.stream, CANCEL[reason]));
  }

  /** Sends a piece of the request's body, as far as the window lets; resolves when it is sent. */
  async send(chunk) {
    let rest = Buffer.from(chunk);
    while (rest.length > 0) {
      await this.until((it) => it.bodyWindow > 0);
      const piece = rest.subarray(0, Math.min(rest.length, this.bodyWindow, 64 * 1024));
      rest = rest.subarray(piece.length);
      this.bodyWindow -= piece.length;
      this.mock.deliver(() => this.mock.callbacks.body(this.stream, Buffer.from(piece)));
    }
  }

  finish() {
    this.mock.deliver(() => this.mock.callbacks.end(this.stream));
  }
}

class MockNative {
  constructor() {
    this.callbacks = null;
    this.isOpen = false;
    this.replies = new Map();
    this.logs = [];
    this.violations = [];
    this.streams = 0;
    this.native = this.makeNative();
  }

  deliver(fn) {
    setImmediate(fn);
  }

  grant(reply) {
    if (reply.window === WINDOW || !reply.reading || reply.complete) return;
    this.deliver(() => {
      if (!reply.reading || reply.complete) return;
      reply.window = WINDOW;
      this.callbacks.credit(reply.stream, WINDOW);
    });
  }

  /* Each call is checked as the addon will check it. */
  makeNative() {
    const calls = {
      listen: (callbacks) => {
        if (this.callbacks) throw new Error('listen is called once');
        for (const name of ['request', 'body', 'end', 'cancel', 'credit', 'stop']) {
          if (typeof callbacks[name] !== 'function') throw new TypeError(`listen needs the callback ${name}`);
        }
        this.callbacks = callbacks;
      },
      open: () => {
        if (!this.callbacks || this.isOpen) throw new Error('open is called once, after listen');
        this.isOpen = true;
      },
      respond: (stream, status, headers, body) => {
        const reply = this.beginning(stream);
        this.takeHead(reply, status, headers);
        const bytes = bytesOf(body);
        if (bytes.length) reply.chunks.push(bytes);
        reply.hasBody = body !== null;
        reply.complete = true;
        reply.whole = true;
        reply.touch();
      },
      head: (stream, status, headers) => {
        const reply = this.beginning(stream);
        this.takeHead(reply, status, headers);
        reply.touch();
      },
      write: (stream, chunk) => {
        const reply = this.streaming(stream);
        const bytes = bytesOf(chunk);
        reply.chunks.push(bytes);
        reply.window -= bytes.length;
        if (reply.window <= 0) this.grant(reply);
        reply.touch();
        return reply.window;
      },
      end: (stream) => {
        const reply = this.streaming(stream);
        reply.complete = true;
        reply.touch();
      },
      informational: (stream, status, headers) => {
        const reply = this.beginning(stream);
        if (!(status >= 100 && status < 200)) throw new RangeError(`not informational: ${status}`);
        reply.informational.push({ status, headers: parseHeaders(headers) });
        reply.touch();
      },
      credit: (stream, bytes) => {
        const reply = this.find(stream);
        if (!Number.isInteger(bytes) || bytes <= 0) throw new RangeError(`credit of ${bytes}`);
        reply.bodyWindow += bytes;
        reply.bodyCredited += bytes;
        if (reply.bodyWindow > WIDE_WINDOW) throw new RangeError('more credit than the window');
        reply.touch();
      },
      fail: (stream, kind, json) => {
        const reply = this.find(stream);
        if (reply.complete) throw new Error('fail after the end of the answer');
        if (!FAIL_KINDS[kind]) throw new RangeError(`no failure ${kind}`);
        reply.failure = { kind: FAIL_KINDS[kind], midway: reply.status !== 0, ...JSON.parse(json) };
        reply.complete = true;
        reply.touch();
      },
      log: (stream, level, text) => {
        if (!Number.isInteger(level) || level < 0 || level > 3) throw new RangeError(`log level ${level}`);
        if (typeof text !== 'string') throw new TypeError('a log text is a string');
        const entry = { stream, level, text };
        this.logs.push(entry);
        this.replies.get(stream)?.logs.push(entry);
      },
      done: (stream) => {
        const reply = this.find(stream);
        if (!reply.complete) throw new Error('done before the end of the answer');
        reply.over = true;
        reply.touch();
      },
    };
    for (const [name, call] of Object.entries(calls)) {
      calls[name] = (...args) => {
        try {
          return call(...args);
        } catch (error) {
          this.violations.push(`${name}: ${error.message}`);
          throw error;
        }
      };
    }
    return calls;
  }

  find(stream) {
    const reply = this.replies.get(stream);
    if (!reply) throw new Error(`no stream ${stream}`);
    if (reply.over) throw new Error(`stream ${stream} is over`);
    return reply;
  }

  beginning(stream) {
    const reply = this.find(stream);
    if (reply.status !== 0 || reply.complete) throw new Error('the answer has begun already');
    return reply;
  }

  streaming(stream) {
    const reply = this.find(stream);
    if (reply.status === 0) throw new Error('the answer has no head yet');
    if (reply.complete) throw new Error('the answer has ended');
    return reply;
  }

  takeHead(reply, status, headers) {
    if (!Number.isInteger(status) || (status < 200 && status !== 101) || status > 999) throw new RangeError(`status ${status}`);
    if (typeof headers !== 'string') throw new TypeError('headers are one string');
    reply.headers = parseHeaders(headers);
    reply.status = status;
  }

  /**
   * Sends a request: start('GET /path', options). `body`: text, bytes or 'open' for pieces sent with
   * reply.send() and reply.finish(). `headers`: object or list of pairs. Returns the Reply at once.
   */
  start(line, options = {}) {
    const { headers = {}, body, endpoint = 0, params = {}, host = 'localhost:3000', scheme = 'http' } = options;
    const [method, target] = line.split(' ');
    const stream = ++this.streams;
    const reply = new Reply(this, stream);
    this.replies.set(stream, reply);

    const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
    const list = [['host', host], ...pairs];
    if (typeof body === 'string' && body !== 'open' && !pairs.some(([name]) => name === 'content-length')) {
      list.push(['content-length', String(Buffer.byteLength(body))]);
    }
    const block = list.map(([name, value]) => `${name.toLowerCase()}\0${latin1(value)}\0`).join('');
    const meta = [
      options.requestId ?? `req-${stream}`,
      options.traceparent ?? '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      options.remoteAddress ?? '127.0.0.1', '40000', scheme, host, options.originalTarget ?? target,
      ...Object.entries(params).flat(),
    ].map((field) => field + '\0').join('');

    const hasBody = body !== undefined && body !== null;
    const flags = (hasBody ? FLAG_BODY : 0) | (stream === 1 ? FLAG_COLD : 0);
    this.deliver(() => this.callbacks.request(stream, endpoint, method, target, block, meta, flags, options.timeoutMs ?? 0));
    if (hasBody && body !== 'open') {
      reply.send(body).then(() => reply.finish());
    }
    return reply;
  }

  /** Sends a request and waits for the head of its answer, or for its failure. */
  request(line, options) {
    return this.start(line, options).until((it) => it.status !== 0 || it.complete);
  }
}

/** Loads `modules` (name to exports or thunk) with the adapter and opens an instance on a mock. */
async function startInstance({ adapter, modules = {}, endpoints, settings = {}, spec = {} }) {
  const { run } = require('../../runtime/js/instance');
  const names = Object.keys(modules);
  const whole = {
    name: 'test', dialect: 'test', timeout_ms: 0, memory_mb: 128, env: {}, bindings: {}, settings,
    endpoints: endpoints ?? names.map((name) => ({ name: `/${name}`, file: `${name}.js`, module: name, settings: {} })),
    ...spec,
  };
  const load = async (name) => {
    const found = modules[name];
    if (found === undefined) throw new Error(`no module ${name}`);
    return typeof found === 'function' && found.thunk ? found() : found;
  };
  const app = await adapter.load(whole, load);
  const mock = new MockNative();
  mock.instance = run({ spec: whole, app, adapter, native: mock.native });
  mock.app = app;
  return mock;
}

/** Marks a function as a module's thunk (what a bundle has): called at load, may throw or be async. */
const thunk = (fn) => Object.assign(fn, { thunk: true });

module.exports = { MockNative, startInstance, thunk, WINDOW };
