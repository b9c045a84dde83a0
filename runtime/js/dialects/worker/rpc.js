'use strict';

/* What crosses between workers when they call each other: values in V8's own serialization, which copies what
 * structuredClone copies, and references in the place of what cannot be copied: functions, RpcTargets, streams. */

const v8 = require('node:v8');
const { ReadableSource, WritableSink, readableFrom, writableTo } = require('./rpc_streams');
const errors = require('./rpc_errors');
const inbound = require('./inbound');
const shim = require('../../shims/cloudflare-workers');

/* The one key of an object that stands for something else: [kind, ...]. */
const TAG = '\0mayfly';
const PLAIN = [Object.prototype, null, undefined];
const COPIED = [Date, RegExp, ArrayBuffer, Number, String, Boolean, BigInt];

/* Of one message, as Workers have it. */
const MAX_BYTES = 32 * 1024 * 1024;

/* Not for callers, whatever class defines them. */
const RESERVED = new Set(['dup', 'constructor', 'alarm', 'webSocketMessage', 'webSocketClose', 'webSocketError']);
const HANDLERS = new Set([
  'fetch', 'connect', 'tail', 'tailStream', 'trace', 'scheduled', 'queue', 'test', 'email',
]);

/* Stubs hide behind proxies: this set knows them, and what dup() of each is. */
const stubs = new WeakMap();

const notSerializable = (text) => new DOMException(text, 'DataCloneError');

/* Packing: a copy of the value in which references have taken the place of what they lead to. */

class Packer {
  #seen = new Map();
  #refer;
  #isCopied;
  #blobs = [];

  /** `refer(object)`: keeps the object for the other side, returns its number there; `isCopied(prototype)`: whether what an
   * object has is copied */
  constructor(refer, isCopied) {
    this.#refer = refer;
    this.#isCopied = isCopied;
  }

  /** Null, or a promise of the bytes of all blobs, which nothing tells at once. */
  fill() {
    return this.#blobs.length === 0 ? null : Promise.all(this.#blobs.map(async ({ tagged, blob }) => {
      tagged[2] = new Uint8Array(await blob.arrayBuffer());
    }));
  }

  pack(value) {
    if (typeof value === 'symbol') {
      throw notSerializable(`${String(value)} could not be cloned.`);
    }
    if (typeof value === 'function') {
      return this.#reference(value);
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    if (!this.#seen.has(value)) {
      this.#packObject(value);
    }
    return this.#seen.get(value);
  }

  #keep(value, packed) {
    this.#seen.set(value, packed);
    return packed;
  }

  #reference(value) {
    return { [TAG]: ['stub', this.#refer(stubs.has(value) ? stubs.get(value)() : value)] };
  }

  #packObject(value) {
    if (stubs.has(value) || value instanceof shim.RpcTarget) {
      this.#keep(value, this.#reference(value));
    } else if (Array.isArray(value)) {
      const copy = this.#keep(value, []);
      value.forEach((item, i) => (copy[i] = this.pack(item)));
      copy.length = value.length;
    } else if (value instanceof Map) {
      const copy = this.#keep(value, new Map());
      value.forEach((item, key) => copy.set(this.pack(key), this.pack(item)));
    } else if (value instanceof Set) {
      const copy = this.#keep(value, new Set());
      value.forEach((item) => copy.add(this.pack(item)));
    } else if (COPIED.some((Class) => value instanceof Class) || ArrayBuffer.isView(value)) {
      this.#keep(value, value);
    } else {
      this.#packOther(value);
    }
  }

  /* Known before its fields are, which may lead back to it. */
  #packError(error) {
    const parts = errors.describe(error);
    const fields = {};
    this.#keep(error, { [TAG]: ['error', parts, fields] });
    Object.assign(fields, errors.fieldsOf(error, parts, (value) => this.pack(value)));
  }

  #packOther(value) {
    if (value instanceof Error) {
      if (errors.isEnhanced()) {
        this.#packError(value);
      } else {
        this.#keep(value, value);
      }
      return;
    }
    const tagged = this.#tagOf(value);
    if (tagged) {
      this.#keep(value, { [TAG]: tagged });
      return;
    }
    const prototype = Object.getPrototypeOf(value);
    if (!this.#isCopied(prototype) || Object.hasOwn(value, TAG)) {
      throw notSerializable(value instanceof AbortSignal
        ? 'AbortSignal serialization is not enabled.'
        : `Could not serialize object of type "${prototype?.constructor?.name}". This type does not support serialization.`);
    }
    const copy = this.#keep(value, {});
    Object.keys(value).forEach((key) => (copy[key] = this.pack(value[key])));
  }

  #tagOf(value) {
    const stream = (body) => (body === null ? null : this.pack(body));
    if (value instanceof ReadableStream) {
      return ['readable', this.#refer(new ReadableSource(value))];
    }
    if (value instanceof WritableStream) {
      return ['writable', this.#refer(new WritableSink(value))];
    }
    if (value instanceof Headers) {
      return ['headers', [...value]];
    }
    if (Object.getPrototypeOf(value) === Blob.prototype) {
      const tagged = ['blob', value.type, null];
      this.#blobs.push({ tagged, blob: value });
      return tagged;
    }
    if (value instanceof Response) {
      return ['response', { status: value.status, statusText: value.statusText, headers: [...value.headers] }, stream(value.body)];
    }
    return value instanceof Request
      ? ['request', value.url, { method: value.method, headers: [...value.headers], redirect: value.redirect }, stream(value.body)]
      : null;
  }
}

function packWith(packer, message) {
  const packed = packer.pack(message);
  const filled = packer.fill();
  return filled ? filled.then(() => serialize(packed)) : serialize(packed);
}

function serialize(packed) {
  let bytes;
  try {
    bytes = v8.serialize(packed);
  } catch (error) {
    throw notSerializable(error.message);
  }
  if (bytes.length > MAX_BYTES) {
    throw new Error('Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: ' +
      `${bytes.length} bytes.`);
  }
  return bytes;
}

/** The bytes of `message`, or a promise of them if it has blobs, with its references made by refer(object). */
function pack(message, refer) {
  return packWith(new Packer(refer, (prototype) => PLAIN.includes(prototype)), message);
}

/* What only a conversation can carry. */
function refuse(object) {
  const name = object instanceof ReadableSource ? 'ReadableStream' : object instanceof WritableSink ? 'WritableStream' : 'RpcTarget';
  throw notSerializable(typeof object === 'function' ? `${object} could not be cloned.` : `${name} can only be serialized for RPC.`);
}

const isOfPlatform = ({ constructor: Class }) => typeof Class === 'function' && globalThis[Class.name] === Class;

/** The bytes of a value that is kept, or a promise of them: as pack(), but without references, and objects of the user's classes
 * are copied as if they had none. */
function packCopy(value) {
  const isCopied = (prototype) => PLAIN.includes(prototype) || !isOfPlatform(prototype);
  return packWith(new Packer(refuse, isCopied), value);
}

/* Unpacking: in place, for what was deserialized belongs to nobody else. */

class Unpacker {
  #seen = new Set();
  #errors = new Map();
  #make;

  /** `make(number)`: the stub of what the other side keeps under that number */
  constructor(make) {
    this.#make = make;
  }

  unpack(value) {
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) {
      return value;
    }
    if (Object.hasOwn(value, TAG)) {
      return value[TAG][0] === 'error' ? this.#unpackError(value[TAG]) : this.#untag(value[TAG]);
    }
    this.#seen.add(value);
    if (value instanceof Map) {
      const entries = [...value];
      value.clear();
      entries.forEach(([key, item]) => value.set(this.unpack(key), this.unpack(item)));
    } else if (value instanceof Set) {
      const items = [...value];
      value.clear();
      items.forEach((item) => value.add(this.unpack(item)));
    } else if (ArrayBuffer.isView(value)) {
      return value.slice?.() ?? value; /* memory of its own, not the message's */
    } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
      Object.keys(value).forEach((key) => (value[key] = this.unpack(value[key])));
    }
    return value;
  }

  #unpackError(tagged) {
    const [, parts, fields] = tagged;
    if (!this.#errors.has(tagged)) {
      const error = errors.remake(parts);
      this.#errors.set(tagged, error);
      errors.fill(error, this.unpack(fields));
    }
    return this.#errors.get(tagged);
  }

  #untag([kind, first, second, body]) {
    const { [kind]: untag } = {
      stub: () => this.#make(first),
      readable: () => readableFrom(this.#make(first)),
      writable: () => writableTo(this.#make(first)),
      headers: () => new Headers(first),
      blob: () => new Blob([second], { type: first }),
      response: () => new Response(this.unpack(second), first),
      request: () => new Request(first, { ...second, ...(body ? { body: this.unpack(body), duplex: 'half' } : {}) }),
    };
    if (!untag) {
      throw new TypeError(`A call from another worker brought a value of an unknown kind: ${kind}`);
    }
    return untag();
  }
}

const unpack = (bytes, make) => new Unpacker(make).unpack(v8.deserialize(bytes));
const unpackCopy = (bytes) => unpack(bytes, refuse);

/* What was thrown comes as a value or in parts; who gets it sees that it is from elsewhere. */
function thrownOf(value, isWhole) {
  const thrown = isWhole ? value : value.name === 'DataCloneError' ? notSerializable(value.message) : errors.ofParts(value);
  return Object.assign(thrown, { remote: true });
}

/* What callers may reach: methods and getters of the class; what an object keeps for itself stays its own. */

function isInherited(object, name) {
  for (let at = Object.getPrototypeOf(object); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, name)) {
      return true;
    }
  }
  return false;
}

/* Of an object without a class all is meant to be seen. */
const isPlain = (object) => PLAIN.includes(Object.getPrototypeOf(object));

function memberOf(target, name) {
  const isObject = typeof target === 'object' && target !== null;
  if (stubs.has(target)) {
    return target[name];
  }
  if (RESERVED.has(name)) {
    throw new TypeError(`'${name}' is a reserved method and cannot be called over RPC.`);
  }
  if (isObject && isPlain(target) && Object.hasOwn(target, name)) {
    return target[name];
  }
  if (!isObject || HANDLERS.has(name) || Object.hasOwn(target, name) || !isInherited(target, name)) {
    throw new TypeError(`The RPC receiver does not implement the method "${name}".`);
  }
  return target[name];
}

/** Calls target[name], or the target itself where there is no name. */
async function call(target, name, args) {
  if (name === inbound.CALL) {
    return inbound.acceptorOf(target)(...args);
  }
  if (name === null) {
    if (typeof target !== 'function') {
      throw new TypeError('The RPC receiver is not a function.');
    }
    return target(...args);
  }
  const method = memberOf(target, name);
  if (typeof method !== 'function') {
    throw new TypeError(`"${name}" is not a function.`);
  }
  return stubs.has(target) ? method(...args) : method.apply(target, args);
}

module.exports = { call, memberOf, pack, packCopy, stubs, thrownOf, unpack, unpackCopy };
