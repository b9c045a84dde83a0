'use strict';

/* How two ends of a conversation reach each other: in memory within a worker, or by one HTTP request that stays open
 * both ways, through the gateway. On the wire each message is its length in four bytes and itself. */

const http = require('node:http');
const context = require('../../context');
const origin = require('./origin');
const { Peer } = require('./rpc_peer');
const { countedStubOf } = require('./rpc_stub');

/* Longer than what Workers allow, 32 MiB. */
const MESSAGE_MAX_BYTES = 64 * 1024 * 1024;
const TYPE = 'application/x-mayfly-rpc';

const agent = new http.Agent({ keepAlive: true });

function framed(bytes) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/* Bytes as they come to whole messages. */
class Reader {
  #pending = Buffer.alloc(0);
  #onMessage;

  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  push(chunk) {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (rest.length >= 4) {
      const length = rest.readUInt32LE(0);
      if (length > MESSAGE_MAX_BYTES) {
        throw new RangeError('A message between workers is too long.');
      }
      if (rest.length < 4 + length) {
        break;
      }
      this.#onMessage(Buffer.from(rest.subarray(4, 4 + length)));
      rest = rest.subarray(4 + length);
    }
    this.#pending = Buffer.from(rest);
  }
}

/* In whose name things are done: the request that is handled now. */
function inContext() {
  const exchange = context.current();
  return exchange ? (fn) => exchange.run(fn) : (fn) => fn();
}

/** The end of a caller within this worker; `main` is what it calls. */
function connectLocal(main) {
  const run = inContext();
  const later = (peer) => (bytes) => queueMicrotask(() => peer().receive(bytes));
  const far = new Peer({ main, run, send: later(() => near) });
  const near = new Peer({ run, send: later(() => far) });
  context.current()?.onDone(() => {
    near.close();
    far.close();
  });
  return near;
}

/** A stub of an object of this worker's own: calls it as another worker would. */
function stubOfOwn(target) {
  const peer = connectLocal(target);
  return countedStubOf({
    call: (name, args) => peer.call(name, args),
    get: (name) => peer.get(name),
    end: () => peer.close(),
  });
}

/** The end of a caller of another worker. */
function connectRemote(binding) {
  const exchange = context.current();
  const request = http.request({ ...origin.rpcRequest(binding), agent });
  const peer = new Peer({
    run: inContext(),
    send: (bytes) => request.write(framed(bytes)),
    onIdle: () => request.end(),
  });
  request.on('error', (error) => peer.close(new Error(`The worker "${binding.service}" cannot be reached.`, { cause: error })));
  request.on('response', (response) => receiveFrom(response, peer, binding, request));
  exchange?.onDone(() => {
    request.end();
    peer.close();
  });
  return peer;
}

function receiveFrom(response, peer, { service }, request) {
  if (response.statusCode !== 200 || response.headers['content-type'] !== TYPE) {
    response.resume();
    request.end();
    peer.close(new Error(`The worker "${service}" did not answer the call: status ${response.statusCode}.`));
    return;
  }
  const reader = new Reader((bytes) => peer.receive(bytes));
  response.on('data', (chunk) => {
    try {
      reader.push(chunk);
    } catch (error) {
      request.destroy();
      peer.close(error);
    }
  });
  response.on('close', () => peer.close());
  response.on('error', () => peer.close());
}

/** Serves a conversation that another worker has begun; resolves when it is over. */
function serve(exchange, main) {
  return new Promise((resolve) => {
    const peer = new Peer({
      main, run: (fn) => exchange.run(fn), send: (bytes) => void exchange.write(framed(bytes)),
    });
    const over = () => {
      peer.close();
      exchange.end();
      resolve();
    };
    const reader = new Reader((bytes) => peer.receive(bytes));
    exchange.head(200, ['content-type', TYPE]);
    exchange.onBody((chunk) => {
      exchange.resumeBody(chunk.length);
      try {
        reader.push(chunk);
      } catch (error) {
        console.error(error);
        over();
      }
    }, over);
  });
}

module.exports = { connectLocal, connectRemote, serve, stubOfOwn };
