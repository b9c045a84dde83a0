'use strict';
/* What user code throws, in words: it may throw anything. */

const { inspect } = require('node:util');

/** What the gateway is told of an error: Lambda's shape, whose \x7f rule it shares. */
function describeError(error) {
  const clean = (text) => String(text).replaceAll('\x7f', '%7F');
  if (!(error instanceof Error) && !isErrorLike(error)) {
    return { errorType: typeof error, errorMessage: clean(printable(error)), trace: [] };
  }
  return {
    errorType: clean(error.name),
    errorMessage: clean(error.message),
    trace: clean(error.stack ?? '').split('\n'),
  };
}

/* Errors of other realms and of libraries that build their own. */
function isErrorLike(value) {
  return value !== null && typeof value === 'object' && typeof value.name === 'string' &&
    typeof value.message === 'string' && typeof value.stack === 'string';
}

function printable(value) {
  return typeof value === 'string' ? value : inspect(value);
}

/* User code can throw anything, also objects whose getters throw. */
function safely(fn, fallback) {
  try {
    return fn();
  } catch {
    return fallback;
  }
}

module.exports = { describeError, printable, safely };
