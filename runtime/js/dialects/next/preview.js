'use strict';
/* Preview and draft mode of pages/api: two cookies, one that names the deployment and one that carries data, sealed.
 * https://nextjs.org/docs/pages/guides/preview-mode */

const { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } = require('node:crypto');
const { PREVIEW_COOKIE, previewId } = require('../../shims/next/store');

const DATA_COOKIE = '__next_preview_data';
const TOKEN_MAX_LENGTH = 2048;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CLEARED = Symbol('preview cookies were cleared');

const keyOf = (spec, purpose) => Buffer.from(hkdfSync('sha256', previewId(spec), '', purpose, 32));

const signatureOf = (spec, text) => createHmac('sha256', keyOf(spec, 'sign')).update(text).digest();

function encrypt(spec, text) {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(spec, 'encrypt'), nonce);
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('hex');
}

/* Throws on what was not made by encrypt(). */
function decrypt(spec, hex) {
  const bytes = Buffer.from(hex, 'hex');
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', keyOf(spec, 'encrypt'), bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(end));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]).toString('utf8');
}

/* A JSON web token with the data in it; `maxAge` in seconds. */
function seal(spec, data, maxAge) {
  const now = Math.floor(Date.now() / 1000);
  const parts = [{ alg: 'HS256', typ: 'JWT' },
    { data: encrypt(spec, JSON.stringify(data)), iat: now, ...(maxAge === undefined ? {} : { exp: now + maxAge }) }];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${signatureOf(spec, text).toString('base64url')}`;
}

/* Throws on what seal() did not make, and on what is too old. */
function unseal(spec, token) {
  const [head, payload, signature = ''] = token.split('.');
  const given = Buffer.from(signature, 'base64url');
  const wanted = signatureOf(spec, `${head}.${payload}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new Error('not signed by this deployment');
  const { data, exp } = JSON.parse(Buffer.from(payload, 'base64url'));
  if (exp !== undefined && exp * 1000 < Date.now()) throw new Error('expired');
  return JSON.parse(decrypt(spec, data));
}

const REACH = () => (process.env.NODE_ENV === 'development' ? 'HttpOnly; SameSite=Lax' : 'HttpOnly; Secure; SameSite=None');
const PAST = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT; ';

/* Attributes in the order in which Next.js writes them. */
function addCookie(res, name, value, { maxAge, path = '/', gone = false } = {}) {
  const age = maxAge === undefined ? '' : `Max-Age=${Math.floor(maxAge)}; `;
  const cookie = `${name}=${value}; ${age}Path=${path}; ${gone ? PAST : ''}${REACH()}`;
  res.setHeader('Set-Cookie', [...[res.getHeader('Set-Cookie') ?? []].flat(), cookie]);
}

function setDraftMode(res, spec, { enable = true } = {}) {
  addCookie(res, PREVIEW_COOKIE, previewId(spec), { gone: !enable });
  return res;
}

function setPreviewData(res, spec, data, { maxAge, path } = {}) {
  const token = seal(spec, data, maxAge);
  if (token.length > TOKEN_MAX_LENGTH) {
    throw new Error('Preview data is limited to 2KB currently, reduce how much data you are storing as preview data to continue');
  }
  addCookie(res, PREVIEW_COOKIE, previewId(spec), { maxAge, path });
  addCookie(res, DATA_COOKIE, token, { maxAge, path });
  return res;
}

function clearPreviewData(res, { path } = {}) {
  if (res[CLEARED]) return res;
  res[CLEARED] = true;
  for (const name of [PREVIEW_COOKIE, DATA_COOKIE]) addCookie(res, name, '', { path, gone: true });
  return res;
}

/** What setPreviewData() was given, {} in draft mode, else false; cookies that say neither are cleared. */
function previewDataOf(cookies, res, spec) {
  const { [PREVIEW_COOKIE]: id = '', [DATA_COOKIE]: token = '' } = cookies;
  if (id === '' && token === '') return false;
  try {
    if (id !== previewId(spec)) throw new Error('of another deployment');
    return token === '' ? {} : unseal(spec, token);
  } catch {
    clearPreviewData(res);
    return false;
  }
}

module.exports = { setDraftMode, setPreviewData, clearPreviewData, previewDataOf };
