'use strict';
/* What functions with 'use cache' have given, for next/cache. As there, results live in the memory of an instance. */

const { AsyncLocalStorage } = require('node:async_hooks');
const v8 = require('node:v8');
const { current } = require('./store');

/* Seconds, of the profiles that Next.js brings along. */
const PROFILES = {
  default: { revalidate: 900 },
  seconds: { revalidate: 1, expire: 60 },
  minutes: { revalidate: 60, expire: 3600 },
  hours: { revalidate: 3600, expire: 86_400 },
  days: { revalidate: 86_400, expire: 604_800 },
  weeks: { revalidate: 604_800, expire: 2_592_000 },
  max: { revalidate: 2_592_000 },
};
const DEPTH_MAX = 50;

const told = new Set();

/* Next.js throws; but a configuration that is computed may have it. */
function tellUnknown(name) {
  if (told.has(name)) return;
  told.add(name);
  console.warn(`Unknown \`cacheLife()\` profile ${JSON.stringify(name)}: next.config names none, or computes it. Here it lives as "default" does; `
    + 'Next.js throws if it is not configured.');
}

/* next.config's own come first. */
function profileNamed(name) {
  const own = current()?.exchange.settings.cache_life;
  const found = own?.[name] ?? PROFILES[name];
  if (!found) tellUnknown(name);
  return found ?? own?.default ?? PROFILES.default;
}

const scopes = new AsyncLocalStorage();

const isKnown = (value) => value instanceof Date || value instanceof RegExp || ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/* Whether a copy says all: objects of classes, streams and functions are none's but their maker's. */
function isPlain(value, depth = 0) {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol';
  if (depth > DEPTH_MAX) return false;
  const every = (values) => [...values].every((entry) => isPlain(entry, depth + 1));
  if (Array.isArray(value) || value instanceof Set) return every(value);
  if (value instanceof Map) return every(value.keys()) && every(value.values());
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? every(Object.values(value)) : isKnown(value);
}

/* Without an id nothing is kept. */
const keyOf = (id, inputs) => (id !== null && isPlain(inputs) ? `${id} ${v8.serialize(inputs).toString('latin1')}` : undefined);

/* A function's results live no longer than what they are made of. */
function merge(scope, { tags, revalidate, expire }) {
  if (!scope) return;
  scope.tags.push(...tags);
  scope.revalidate = Math.min(scope.revalidate ?? Infinity, revalidate);
  scope.expire = Math.min(scope.expire ?? Infinity, expire);
}

async function made(fn) {
  const scope = { tags: [], revalidate: undefined, expire: undefined };
  const at = performance.now();
  const value = await scopes.run(scope, fn);
  const usual = profileNamed('default');
  const { revalidate = usual.revalidate, expire = usual.expire ?? Infinity, tags } = scope;
  return { value, entry: { at, tags, revalidate, expire } };
}

/* kept: { find(key), remember(key, entry), isStale(entry, now), refreshLater(key, refresh) } of next/cache. */
async function useCache(kept, id, inputs, fn) {
  const key = keyOf(id, inputs);
  const make = async () => {
    const { value, entry } = await made(fn);
    if (key !== undefined && isPlain(value)) kept.remember(key, { ...entry, data: v8.serialize(value) });
    return { value, entry };
  };
  const outer = scopes.getStore();
  const entry = key === undefined ? undefined : kept.find(key);
  const now = performance.now();
  if (!entry || now - entry.at > entry.expire * 1000) {
    const fresh = await make();
    merge(outer, fresh.entry);
    return fresh.value;
  }
  if (kept.isStale(entry, now)) kept.refreshLater(key, () => scopes.exit(make));
  merge(outer, entry);
  return v8.deserialize(entry.data);
}

function requireScope(name) {
  const scope = scopes.getStore();
  if (!scope) throw new Error(`\`${name}()\` can only be called inside a "use cache" function.`);
  return scope;
}

function profileOf(profile) {
  if (typeof profile === 'string') return profileNamed(profile);
  if (typeof profile === 'object' && profile !== null && !Array.isArray(profile)) return profile;
  throw new Error('Invalid `cacheLife()` option. Either pass a profile name or object.');
}

function cacheLife(profile) {
  const scope = requireScope('cacheLife');
  const { revalidate = Infinity, expire = Infinity } = profileOf(profile);
  merge(scope, { tags: [], revalidate, expire });
}

module.exports = { cacheLife, requireScope, useCache };
