'use strict';

/* context.cookies: reads the request's, and notes changes that land on the response. */

const assert = require('node:assert');

const NAME = /^(?=[\u0020-\u007E]*$)[^()@<>,;:\\"[\]?={}\s]+$/;
const BAD_IN_VALUE = /[\0-\x20",;\\\x7f]/;

function checkName(name) {
  if (!NAME.test(name)) {
    throw new TypeError(`Invalid cookie name: "${name}".`);
  }
}

function checkValue(name, value) {
  const bad = BAD_IN_VALUE.exec(value ?? '');
  if (bad) {
    throw new Error(`RFC2616 cookie '${name}' cannot contain character '${bad[0]}'`);
  }
  const wide = /[^\0-\x80]/.exec(value ?? '');
  if (wide) {
    const code = wide[0].charCodeAt(0).toString(16);
    throw new Error(`RFC2616 cookie '${name}' can only have US-ASCII chars as value${code}`);
  }
}

function checkPath(path) {
  const bad = /[^ -~]|;/.exec(path);
  if (bad) {
    throw new Error(`${path}: Invalid cookie path char '${bad[0]}'`);
  }
}

function checkDomain(domain) {
  if (/^-|[.-]$/.test(domain)) {
    throw new Error(`Invalid first/last char in cookie domain: ${domain}`);
  }
}

/* The attributes in the order of Netlify's own cookies, for who compares texts. */
function attributes(cookie) {
  const parts = [];
  if (cookie.secure) parts.push('Secure');
  if (cookie.httpOnly) parts.push('HttpOnly');
  if (Number.isInteger(cookie.maxAge)) {
    assert(cookie.maxAge >= 0, 'Max-Age must be an integer superior or equal to 0');
    parts.push(`Max-Age=${cookie.maxAge}`);
  }
  if (cookie.domain) {
    checkDomain(cookie.domain);
    parts.push(`Domain=${cookie.domain}`);
  }
  if (cookie.sameSite) parts.push(`SameSite=${cookie.sameSite}`);
  if (cookie.path) {
    checkPath(cookie.path);
    parts.push(`Path=${cookie.path}`);
  }
  if (cookie.expires !== undefined && cookie.expires !== null) {
    parts.push(`Expires=${new Date(cookie.expires).toUTCString()}`);
  }
  return cookie.unparsed ? [...parts, ...cookie.unparsed] : parts;
}

/* Prefixes promise attributes, hence bring them along. */
function withPrefixRules(cookie) {
  if (cookie.name.startsWith('__Secure')) {
    return { ...cookie, secure: true };
  }
  if (cookie.name.startsWith('__Host')) {
    return { ...cookie, path: '/', secure: true, domain: undefined };
  }
  return cookie;
}

function serialize(cookie) {
  checkName(cookie.name);
  checkValue(cookie.name, cookie.value);
  const whole = withPrefixRules(cookie);
  return [`${whole.name}=${whole.value}`, ...attributes(whole)].join('; ');
}

function parse(header) {
  const cookies = Object.create(null);
  for (const part of (header ?? '').split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (name !== '') {
      cookies[name] = equals < 0 ? '' : part.slice(equals + 1);
    }
  }
  return cookies;
}

class CookieStore {
  #headers;
  #changes = [];

  constructor(requestHeaders) {
    this.#headers = requestHeaders;
  }

  get hasChanges() {
    return this.#changes.length > 0;
  }

  apply(headers) {
    for (const cookie of this.#changes) {
      if (cookie.name) {
        headers.append('set-cookie', serialize(cookie));
      }
    }
  }

  publicInterface() {
    return {
      delete: (input) => {
        const { name, domain, path = '/' } = typeof input === 'string' ? { name: input } : input;
        this.#changes.push({ name, value: '', expires: 0, domain, path });
      },
      get: (name) => parse(this.#headers.get('cookie'))[name],
      set: (input, value) => {
        if (typeof input === 'string' && typeof value !== 'string') {
          throw new TypeError("You must provide the cookie value as a string to 'cookies.set'");
        }
        this.#changes.push(typeof input === 'string' ? { name: input, value } : input);
      },
    };
  }
}

module.exports = { CookieStore };
