'use strict';

/* Response streaming: the global `awslambda`, the stream a streaming handler writes to, and where
 * its bytes go. A prelude at their start (integration_prelude.js) becomes the head of the answer. */

const { Writable } = require('node:stream');
const { InvalidStreamingOperation } = require('./errors');
const { STREAMING, HIGH_WATER_MARK } = require('./handler');
const { CONTENT_TYPE, DELIMITER, PreludeReader, isPreludeType } = require('../integration_prelude');
const { addCors } = require('./url');
const { RESPONSE_MAX_BYTES, ResponseTooLarge, headOf, toStatus } = require('./response');

const DEFAULT_TYPE = 'application/octet-stream';

/* Writes an answer to an exchange as it comes. */
class HttpSink {
  #exchange;
  #prelude = null;

  constructor(exchange) {
    this.#exchange = exchange;
  }

  begin(contentType) {
    if (isPreludeType(contentType)) {
      this.#prelude = new PreludeReader();
    } else {
      this.#exchange.head(200, addCors(this.#exchange, ['content-type', contentType]));
    }
  }

  #beginWith(prelude) {
    this.#prelude = null;
    const status = prelude.statusCode === undefined ? 200 : toStatus(prelude.statusCode);
    this.#exchange.head(status, addCors(this.#exchange, headOf(prelude, DEFAULT_TYPE)));
  }

  /* Returns a promise where the reader is slow. */
  write(chunk) {
    let bytes = chunk;
    if (this.#prelude) {
      const found = this.#prelude.push(chunk);
      if (!found) {
        return undefined;
      }
      this.#beginWith(found.prelude);
      bytes = found.rest;
    }
    return this.#exchange.write(bytes) ? undefined : this.#exchange.drained();
  }

  end() {
    if (this.#prelude) {
      if (!this.#prelude.isEmpty) {
        throw new Error('The response ended inside its metadata');
      }
      this.#beginWith({});
    }
    this.#exchange.end();
  }
}

/* Keeps the bytes, for the Invoke API. */
class BufferSink {
  #parts = [];
  #bytes = 0;

  begin() {}

  write(chunk) {
    this.#bytes += chunk.length;
    if (this.#bytes > RESPONSE_MAX_BYTES) {
      throw new ResponseTooLarge();
    }
    this.#parts.push(Buffer.from(chunk));
  }

  end() {}

  get bytes() {
    return Buffer.concat(this.#parts);
  }
}

function isBytesOrText(chunk) {
  return typeof chunk === 'string' || chunk instanceof Uint8Array;
}

function isFunction(value) {
  return typeof value === 'function';
}

class ResponseStream extends Writable {
  #sink;
  #contentType = DEFAULT_TYPE;
  #isWritten = false;
  #sinkHasBegun = false;

  constructor(sink, highWaterMark) {
    super({ highWaterMark });
    this.#sink = sink;
    /* Set by HttpResponseStream.from, this one or a copy that a package brings along. */
    this._onBeforeFirstWrite = undefined;
  }

  setContentType(contentType) {
    if (this.#isWritten) {
      throw new InvalidStreamingOperation('Cannot set content-type, too late.');
    }
    this.#contentType = String(contentType);
  }

  #beforeFirstWrite() {
    if (!this.#isWritten) {
      this.#isWritten = true;
      this._onBeforeFirstWrite?.((chunk) => super.write(chunk));
    }
  }

  write(chunk, encoding, callback) {
    this.#beforeFirstWrite();
    return super.write(isBytesOrText(chunk) ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  end(...args) {
    if (args.length > 0 && args[0] !== undefined && args[0] !== null && !isFunction(args[0])) {
      this.write(args.shift(), typeof args[0] === 'string' ? args.shift() : undefined);
    } else {
      this.#beforeFirstWrite();
    }
    return super.end(args.find(isFunction));
  }

  /* The sink learns the content type with the first bytes, when it can no longer change. */
  #beginSink() {
    if (!this.#sinkHasBegun) {
      this.#sinkHasBegun = true;
      this.#sink.begin(this.#contentType);
    }
  }

  _write(chunk, _encoding, callback) {
    try {
      this.#beginSink();
      const wait = this.#sink.write(chunk);
      if (wait) {
        wait.then(() => callback(), callback);
      } else {
        callback();
      }
    } catch (error) {
      callback(error);
    }
  }

  _final(callback) {
    try {
      this.#beginSink();
      this.#sink.end();
      callback();
    } catch (error) {
      callback(error);
    }
  }
}

/* Puts the metadata in front of the first byte that the function writes. */
function fromStream(stream, prelude) {
  stream.setContentType(CONTENT_TYPE);
  const json = JSON.stringify(prelude);
  stream._onBeforeFirstWrite = (write) => {
    write(json);
    write(new Uint8Array(DELIMITER));
  };
  return stream;
}

class HttpResponseStream {
  static from(stream, prelude) {
    return fromStream(stream, prelude);
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (typeof options?.highWaterMark === 'number') {
    handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  }
  return handler;
}

/* Before the function's module loads, for its top level uses it. `more`: what else is in it. */
function installGlobal(more) {
  const optOut = process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA;
  if (optOut !== '1' && optOut !== 'true') {
    globalThis.awslambda = { ...more, streamifyResponse, HttpResponseStream };
  }
}

module.exports = { BufferSink, HttpSink, ResponseStream, installGlobal };
