'use strict';

/* Streams that go to another worker: the one that has the stream answers reads and writes of the other. */

class ReadableSource {
  #reader;

  constructor(stream) {
    this.#reader = stream.getReader();
  }

  async read() {
    const { done, value } = await this.#reader.read();
    if (!done && !(value instanceof Uint8Array)) {
      throw new TypeError('Streams that go to another worker must be of bytes.');
    }
    return { done, value };
  }

  async cancel(reason) {
    await this.#reader.cancel(reason);
  }

  [Symbol.dispose]() {
    this.#reader.cancel().catch(() => {});
  }
}

class WritableSink {
  #writer;

  constructor(stream) {
    this.#writer = stream.getWriter();
  }

  async write(chunk) {
    await this.#writer.write(chunk);
  }

  async close() {
    await this.#writer.close();
  }

  async abort(reason) {
    await this.#writer.abort(reason);
  }

  [Symbol.dispose]() {
    this.#writer.abort(new Error('The writer of this stream was disposed.')).catch(() => {});
  }
}

/* `source`: a stub of a ReadableSource. It is kept: whoever got it lets it go with the call that brought it. */
function readableFrom(source) {
  const own = source.dup();
  const dispose = () => own[Symbol.dispose]();
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await own.read();
      if (done) {
        controller.close();
        controller.byobRequest?.respond(0);
        dispose();
      } else if (value.length > 0) {
        controller.enqueue(value);
      }
    },
    async cancel(reason) {
      await own.cancel(reason === undefined ? undefined : String(reason));
      dispose();
    },
  }, { highWaterMark: 0 });
}

function writableTo(sink) {
  const own = sink.dup();
  const dispose = () => own[Symbol.dispose]();
  return new WritableStream({
    async write(chunk) {
      await own.write(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
    },
    async close() {
      await own.close();
      dispose();
    },
    async abort(reason) {
      await own.abort(reason === undefined ? undefined : String(reason));
      dispose();
    },
  });
}

module.exports = { ReadableSource, WritableSink, readableFrom, writableTo };
