'use strict';

/* Messages of AWS's event stream encoding (application/vnd.amazon.eventstream):
 * total length, length of the headers, CRC-32 of those two; headers; payload; CRC-32 of it all.
 * https://smithy.io/2.0/aws/amazon-eventstream.html */

const { crc32 } = require('node:zlib');

const CONTENT_TYPE = 'application/vnd.amazon.eventstream';
const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const TYPE_STRING = 7;

function encodeHeader([name, value]) {
  const nameBytes = Buffer.from(name, 'utf8');
  const valueBytes = Buffer.from(value, 'utf8');
  const lengths = Buffer.alloc(3);
  lengths.writeUInt8(TYPE_STRING, 0);
  lengths.writeUInt16BE(valueBytes.length, 1);
  return Buffer.concat([Buffer.of(nameBytes.length), nameBytes, lengths, valueBytes]);
}

/* headers: an object of strings. Returns a Buffer. */
function encodeMessage(headers, payload) {
  const head = Buffer.concat(Object.entries(headers).map(encodeHeader));
  const message = Buffer.alloc(PRELUDE_BYTES + head.length + payload.length + CRC_BYTES);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(head.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  head.copy(message, PRELUDE_BYTES);
  message.set(payload, PRELUDE_BYTES + head.length);
  message.writeUInt32BE(crc32(message.subarray(0, message.length - CRC_BYTES)), message.length - CRC_BYTES);
  return message;
}

function encodeEvent(type, contentType, payload) {
  const headers = { ':message-type': 'event', ':event-type': type, ':content-type': contentType };
  return encodeMessage(headers, payload);
}

module.exports = { CONTENT_TYPE, encodeEvent };
