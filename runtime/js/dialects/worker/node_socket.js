'use strict';

/* A connection that a worker got, as node:net has them. */

const { ConnectedSocket } = require('../../connected_socket');

const ADDRESS = /^\[?(.*?)\]?:(\d+)$/;

class NodeSocket extends ConnectedSocket {
  #reader;
  #writer;
  #local;
  #remote;

  /** `addresses`: what the socket's `opened` has resolved to */
  constructor({ readable, writable }, { localAddress, remoteAddress }, { allowHalfOpen = false } = {}) {
    super({ allowHalfOpen });
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
    [this.#local, this.#remote] = [localAddress, remoteAddress].map((address) => ADDRESS.exec(address ?? '') ?? []);
  }

  get localAddress() {
    return this.#local[1];
  }

  get localPort() {
    return this.#local[2] && Number(this.#local[2]);
  }

  get remoteAddress() {
    return this.#remote[1];
  }

  get remotePort() {
    return this.#remote[2] && Number(this.#remote[2]);
  }

  _read() {
    this.#reader.read().then(({ done, value }) => {
      this.push(done ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    }).catch((error) => this.destroy(error));
  }

  /* net.Socket leaves texts as they are. */
  _write(chunk, encoding, done) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    this.#writer.write(bytes).then(() => done(), done);
  }

  _writev(chunks, done) {
    this._write(Buffer.concat(chunks.map(({ chunk, encoding }) => Buffer.from(chunk, encoding))), 'buffer', done);
  }

  _final(done) {
    this.#writer.close().then(() => done(), done);
  }

  _destroy(error, done) {
    this.#reader.cancel(error ?? undefined).catch(() => {});
    this.#writer.abort(error ?? undefined).catch(() => {});
    done(this.listenerCount('error') > 0 ? error : null);
    process.nextTick(() => this.emit('close', Boolean(error)));
  }
}

module.exports = { NodeSocket };
