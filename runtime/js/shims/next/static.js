'use strict';
/* Route handlers that Next.js answers once and keeps (`dynamic = 'force-static'`, `revalidate = 60`,
 * generateStaticParams). Next does it at build time and shares the answer; here each instance keeps its
 * own. A handler that looks at its request makes its route dynamic, as a build finds out. */

const cache = require('./cache');
const { RequestCookies } = require('./cookies');
const { sealHeaders, sealCookies } = require('./store');

const ONE_YEAR_S = 31536000;
const MAX_ANSWERS = 1000;

/* What a static answer cannot depend on. */
const DYNAMIC_REQUEST = new Set(['headers', 'cookies', 'url', 'body', 'blob', 'json', 'text', 'arrayBuffer', 'formData']);
const DYNAMIC_URL = new Set(['search', 'searchParams', 'url', 'href', 'toJSON', 'toString', 'origin']);

const isStaticGeneration = (module) => module.dynamic === 'force-static' || module.dynamic === 'error' ||
  module.revalidate === false || module.revalidate > 0 || typeof module.generateStaticParams === 'function';

/** Whether Next would answer the GETs of this module from its cache. */
function isStaticRoute(module, endpoint) {
  if (!module.GET || !isStaticGeneration(module) || module.dynamic === 'force-dynamic') return false;
  if (module.POST || module.PUT || module.DELETE || module.PATCH || module.OPTIONS) return false;
  return !endpoint.name.includes('[') || module.dynamic === 'force-static' ||
    typeof module.generateStaticParams === 'function';
}

function reflect(target, key) {
  const value = Reflect.get(target, key, target);
  return typeof value === 'function' ? value.bind(target) : value;
}

/* A request that tells the store when it is looked at. */
function tracked(target, names, prefix, store, special = {}) {
  return new Proxy(target, {
    get(object, key) {
      if (Object.hasOwn(special, key)) return special[key]();
      if (names.has(key)) store.trackDynamic(`${prefix}.${key}`);
      return reflect(object, key);
    },
  });
}

function trackedRequest(request, store) {
  let nextUrl;
  return tracked(request, DYNAMIC_REQUEST, 'request', store, {
    nextUrl: () => (nextUrl ??= tracked(request.nextUrl, DYNAMIC_URL, 'nextUrl', store)),
    clone: () => () => trackedRequest(request.clone(), store),
  });
}

/* A request that says nothing of itself but its path. */
function emptiedRequest(request) {
  const url = request.nextUrl.clone();
  url.search = '';
  url.hash = '';
  url.host = 'localhost:3000';
  url.protocol = 'http:';
  const headers = sealHeaders(new Headers());
  const cookies = sealCookies(new RequestCookies(new Headers()));
  const special = {
    headers: () => headers, cookies: () => cookies, nextUrl: () => url, url: () => url.href, geo: () => undefined,
    ip: () => undefined, clone: () => () => emptiedRequest(request.clone()),
  };
  return tracked(request, new Set(), 'request', null, special);
}

/* Params from a path are texts and lists of texts. */
function keyOf(params) {
  const entries = Object.entries(params).map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

class StaticAnswers {
  #answers = new Map();
  #revalidate;
  #forced;
  #dynamic = false;
  #generate;
  #onlyGenerated;
  #generated = null;

  constructor(module) {
    this.#generate = module.generateStaticParams;
    this.#onlyGenerated = module.dynamicParams === false && typeof this.#generate === 'function';
    this.#revalidate = module.revalidate > 0 && Number.isFinite(module.revalidate) ? module.revalidate : null;
    this.#forced = module.dynamic === 'force-static';
    cache.onRevalidate((tag) => {
      for (const path of this.#answers.keys()) if (cache.pathTag(path) === tag) this.#answers.delete(path);
    });
  }

  /** Whether the handler was found to depend on its request. */
  get isDynamic() {
    return this.#dynamic;
  }

  /** Whether paths that generateStaticParams() does not name are not there (`dynamicParams = false`). */
  get onlyGenerated() {
    return this.#onlyGenerated;
  }

  /** Whether a build would have made the answer for these params. */
  async isGenerated(params) {
    if (Object.keys(params).length === 0) return true;
    if (typeof this.#generate !== 'function') return false;
    this.#generated ??= Promise.resolve(this.#generate({ params: {} })).then((list) => new Set(list.map(keyOf)));
    return (await this.#generated).has(keyOf(params));
  }

  /** The request as a static handler may see it. */
  wrap(request, store) {
    return this.#forced ? emptiedRequest(request) : trackedRequest(request, store);
  }

  /** Answers from memory if it can; an old answer is made again in the background. */
  serve(exchange, regenerate) {
    const path = pathOf(exchange);
    const kept = this.#answers.get(path);
    if (!kept || exchange.local.draftMode.isEnabled) return false;
    const stale = this.#revalidate !== null && performance.now() - kept.at > this.#revalidate * 1000;
    if (stale && !kept.renewing) {
      kept.renewing = true;
      exchange.waitUntil(this.#renew(exchange, path, kept, regenerate));
    }
    this.#send(exchange, kept, stale ? 'STALE' : 'HIT');
    return true;
  }

  async #renew(exchange, path, kept, regenerate) {
    try {
      const response = await regenerate();
      this.#remember(path, await this.#record(response));
    } finally {
      kept.renewing = false;
    }
  }

  /** Keeps a response and answers with it; false if it depends on its request. */
  async keep(exchange, response) {
    const { local } = exchange;
    if (!this.#forced && local.usedDynamic) {
      this.#dynamic = true;
      return false;
    }
    if (local.modifiedCookies.length > 0 || local.draftMode.isEnabled || response.bodyUsed) return false;
    if (response.headers.has('x-middleware-rewrite') || response.headers.has('x-middleware-next')) return false;
    const record = await this.#record(response);
    this.#remember(pathOf(exchange), record);
    this.#send(exchange, record, await this.isGenerated(exchange.params) ? 'HIT' : 'MISS');
    return true;
  }

  async #record(response) {
    return {
      status: response.status, headers: [...response.headers].flat(),
      body: Buffer.from(await response.arrayBuffer()), at: performance.now(), renewing: false,
    };
  }

  #remember(path, record) {
    if (this.#answers.size >= MAX_ANSWERS) this.#answers.delete(this.#answers.keys().next().value);
    this.#answers.set(path, record);
  }

  #send(exchange, { status, headers, body }, state) {
    const sent = ['x-nextjs-cache', state, ...headers];
    if (!headers.includes('cache-control')) sent.push('cache-control', this.#cacheControl());
    exchange.respond(status, sent, body.length > 0 ? body : null);
  }

  #cacheControl() {
    const seconds = this.#revalidate;
    if (seconds === null) return `s-maxage=${ONE_YEAR_S}`;
    const rest = seconds < ONE_YEAR_S ? `, stale-while-revalidate=${ONE_YEAR_S - seconds}` : '';
    return `s-maxage=${seconds}${rest}`;
  }
}

const pathOf = (exchange) => exchange.path.split('?', 1)[0];

module.exports = { StaticAnswers, isStaticRoute };
