'use strict';

/* Workers' header values are UTF-8 (developers.cloudflare.com/workers/runtime-apis/headers): what a worker sets is sent
 * so, and what it reads was decoded from that, with U+FFFD for bytes that are no UTF-8. Elsewhere a value is a string of
 * bytes: in web_headers.js, in undici and on the wire. It becomes a text in the methods of Headers (words.js), and bytes
 * again there and where something is made with headers. Headers that are handed on keep their bytes. */

const { fieldsOf } = require('../../web_headers');

const WIDE = /[^\0-\x7f]/;

const isWide = (value) => typeof value === 'string' && WIDE.test(value);

/** What is no text is left to be judged by whoever gets it. */
const toBytes = (value) => (isWide(value) ? Buffer.from(value, 'utf8').latin1Slice() : value);

/** null: there is no such header. */
const toText = (value) => (isWide(value) ? Buffer.from(value, 'latin1').utf8Slice() : value);

const fieldToBytes = (field) => (Array.isArray(field) ? field.map((part, i) => (i === 1 ? toBytes(part) : part)) : field);
const fieldToText = ([name, value]) => [name, toText(value)];

/** A HeadersInit with its values in bytes. Headers are returned as they are. */
function initToBytes(init) {
  if (typeof init !== 'object' || init === null || init instanceof Headers) {
    return init;
  }
  if (typeof init[Symbol.iterator] === 'function') {
    return Array.from(init, fieldToBytes);
  }
  return Object.values(init).some(isWide) ? Object.entries(init).map(fieldToBytes) : init;
}

/** The same for undici, which would read our Headers by their methods. */
const fieldsToBytes = (init) => (init instanceof Headers ? fieldsOf(init) : initToBytes(init));

module.exports = { fieldToText, fieldsToBytes, initToBytes, toBytes, toText };
