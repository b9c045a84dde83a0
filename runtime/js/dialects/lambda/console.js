'use strict';

/* console.* as the managed runtime has it: a line is text, or with AWS_LAMBDA_LOG_FORMAT=JSON a JSON
 * object, and what is below AWS_LAMBDA_LOG_LEVEL is dropped. There is console.fatal. Text has no time
 * and no request in front of it here, because the platform's log says them; who asks for the log of
 * one invocation (x-amz-log-type: Tail) gets them. */

const { Console } = require('node:console');
const { format } = require('node:util');
const consoles = require('../../console');
const context = require('../../context');

const LEVELS = [
  { name: 'TRACE', method: 'trace', record: consoles.DEBUG },
  { name: 'DEBUG', method: 'debug', record: consoles.DEBUG },
  { name: 'INFO', method: 'info', record: consoles.INFO },
  { name: 'WARN', method: 'warn', record: consoles.WARN },
  { name: 'ERROR', method: 'error', record: consoles.ERROR },
  { name: 'FATAL', method: 'fatal', record: consoles.ERROR },
];

function errorFields(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : error.stack,
  };
}

function withErrors(_key, value) {
  return value instanceof Error ? { ...errorFields(value), ...value } : value;
}

function jsonOf(record, values) {
  if (values.length > 1) {
    const error = values.slice(1).find((value) => value instanceof Error);
    return JSON.stringify({ ...record, message: format(...values), ...(error && errorFields(error)) });
  }
  try {
    return JSON.stringify({ ...record, message: values[0] }, withErrors);
  } catch {
    return JSON.stringify({ ...record, message: format(values[0]) });
  }
}

function writeJson({ name, record }, values) {
  const exchange = context.current();
  const timestamp = new Date().toISOString();
  const line = jsonOf({ timestamp, level: name, requestId: exchange?.requestId ?? '-' }, values);
  consoles.print(record, line);
  exchange?.onOutput?.(line);
}

function writeText({ name, record }, values) {
  const exchange = context.current();
  const text = format(...values);
  consoles.print(record, text);
  exchange?.onOutput?.(`${new Date().toISOString()}\t${exchange.requestId}\t${name}\t${text}`);
}

function isJson() {
  return process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
}

/* What Node.js says by console.log and console.warn. */
const DERIVED = ['assert', 'count', 'dirxml', 'group', 'groupCollapsed', 'groupEnd', 'table', 'time', 'timeEnd', 'timeLog'];

function replaceDerived() {
  const derived = Object.assign(new Console(process.stdout, process.stderr), { log: console.log, warn: console.warn });
  DERIVED.forEach((name) => {
    console[name] = derived[name];
  });
}

/* In the zygote, once the function's environment is known and before its module loads. */
function install() {
  const write = isJson() ? writeJson : writeText;
  const wanted = process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase();
  const least = Math.max(0, LEVELS.findIndex(({ name }) => name === wanted));
  LEVELS.forEach((level, rank) => {
    console[level.method] = rank < least ? () => {} : (message, ...more) => write(level, [message, ...more]);
  });
  console.log = console.info;
  replaceDerived();
}

/* What the runtime itself says of a failed invocation. `text` is how a line of text shows the error. */
function logError(title, error, text) {
  if (isJson()) {
    console.error(error instanceof Error ? error : new Error(String(error)));
  } else {
    console.error(title, text);
  }
}

module.exports = { install, logError };
