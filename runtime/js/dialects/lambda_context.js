'use strict';

/* One invocation of a handler that answers in one piece: the context object, the callback, and
 * the rules by which the first of them that is used decides the result.
 *
 * callback(null, result) answers when the event loop is empty, unless the function says
 * callbackWaitsForEmptyEventLoop = false; done, succeed, fail and a promise answer at once. */

const errors = require('./lambda_errors');
const { traceHeader } = require('./lambda_event');
const loopIdle = require('./loop_idle');

/* A promise that nobody settles is looked for only in invocations that take longer than this. */
const STUCK_AFTER_MS = 100;

const TWICE_TEXT =
  'Invocation has already been reported as done. ' +
  'Cannot call complete more than once per invocation.';

function serialize(result) {
  try {
    const json = JSON.stringify(result === undefined ? null : result);
    /* Functions and symbols have no JSON; the Invoke API answers them with nothing at all. */
    return json ?? 'null';
  } catch {
    throw new Error('Unable to stringify response body');
  }
}

function parseHeader(text, name) {
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function clientContextOf(exchange) {
  const encoded = exchange.settings.invoke && exchange.headers['x-amz-client-context'];
  return encoded ? Buffer.from(encoded, 'base64').toString('utf8') : undefined;
}

function publishTrace(exchange) {
  const trace = exchange.headers['x-amzn-trace-id'] ?? traceHeader(exchange.traceparent);
  if (trace) {
    process.env._X_AMZN_TRACE_ID = trace;
  } else {
    delete process.env._X_AMZN_TRACE_ID;
  }
}

/* What every handler gets to know of its invocation, streaming or not. */
function fillContext(context, exchange, arn) {
  const deadline = exchange.deadlineMs;
  publishTrace(exchange);
  return Object.assign(context, {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseHeader(clientContextOf(exchange), 'ClientContext'),
    identity: undefined,
    invokedFunctionArn: arn,
    awsRequestId: exchange.requestId,
    tenantId: undefined,
    getRemainingTimeInMillis() {
      return deadline - Date.now();
    },
  });
}

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
    this.resolve({ json, result });
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

/* Each of the four ways to answer works once; one that throws may be tried again. */
function once(fn) {
  let isUsed = false;
  return (...args) => {
    if (!isUsed) {
      fn(...args);
      isUsed = true;
    }
  };
}

function makeContext(invocation) {
  return {
    get callbackWaitsForEmptyEventLoop() {
      return invocation.waitsForEmptyLoop;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      invocation.waitsForEmptyLoop = value;
    },
    succeed: once((result) => invocation.done(null, result)),
    fail: once((error) => invocation.done(error === undefined || error === null ? 'handled' : error)),
    done: once((error, result) => invocation.done(error, result)),
  };
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

/* Resolves to { json, result }; rejects with what the handler threw, whatever that is. */
function invoke(handler, isAsync, event, exchange, arn) {
  return new Promise((resolve, reject) => {
    const invocation = new Invocation(resolve, reject);
    const callback = once((error, result) => invocation.callback(error, result));
    try {
      const context = fillContext(makeContext(invocation), exchange, arn);
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

module.exports = { fillContext, invoke };
