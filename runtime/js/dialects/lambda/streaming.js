'use strict';

/* One invocation of a streaming handler. */

const { finished } = require('node:stream/promises');
const { ResponseStream } = require('./stream');

const SYNC_TEXT = 'Streaming does not support non-async handlers.';

/* A handler that is not async fails, unless all it had to say has been said. */
function whenReturned(returned, stream, syncError) {
  if (typeof returned?.then === 'function') {
    return returned;
  }
  if (!stream.writableEnded) {
    throw syncError;
  }
  console.error(SYNC_TEXT);
  return undefined;
}

/* Resolves when everything the handler wrote has gone to the sink; a stream that is left open has
 * its time-out. */
async function invokeStreaming(target, event, context, sink, syncError = SYNC_TEXT) {
  const { handler, highWaterMark } = target;
  const stream = new ResponseStream(sink, highWaterMark);
  const isFinished = finished(stream);
  /* Reported below, or superseded by what the handler throws. */
  isFinished.catch(() => {});
  try {
    const returned = whenReturned(handler(event, stream, context), stream, syncError);
    const value = await Promise.race([returned, isFinished.then(() => returned)]);
    if (value !== undefined) {
      console.warn('Streaming handlers ignore return values.');
    }
    await isFinished;
  } finally {
    stream.destroy();
  }
}

module.exports = { invokeStreaming };
