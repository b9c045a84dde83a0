'use strict';
/* The entity tags of Next.js: FNV-1a of 64 bits over UTF-16 units (http://www.isthe.com/chongo/tech/comp/fnv/), its
 * upper 12 bits folded into the lower ones, and the length. */

const PRIME_LOW = 435; /* the prime is 2 ** 40 + 435 */

/* Four digits of 16 bits, the lowest first, since a double holds 53. */
function fnv1a(text) {
  let a = 0x2325;
  let b = 0x8422;
  let c = 0x9ce4;
  let d = 0xcbf2;
  for (let i = 0; i < text.length; i++) {
    a ^= text.charCodeAt(i);
    const low = a * PRIME_LOW;
    const second = b * PRIME_LOW + (low >>> 16);
    const third = c * PRIME_LOW + (a << 8) + (second >>> 16);
    d = (d * PRIME_LOW + (b << 8) + (third >>> 16)) & 0xffff;
    a = low & 0xffff;
    b = second & 0xffff;
    c = third & 0xffff;
  }
  return [a, b, c, d];
}

/** @param {string} text */
function entityTag(text) {
  const [a, b, c, d] = fnv1a(text);
  const folded = (d & 15) * 2 ** 48 + c * 2 ** 32 + b * 2 ** 16 + (a ^ (d >> 4));
  return `"${folded.toString(36)}${text.length.toString(36)}"`;
}

module.exports = { entityTag };
