'use strict';

/* From the handler's name in the function's configuration ("src/index.api.handler") to the
 * function, by the rules of the managed runtime. The builder has found and bundled the file. */

const path = require('node:path');
const { HandlerNotFound, MalformedHandlerName, MalformedStreamingHandler } =
  require('./errors');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

/* "dir/file.a.b" is the module "file" and the path of properties "a.b". */
function splitName(name) {
  if (name.includes('..')) {
    throw new MalformedHandlerName(
      `'${name}' is not a valid handler name. ` +
        'Use absolute paths when specifying root directories in handler names.'
    );
  }
  const base = path.basename(name);
  const dot = base.indexOf('.');
  if (dot < 0) {
    throw new MalformedHandlerName('Bad handler');
  }
  return { module: base.slice(0, dot), properties: base.slice(dot + 1) };
}

/* A CommonJS module that came through import() has its real exports under this name. */
function exportsOf(namespace) {
  const commonjs = namespace?.['module.exports'];
  return commonjs === undefined ? namespace : commonjs;
}

/* What the name leads to, or undefined. */
function findProperty(namespace, name) {
  const { properties } = splitName(name);
  return properties.split('.').reduce((object, key) => object && object[key], exportsOf(namespace));
}

function checkHandler(handler, name) {
  if (!handler) {
    throw new HandlerNotFound(`${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw new HandlerNotFound(`${name} is not a function`);
  }
  return handler;
}

function isStreaming(handler) {
  const mode = handler[STREAMING];
  if (mode === undefined || mode === null || mode === false) {
    return false;
  }
  if (mode !== 'response') {
    throw new MalformedStreamingHandler('Only response streaming is supported.');
  }
  return true;
}

function highWaterMark(handler) {
  const bytes = Number.parseInt(handler[HIGH_WATER_MARK], 10);
  return Number.isNaN(bytes) ? undefined : bytes;
}

function isAsyncFunction(handler) {
  return handler.constructor?.name === 'AsyncFunction';
}

module.exports = {
  HIGH_WATER_MARK,
  STREAMING,
  checkHandler,
  exportsOf,
  findProperty,
  highWaterMark,
  isAsyncFunction,
  isStreaming,
  splitName,
};
