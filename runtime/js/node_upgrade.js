'use strict';
/* WebSockets, and what else a Node.js server takes over by 'upgrade': its listeners get a socket whose bytes are
 * those of the client's connection.
 *
 * A listener writes the head of its answer itself, as text. It is read here and goes the way of every answer, so
 * that the gateway checks and counts it; what follows is the connection's, or with another status the body. */

const { ExchangeSocket } = require('./exchange_socket');
const { makeRequest, encodeHead } = require('./node_http');

const EMPTY = Buffer.alloc(0);
const END_OF_HEAD = '\r\n\r\n';
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: [^\r\n]*)?\r\n/;
/* src/base/limits.h: LIMIT_RESPONSE_HEAD_BYTES. */
const HEAD_BYTES_MAX = 32 * 1024;

class UpgradeSocket extends ExchangeSocket {
  #exchange;
  #head = '';
  #owed = 0;
  #read = 0;
  #written = 0;

  constructor(exchange) {
    super(exchange);
    this.#exchange = exchange;
  }

  get bytesRead() {
    return this.#read;
  }

  /* socket.io closes sockets to which nobody has written anything. */
  get bytesWritten() {
    return this.#written;
  }

  _read() {
    const bytes = this.#owed;
    this.#owed = 0;
    if (bytes > 0) this.#exchange.resumeBody(bytes);
  }

  /* net.Socket leaves texts as they are. */
  _write(chunk, encoding, done) {
    let rest = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    this.#written += rest.length;
    try {
      if (!this.#exchange.started) rest = this.#takeHead(rest);
    } catch (error) {
      done(error);
      return;
    }
    if (rest.length === 0 || this.#exchange.write(rest)) done();
    else this.#exchange.drained().then(() => done());
  }

  _writev(chunks, done) {
    const parts = chunks.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
    this._write(Buffer.concat(parts), 'buffer', done);
  }

  /* Begins the answer when its head is complete. Returns what is behind it. */
  #takeHead(chunk) {
    this.#head += chunk.latin1Slice();
    const end = this.#head.indexOf(END_OF_HEAD);
    if (end < 0 && this.#head.length <= HEAD_BYTES_MAX) return EMPTY;
    const text = this.#head.slice(0, end + 2);
    const line = STATUS_LINE.exec(text);
    if (!line) throw new Error("The answer to an upgrade does not begin with a response's head.");
    const behind = Buffer.from(this.#head.slice(end + END_OF_HEAD.length), 'latin1');
    this.#head = '';
    this.#begin(Number(line[1]), encodeHead(text.slice(line[0].length), false));
    return behind;
  }

  #begin(status, headers) {
    if (status !== 101) {
      this.#exchange.head(status, headers);
      return;
    }
    this.#exchange.upgrade(headers);
    this.#exchange.onBody((chunk) => {
      this.#owed += chunk.length;
      this.#read += chunk.length;
      if (this.push(chunk)) this._read();
    }, (error) => {
      if (!error) this.push(null);
    });
  }

  _final(done) {
    this.#over();
    done();
    /* Both directions end with it. */
    this.push(null);
    setImmediate(() => this.destroy());
  }

  _destroy(error, done) {
    this.#over();
    done(this.listenerCount('error') > 0 ? error : null);
    process.nextTick(() => this.emit('close', Boolean(error)));
  }

  #over() {
    const exchange = this.#exchange;
    if (exchange.started || exchange.cancelled) exchange.end();
    else exchange.fail('throw', new Error('The function closed the connection without an answer to its upgrade.'));
  }
}

/* Whether the server wants it. Node's own asks this way since 24.9. */
function wantsUpgrade(server, request) {
  const asks = server.shouldUpgradeCallback;
  return typeof asks === 'function' ? Boolean(asks.call(server, request)) : server.listenerCount('upgrade') > 0;
}

/** Hands the connection of an exchange to the server's 'upgrade' listeners, if its client wants that and the server
 * does; false: it is a request like any other. */
function serveUpgrade(exchange, server) {
  if (!exchange.upgrades) return false;
  const socket = new UpgradeSocket(exchange);
  const request = makeRequest(exchange, socket, {});
  if (!wantsUpgrade(server, request)) return false;
  exchange.onCancel(() => socket.destroy());
  socket.server = server;
  server.emit('upgrade', request, socket, EMPTY);
  return true;
}

module.exports = { serveUpgrade };
