'use strict';

/* The errors of AWS Lambda's Node.js runtime and the JSON in which a function error is told. */

const path = require('node:path');
const { types } = require('node:util');

const BUNDLE_LINE = /^- .*___mayfly\w*\.[cm]?js$/;

const EXIT_TEXT =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly ' +
  'caused by a Promise that was never settled. For more information, see ' +
  'https://nodejs.org/docs/latest/api/process.html#exit-codes';

/* As in the managed runtime, the message of a wrapping error is its cause in words. */
class RuntimeError extends Error {}

function defineError(name) {
  const errorClass = { [name]: class extends RuntimeError {} }[name];
  errorClass.prototype.name = `Runtime.${name}`;
  return errorClass;
}

const ImportModuleError = defineError('ImportModuleError');
const HandlerNotFound = defineError('HandlerNotFound');
const MalformedHandlerName = defineError('MalformedHandlerName');
const UserCodeSyntaxError = defineError('UserCodeSyntaxError');
const MalformedStreamingHandler = defineError('MalformedStreamingHandler');
const InvalidStreamingOperation = defineError('InvalidStreamingOperation');

class NodeJsExit extends RuntimeError {
  constructor() {
    super(EXIT_TEXT);
  }
}
NodeJsExit.prototype.name = 'Runtime.NodeJsExit';

class UnhandledPromiseRejection extends RuntimeError {
  constructor(reason, promise) {
    super(describe(reason));
    this.reason = reason;
    this.promise = promise;
  }
}
UnhandledPromiseRejection.prototype.name = 'Runtime.UnhandledPromiseRejection';

function describe(value) {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

function isErrorLike(value) {
  return (
    types.isNativeError(value) ||
    (Boolean(value) &&
      [value.name, value.message, value.stack].every((part) => part && typeof part === 'string'))
  );
}

/* DEL is not allowed where Lambda puts these strings (X-Ray headers), hence the escape. */
function escapeDel(text) {
  return text.replaceAll('\x7F', '%7F');
}

const UNREADABLE = {
  errorType: 'handled',
  errorMessage:
    'callback called with Error argument, but there was a problem while retrieving one or ' +
    'more of its message, name, and stack',
};

/* What the Invoke API answers for a function error. Users may throw anything, getters that throw
 * included, so this must not throw. */
function toPayload(error) {
  try {
    if (isErrorLike(error)) {
      return {
        errorType: escapeDel(error.name),
        errorMessage: escapeDel(error.message),
        trace: escapeDel(error.stack).split('\n'),
      };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return { ...UNREADABLE };
  }
}

function withVisibleFields(_key, value) {
  if (!(value instanceof Error)) {
    return value;
  }
  const visible = {
    errorType: value.name,
    errorMessage: value.message,
    code: value.code,
    ...value,
  };
  if (typeof value.stack === 'string') {
    visible.stack = value.stack.split('\n');
  }
  return visible;
}

/* One line for the log, as in CloudWatch. */
function toLogText(error) {
  try {
    const real = error instanceof Error ? error : new Error(error);
    return `\t${JSON.stringify(real, withVisibleFields)}`;
  } catch {
    return `\t${JSON.stringify(toPayload(error))}`;
  }
}

/* The bundle stands for the files it was made of. */
function withoutBundle(text, handlerName) {
  const file = `/var/task/${path.posix.normalize(handlerName).replace(/\.[^/]*$/, '')}.js`;
  const lines = text.split('\n').map((line) => (BUNDLE_LINE.test(line) ? `- ${file}` : line));
  return lines.filter((line, i) => line !== lines[i - 1]).join('\n');
}

/* What import threw, in the runtime's terms. */
function fromImport(error, handlerName) {
  if (error instanceof SyntaxError) {
    const told = new UserCodeSyntaxError(describe(error));
    told.stack = error.stack; /* where it is wrong */
    return told;
  }
  if (error?.code === 'MODULE_NOT_FOUND') {
    return new ImportModuleError(withoutBundle(describe(error), handlerName));
  }
  return error;
}

module.exports = {
  UNREADABLE,
  HandlerNotFound,
  ImportModuleError,
  InvalidStreamingOperation,
  MalformedHandlerName,
  MalformedStreamingHandler,
  NodeJsExit,
  UnhandledPromiseRejection,
  UserCodeSyntaxError,
  defineError,
  describe,
  escapeDel,
  fromImport,
  toLogText,
  toPayload,
};
