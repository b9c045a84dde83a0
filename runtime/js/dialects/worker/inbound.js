'use strict';

/* TCP connections from one worker to another: env.BACKEND.connect('host:port') there, a handler connect(socket, env, ctx) here. Nobody
 * else can open one. developers.cloudflare.com/workers/runtime-apis/handlers/connect
 *
 * It is a call between workers that brings the stream of what the caller writes, and answers with that of what the handler writes. */

const { parseAddress } = require('../../shims/cloudflare-sockets');

/* Not the name of any member: this call is the platform's own. */
const CALL = '\0connect';
const NO_HANDLER = 'Handler does not export a connect() function.';
const NOT_BYTES = 'What is written to a connection has to be bytes: a Uint8Array, as TextEncoder makes them of text.';

/* By what callers reach, `() => [handler, context]`. */
const acceptors = new WeakMap();

function bytesOf(chunk) {
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError(NOT_BYTES);
}

/* One way of a connection: bytes that go through, and when they are over. */
class Way {
  #controller;
  #over = Promise.withResolvers();

  constructor() {
    this.over = this.#over.promise;
    const { readable, writable } = new TransformStream({
      start: (controller) => {
        this.#controller = controller;
      },
      transform: (chunk, controller) => controller.enqueue(bytesOf(chunk)),
      flush: () => this.#over.resolve(),
      cancel: () => this.#over.resolve(),
    });
    this.readable = readable;
    this.writable = writable;
  }

  end() {
    this.#controller.terminate();
    this.#over.resolve();
  }

  fail(error) {
    this.#controller.error(error);
    this.#over.resolve();
  }
}

/** One end of a connection. `opened`: a promise of [what the other end writes, addresses]. */
class Socket {
  #in = new Way();
  #out = new Way();

  constructor(opened) {
    this.secureTransport = 'off';
    this.upgraded = false;
    this.readable = this.#in.readable;
    this.writable = this.#out.writable;
    this.opened = opened.then(([, addresses]) => addresses);
    this.closed = Promise.all([this.#in.over, this.#out.over, opened]).then(() => undefined);
    opened.then(([readable]) => readable.pipeTo(this.#in.writable)).catch((error) => Socket.fail(this, error));
    this.opened.catch(() => {});
    this.closed.catch(() => {});
  }

  get [Symbol.toStringTag]() {
    return 'Socket';
  }

  /** What is written to this end. */
  static written(socket) {
    return socket.#out.readable;
  }

  static fail(socket, error) {
    socket.#in.fail(error);
    socket.#out.fail(error);
  }

  async close() {
    this.#out.end();
    this.#in.end();
    return this.closed;
  }

  startTls() {
    throw new TypeError('A connection between workers has no TLS.');
  }
}

/** Calls of the platform's own to `target` lead to `find()`: [handler or null, execution context]. */
function accept(target, find) {
  acceptors.set(target, find);
  return target;
}

/** What answers that call, a method of `target`. */
function acceptorOf(target) {
  return (address, readable) => {
    const [handler, context] = acceptors.get(target)?.() ?? [null];
    if (!handler) {
      throw new Error(NO_HANDLER);
    }
    const socket = new Socket(Promise.resolve([readable, { remoteAddress: null, localAddress: address }]));
    context.waitUntil(handler(socket).catch((error) => {
      Socket.fail(socket, error);
      throw error;
    }));
    return Socket.written(socket);
  };
}

/** The caller's end of a connection through `peer()`. */
function open(peer, address) {
  const { hostname, port } = parseAddress(address);
  const remoteAddress = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
  const called = Promise.withResolvers();
  const socket = new Socket(called.promise);
  peer().call(CALL, [remoteAddress, Socket.written(socket)]).then(
    (readable) => called.resolve([readable, { remoteAddress, localAddress: null }]), called.reject,
  );
  return socket;
}

module.exports = { CALL, accept, acceptorOf, open };
