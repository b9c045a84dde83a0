'use strict';
/* next/server. Objects of an exchange are made without running a constructor (web.requestOf), so what they
 * keep is kept beside them. */

const web = require('../../web');

web.install();

const { RequestCookies, ResponseCookies, stringifyCookie } = require('./cookies');
const { userAgent, userAgentFromString } = require('./user_agent');
const { current, requireStore } = require('./store');
const { NextURL, projectUrls } = require('./url');

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

function validateUrl(url) {
  try {
    return String(new URL(String(url)));
  } catch (error) {
    throw new Error(`URL is malformed "${String(url)}". Please use only absolute URLs - `
      + 'https://nextjs.org/docs/messages/middleware-relative-urls', { cause: error });
  }
}

const requestUrl = Object.getOwnPropertyDescriptor(Request.prototype, 'url').get;
const nextUrls = new WeakMap();
const requestCookies = new WeakMap();
const plainUrls = new WeakMap();

const removed = (name, instead, page) => () => {
  throw new Error(`The request.${name} has been ${instead}\nRead more: https://nextjs.org/docs/messages/${page}`);
};
const removedPage = removed('page', 'deprecated in favour of `URLPattern`.', 'middleware-request-page');
const removedAgent = removed('ua', 'removed in favour of `userAgent` function.', 'middleware-parse-user-agent');

class NextRequest extends Request {
  constructor(input, init = {}) {
    const url = typeof input !== 'string' && 'url' in input ? input.url : String(input);
    validateUrl(url);
    if (init.body && init.duplex !== 'half') init.duplex = 'half';
    if (input instanceof Request) super(input, init);
    else super(url, init);
    nextUrls.set(this, new NextURL(url, { nextConfig: init.nextConfig }));
  }

  get nextUrl() {
    let url = nextUrls.get(this);
    if (!url) nextUrls.set(this, (url = new NextURL(requestUrl.call(this), projectUrls())));
    return url;
  }

  get cookies() {
    let cookies = requestCookies.get(this);
    if (!cookies) requestCookies.set(this, (cookies = new RequestCookies(this.headers)));
    return cookies;
  }

  /* As it came: changes of nextUrl do not show. */
  get url() {
    let url = plainUrls.get(this);
    if (url === undefined) plainUrls.set(this, (url = normalizeUrl(requestUrl.call(this))));
    return url;
  }

  get page() {
    return removedPage();
  }

  get ua() {
    return removedAgent();
  }
}

const LOCAL_ADDRESS = /^https?:\/\/(?:127\.|\[::1\])/;

/* What NextURL makes of it, which leaves most URLs as they are. */
function normalizeUrl(url) {
  return LOCAL_ADDRESS.test(url) ? new NextURL(url).href : url;
}

function passRequestHeaders(init, headers) {
  if (!init?.request?.headers) return;
  if (!(init.request.headers instanceof Headers)) throw new Error('request.headers must be an instance of Headers');
  const names = [];
  for (const [name, value] of init.request.headers) {
    headers.set(`x-middleware-request-${name}`, value);
    names.push(name);
  }
  headers.set('x-middleware-override-headers', names.join(','));
}

/* Tells Next's own code which cookies were set; it does not leave with the answer. */
class TellingCookies extends ResponseCookies {
  set(...args) {
    super.set(...args);
    this._headers.set('x-middleware-set-cookie', this.getAll().map(stringifyCookie).join(','));
    return this;
  }
}

const responseCookies = new WeakMap();

class NextResponse extends Response {
  constructor(body, init = {}) {
    super(body, init);
  }

  get cookies() {
    let cookies = responseCookies.get(this);
    if (!cookies) responseCookies.set(this, (cookies = new TellingCookies(this.headers)));
    return cookies;
  }

  static json(body, init) {
    return web.jsonOf(NextResponse, body, init);
  }

  static redirect(url, init) {
    const status = typeof init === 'number' ? init : init?.status ?? 307;
    if (!REDIRECTS.has(status)) {
      throw new RangeError('Failed to execute "redirect" on "response": Invalid status code');
    }
    const options = typeof init === 'object' ? init : {};
    const headers = new Headers(options?.headers);
    headers.set('Location', validateUrl(url));
    return new NextResponse(null, { ...options, headers, status });
  }

  static rewrite(destination, init) {
    const headers = new Headers(init?.headers);
    headers.set('x-middleware-rewrite', validateUrl(destination));
    passRequestHeaders(init, headers);
    return new NextResponse(null, { ...init, headers });
  }

  static next(init) {
    const headers = new Headers(init?.headers);
    headers.set('x-middleware-next', '1');
    passRequestHeaders(init, headers);
    return new NextResponse(null, { ...init, headers });
  }
}

/** Runs the task when the answer is complete, or waits for the promise. */
function after(task) {
  const store = current();
  if (!store) {
    throw new Error('`after` was called outside a request scope. '
      + 'Read more: https://nextjs.org/docs/messages/next-dynamic-api-wrong-context');
  }
  store.after(task);
}

function connection() {
  const store = requireStore('connection');
  if (!store.forceStatic) store.trackDynamic('connection()');
  return Promise.resolve(undefined);
}

class ImageResponse {
  constructor() {
    throw new Error('ImageResponse needs the package "next": install it in your project (npm install next)');
  }
}

const { URLPattern } = globalThis;

module.exports = {
  NextRequest, NextResponse, ImageResponse, userAgent, userAgentFromString, URLPattern, after, connection, NextURL,
};
