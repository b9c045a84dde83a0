'use strict';

/* Response headers that user code made up, on their way to the wire: a flat list of names and
 * values in latin1 that cannot break out of their line. */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const LINE_BREAK = /[\0\r\n]/;
const WIDE = /[^\0-\xff]/;

/* They describe the connection, which is the gateway's, not the function's. */
const CONNECTION_HEADERS = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

class InvalidHeader extends Error {}

/* Header bytes beyond latin1 are sent as UTF-8. */
function encodeValue(value) {
  return WIDE.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
}

function append(list, name, value) {
  const lower = String(name).toLowerCase();
  const text = String(value).trim();
  if (!TOKEN.test(lower)) {
    throw new InvalidHeader(`Invalid header name: ${JSON.stringify(String(name))}`);
  }
  if (LINE_BREAK.test(text)) {
    throw new InvalidHeader(`Invalid value for the header ${JSON.stringify(lower)}`);
  }
  if (!CONNECTION_HEADERS.has(lower)) {
    list.push(lower, encodeValue(text));
  }
}

function has(list, name) {
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === name) {
      return true;
    }
  }
  return false;
}

module.exports = { CONNECTION_HEADERS, InvalidHeader, append, has };
