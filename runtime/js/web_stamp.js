'use strict';
/* How the fast Request, Response and Headers hide behind the real classes.
 *
 * A fast object has exactly the prototype of the real class (so instanceof, Object.prototype.toString,
 * subclasses and patched prototypes work) and carries its own state in a private field that nobody sees:
 * the stamp. The real prototype's members are replaced by ones that look for the stamp and otherwise do
 * what they always did. So both kinds mix freely, and code that knows only one meets no difference. */

/* A constructor that returns its argument lets a derived class add private fields to any object. */
class Given {
  constructor(object) {
    return object;
  }
}

/** One kind of stamp: put(object, state) and of(object), which is undefined for objects without. */
function makeStamp() {
  return class Stamp extends Given {
    #state;

    constructor(object, state) {
      super(object);
      this.#state = state;
    }

    static put(object, state) {
      return new Stamp(object, state);
    }

    static of(object) {
      return #state in object ? object.#state : undefined;
    }

    /* For values that may be anything. */
    static find(value) {
      return typeof value === 'object' && value !== null && #state in value ? value.#state : undefined;
    }
  };
}

/* A getter's or method's place in the class; its flags stay what they were. */
function replace(prototype, key, makeMember) {
  const before = Object.getOwnPropertyDescriptor(prototype, key);
  const after = before.get ? { get: makeMember(before.get) } : { value: makeMember(before.value) };
  Object.defineProperty(prototype, key, { ...before, ...after });
}

/**
 * Replaces members of a real prototype: each of `members` is called on a stamped object with the state
 * as `this`; an object without a stamp meets the real member.
 */
function patch(prototype, Stamp, members) {
  for (const key of Reflect.ownKeys(members)) {
    const ours = Object.getOwnPropertyDescriptor(members, key);
    replace(prototype, key, (real) => (ours.get ? patchedGetter(key, real, ours.get, Stamp)
      : patchedMethod(key, real, ours.value, Stamp)));
  }
}

function patchedGetter(key, real, ours, Stamp) {
  const name = String(key);
  const { get } = Object.getOwnPropertyDescriptor({
    get [name]() {
      const state = Stamp.find(this);
      return state === undefined ? real.call(this) : ours.call(state);
    },
  }, name);
  return get;
}

function patchedMethod(key, real, ours, Stamp) {
  const wrapped = { [key](...args) {
    const state = Stamp.find(this);
    return state === undefined ? real.apply(this, args) : ours.apply(state, args);
  } }[key];
  Object.defineProperty(wrapped, 'length', { value: real.length, configurable: true });
  return wrapped;
}

/** Makes `ours` pass for the real constructor: same name, length, statics' place and prototype. */
function impersonate(ours, Real) {
  Object.defineProperty(ours, 'prototype', { value: Real.prototype, writable: false, enumerable: false });
  Object.defineProperty(ours, 'name', { value: Real.name, configurable: true });
  Object.defineProperty(ours, 'length', { value: Real.length, configurable: true });
  Object.defineProperty(Real.prototype, 'constructor', { value: ours, writable: true, configurable: true });
}

module.exports = { makeStamp, patch, impersonate };
