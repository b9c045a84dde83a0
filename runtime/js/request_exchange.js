'use strict';
/* An Exchange over a Request object in place of a channel: what answers exchanges can answer a handler's Request. */

const { Exchange, CANCEL_GONE } = require('./exchange');
const { current } = require('./context');

const FLAG_BODY = 1;
const WINDOW_BYTES = 256 * 1024;
const BODILESS = new Set([101, 204, 205, 304]);

function blockOf(pairs) {
  return pairs.map(([name, value]) => `${name}\0${value}\0`).join('');
}

/* Positions of doc/runtime.md. What a Request does not say of its client, the exchange that it came by does. */
function metaOf(url) {
  const outer = current();
  return [outer?.requestId, outer?.traceparent, outer?.remoteAddress, outer?.remotePort, url.protocol.slice(0, -1), url.host, '']
    .map((field) => `${field ?? ''}\0`).join('');
}

/* What the addon would do with the answer: it becomes a Response. */
class ResponseSink {
  #controller = null;
  #onPull;
  #onCancel;
  #onCredit;

  /** `onPull`: whoever reads the Response wants more; `onCancel`: nobody does; `onCredit`: so much of the body is read. */
  constructor({ onPull, onCancel, onCredit }) {
    this.result = Promise.withResolvers();
    this.#onPull = onPull;
    this.#onCancel = onCancel;
    this.#onCredit = onCredit;
  }

  credit(_stream, bytes) {
    this.#onCredit(bytes);
  }

  #answer(status, block, body) {
    const fields = block.split('\0').slice(0, -1);
    const headers = new Headers();
    for (let i = 0; i < fields.length; i += 2) headers.append(fields[i], fields[i + 1]);
    this.result.resolve(new Response(BODILESS.has(status) ? null : body, { status, headers }));
  }

  respond(_stream, status, block, body) {
    this.#answer(status, block, body);
  }

  head(_stream, status, block) {
    const body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#onPull(),
      cancel: () => this.#onCancel(),
    }, { highWaterMark: WINDOW_BYTES, size: (chunk) => chunk.byteLength });
    this.#answer(status, block, body);
  }

  write(_stream, chunk) {
    this.#controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : new Uint8Array(chunk));
    return this.#controller.desiredSize;
  }

  end() {
    this.#controller.close();
  }

  fail(error) {
    if (this.#controller) this.#controller.error(error);
    else this.result.reject(error);
  }

  informational() {}

  done() {}
}

class RequestExchange extends Exchange {
  #sink;

  constructor(sink, request) {
    const url = new URL(request.url);
    const owner = { native: sink, spec: null, settings: [], finished() {} };
    super(owner, 0, 0, request.method, url.pathname + url.search, blockOf([...request.headers]), metaOf(url),
      request.body ? FLAG_BODY : 0, 0);
    this.#sink = sink;
  }

  fail(_kind, error) {
    this.#sink.fail(error);
  }
}

/* Hands the body over as fast as it is read. */
async function feed(exchange, stream, room) {
  for await (const chunk of stream) {
    exchange.receiveBody(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    await room.take(chunk.byteLength);
  }
  exchange.receiveEnd();
}

/* How much of a body may be on its way. */
class Room {
  #bytes = WINDOW_BYTES;
  #wake = null;

  give(bytes) {
    this.#bytes += bytes;
    this.#wake?.();
  }

  async take(bytes) {
    this.#bytes -= bytes;
    while (this.#bytes <= 0) {
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/**
 * @param {Request} request
 * @param {(exchange: Exchange) => void} serve answers the exchange, now or later
 * @returns {Promise<Response>}
 */
function answerRequest(request, serve) {
  const room = new Room();
  const leave = () => exchange.receiveCancel(CANCEL_GONE);
  const sink = new ResponseSink({
    onPull: () => exchange.receiveCredit(WINDOW_BYTES), onCancel: leave, onCredit: (bytes) => room.give(bytes),
  });
  const exchange = new RequestExchange(sink, request);
  const abort = (reason) => {
    leave();
    sink.fail(reason);
  };
  if (request.signal.aborted) abort(request.signal.reason);
  else request.signal.addEventListener('abort', () => abort(request.signal.reason), { once: true });
  if (request.body) feed(exchange, request.body, room).catch(abort);
  serve(exchange);
  return sink.result.promise;
}

module.exports = { answerRequest };
