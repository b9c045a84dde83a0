'use strict';

/* One invocation of a streaming handler. */

const { finished } = require('node:stream/promises');
const loopIdle = require('./loop_idle');
const { ResponseStream } = require('./lambda_stream');

function emptyContext() {
  let waits = true;
  return {
    get callbackWaitsForEmptyEventLoop() {
      return waits;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waits = value;
    },
  };
}

/* A stream that the handler has left open and that nothing can end any more. */
function whenStuck(stream) {
  return new Promise((_resolve, reject) => {
    if (loopIdle.isExact() && !stream.writableEnded) {
      const cancel = loopIdle.whenIdle(() => {
        if (!stream.writableEnded) {
          reject(new Error('Response stream is not finished.'));
        }
      });
      stream.once('close', cancel);
    }
  });
}

/* Resolves when everything the handler wrote has gone to the sink. */
async function invokeStreaming({ handler, highWaterMark }, event, context, sink) {
  const stream = new ResponseStream(sink, highWaterMark);
  const isFinished = finished(stream);
  /* Reported below, or superseded by what the handler throws. */
  isFinished.catch(() => {});
  try {
    const returned = handler(event, stream, context);
    if (typeof returned?.then !== 'function') {
      throw 'Streaming does not support non-async handlers.';
    }
    const value = await Promise.race([returned, isFinished.then(() => returned)]);
    if (value !== undefined) {
      console.warn('Streaming handlers ignore return values.');
    }
    await Promise.race([isFinished, whenStuck(stream)]);
  } finally {
    stream.destroy();
  }
}

module.exports = { emptyContext, invokeStreaming };
