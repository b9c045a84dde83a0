'use strict';
/* Header fields and captures as they cross the channel, 'name\0value\0...', and what JavaScript makes of them. */

const { STATUS_CODES } = require('node:http');
const { inspect } = require('node:util');

/** Where the captures begin among the parts of a request's meta: doc/runtime.md. */
const META_CAPTURES = 7;

/* Field values may hold any byte but controls; a name is a token. What gets past here is on the wire. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/* Of headers that come more than once Node keeps the first of these and joins the others. */
const KEEP_FIRST = new Set([
  'age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host',
  'if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards',
  'proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent',
]);

/* The field by which control says that a request stands for an event. It is ours, not the function's. */
const EVENT_FIELD = 'x-mayfly-event\0';

/** Splits 'a\0b\0' into ['a', 'b']; '' into []. */
function splitFields(block) {
  const fields = block.split('\0');
  fields.pop();
  return fields;
}

/* Whether a field's name begins at `at` of a block: an even number of fields lies before it. */
function isName(block, at) {
  return block[at - 1] === '\0' && block.slice(0, at).split('\0').length % 2 === 1;
}

function removeField(raw, name) {
  for (let i = raw.length - 2; i >= 0; i -= 2) {
    if (raw[i] === name) raw.splice(i, 2);
  }
}

/** The fields of a block as the function may see them: without ours. */
function fieldsOf(block) {
  const raw = splitFields(block);
  if (block.includes(EVENT_FIELD)) removeField(raw, 'x-mayfly-event');
  return raw;
}

/** Flat array of names and values to the addon's string; throws TypeError on what HTTP cannot carry. */
function encodeHeaders(headers) {
  if (typeof headers === 'string') return headers;
  let block = '';
  for (let i = 0; i < headers.length; i += 2) {
    const name = String(headers[i]);
    const value = String(headers[i + 1]);
    if (!HEADER_NAME.test(name)) throw new TypeError(`Invalid header name: ${inspect(name)}`);
    if (!HEADER_VALUE.test(value)) throw new TypeError(`Invalid value of header ${name}: ${inspect(value)}`);
    block += name + '\0' + value + '\0';
  }
  return block;
}

/** A reason phrase that is not HTTP's own goes first among the fields of an answer; otherwise "". */
function reasonField(status, text) {
  return text === '' || text === (STATUS_CODES[status] ?? 'unknown') ? '' : `:reason\0${text}\0`;
}

function joinHeaders(raw) {
  const headers = {};
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    const value = raw[i + 1];
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (name === 'set-cookie') {
      if (before) before.push(value);
      else headers[name] = [value];
    } else if (before === undefined) {
      setOwn(headers, name, value);
    } else if (!KEEP_FIRST.has(name)) {
      setOwn(headers, name, before + (name === 'cookie' ? '; ' : ', ') + value);
    }
  }
  return headers;
}

/** 'scheduled', 'queue', 'background' (doc/events.md), or undefined where the block says nothing of an event. */
function eventOf(block) {
  const at = eventAt(block);
  const from = at + EVENT_FIELD.length;
  return at < 0 ? undefined : block.slice(from, block.indexOf('\0', from));
}

/* Where a field of that name begins: the text might be the end of another's name, or a value. */
function eventAt(block) {
  let at = block.indexOf(EVENT_FIELD);
  while (at > 0 && !isName(block, at)) at = block.indexOf(EVENT_FIELD, at + 1);
  return at;
}

/* A client may name a header __proto__. */
function setOwn(object, key, value) {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/* Hosts that a URL may refuse: what ends in a number must be an address. */
const DOUBTFUL_HOST = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?(?::\d*)?$/i;

/** The host as a client named it, or another where it cannot be part of a URL: HTTP lets pass more. */
function usableHost(host) {
  return DOUBTFUL_HOST.test(host) && !URL.canParse(`http://${host}`) ? 'localhost' : host;
}

function percentDecode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Captures as ['id', '7', 'rest*', 'a/b'] to { id: '7', rest: ['a', 'b'] }. */
function decodeParams(meta) {
  const params = {};
  for (let i = META_CAPTURES; i + 1 < meta.length; i += 2) {
    const name = meta[i];
    const value = meta[i + 1];
    if (!name.endsWith('*')) {
      setOwn(params, name, percentDecode(value));
    } else if (value !== '') {
      setOwn(params, name.slice(0, -1), value.split('/').map(percentDecode));
    }
  }
  return params;
}


module.exports = { decodeParams, encodeHeaders, eventOf, fieldsOf, joinHeaders, reasonField, splitFields, usableHost };
