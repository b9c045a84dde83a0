'use strict';
/* Cookies as next/server and next/headers give them: the request's, and those an answer sets. */

const decode = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** 'a=1; b' to [['a', '1'], ['b', 'true']]; what does not decode is left out. */
function parsePairs(text) {
  const pairs = new Map();
  for (const part of text.split(/; */)) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const value = at < 0 ? 'true' : decode(part.slice(at + 1));
    if (value !== null) pairs.set(at < 0 ? part : part.slice(0, at), value);
  }
  return pairs;
}

/** A Set-Cookie field of a cookie's attributes. */
function stringifyCookie(cookie) {
  const { name, value, path, expires, maxAge, domain, secure, httpOnly, sameSite, partitioned, priority } = cookie;
  let text = `${name}=${encodeURIComponent(value ?? '')}`;
  if (path) text += `; Path=${path}`;
  if (expires || expires === 0) text += `; Expires=${new Date(expires).toUTCString()}`;
  if (typeof maxAge === 'number') text += `; Max-Age=${maxAge}`;
  if (domain) text += `; Domain=${domain}`;
  if (secure) text += '; Secure';
  if (httpOnly) text += '; HttpOnly';
  if (sameSite) text += `; SameSite=${sameSite}`;
  if (partitioned) text += '; Partitioned';
  if (priority) text += `; Priority=${priority}`;
  return text;
}

const SAME_SITE = ['strict', 'lax', 'none'];
const PRIORITY = ['low', 'medium', 'high'];

function oneOf(list, text) {
  const lower = text?.toLowerCase();
  return list.includes(lower) ? lower : undefined;
}

/** A Set-Cookie field to its attributes, without those that are absent; undefined for none. */
function parseSetCookie(text) {
  const [first, ...rest] = parsePairs(text);
  if (!first) return undefined;
  const attributes = Object.fromEntries(rest.map(([key, value]) => [key.toLowerCase().replaceAll('-', ''), value]));
  const cookie = {
    name: first[0],
    value: decode(first[1]) ?? first[1],
    domain: attributes.domain,
    expires: attributes.expires && new Date(attributes.expires),
    httpOnly: attributes.httponly && true,
    maxAge: attributes.maxage && Number(attributes.maxage),
    path: attributes.path,
    sameSite: oneOf(SAME_SITE, attributes.samesite),
    secure: attributes.secure && true,
    priority: oneOf(PRIORITY, attributes.priority),
    partitioned: attributes.partitioned && true,
  };
  for (const key of Object.keys(cookie)) if (!cookie[key]) delete cookie[key];
  return cookie;
}

const nameOf = (argument) => (typeof argument === 'string' ? argument : argument.name);

class Cookies {
  _parsed = new Map();
  _headers;

  constructor(headers) {
    this._headers = headers;
  }

  get(cookie) {
    return this._parsed.get(nameOf(cookie));
  }

  getAll(...args) {
    const all = [...this._parsed.values()];
    return args.length === 0 ? all : all.filter(({ name }) => name === nameOf(args[0]));
  }

  has(name) {
    return this._parsed.has(name);
  }
}

class RequestCookies extends Cookies {
  constructor(headers) {
    super(headers);
    const field = headers.get('cookie');
    if (!field) return;
    for (const [name, value] of parsePairs(field)) this._parsed.set(name, { name, value });
  }

  [Symbol.iterator]() {
    return this._parsed[Symbol.iterator]();
  }

  get size() {
    return this._parsed.size;
  }

  set(...args) {
    const [name, value] = args.length === 1 ? [args[0].name, args[0].value] : args;
    this._parsed.set(name, { name, value });
    this.#write();
    return this;
  }

  delete(names) {
    const result = Array.isArray(names)
      ? names.map((name) => this._parsed.delete(name)) : this._parsed.delete(names);
    this.#write();
    return result;
  }

  clear() {
    this.delete([...this._parsed.keys()]);
    return this;
  }

  #write() {
    this._headers.set('cookie', [...this._parsed.values()].map(stringifyCookie).join('; '));
  }

  toString() {
    return [...this._parsed.values()].map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join('; ');
  }
}

function normalize(cookie) {
  if (typeof cookie.expires === 'number') cookie.expires = new Date(cookie.expires);
  if (cookie.maxAge) cookie.expires = new Date(Date.now() + cookie.maxAge * 1000);
  cookie.path ??= '/';
  return cookie;
}

class ResponseCookies extends Cookies {
  constructor(headers) {
    super(headers);
    for (const field of headers.getSetCookie()) {
      const cookie = parseSetCookie(field);
      if (cookie) this._parsed.set(cookie.name, cookie);
    }
  }

  set(...args) {
    const [name, value, options] = args.length === 1 ? [args[0].name, args[0].value, args[0]] : args;
    this._parsed.set(name, normalize({ name, value, ...options }));
    this.#write();
    return this;
  }

  delete(...args) {
    const options = typeof args[0] === 'string' ? {} : args[0];
    return this.set({ ...options, name: nameOf(args[0]), value: '', expires: new Date(0) });
  }

  #write() {
    this._headers.delete('set-cookie');
    for (const cookie of this._parsed.values()) this._headers.append('set-cookie', stringifyCookie(cookie));
  }

  toString() {
    return [...this._parsed.values()].map(stringifyCookie).join('; ');
  }
}

/** Adds cookies set by cookies() to an answer's headers: its own of the same name win. */
function mergeCookies(headers, modified) {
  const cookies = new ResponseCookies(headers);
  const own = cookies.getAll();
  for (const cookie of modified) cookies.set(cookie);
  for (const cookie of own) cookies.set(cookie);
}

module.exports = { RequestCookies, ResponseCookies, stringifyCookie, mergeCookies };
