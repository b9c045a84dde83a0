'use strict';
/* next/cache. Cached results and static answers live in the memory of an instance: a revalidation is
 * heard in the instance it is called in. */

const { current } = require('./store');
const { cacheLife, requireScope: requireCacheScope, useCache } = require('./use_cache');

const MAX_TAG_LENGTH = 256;
const MAX_PATH_LENGTH = 1024;
const MAX_ENTRIES = 1000;
const FOREVER = Infinity;

/* Results of unstable_cache: key to { json, at, revalidate, tags }. */
const entries = new Map();
/* When a tag or path was last revalidated: what is older is gone, or (with a profile) may be served once
 * more while it is made again. */
const expired = new Map();
const stale = new Map();
const listeners = new Set();

function touch(tag, profile) {
  const at = performance.now();
  if (profile && profile.expire !== 0) stale.set(tag, at);
  else expired.set(tag, at);
  for (const listener of listeners) listener(tag);
}

function requireScope(expression) {
  if (!current()) throw new Error(`Invariant: static generation store missing in ${expression}`);
}

function revalidateTag(tag, profile) {
  if (!profile) {
    console.warn('"revalidateTag" without the second argument is now deprecated, add second argument of "max" or use '
      + '"updateTag". See more info here: https://nextjs.org/docs/messages/revalidate-tag-single-arg');
  }
  requireScope(`revalidateTag(${JSON.stringify(tag)})`);
  touch(String(tag), profile);
}

function updateTag() {
  throw new Error('updateTag can only be called from within a Server Action. '
    + 'To invalidate cache tags in Route Handlers or other contexts, use revalidateTag instead. '
    + 'See more info here: https://nextjs.org/docs/app/api-reference/functions/updateTag');
}

function refresh() {
  throw new Error('refresh can only be called from within a Server Action. '
    + 'See more info here: https://nextjs.org/docs/app/api-reference/functions/refresh');
}

const isDynamicPath = (path) => /\/\[[^/]+\](?=\/|$)/.test(path);

function revalidatePath(path, type) {
  if (path.length > MAX_PATH_LENGTH) {
    console.warn(`Warning: revalidatePath received "${path}" which exceeded max length of ${MAX_PATH_LENGTH}. `
      + 'See more info here https://nextjs.org/docs/app/api-reference/functions/revalidatePath');
    return;
  }
  if (!type && isDynamicPath(path)) {
    console.warn(`Warning: a dynamic page path "${path}" was passed to "revalidatePath", but the "type" parameter is `
      + 'missing. This has no effect by default, see more info here '
      + 'https://nextjs.org/docs/app/api-reference/functions/revalidatePath');
  }
  requireScope(`revalidatePath(${JSON.stringify(path)})`);
  touch(pathTag(path));
}

const pathTag = (path) => `_N_T_${path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path}`;

/** Calls listener(tag) at each revalidation in this process; pathTag(path) names a path. */
function onRevalidate(listener) {
  listeners.add(listener);
}

const isOlder = (entry, marks) => entry.tags.some((tag) => marks.get(tag) >= entry.at);

const isStale = (entry, now) => now - entry.at > entry.revalidate * 1000 || isOlder(entry, stale);

function remember(key, entry) {
  if (entries.size >= MAX_ENTRIES) entries.delete(entries.keys().next().value);
  entries.set(key, entry);
}

function checkTags(tags, where) {
  const good = [];
  for (const tag of tags) {
    if (typeof tag !== 'string') console.warn(`Warning: invalid tags passed to ${where}: `, tag, 'reason: invalid type, must be a string');
    else if (tag.length > MAX_TAG_LENGTH) console.warn(`Warning: invalid tags passed to ${where}: `, tag, `reason: exceeded max length of ${MAX_TAG_LENGTH}`);
    else good.push(tag);
  }
  return good;
}

function unstable_cache(fn, keyParts, options = {}) {
  if (options.revalidate === 0) {
    throw new Error(`Invariant revalidate: 0 can not be passed to unstable_cache(), must be "false" or "> 0" ${fn.toString()}`);
  }
  const tags = checkTags(options.tags ?? [], `unstable_cache ${fn.toString()}`);
  const revalidate = typeof options.revalidate === 'number' ? options.revalidate : FOREVER;
  const fixed = `${fn.toString()}-${Array.isArray(keyParts) ? keyParts.join(',') : ''}`;
  return async (...args) => {
    const key = `${fixed}-${JSON.stringify(args)}`;
    const refresh = async () => {
      const at = performance.now();
      const result = await fn(...args);
      remember(key, { json: JSON.stringify(result), at, revalidate, tags });
      return result;
    };
    const entry = entries.get(key);
    if (!entry || isOlder(entry, expired)) return refresh();
    if (isStale(entry, performance.now())) refreshLater(key, refresh);
    return entry.json === undefined ? undefined : JSON.parse(entry.json);
  };
}

const refreshing = new Set();

function refreshLater(key, refresh) {
  if (refreshing.has(key)) return;
  refreshing.add(key);
  const done = refresh().catch((error) => {
    console.error(`revalidating cache with key: ${key}`, error);
  }).finally(() => refreshing.delete(key));
  current()?.exchange.waitUntil(done);
}

function unstable_noStore() {
  const store = current();
  if (store && !store.forceStatic) store.usedDynamic = true;
}

function cacheTag(...tags) {
  requireCacheScope('cacheTag').tags.push(...checkTags(tags, 'cacheTag'));
}

const kept = {
  find(key) {
    const entry = entries.get(key);
    return entry && !isOlder(entry, expired) ? entry : undefined;
  },
  remember, isStale, refreshLater,
};

/** What the bundler makes of a function with 'use cache'. */
const ___useCache = (id, inputs, fn) => useCache(kept, id, inputs, fn);

const unstable_cacheLife = cacheLife;
const unstable_cacheTag = cacheTag;

module.exports = {
  unstable_cache, revalidatePath, revalidateTag, updateTag, refresh, unstable_noStore, cacheLife, cacheTag,
  unstable_cacheLife, unstable_cacheTag, ___useCache, onRevalidate, pathTag, renewPath: (path) => touch(pathTag(path)),
};
