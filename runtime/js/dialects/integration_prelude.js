'use strict';

/* The content type application/vnd.awslambda.http-integration-response: a JSON object with
 * statusCode, headers and cookies, eight NUL bytes, then the body. It comes in pieces of any size. */

const CONTENT_TYPE = 'application/vnd.awslambda.http-integration-response';
const DELIMITER = Buffer.alloc(8);
const MAX_BYTES = 1024 * 1024;

function isPreludeType(contentType) {
  return (contentType ?? '').split(';')[0].trim().toLowerCase() === CONTENT_TYPE;
}

function parse(buffer) {
  const prelude = JSON.parse(buffer.toString('utf8'));
  if (prelude === null || typeof prelude !== 'object' || Array.isArray(prelude)) {
    throw new Error('the response metadata is not a JSON object');
  }
  return prelude;
}

class PreludeReader {
  #kept = Buffer.alloc(0);

  /* Returns null while the prelude is incomplete, else { prelude, rest }. Throws on what is no
   * prelude. The first NUL cannot be part of JSON, hence ends it. */
  push(chunk) {
    this.#kept = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    const end = this.#kept.indexOf(0);
    if (end < 0 || this.#kept.length < end + DELIMITER.length) {
      if (this.#kept.length > MAX_BYTES) {
        throw new Error('the response metadata is too long');
      }
      return null;
    }
    const rest = end + DELIMITER.length;
    if (!this.#kept.subarray(end, rest).equals(DELIMITER)) {
      throw new Error('the response metadata does not end in eight NUL bytes');
    }
    return { prelude: parse(this.#kept.subarray(0, end)), rest: this.#kept.subarray(rest) };
  }

  /* The stream ended before the delimiter. */
  get isEmpty() {
    return this.#kept.length === 0;
  }
}

module.exports = { CONTENT_TYPE, DELIMITER, PreludeReader, isPreludeType };
