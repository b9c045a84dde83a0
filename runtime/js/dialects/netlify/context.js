'use strict';

/* The context of Netlify functions (v2): what they are told of the request and of the site. */

const { AsyncLocalStorage } = require('node:async_hooks');
const { CookieStore } = require('./cookies');

/* @netlify/functions looks for the context of the current request here. */
const STORE_KEY = Symbol.for('@netlify/functions/request-context-store');

const MOCK_GEO = {
  city: 'San Francisco',
  country: { code: 'US', name: 'United States' },
  subdivision: { code: 'CA', name: 'California' },
  longitude: 0,
  latitude: 0,
  timezone: 'UTC',
};

function store() {
  if (!(globalThis[STORE_KEY] instanceof AsyncLocalStorage)) {
    globalThis[STORE_KEY] = new AsyncLocalStorage();
  }
  return globalThis[STORE_KEY];
}

/* What the client says of these is not believed. */
const OWN_HEADERS = new Set([
  'client-ip', 'x-nf-client-connection-ip', 'x-nf-account-id', 'x-nf-site-id', 'x-nf-geo', 'x-nf-request-id',
]);

function addHeaders(exchange) {
  const raw = exchange.rawHeaders;
  const kept = [];
  const passed = []; /* proxies that the request came through */
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i] === 'x-forwarded-for') {
      passed.push(raw[i + 1]);
    } else if (!OWN_HEADERS.has(raw[i])) {
      kept.push(raw[i], raw[i + 1]);
    }
  }
  kept.push(
    'x-forwarded-for', [...passed, exchange.remoteAddress].join(', '),
    'client-ip', exchange.remoteAddress,
    'x-nf-client-connection-ip', exchange.remoteAddress,
    'x-nf-account-id', '',
    'x-nf-site-id', process.env.SITE_ID ?? 'unlinked',
    'x-nf-geo', Buffer.from(JSON.stringify(MOCK_GEO)).toString('base64'),
    'x-nf-request-id', exchange.requestId
  );
  raw.splice(0, raw.length, ...kept);
}

/* The URL that the client asked for, with the query that a rewrite may have changed. */
function clientUrl(exchange) {
  if (exchange.originalPath === exchange.path) {
    return exchange.url;
  }
  const url = new URL(exchange.originalUrl);
  url.search = new URL(exchange.url).search;
  return url.href;
}

function withoutSlash(url) {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}

/* The pattern of config.path that brought the request here, and its groups. */
function matchPath(patterns, url) {
  const target = withoutSlash(url);
  for (const pattern of patterns) {
    try {
      const match = new URLPattern({ pathname: pattern, baseURL: target }).exec(target);
      if (match) {
        const groups = Object.entries(match.pathname.groups).filter(([, value]) => value !== undefined);
        return { path: pattern, params: Object.fromEntries(groups) };
      }
    } catch {
      console.log(`Could not parse function route ${pattern}.`);
    }
  }
  return { path: undefined, params: {} };
}

class Flags {
  #evaluations = new Set();

  get() {
    return undefined;
  }

  get evaluations() {
    return this.#evaluations;
  }
}

function rewriteTarget(input, base) {
  if (typeof input === 'string' && input.startsWith('/')) {
    const url = new URL(base);
    url.pathname = input;
    return url;
  }
  return input instanceof URL ? input : new URL(input);
}

/* Resolves when all of the promises have, those added meanwhile included; rejections are logged. */
function waitFor(exchange, args) {
  if (args.length === 0) {
    throw new TypeError('waitUntil: At least 1 argument required, but only 0 passed');
  }
  exchange.waitUntil(Promise.resolve(args[0]));
}

function makeContext(exchange, request, patterns) {
  const cookies = new CookieStore(request.headers);
  const stage = process.env.CONTEXT ?? '';
  let matched;
  const match = () => (matched ??= matchPath(patterns, request.url));
  const context = {
    account: { id: '' },
    cookies: cookies.publicInterface(),
    deploy: {
      branch: process.env.BRANCH ?? '',
      context: stage,
      id: process.env.DEPLOY_ID ?? '',
      published: stage === 'production',
      skewProtectionToken: undefined,
    },
    flags: new Flags(),
    geo: { ...MOCK_GEO },
    ip: exchange.remoteAddress,
    json: (input) => Response.json(input),
    log: console.log,
    next() {
      throw new Error('`context.next` is not implemented for serverless functions');
    },
    params: {},
    path: undefined,
    requestId: exchange.requestId,
    rewrite: async (input) => fetch(rewriteTarget(input, request.url)),
    server: { region: process.env.AWS_REGION },
    site: { id: process.env.SITE_ID, name: process.env.SITE_NAME, url: process.env.URL },
    url: new URL(request.url),
    waitUntil: (...args) => waitFor(exchange, args),
  };
  /* Only where they say something: V8 makes a hidden class for each object with a getter of its own, among its old
   * objects, and that keeps the getter and the request until a full collection. */
  if (patterns.length > 0) {
    const lazily = (name) => ({ get: () => match()[name], set: (value) => (match()[name] = value) });
    Object.defineProperties(context, { params: lazily('params'), path: lazily('path') });
  }
  return { context, cookies };
}

/* Globals */

const env = {
  delete: (key) => {
    delete process.env[key];
  },
  get: (key) => process.env[key],
  has: (key) => Boolean(process.env[key]),
  set: (key, value) => {
    process.env[key] = value;
  },
  toObject: () => ({ ...process.env }),
};

/* Netlify's cache is at its edge; away from there its API finds nothing and keeps nothing. */
const noCache = {
  add: async () => {},
  addAll: async () => {},
  delete: async () => true,
  keys: async () => [],
  match: async () => undefined,
  matchAll: async () => [],
  put: async () => {},
};

function install() {
  const contexts = store();
  globalThis.Netlify = {
    get context() {
      return contexts.getStore()?.context ?? null;
    },
    env,
  };
  Object.defineProperty(globalThis, 'netlifyIdentityContext', {
    configurable: true, enumerable: false, get: () => null,
  });
  globalThis.caches ??= {
    open: async () => noCache, has: async () => true, keys: async () => [],
    delete: async () => true, match: async () => undefined,
  };
}

module.exports = {
  addHeaders,
  clientUrl,
  install,
  makeContext,
  run: (context, fn) => store().run({ context }, fn),
};
