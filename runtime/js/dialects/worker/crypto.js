'use strict';

/* crypto as Workers have it: a digest of a stream, MD5, and comparing without telling how much is equal. */

const nodeCrypto = require('node:crypto');
const words = require('./words');

const DIGESTS = { 'MD5': 'md5', 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };

function bytesOf(value) {
  if (value instanceof ArrayBuffer) {
    return new Uint8Array(value);
  }
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : null;
}

function timingSafeEqual(a, b) {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  if (left === null || right === null) {
    throw words.wrongArgument('timingSafeEqual', 'SubtleCrypto', left === null ? 1 : 2, 'BufferSource');
  }
  if (left.length !== right.length) {
    throw new TypeError('Input buffers must have the same byte length.');
  }
  return nodeCrypto.timingSafeEqual(left, right);
}

/* OpenSSL's name of an algorithm. */
function digestName(algorithm) {
  const name = String(algorithm?.name ?? algorithm).toUpperCase();
  if (!Object.hasOwn(DIGESTS, name)) {
    throw new DOMException('Unrecognized or unimplemented digest algorithm requested.', 'NotSupportedError');
  }
  return DIGESTS[name];
}

class DigestStream extends WritableStream {
  #digest;
  #bytes = 0n;

  constructor(algorithm) {
    const hash = nodeCrypto.createHash(digestName(algorithm));
    const { promise, resolve, reject } = Promise.withResolvers();
    super({
      write: (chunk) => {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : bytesOf(chunk);
        if (bytes === null) {
          throw new TypeError('DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type on its writable side.');
        }
        this.#bytes += BigInt(bytes.length);
        hash.update(bytes);
      },
      close: () => resolve(new Uint8Array(hash.digest()).buffer),
      abort: reject,
    });
    promise.catch(() => {});
    this.#digest = promise;
  }

  get digest() {
    return this.#digest;
  }

  get bytesWritten() {
    return this.#bytes;
  }
}

/* What Workers called Ed25519 before there was a standard, as verifiers of webhooks still do (Discord's). */
const EARLY_ED25519 = 'NODE-ED25519';
const ALGORITHM_AT = { generateKey: 0, importKey: 2, sign: 0, verify: 0 };

function takeEarlyName(prototype, name) {
  const at = ALGORITHM_AT[name];
  words.replaceMethod(prototype, name, (real) => ({ async [name](...args) {
    if (String(args[at]?.name ?? args[at]).toUpperCase() === EARLY_ED25519) {
      args[at] = 'Ed25519';
    }
    return real.apply(this, args);
  } })[name]);
}

function install() {
  const prototype = Object.getPrototypeOf(crypto.subtle);
  Object.keys(ALGORITHM_AT).forEach((name) => takeEarlyName(prototype, name));
  words.replaceMethod(prototype, 'digest', (real) => async function digest(algorithm, data) {
    const name = digestName(algorithm);
    const bytes = bytesOf(data);
    if (name !== 'md5' || bytes === null) {
      return real.call(this, algorithm, data);
    }
    return new Uint8Array(nodeCrypto.createHash(name).update(bytes).digest()).buffer;
  });
  Object.defineProperty(prototype, 'timingSafeEqual', { value: timingSafeEqual, writable: true, configurable: true, enumerable: true });
  Object.defineProperty(crypto, 'DigestStream', { value: DigestStream, configurable: true, writable: true });
}

module.exports = { install };
