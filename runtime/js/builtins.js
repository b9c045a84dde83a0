'use strict';
/* Built-ins: the objects of the language and of Node.js, on which its code and ours run too. A function can break them
 * (`Array.prototype.push = null`); then nothing that is asked of its process goes well any more. To change them is no fault, as
 * long as they do what they should: polyfills and tracers do. */

const EventEmitter = require('node:events');

const checks = {
  'Array'() {
    const list = [3, 1];
    list.push(2);
    list.unshift(list.pop());
    return list.join() === '2,3,1' && list.slice(1).concat(4).length === 3 && list.splice(0, 1)[0] === 2 && list.shift() === 3
      && list.map((n) => n + 1)[0] === 2 && list.filter((n) => n > 1).length === 0 && list.find((n) => n === 1) === 1
      && list.some((n) => n === 1) && list.every((n) => n === 1) && list.includes(1) && list.indexOf(1) === 0
      && list.flatMap((n) => [n, n]).length === 2 && list.reduce((sum, n) => sum + n, 1) === 2
      && list.forEach(() => {}) === undefined && [...list, ...list.entries()].length === 2
      && Array.isArray(Array.from(list)) && Object.getPrototypeOf(Array.prototype) === Object.prototype;
  },
  'Map'() {
    const map = new Map([[1, 2]]).set(3, 4);
    return map.get(1) === 2 && map.has(3) && map.delete(3) && map.size === 1 && [...map, ...map.keys(), ...map.values()].length === 3;
  },
  'Set'() {
    const set = new Set([1]).add(2);
    return set.has(1) && set.delete(1) && set.size === 1 && [...set][0] === 2;
  },
  'WeakMap'() {
    const key = {};
    const map = new WeakMap().set(key, 1);
    return map.get(key) === 1 && map.has(key) && map.delete(key);
  },
  'Promise'() {
    const promise = new Promise((resolve) => { resolve(1); });
    return promise.then(() => {}) instanceof Promise && promise.catch(() => {}).finally(() => {}) instanceof Promise
      && Promise.resolve(promise) === promise && Promise.all([promise]) instanceof Promise && {}.then === undefined;
  },
  'String'() {
    return 'a b'.split(' ')[1] === 'b' && 'ab'.slice(1) === 'b' && 'A'.toLowerCase() === 'a' && 'a'.toUpperCase() === 'A' && ' a '.trim() === 'a'
      && 'aa'.replaceAll('a', 'b') === 'bb' && 'ab'.replace(/b/, 'c') === 'ac' && 'ab'.startsWith('a') && 'ab'.endsWith('b')
      && 'ab'.indexOf('b') === 1 && 'ab'.includes('b') && 'a'.charCodeAt(0) === 97 && 'ab'.match(/b/)[0] === 'b' && String(1) === '1';
  },
  'RegExp'() {
    return /a(b)/.exec('ab')[1] === 'b' && /a/.test('a');
  },
  'Number'() {
    return Number('1') === 1 && Number.isInteger(1) && Number.isFinite(1) && (10).toString(16) === 'a';
  },
  'Object'() {
    const object = Object.assign(Object.create(null), { a: 1 });
    return Object.keys(object)[0] === 'a' && Object.values(object)[0] === 1 && Object.entries(object)[0][1] === 1
      && Object.fromEntries([['a', 1]]).a === 1 && Object.hasOwn(object, 'a') && Object.freeze(object) === object
      && Object.defineProperty({}, 'a', { value: 1 }).a === 1;
  },
  'Function'() {
    const same = function same(value) { return this ?? value; };
    return same.call(1) == 1 && same.apply(2) == 2 && same.bind(3)() == 3 && Reflect.apply(same, 4, []) == 4;
  },
  'Error'() {
    const error = new TypeError('a');
    return error instanceof Error && error.message === 'a';
  },
  'JSON'() {
    return JSON.parse('{"a":[1]}').a[0] === 1 && JSON.stringify({ a: [1] }) === '{"a":[1]}';
  },
  'Date'() {
    return typeof Date.now() === 'number' && new Date(0).toISOString() === '1970-01-01T00:00:00.000Z';
  },
  'Buffer'() {
    return Buffer.concat([Buffer.from('a'), Buffer.alloc(1)]).toString('latin1') === 'a\0' && new Uint8Array(2).subarray(1).length === 1;
  },
  'URL'() {
    return new URL('http://a/b').pathname === '/b';
  },
  'setTimeout and its like'() {
    clearTimeout(setTimeout(() => {}, 1));
    return [setImmediate, setInterval, queueMicrotask, process.nextTick].every((call) => typeof call === 'function');
  },
  'process'() {
    return typeof process.exit === 'function' && typeof process.env === 'object' && typeof process.listenerCount('exit') === 'number';
  },
  'EventEmitter'() {
    let heard = 0;
    const emitter = new EventEmitter().once('event', () => { heard += 1; });
    return emitter.emit('event') && heard === 1;
  },
};

/* By hand, as nothing here may rest on what it looks at. */
const names = Object.keys(checks);
const count = names.length;

/** The name of what does not do as it should, or ''. A tenth of a millisecond: for when something has failed. */
function brokenBuiltin() {
  for (let i = 0; i < count; i++) {
    try {
      if (!checks[names[i]]()) return names[i];
    } catch {
      return names[i];
    }
  }
  return '';
}

module.exports = { brokenBuiltin };
