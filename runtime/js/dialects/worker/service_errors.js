'use strict';

/* What a worker throws while another worker asks it by fetch(): in Workers the caller's fetch() is rejected with it. It
 * comes in a field of an answer, which no other answer of a worker may have. */

const errors = require('./rpc_errors');

const FIELD = 'x-mayfly-thrown';
/* All fields of an answer have 32 KiB: src/base/limits.h, LIMIT_RESPONSE_HEAD_BYTES. */
const MAX_BYTES = 8 * 1024;
const MESSAGE_MAX = 1024;

function copyOf(value) {
  if (value instanceof Error) {
    throw new TypeError('not as JSON');
  }
  return JSON.parse(JSON.stringify(value));
}

function encode(value) {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}

/** The field's value for anything that was thrown. */
function fieldOf(thrown) {
  const parts = errors.partsOf(thrown);
  const short = { parts: { ...parts, message: parts.message.slice(0, MESSAGE_MAX), stack: '' } };
  if (!(thrown instanceof Error) || !errors.isEnhanced()) {
    return encode(short);
  }
  const whole = errors.describe(thrown);
  const field = encode({ whole, fields: errors.fieldsOf(thrown, whole, copyOf) });
  return field.length > MAX_BYTES ? encode(short) : field;
}

/** What was thrown, from the field's value. */
function thrownOf(field) {
  const { parts, whole, fields } = JSON.parse(Buffer.from(field, 'base64').toString('utf8'));
  return Object.assign(whole ? errors.fill(errors.remake(whole), fields) : errors.ofParts(parts), { remote: true });
}

module.exports = { FIELD, fieldOf, thrownOf };
