'use strict';

/* What Node.js 22 and 24 have, which the platforms of functions run, and ours has no more (nodejs.org/api/deprecations.html):
 * packages that are in use look for it while they load, so jsonwebtoken, by way of buffer-equal-constant-time, for SlowBuffer.
 *
 * Only what is missing is added, and it belongs to the modules' objects: `import { SlowBuffer } from 'node:buffer'` finds none, because
 * the names that ES modules may import are fixed when Node.js starts. */

const buffer = require('node:buffer');
const fs = require('node:fs');
const http = require('node:http');
const util = require('node:util');

const hidden = { configurable: true, enumerable: false };

function add(object, name, descriptor) {
  if (!(name in object)) Object.defineProperty(object, name, { ...hidden, ...descriptor });
}

function addValues(object, values) {
  for (const [name, value] of Object.entries(values)) add(object, name, { value, writable: true });
}

/* DEP0030. */
function SlowBuffer(length) {
  return buffer.Buffer.allocUnsafeSlow(Number(length) || 0);
}
Object.setPrototypeOf(SlowBuffer.prototype, Uint8Array.prototype);
Object.setPrototypeOf(SlowBuffer, Uint8Array);

function log(...values) {
  const time = new Date();
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
  const month = time.toLocaleString('en-US', { month: 'short' });
  console.log('%s - %s', `${time.getDate()} ${month} ${clock}`, util.format(...values));
}

/* DEP0045 to DEP0059. */
const KINDS = {
  isBoolean: (value) => typeof value === 'boolean',
  isBuffer: (value) => buffer.Buffer.isBuffer(value),
  isDate: (value) => util.types.isDate(value),
  isError: (value) => util.types.isNativeError(value) || value instanceof Error,
  isFunction: (value) => typeof value === 'function',
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === 'number',
  isObject: (value) => value !== null && typeof value === 'object',
  isPrimitive: (value) => value === null || (typeof value !== 'object' && typeof value !== 'function'),
  isRegExp: (value) => util.types.isRegExp(value),
  isString: (value) => typeof value === 'string',
  isSymbol: (value) => typeof value === 'symbol',
  isUndefined: (value) => value === undefined,
  log,
};

/* DEP0066 and DEP0063. */
function addHeaderNames(Message, Response) {
  add(Message, '_headers', {
    get() {
      return this.getHeaders();
    },
    set(headers) {
      for (const name of this.getHeaderNames()) this.removeHeader(name);
      for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(name, value);
    },
  });
  add(Message, '_headerNames', {
    get() {
      return Object.assign(Object.create(null), Object.fromEntries(this.getRawHeaderNames().map((name) => [name.toLowerCase(), name])));
    },
  });
  add(Response, 'writeHeader', { value: Response.writeHead, writable: true });
}

/* Before anything of the user's is loaded. */
function install() {
  addValues(buffer, { SlowBuffer });
  addValues(util, KINDS);
  const { F_OK, R_OK, W_OK, X_OK } = fs.constants;
  addValues(fs, { F_OK, R_OK, W_OK, X_OK }); /* DEP0176 */
  add(fs.Dirent.prototype, 'path', { /* DEP0178 */
    get() {
      return this.parentPath;
    },
  });
  addHeaderNames(http.OutgoingMessage.prototype, http.ServerResponse.prototype);
}

module.exports = { install };
