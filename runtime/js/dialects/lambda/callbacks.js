'use strict';

/* Node.js 22 and before: handlers with callbacks, the old methods of the context, and promises. The
 * first of them that is used decides the result.
 *
 * callback(null, result) answers when the event loop is empty, unless the function says
 * callbackWaitsForEmptyEventLoop = false; done, succeed, fail and a promise answer at once. */

const { logError } = require('./console');
const { contextParts } = require('./context');
const errors = require('./errors');
const { checkHandler, findProperty } = require('./handler');
const { serialize } = require('./response');
const loopIdle = require('../loop_idle');

/* A promise that nobody settles is looked for only in invocations that take longer than this. */
const STUCK_AFTER_MS = 100;

const TWICE_TEXT =
  'Invocation has already been reported as done. ' +
  'Cannot call complete more than once per invocation.';

const DEPRECATED_TEXT =
  'AWS Lambda supports callback-based function handlers up to Node.js 22 only: with Node.js 24 this ' +
  'function needs an async handler. AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING silences this.';

class Invocation {
  constructor(resolve, reject) {
    this.resolve = resolve;
    this.reject = reject;
    this.waitsForEmptyLoop = true;
    this.isOver = false;
    this.giveUpWaiting = null;
  }

  stopWaiting() {
    this.giveUpWaiting?.();
    this.giveUpWaiting = null;
  }

  waitForIdle(fn, firstMs) {
    this.stopWaiting();
    this.giveUpWaiting = loopIdle.whenIdle(fn, firstMs);
  }

  complete(result) {
    if (this.isOver) {
      console.error(TWICE_TEXT);
      return;
    }
    const json = serialize(result);
    this.isOver = true;
    this.resolve(json);
  }

  /* A second failure has nobody to tell. */
  failWith(error) {
    this.isOver = true;
    this.reject(error);
  }

  callback(error, result) {
    this.stopWaiting();
    if (error !== undefined && error !== null) {
      this.failWith(error);
    } else if (this.waitsForEmptyLoop) {
      this.waitForIdle(() => this.completeOrFail(result));
    } else {
      this.complete(result);
    }
  }

  /* Outside the handler's own call nobody catches what cannot be serialized. */
  completeOrFail(result) {
    try {
      this.complete(result);
    } catch (error) {
      this.failWith(error);
    }
  }

  done(error, result) {
    this.stopWaiting();
    if (error !== undefined && error !== null) {
      this.failWith(error);
    } else {
      this.complete(result);
    }
  }

  /* The loop ran empty and nobody answered. */
  abandon(isAsync) {
    if (this.isOver) {
      return;
    }
    if (isAsync) {
      this.failWith(new errors.NodeJsExit());
    } else {
      this.complete(null);
    }
  }
}

/* Of the four ways to answer the first one counts; one that throws may be tried again. */
function firstOnly() {
  let isUsed = false;
  return (fn) => (...args) => {
    if (!isUsed) {
      fn(...args);
      isUsed = true;
    }
  };
}

function makeContext(invocation, first) {
  return {
    get callbackWaitsForEmptyEventLoop() {
      return invocation.waitsForEmptyLoop;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      invocation.waitsForEmptyLoop = value;
    },
    succeed: first((result) => invocation.done(null, result)),
    fail: first((error) => invocation.done(error === undefined || error === null ? 'handled' : error)),
    done: first((error, result) => invocation.done(error, result)),
  };
}

function fillContext(context, exchange, arn) {
  const { environment, request, getRemainingTimeInMillis } = contextParts(exchange, arn);
  return Object.assign(context, environment, request, { getRemainingTimeInMillis });
}

function isThenable(value) {
  return Boolean(value) && typeof value.then === 'function';
}

/* A loop with nothing in it cannot settle a promise; only the addon sees all that may be in it. */
function watchForStuck(invocation, isAsync, isPromise) {
  if (invocation.isOver || invocation.giveUpWaiting) {
    return;
  }
  if (loopIdle.isExact() || !isPromise) {
    invocation.waitForIdle(() => invocation.abandon(isAsync), isPromise ? STUCK_AFTER_MS : 0);
  }
}

/* Resolves to the result's JSON; rejects with what the handler threw, whatever that is. */
function invoke({ handler, isAsync }, event, exchange, arn) {
  return new Promise((resolve, reject) => {
    const invocation = new Invocation(resolve, reject);
    const first = firstOnly();
    const callback = first((error, result) => invocation.callback(error, result));
    try {
      const context = fillContext(makeContext(invocation, first), exchange, arn);
      const returned = handler(event, context, callback);
      if (isThenable(returned)) {
        Promise.resolve(returned.then(context.succeed, context.fail)).catch(context.fail);
        watchForStuck(invocation, isAsync, true);
      } else {
        watchForStuck(invocation, isAsync, false);
      }
    } catch (error) {
      /* Throwing undefined counts as an answer, as it does there. */
      callback(error);
    }
  });
}

function streamContext(exchange, arn) {
  let waits = true;
  const context = {
    get callbackWaitsForEmptyEventLoop() {
      return waits;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waits = value;
    },
  };
  return fillContext(context, exchange, arn);
}

function findHandler(namespace, name) {
  return checkHandler(findProperty(namespace, name), name);
}

/* Once, while the function loads. */
function checkSignature({ handler, isAsync, isStreaming }) {
  const isQuiet = process.env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING !== undefined;
  if (handler.length === 3 && !isAsync && !isStreaming && !isQuiet) {
    console.warn(DEPRECATED_TEXT);
  }
}

/* A listener of its own, because Node.js wraps a reason that is no error before it throws it. */
function listen() {
  process.on('unhandledRejection', (reason, promise) => {
    throw new errors.UnhandledPromiseRejection(reason, promise);
  });
}

function logUncaught(error) {
  const title = error instanceof errors.UnhandledPromiseRejection ? 'Unhandled Promise Rejection' : 'Uncaught Exception';
  logError(title, error, errors.toLogText(error));
  return true;
}

/* What the Invoke API is told of an error that nobody caught. */
function uncaughtPayload(_exchange, error) {
  return errors.toPayload(error);
}

module.exports = {
  checkSignature,
  findHandler,
  invoke,
  listen,
  loadErrorTitle: 'Uncaught Exception',
  logUncaught,
  streamContext,
  syncStreamError: 'Streaming does not support non-async handlers.',
  toPayload: errors.toPayload,
  uncaughtPayload,
};
