'use strict';

/* Methods of a WorkerEntrypoint called from another function: the arguments and the result cross
 * in V8's own serialization, which copies what structuredClone copies. */

const v8 = require('node:v8');

/* Not for callers, whatever class defines them. */
const RESERVED = new Set([
  'constructor', 'fetch', 'connect', 'alarm', 'webSocketMessage', 'webSocketClose', 'webSocketError',
  'dup', 'self', 'tail', 'tailStream', 'trace', 'scheduled', 'queue', 'test', 'email',
]);

/* Errors lose their class on the way, so their parts travel. */
function packError(error) {
  if (!(error instanceof Error)) {
    return { thrown: error };
  }
  return { error: { name: error.name, message: error.message, stack: error.stack } };
}

const BUILT_IN = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function unpackError({ name, message, stack }) {
  const error = new (BUILT_IN[name] ?? Error)(message);
  error.remote = true;
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  if (error.name !== name) {
    error.name = name;
  }
  return error;
}

function pack(value) {
  try {
    return v8.serialize(value);
  } catch (error) {
    throw new DOMException(
      `Could not serialize a value for a call to another worker: ${error.message}`, 'DataCloneError'
    );
  }
}

function unpackResult(bytes) {
  const reply = v8.deserialize(bytes);
  if (reply.error) {
    throw unpackError(reply.error);
  }
  if ('thrown' in reply) {
    throw reply.thrown;
  }
  return reply.value;
}

function isInherited(object, name) {
  for (let at = Object.getPrototypeOf(object); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, name)) {
      return true;
    }
  }
  return false;
}

/* Methods of its class only: what an instance keeps for itself stays its own. */
function methodOf(target, name) {
  if (RESERVED.has(name) || Object.hasOwn(target, name) || !isInherited(target, name) ||
      typeof target[name] !== 'function') {
    throw new TypeError(`The RPC receiver does not implement the method "${name}".`);
  }
  return target[name];
}

async function call(target, name, args) {
  return methodOf(target, name).apply(target, args);
}

/* Bytes of the arguments to bytes of the result. Never rejects. */
async function serve(target, name, bytes) {
  try {
    return pack({ value: await call(target, name, v8.deserialize(bytes)) });
  } catch (error) {
    try {
      return pack(packError(error));
    } catch {
      return pack({ error: { name: 'Error', message: String(error), stack: '' } });
    }
  }
}

module.exports = { call, pack, serve, unpackResult };
