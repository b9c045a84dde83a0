'use strict';

/* A KV namespace: the API of Workers over a folder of this machine, with the limits and words of Cloudflare's, as wrangler
 * dev has them. Reads see the last write at once, which Cloudflare does not promise. */

const { KvStore } = require('./kv_store');
const words = require('./words');

const LIMITS = { keyBytes: 512, valueBytes: 25 * 1024 * 1024, metadataBytes: 1024, listed: 1000, bulk: 100, ttlS: 60, cacheTtlS: 30 };
const TYPES = new Set(['text', 'json', 'arrayBuffer', 'stream']);
const NOT_A_VALUE = 'KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.';

const refused = (verb, status, text) => new Error(`KV ${verb} failed: ${status} ${text}`);
const nowSeconds = () => Math.floor(Date.now() / 1000);

/* Arguments */

function checkLength(verb, text) {
  const length = Buffer.byteLength(text);
  if (length > LIMITS.keyBytes) {
    throw refused(verb, 414, `UTF-8 encoded length of ${length} exceeds key length limit of ${LIMITS.keyBytes}.`);
  }
}

function keyOf(verb, value) {
  const key = String(value);
  if (key === '') {
    throw new TypeError('Key name cannot be empty.');
  }
  if (key === '.' || key === '..') {
    throw new TypeError(`"${key}" is not allowed as a key name.`);
  }
  checkLength(verb, key);
  return key;
}

function integerOf(value) {
  const number = Math.trunc(Number(value));
  return Number.isFinite(number) ? number : 0;
}

/* The second argument of get(): a type, or { type, cacheTtl }. */
function readOptions(verb, options) {
  const { type = 'text', cacheTtl } = typeof options === 'object' && options !== null ? options : { type: options ?? 'text' };
  if (cacheTtl !== undefined && integerOf(cacheTtl) < LIMITS.cacheTtlS) {
    throw refused(verb, 400, `Invalid cache_ttl of ${integerOf(cacheTtl)}. Cache TTL must be at least ${LIMITS.cacheTtlS}.`);
  }
  return String(type);
}

function checkType(type) {
  if (!TYPES.has(type)) {
    throw new TypeError('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".');
  }
}

/* Seconds since the epoch, or undefined. A time to live wins. */
function expirationOf({ expiration, expirationTtl }) {
  const now = nowSeconds();
  if (expirationTtl !== undefined && expirationTtl !== null) {
    const ttl = integerOf(expirationTtl);
    if (ttl <= 0) {
      throw refused('PUT', 400, `Invalid expiration_ttl of ${ttl}. Please specify integer greater than 0.`);
    }
    if (ttl < LIMITS.ttlS) {
      throw refused('PUT', 400, `Invalid expiration_ttl of ${ttl}. Expiration TTL must be at least ${LIMITS.ttlS}.`);
    }
    return now + ttl;
  }
  if (expiration === undefined || expiration === null) {
    return undefined;
  }
  const at = integerOf(expiration);
  if (at <= now) {
    throw refused('PUT', 400,
      `Invalid expiration of ${at}. Please specify integer greater than the current number of seconds since the UNIX epoch.`);
  }
  if (at < now + LIMITS.ttlS) {
    throw refused('PUT', 400, `Invalid expiration of ${at}. Expiration times must be at least ${LIMITS.ttlS} seconds in the future.`);
  }
  return at;
}

function metadataOf({ metadata }) {
  if (metadata === undefined || metadata === null) {
    return undefined;
  }
  const text = JSON.stringify(metadata);
  if (text === undefined) {
    throw refused('PUT', 500, 'Internal Server Error');
  }
  const length = Buffer.byteLength(text);
  if (length > LIMITS.metadataBytes) {
    throw refused('PUT', 413, `Metadata length of ${length} exceeds limit of ${LIMITS.metadataBytes}.`);
  }
  return text;
}

function checkSize(length) {
  if (length > LIMITS.valueBytes) {
    throw refused('PUT', 413, `Value length of ${length} exceeds limit of ${LIMITS.valueBytes}.`);
  }
}

async function collect(stream) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += bytes.byteLength;
    checkSize(length);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function bytesOf(value) {
  if (typeof value !== 'object' || value === null) {
    return Buffer.from(String(value));
  }
  if (value instanceof ArrayBuffer) {
    return Buffer.from(value);
  }
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  if (value instanceof ReadableStream) {
    return collect(value);
  }
  throw new TypeError(NOT_A_VALUE);
}

/* What is given out */

function valueAs(type, value) {
  switch (type) {
    case 'json':
      return JSON.parse(value.toString('utf8'));
    case 'arrayBuffer':
      return new Uint8Array(value).buffer;
    case 'stream':
      return new Response(new Uint8Array(value)).body;
    default:
      return value.toString('utf8');
  }
}

const parsedMetadata = (entry) => (entry?.metadata === undefined ? null : JSON.parse(entry.metadata));

class KvNamespace {
  #store;

  constructor(store) {
    this.#store = store;
  }

  get [Symbol.toStringTag]() {
    return 'KvNamespace';
  }

  #check(method, args, count, types = 'string or Array') {
    if (args.length < count) {
      throw words.wrongArgument(method, 'KvNamespace', args.length + 1, args.length === 0 ? types : 'string or Object');
    }
  }

  static #of(value) {
    if (!(#store in Object(value))) {
      throw new TypeError(words.ILLEGAL);
    }
    return value;
  }

  async get(...args) {
    const self = KvNamespace.#of(this);
    self.#check('get', args, 1);
    if (Array.isArray(args[0])) {
      return self.#bulk(args[0], args[1], (value) => value);
    }
    return (await self.#read(...args)).value;
  }

  async getWithMetadata(...args) {
    const self = KvNamespace.#of(this);
    self.#check('getWithMetadata', args, 1);
    if (Array.isArray(args[0])) {
      return self.#bulk(args[0], args[1], (value, metadata) => (value === null ? null : { value, metadata }));
    }
    return { ...await self.#read(...args), cacheStatus: null };
  }

  async #read(name, options) {
    const key = keyOf('GET', name);
    const type = readOptions('GET', options);
    checkType(type);
    const entry = await this.#store.get(key);
    return { value: entry && valueAs(type, entry.value), metadata: parsedMetadata(entry) };
  }

  /* A Map of many keys at once. */
  async #bulk(names, options, make) {
    const type = readOptions('GET_BULK', options);
    if (type !== 'text' && type !== 'json') {
      throw refused('GET_BULK', 400, `"${type}" is not a valid type. Use "json" or "text"`);
    }
    if (names.length === 0) {
      throw refused('GET_BULK', 400, 'You must request a minimum of 1 key');
    }
    if (names.length > LIMITS.bulk) {
      throw refused('GET_BULK', 400, `You can request a maximum of ${LIMITS.bulk} keys`);
    }
    const keys = [...new Set(names.map((name) => keyOf('GET_BULK', name)))];
    const entries = await Promise.all(keys.map((key) => this.#store.get(key)));
    try {
      return new Map(keys.map((key, i) => [key, make(entries[i] && valueAs(type, entries[i].value), parsedMetadata(entries[i]))]));
    } catch {
      throw refused('GET_BULK', 400, 'At least one of the requested keys corresponds to a non-json value');
    }
  }

  async put(...args) {
    const self = KvNamespace.#of(this);
    self.#check('put', args, 2, 'string');
    const [name, value, options] = args;
    const key = keyOf('PUT', name);
    const settings = { expiration: expirationOf(options ?? {}), metadata: metadataOf(options ?? {}) };
    const bytes = await bytesOf(value);
    checkSize(bytes.length);
    await self.#store.put(key, bytes, settings);
  }

  async delete(...args) {
    const self = KvNamespace.#of(this);
    self.#check('delete', args, 1, 'string');
    await self.#store.delete(keyOf('DELETE', args[0]));
  }

  async list(options) {
    const self = KvNamespace.#of(this);
    const prefix = String(options?.prefix ?? '');
    checkLength('GET', prefix);
    const wanted = integerOf(options?.limit ?? LIMITS.listed);
    if (wanted > LIMITS.listed) {
      throw refused('GET', 400, `Invalid key_count_limit of ${wanted}. Please specify an integer less than ${LIMITS.listed}.`);
    }
    const limit = wanted > 0 ? wanted : LIMITS.listed;
    const after = Buffer.from(String(options?.cursor ?? ''), 'base64');
    const rest = (await self.#store.list(prefix)).filter(({ key }) => Buffer.compare(Buffer.from(key), after) > 0);
    const page = rest.slice(0, limit);
    const keys = page.map(({ key, expiration, metadata }) => ({
      name: key,
      ...(expiration === undefined ? {} : { expiration }),
      ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata) }),
    }));
    return page.length === rest.length
      ? { keys, list_complete: true, cacheStatus: null }
      : { keys, list_complete: false, cursor: Buffer.from(page.at(-1).key).toString('base64'), cacheStatus: null };
  }
}

/** The namespace whose entries are in the folder. */
const makeKv = (folder) => new KvNamespace(new KvStore(folder));

module.exports = { makeKv };
