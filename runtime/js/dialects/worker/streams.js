'use strict';

/* The streams that Workers have beyond the standard: of bytes, without a queue of their own. A write to one is over
 * when somebody has asked for its bytes. */

const responses = require('./response');

const NOT_BYTES =
  'This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView ' +
  'type on its writable side.';
const FORMATS = new Set(['deflate', 'deflate-raw', 'gzip']);

/* A copy: whoever enqueues bytes gives their memory away. */
function copyOf(chunk) {
  if (typeof chunk === 'string') {
    return new TextEncoder().encode(chunk);
  }
  if (chunk instanceof ArrayBuffer) {
    return new Uint8Array(chunk.slice(0));
  }
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice();
  }
  throw new TypeError(NOT_BYTES);
}

/* { readable, writable }; check(bytes) sees each chunk, atEnd() the close, and both may refuse by a throw. */
function bytePipe({ highWaterMark = 1, check = () => {}, atEnd = () => {} }) {
  let reader;
  let writer;
  let asked = Promise.withResolvers();
  asked.promise.catch(() => {});
  const readable = new ReadableStream({
    type: 'bytes',
    start(controller) {
      reader = controller;
    },
    pull() {
      asked.resolve();
    },
    cancel(reason) {
      asked.reject(reason);
      writer.error(reason);
    },
  }, { highWaterMark: 0 });
  const refuse = (error) => {
    reader.error(error);
    throw error;
  };
  const writable = new WritableStream({
    start(controller) {
      writer = controller;
    },
    async write(chunk) {
      const bytes = copyOf(chunk);
      if (bytes.length === 0) {
        return;
      }
      try {
        check(bytes);
      } catch (error) {
        refuse(error);
      }
      await asked.promise;
      asked = Promise.withResolvers();
      asked.promise.catch(() => {});
      reader.enqueue(bytes);
    },
    close() {
      try {
        atEnd();
      } catch (error) {
        refuse(error);
      }
      reader.close();
      reader.byobRequest?.respond(0);
    },
    abort(reason) {
      reader.error(reason);
    },
  }, { highWaterMark });
  return { readable, writable };
}

function become(stream, { readable, writable }) {
  Object.defineProperties(stream, {
    readable: { value: readable, configurable: true }, writable: { value: writable, configurable: true },
  });
}

class IdentityTransformStream extends TransformStream {
  constructor({ highWaterMark } = {}) {
    super();
    become(this, bytePipe({ highWaterMark }));
  }
}

/* A number, or a field's text: Content-Length is what most are made of. */
function lengthOf(value) {
  if (typeof value === 'string') {
    return lengthOf(Number(value));
  }
  if (typeof value !== 'bigint' && (typeof value !== 'number' || !Number.isInteger(value))) {
    throw new TypeError(value === undefined
      ? "Failed to construct 'FixedLengthStream': constructor parameter 1 is not of type 'bigint'."
      : 'The value cannot be converted because it is not an integer.');
  }
  if (value < 0) {
    throw new TypeError('The value cannot be converted because it is negative and this API expects a positive bigint.');
  }
  return BigInt(value);
}

class FixedLengthStream extends IdentityTransformStream {
  constructor(expectedLength, { highWaterMark } = {}) {
    const expected = lengthOf(expectedLength);
    let seen = 0n;
    super();
    become(this, bytePipe({
      highWaterMark,
      check(bytes) {
        seen += BigInt(bytes.length);
        if (seen > expected) {
          throw new TypeError('Attempt to write too many bytes through a FixedLengthStream.');
        }
      },
      atEnd() {
        if (seen < expected) {
          throw new TypeError('FixedLengthStream did not see all expected bytes before close().');
        }
      },
    }));
    responses.noteLength(this.readable, Number(expected));
  }
}

/* The class under its own name, with the formats of Workers. */
function onlyKnownFormats(name) {
  const Base = globalThis[name];
  return { [name]: class extends Base {
    constructor(format) {
      if (!FORMATS.has(String(format))) {
        throw new TypeError("The compression format must be either 'deflate', 'deflate-raw' or 'gzip'.");
      }
      super(format);
    }
  } }[name];
}

/* In the function's zygote, before its module loads. */
function install(define) {
  define('IdentityTransformStream', IdentityTransformStream);
  define('FixedLengthStream', FixedLengthStream);
  define('CompressionStream', onlyKnownFormats('CompressionStream'));
  define('DecompressionStream', onlyKnownFormats('DecompressionStream'));
  Object.defineProperty(ReadableStreamBYOBReader.prototype, 'readAtLeast', {
    value: function readAtLeast(min, view) {
      return this.read(view, { min });
    }, writable: true, configurable: true, enumerable: true,
  });
}

module.exports = { install };
