'use strict';
const assert = require('node:assert/strict');
const EventEmitter = require('node:events');
const test = require('node:test');
const { brokenBuiltin } = require('../../runtime/js/builtins');

const broken = () => { throw new Error('broken'); };

/* What it finds while object[name] is something else; nothing else may run meanwhile. */
function foundWith(object, name, value) {
  const before = Object.getOwnPropertyDescriptor(object, name);
  const { defineProperty } = Object;
  defineProperty(object, name, { value, configurable: true, writable: true });
  const found = brokenBuiltin();
  if (before) defineProperty(object, name, before);
  else delete object[name];
  return found;
}

test('what is whole is not called broken', () => {
  assert.equal(brokenBuiltin(), '');
});

test('what a function breaks is found, whatever it is', () => {
  const cases = [
    [Array.prototype, 'push', null, 'Array'], [Array.prototype, Symbol.iterator, undefined, 'Array'], [Array.prototype, 'map', broken, 'Array'],
    [Map.prototype, 'get', broken, 'Map'], [Set.prototype, 'has', null, 'Set'], [WeakMap.prototype, 'get', null, 'WeakMap'],
    [Promise.prototype, 'then', undefined, 'Promise'], [Object.prototype, 'then', () => {}, 'Promise'], [globalThis, 'Promise', null, 'Promise'],
    [String.prototype, 'split', null, 'String'], [RegExp.prototype, 'exec', () => null, 'String'], [Object, 'defineProperty', null, 'Object'],
    [Function.prototype, 'bind', null, 'Function'], [JSON, 'parse', null, 'JSON'], [Date, 'now', null, 'Date'], [globalThis, 'Buffer', null, 'Buffer'],
    [globalThis, 'URL', null, 'URL'], [globalThis, 'setTimeout', null, 'setTimeout and its like'], [process, 'exit', null, 'process'],
    [EventEmitter.prototype, 'emit', null, 'EventEmitter'],
  ];
  for (const [object, name, value, wanted] of cases) {
    assert.equal(foundWith(object, name, value), wanted, String(name));
  }
});

test('what is changed and still does what it should is not called broken', () => {
  const { then } = Promise.prototype;
  const { push } = Array.prototype;
  assert.equal(foundWith(Promise.prototype, 'then', function traced(...args) { return then.apply(this, args); }), '');
  assert.equal(foundWith(Array.prototype, 'push', function counted(...args) { return push.apply(this, args); }), '');
  assert.equal(foundWith(Array.prototype, 'last', function last() { return this[this.length - 1]; }), '');
  assert.equal(foundWith(Object.prototype, 'toJson', () => {}), '');
});
