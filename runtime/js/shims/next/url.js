'use strict';
/* NextURL, and what the project's next.config says of its URLs. */

const LOCAL_HOST = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/;

let project;

/** How the URLs of this process's requests are read: { basePath, trailingSlash, i18n }. */
function setProjectUrls(nextConfig) {
  project = nextConfig && { nextConfig };
}

const projectUrls = () => project;

function parseUrl(url, base) {
  const parsed = new URL(String(url), base && String(base));
  if (LOCAL_HOST.test(parsed.hostname)) parsed.hostname = 'localhost';
  return parsed;
}

/* A URL that knows a project's basePath and locales. */
class NextURL {
  #url;
  #options;
  #basePath = '';
  #locale;
  #defaultLocale;
  #trailingSlash = false;

  constructor(input, base, options) {
    const hasBase = typeof base === 'string' || (typeof base === 'object' && base !== null && 'pathname' in base);
    this.#options = (hasBase ? options : options ?? base) ?? {};
    this.#url = parseUrl(input, hasBase ? base : this.#options.base);
    this.#analyze();
  }

  #analyze() {
    const { basePath, i18n, trailingSlash } = this.#options.nextConfig ?? {};
    let path = this.#url.pathname;
    this.#trailingSlash = path === '/' ? Boolean(trailingSlash) : path.endsWith('/');
    this.#basePath = '';
    if (basePath && (path === basePath || path.startsWith(`${basePath}/`))) {
      this.#basePath = basePath;
      path = path.slice(basePath.length) || '/';
    }
    this.#defaultLocale = i18n?.defaultLocale;
    const [, first] = path.split('/');
    const locale = i18n?.locales.find((it) => it.toLowerCase() === first.toLowerCase());
    if (locale) path = path.slice(first.length + 1) || '/';
    this.#locale = locale ?? this.#defaultLocale;
    this.#url.pathname = path;
  }

  #formatPath() {
    let path = this.#url.pathname;
    if (this.#locale && this.#locale !== this.#defaultLocale) path = `/${this.#locale}${path === '/' ? '' : path}`;
    path = `${this.#basePath}${this.#basePath && path === '/' ? '' : path}`;
    if (this.#trailingSlash) return path.endsWith('/') ? path : `${path}/`;
    return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  }

  get buildId() {
    return undefined;
  }

  get locale() {
    return this.#locale ?? '';
  }

  set locale(locale) {
    if (!this.#locale || !this.#options.nextConfig?.i18n?.locales.includes(locale)) {
      throw new TypeError(`The NextURL configuration includes no locale "${locale}"`);
    }
    this.#locale = locale;
  }

  get defaultLocale() {
    return this.#defaultLocale;
  }

  get domainLocale() {
    return undefined;
  }

  get searchParams() {
    return this.#url.searchParams;
  }

  get href() {
    return `${this.protocol}//${this.host}${this.#formatPath()}${this.search}${this.hash}`;
  }

  set href(url) {
    this.#url = parseUrl(url);
    this.#analyze();
  }

  get origin() {
    return this.#url.origin;
  }

  get basePath() {
    return this.#basePath;
  }

  set basePath(value) {
    this.#basePath = value.startsWith('/') ? value : `/${value}`;
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  clone() {
    return new NextURL(this.href, this.#options);
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `NextURL ${inspect({
      href: this.href, origin: this.origin, protocol: this.protocol, username: this.username, password: this.password,
      host: this.host, hostname: this.hostname, port: this.port, pathname: this.pathname, search: this.search,
      searchParams: this.searchParams, hash: this.hash,
    }, options)}`;
  }

  static {
    for (const key of ['host', 'hostname', 'port', 'protocol', 'pathname', 'hash', 'search', 'password', 'username']) {
      Object.defineProperty(NextURL.prototype, key, {
        configurable: true,
        get() {
          return this.#url[key];
        },
        set(value) {
          this.#url[key] = value;
        },
      });
    }
  }
}

module.exports = { NextURL, projectUrls, setProjectUrls };
