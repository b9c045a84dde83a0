'use strict';
/* Fast Headers: a flat list of lower-case names and values, as it comes from the wire and goes to it.
 *
 * Only what is certainly right takes the fast way. Everything else (odd types, values to trim, invalid
 * names) is done by undici on a scratch object, so that results and error texts are undici's own. */

const { formatWithOptions, inspect, types } = require('node:util');
const { makeStamp, patch, impersonate } = require('./web_stamp');
const { encodeHeaders } = require('./exchange_fields');

const RealHeaders = globalThis.Headers;
const realAppend = RealHeaders.prototype.append;
const realSet = RealHeaders.prototype.set;
const realDelete = RealHeaders.prototype.delete;
const realGet = RealHeaders.prototype.get;
const realHas = RealHeaders.prototype.has;
const realForEach = RealHeaders.prototype.forEach;
const realEntries = RealHeaders.prototype.entries;

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/* Printable and already trimmed. */
const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

const Stamp = makeStamp();

class LightHeaders {
  /* [name, value, name, value, ...]; names may repeat. */
  #list;
  /* The list belongs to somebody else: copy it before changing it. */
  #borrowed;
  #immutable;
  #sorted = null;
  /* Values that Headers allow and HTTP does not (control characters) came in. */
  #dubious = false;

  constructor(list = [], { borrowed = false, immutable = false } = {}) {
    this.#list = list;
    this.#borrowed = borrowed;
    this.#immutable = immutable;
  }

  copy() {
    const copy = new LightHeaders(this.#list.slice());
    copy.#dubious = this.#dubious;
    return copy;
  }

  #own() {
    if (this.#immutable) throw new TypeError('immutable');
    if (this.#borrowed) {
      this.#list = this.#list.slice();
      this.#borrowed = false;
    }
    this.#sorted = null;
    return this.#list;
  }

  /** The value of a lower-case name, all of them joined, or null. */
  find(name) {
    const list = this.#list;
    let found = null;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] !== name) continue;
      found = found === null ? list[i + 1] : found + (name === 'cookie' ? '; ' : ', ') + list[i + 1];
    }
    return found;
  }

  #remove(name) {
    const list = this.#own();
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) continue;
      list[kept] = list[i];
      list[kept + 1] = list[i + 1];
      kept += 2;
    }
    list.length = kept;
  }

  /** Appends what is known to be valid: to the field of that name, except that cookies stay apart. */
  push(name, value) {
    const list = this.#own();
    if (name !== 'set-cookie') {
      for (let i = 0; i < list.length; i += 2) {
        if (list[i] !== name) continue;
        list[i + 1] += (name === 'cookie' ? '; ' : ', ') + value;
        return;
      }
    }
    list.push(name, value);
  }

  /** Sets what is known to be valid. */
  put(name, value) {
    const list = this.#own();
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] !== name) continue;
      list[i + 1] = value;
      for (let j = i + 2; j < list.length; j += 2) {
        if (list[j] === name) {
          list.splice(j, 2);
          j -= 2;
        }
      }
      return;
    }
    list.push(name, value);
  }

  /** The fields as the standard iterates them: sorted, joined, each cookie by itself. */
  sorted() {
    if (this.#sorted) return this.#sorted;
    const list = this.#list;
    const joined = new Map();
    const pairs = [];
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i];
      const pair = name === 'set-cookie' ? undefined : joined.get(name);
      if (pair) {
        pair[1] += (name === 'cookie' ? '; ' : ', ') + list[i + 1];
      } else {
        const fresh = [name, list[i + 1]];
        joined.set(name, fresh);
        pairs.push(fresh);
      }
    }
    /* Equal names are cookies, which keep their order: sort is stable. */
    pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    return (this.#sorted = pairs);
  }

  /** Names and joined values in the order they came. */
  toObject() {
    const list = this.#list;
    const object = {};
    for (let i = 0; i < list.length; i += 2) object[list[i]] = this.find(list[i]);
    return object;
  }

  /** The addon's string; throws TypeError on what HTTP cannot carry. */
  wire() {
    if (this.#dubious) return encodeHeaders(this.#list);
    const list = this.#list;
    let block = '';
    for (let i = 0; i < list.length; i++) block += list[i] + '\0';
    return block;
  }

  /* The slow ways: undici judges on a scratch object. */

  appendSlowly(args) {
    const scratch = new RealHeaders();
    realAppend.apply(scratch, args);
    this.#takeOver(scratch, (name, value) => this.push(name, value));
  }

  setSlowly(args) {
    const scratch = new RealHeaders();
    realSet.apply(scratch, args);
    this.#takeOver(scratch, (name, value) => this.put(name, value));
  }

  #takeOver(scratch, take) {
    for (const [name, value] of realEntries.call(scratch)) {
      if (!VALUE.test(value)) this.#dubious = true;
      take(name, value);
    }
  }

  /* Headers' own methods; append and set are below, where they are called. */

  delete(...args) {
    if (!isName(args[0])) realDelete.apply(new RealHeaders(), args);
    this.#remove(String(args[0]).toLowerCase());
  }

  get(...args) {
    const name = args[0];
    if (typeof name !== 'string') return realGet.apply(new RealHeaders(this.sorted()), args);
    const found = this.find(name.toLowerCase());
    if (found === null && !NAME.test(name)) realGet.apply(new RealHeaders(), args);
    return found;
  }

  has(...args) {
    const name = args[0];
    if (!isName(name)) return realHas.apply(new RealHeaders(this.sorted()), args);
    return this.find(name.toLowerCase()) !== null;
  }

  getSetCookie() {
    const cookies = [];
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === 'set-cookie') cookies.push(list[i + 1]);
    }
    return cookies;
  }
}

const isName = (name) => typeof name === 'string' && NAME.test(name);
const isValue = (value) => typeof value === 'string' && VALUE.test(value);

/* Iterators are live: each step looks at the headers as they are then. */
class HeadersIterator {
  #light;
  #pick;
  #index = 0;

  constructor(light, pick) {
    this.#light = light;
    this.#pick = pick;
  }

  next() {
    const pairs = this.#light.sorted();
    if (this.#index >= pairs.length) return { value: undefined, done: true };
    return { value: this.#pick(pairs[this.#index++]), done: false };
  }
}

const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
Object.setPrototypeOf(HeadersIterator.prototype, iteratorPrototype);
Object.defineProperty(HeadersIterator.prototype, 'next', { enumerable: true });
Object.defineProperty(HeadersIterator.prototype, Symbol.toStringTag, {
  value: 'Headers Iterator', configurable: true,
});
delete HeadersIterator.prototype.constructor;

const pickPair = ([name, value]) => [name, value];
const pickName = ([name]) => name;
const pickValue = ([, value]) => value;

/* Members that need the public object, or are called on the state as `this`. */
const members = {
  keys() {
    return new HeadersIterator(this, pickName);
  },
  values() {
    return new HeadersIterator(this, pickValue);
  },
  getSetCookie() {
    return this.getSetCookie();
  },
  [inspect.custom](depth, options) {
    options.depth ??= depth;
    return `Headers ${formatWithOptions(options, this.toObject())}`;
  },
};

/* The methods on the hot path, written out: no rest arguments, no apply. */
function patchHot(prototype) {
  const hot = {
    append(name, value) {
      const light = Stamp.find(this);
      if (light === undefined) return realAppend.apply(this, arguments);
      if (isName(name) && isValue(value)) light.push(name.toLowerCase(), value);
      else light.appendSlowly(arguments);
    },
    set(name, value) {
      const light = Stamp.find(this);
      if (light === undefined) return realSet.apply(this, arguments);
      if (isName(name) && isValue(value)) light.put(name.toLowerCase(), value);
      else light.setSlowly(arguments);
    },
    delete(name) {
      const light = Stamp.find(this);
      return light === undefined ? realDelete.apply(this, arguments) : light.delete(...arguments);
    },
    get(name) {
      const light = Stamp.find(this);
      return light === undefined ? realGet.apply(this, arguments) : light.get(...arguments);
    },
    has(name) {
      const light = Stamp.find(this);
      return light === undefined ? realHas.apply(this, arguments) : light.has(...arguments);
    },
    forEach(callback, self) {
      const light = Stamp.find(this);
      if (light === undefined) return realForEach.apply(this, arguments);
      if (typeof callback !== 'function') return realForEach.apply(new RealHeaders(), arguments);
      const pairs = new HeadersIterator(light, pickPair);
      for (let step = pairs.next(); !step.done; step = pairs.next()) {
        callback.call(self, step.value[1], step.value[0], this);
      }
    },
    entries() {
      const light = Stamp.find(this);
      return light === undefined ? realEntries.call(this) : new HeadersIterator(light, pickPair);
    },
  };
  for (const [name, value] of Object.entries(hot)) {
    const before = Object.getOwnPropertyDescriptor(prototype, name);
    Object.defineProperty(value, 'length', { value: before.value.length, configurable: true });
    Object.defineProperty(prototype, name, { ...before, value });
  }
  /* undici compares the two to know a Headers object. */
  const iterator = Object.getOwnPropertyDescriptor(prototype, Symbol.iterator);
  Object.defineProperty(prototype, Symbol.iterator, { ...iterator, value: hot.entries });
}

/** A public Headers object over a LightHeaders. */
function wrap(light) {
  const object = new Bare();
  Stamp.put(object, light);
  return object;
}

function Bare() {}

/**
 * Reads a HeadersInit of a usual kind, or returns null where undici has to judge (and may throw).
 */
function readInit(init) {
  if (init === undefined) return new LightHeaders();
  if (typeof init !== 'object' || init === null || types.isProxy(init)) return null;
  const light = Stamp.of(init);
  if (light !== undefined) return init[Symbol.iterator] === RealHeaders.prototype.entries ? light.copy() : null;
  if (Array.isArray(init)) return readPairs(init);
  const prototype = Object.getPrototypeOf(init);
  if (prototype === Object.prototype || prototype === null) return readRecord(init);
  if (prototype === RealHeaders.prototype) return readReal(init);
  return null;
}

function readPairs(pairs) {
  const light = new LightHeaders();
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || !isName(pair[0]) || !isValue(pair[1])) return null;
    light.push(pair[0].toLowerCase(), pair[1]);
  }
  return light;
}

function readRecord(record) {
  if (record[Symbol.iterator] !== undefined || Object.getOwnPropertySymbols(record).length > 0) return null;
  const light = new LightHeaders();
  for (const name of Object.keys(record)) {
    const value = record[name];
    if (!NAME.test(name) || !isValue(value)) return null;
    light.push(name.toLowerCase(), value);
  }
  return light;
}

/** Of a real Headers object; control characters among its values are judged when they are sent. */
function readReal(real) {
  const light = new LightHeaders();
  for (const [name, value] of realEntries.call(real)) {
    if (VALUE.test(value)) light.push(name, value);
    else light.appendSlowly([name, value]);
  }
  return light;
}

function Headers(init) {
  if (new.target === undefined) return RealHeaders(init);
  Stamp.put(this, readInit(init) ?? readReal(new RealHeaders(init)));
}

/** Replaces the global class. */
function install() {
  if (globalThis.Headers === Headers) return;
  impersonate(Headers, RealHeaders);
  Bare.prototype = RealHeaders.prototype;
  patch(RealHeaders.prototype, Stamp, members);
  patchHot(RealHeaders.prototype);
  Object.defineProperty(globalThis, 'Headers', { value: Headers, writable: true, configurable: true, enumerable: false });
}

/**
 * The fields of any Headers object, [[name, value], ...], not to be changed: as they are kept and sent, whatever its
 * methods make of them (Workers' read UTF-8). Only a class with an iterator of its own is asked for them by that.
 */
function fieldsOf(headers) {
  const light = Stamp.find(headers);
  if (light !== undefined) return light.sorted();
  const isReal = !types.isProxy(headers) && headers[Symbol.iterator] === RealHeaders.prototype[Symbol.iterator];
  return [...(isReal ? realEntries.call(headers) : headers)];
}

/** The addon's string of any Headers object. */
function wireOf(headers) {
  const light = Stamp.find(headers);
  return light === undefined ? encodeHeaders(fieldsOf(headers).flat()) : light.wire();
}

module.exports = { install, LightHeaders, Headers, RealHeaders, fieldsOf, wrap, readInit, readReal, wireOf, lightOf: Stamp.find };
