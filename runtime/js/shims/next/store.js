'use strict';
/* What next/headers, next/server and next/cache know of the request that runs: one NextStore an exchange,
 * made by dialects/next.js and kept in `exchange.local`. */

const { createHash } = require('node:crypto');
const context = require('../../context');
const { RequestCookies, ResponseCookies } = require('./cookies');

const PREVIEW_COOKIE = '__prerender_bypass';

/* Next's own headers on requests of its client; a function does not see them. */
const HIDDEN = new Set(['rsc', 'next-router-state-tree', 'next-router-prefetch', 'next-router-segment-prefetch',
  'next-hmr-refresh', 'x-nextjs-request-id', 'x-nextjs-html-request-id']);

class ReadonlyHeadersError extends Error {
  constructor() {
    super('Headers cannot be modified. Read more: https://nextjs.org/docs/app/api-reference/functions/headers');
  }

  static callable() {
    throw new ReadonlyHeadersError();
  }
}

class ReadonlyRequestCookiesError extends Error {
  constructor() {
    super('Cookies can only be modified in a Server Action or Route Handler. Read more: '
      + 'https://nextjs.org/docs/app/api-reference/functions/cookies#options');
  }

  static callable() {
    throw new ReadonlyRequestCookiesError();
  }
}

/* A property as a proxy gives it out: methods keep their own object. */
function reflect(target, key) {
  const value = Reflect.get(target, key, target);
  return typeof value === 'function' ? value.bind(target) : value;
}

/** A live view of headers that cannot change them. */
function sealHeaders(headers, hidden = HIDDEN) {
  const isHidden = (name) => hidden.has(String(name).toLowerCase());
  function* entries() {
    for (const entry of headers.entries()) if (!isHidden(entry[0])) yield entry;
  }
  const methods = {
    append: ReadonlyHeadersError.callable,
    delete: ReadonlyHeadersError.callable,
    set: ReadonlyHeadersError.callable,
    get: (name) => (isHidden(name) ? null : headers.get(name)),
    has: (name) => !isHidden(name) && headers.has(name),
    getSetCookie: () => headers.getSetCookie(),
    entries,
    [Symbol.iterator]: entries,
    * keys() {
      for (const [name] of entries()) yield name;
    },
    * values() {
      for (const [, value] of entries()) yield value;
    },
    forEach(callback, self) {
      for (const [name, value] of entries()) callback.call(self, value, name, sealed);
    },
  };
  const sealed = new Proxy(headers, {
    get: (target, key) => (Object.hasOwn(methods, key) ? methods[key] : reflect(target, key)),
  });
  return sealed;
}

function sealCookies(cookies) {
  const refused = { set: true, delete: true, clear: true };
  return new Proxy(cookies, {
    get: (target, key) => (Object.hasOwn(refused, key) ? ReadonlyRequestCookiesError.callable : reflect(target, key)),
  });
}

/* The request's cookies with a handler's changes, which remembers what was changed. */
class MutableCookies extends ResponseCookies {
  #store;
  #changed = new Set();
  #ready = false;

  constructor(store) {
    super(new Headers());
    this.#store = store;
    for (const cookie of new RequestCookies(store.headers).getAll()) this.set(cookie);
    this.#ready = true;
  }

  set(...args) {
    this.#note(args[0]);
    return super.set(...args);
  }

  delete(...args) {
    this.#note(args[0]);
    return super.delete(...args);
  }

  #note(argument) {
    if (!this.#ready) return;
    if (this.#store.phase !== 'action') throw new ReadonlyRequestCookiesError();
    this.#changed.add(typeof argument === 'string' ? argument : argument.name);
  }

  get modified() {
    return this.getAll().filter(({ name }) => this.#changed.has(name));
  }
}

/* A deployment's own, the same in all its instances. */
function previewId(spec) {
  return spec.settings?.preview_mode_id ??
    createHash('sha256').update(`preview\0${spec.name}\0${spec.hash ?? ''}`).digest('hex').slice(0, 32);
}

class DraftMode {
  #store;
  #enabled;

  constructor(store) {
    this.#store = store;
    this.#enabled = new RequestCookies(store.headers).get(PREVIEW_COOKIE)?.value === previewId(store.exchange.spec);
  }

  get isEnabled() {
    return this.#enabled;
  }

  enable() {
    this.#set(previewId(this.#store.exchange.spec), {});
    this.#enabled = true;
  }

  disable() {
    this.#set('', { expires: new Date(0) });
    this.#enabled = false;
  }

  #set(value, options) {
    const development = process.env.NODE_ENV === 'development';
    this.#store.mutableCookies.set({
      name: PREVIEW_COOKIE, value, httpOnly: true, sameSite: development ? 'lax' : 'none',
      secure: !development, path: '/', ...options,
    });
  }
}

class NextStore {
  #mutableCookies = null;
  #sealedHeaders = null;
  #sealedCookies = null;
  #draftMode = null;
  #afterTasks = null;

  constructor(exchange, route, request) {
    this.exchange = exchange;
    this.route = route;
    this.request = request;
    this.forceStatic = route.dynamic === 'force-static';
    this.dynamicShouldError = route.dynamic === 'error';
    /** Set when the handler uses what a static answer cannot depend on. */
    this.usedDynamic = false;
  }

  /** 'action' while the handler may still change the answer, then 'after'. */
  get phase() {
    return this.exchange.answered || this.exchange.cancelled ? 'after' : 'action';
  }

  get headers() {
    return this.request.headers;
  }

  get sealedHeaders() {
    return (this.#sealedHeaders ??= sealHeaders(this.headers));
  }

  get sealedCookies() {
    return (this.#sealedCookies ??= sealCookies(new RequestCookies(this.headers)));
  }

  get mutableCookies() {
    return (this.#mutableCookies ??= new MutableCookies(this));
  }

  get modifiedCookies() {
    return this.#mutableCookies === null ? [] : this.#mutableCookies.modified;
  }

  get draftMode() {
    return (this.#draftMode ??= new DraftMode(this));
  }

  /** Something of the request is used that a static answer cannot know. */
  trackDynamic(expression) {
    if (this.dynamicShouldError) {
      throw new Error(`Route ${this.route.page} with \`dynamic = "error"\` couldn't be rendered statically because it `
        + `used \`${expression}\`. See more info here: `
        + 'https://nextjs.org/docs/app/building-your-application/rendering/static-and-dynamic#dynamic-rendering');
    }
    this.usedDynamic = true;
  }

  after(task) {
    if (typeof task?.then === 'function') {
      this.exchange.waitUntil(Promise.resolve(task).catch((error) => {
        console.error('A promise passed to `after()` rejected:', error);
      }));
    } else if (typeof task === 'function') {
      if (this.#afterTasks === null) this.#startAfter();
      this.#afterTasks.push(context.run.bind(null, this.exchange, task));
    } else {
      throw new Error('`after()`: Argument must be a promise or a function');
    }
  }

  #startAfter() {
    this.#afterTasks = [];
    const closed = new Promise((resolve) => {
      this.exchange.onClose(() => setImmediate(resolve));
    });
    this.exchange.waitUntil(closed.then(() => this.#runAfter()));
  }

  /* Tasks start together, and may add more of them. */
  async #runAfter() {
    while (this.#afterTasks.length > 0) {
      await Promise.all(this.#afterTasks.splice(0).map(async (task) => {
        try {
          await task();
        } catch (error) {
          console.error('An error occurred in a function passed to `after()`:', error);
        }
      }));
    }
    this.#afterTasks = null;
  }
}

/** The store of the request that runs, or undefined outside of a Next.js handler. */
function current() {
  const local = context.current()?.local;
  return local instanceof NextStore ? local : undefined;
}

/** The same, for an API that has no meaning elsewhere. */
function require_(expression) {
  const store = current();
  if (store) return store;
  throw new Error(`\`${expression}\` was called outside a request scope. `
    + 'Read more: https://nextjs.org/docs/messages/next-dynamic-api-wrong-context');
}

module.exports = { NextStore, PREVIEW_COOKIE, previewId, sealHeaders, sealCookies, current, requireStore: require_ };
