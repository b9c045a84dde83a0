'use strict';

/* Node.js 24 and later: a handler returns its result, or a promise of it. There are no callbacks, no
 * methods of the context and no listeners: what nobody catches ends the process, as in any Node.js
 * program, and so does a promise that nobody can settle any more. */

const { contextParts } = require('./context');
const { exitText } = require('./exit');
const { defineError, describe, escapeDel, UNREADABLE } = require('./errors');
const { checkHandler, findProperty, exportsOf } = require('./handler');
const invokeStore = require('./invoke_store');
const { serialize } = require('./response');
const loopIdle = require('../loop_idle');

/* A promise that nobody settles is looked for only in invocations that take longer than this. */
const STUCK_AFTER_MS = 100;

const CALLBACK_TEXT =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with ' +
  'Node.js 24. You need to modify this function to use a supported handler signature to use ' +
  'Node.js 24 or later. For more information see ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

const CallbackHandlerDeprecated = defineError('CallbackHandlerDeprecated');
const JSONStringifyError = defineError('JSONStringifyError');

function makeContext(exchange, arn) {
  const { trace, environment, request, getRemainingTimeInMillis } = contextParts(exchange, arn);
  const { functionName, ...others } = environment;
  return { ...request, xRayTraceId: trace, getRemainingTimeInMillis, functionName, ...others };
}

/* With an empty loop Node.js ends, with a promise pending or not. */
function exitWhenStuck() {
  if (!loopIdle.isExact()) {
    return () => {};
  }
  return loopIdle.whenIdle(() => {
    console.error('Nothing is left that could settle the promise of the handler: the runtime exits.');
    process.exit(0);
  }, STUCK_AFTER_MS);
}

/* Resolves to the result's JSON; rejects with what the handler threw, whatever that is: a turn of the loop later, so
 * that a promise which was rejected meanwhile and left alone ends the process before anything is told. */
async function invoke({ handler }, event, exchange, arn) {
  const context = makeContext(exchange, arn);
  const stopWatching = exitWhenStuck();
  try {
    return serialize(await invokeStore.run(context, () => handler(event, context)), JSONStringifyError);
  } finally {
    stopWatching();
    await new Promise(setImmediate);
  }
}

/* A default export that is an object may hold the handler too. */
function findHandler(namespace, name) {
  const found = findProperty(namespace, name) ?? findProperty(exportsOf(namespace)?.default, name);
  return checkHandler(found, name);
}

function checkSignature({ handler, isStreaming }) {
  if (handler.length >= 3 && !isStreaming) {
    throw new CallbackHandlerDeprecated(CALLBACK_TEXT);
  }
}

function toPayload(error) {
  try {
    if (error instanceof Error) {
      return {
        errorType: error.name && escapeDel(error.name),
        errorMessage: error.message === undefined ? undefined : escapeDel(error.message),
        trace: error.stack ? escapeDel(error.stack).split('\n') : [],
      };
    }
    return { errorType: typeof error, errorMessage: describe(error), trace: [] };
  } catch {
    return { ...UNREADABLE, trace: [] };
  }
}

/* Nobody tells the Invoke API of the error itself: the process is gone. */
function uncaughtPayload(exchange) {
  return { errorType: 'Runtime.ExitError', errorMessage: exitText(exchange.requestId, 1) };
}

module.exports = {
  checkSignature,
  findHandler,
  globals: { InvokeStore: invokeStore.store },
  invoke,
  listen() {},
  loadErrorTitle: 'Init Error',
  logUncaught: () => false,
  streamContext: makeContext,
  get syncStreamError() {
    return new Error('Streaming does not support non-async handlers.');
  },
  toPayload,
  uncaughtPayload,
};
