/* Requests that are signed once and sent many times: a signature holds for a quarter of an hour, so the load generator need
 * not sign. Signature Version 4, with the credentials of `mayfly dev`. */
import { createHash, createHmac } from 'node:crypto';

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

/**
 * @param {{ method: string, path: string, port: number, service: string, headers?: Record<string, string>, body?: string|Buffer,
 *   unsigned?: boolean }} request unsigned: the body is no part of it
 * @returns {Record<string, string>} all headers to send
 */
export function sign({ method, path, port, service, headers = {}, body = '', unsigned = false }) {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const digest = unsigned ? 'UNSIGNED-PAYLOAD' : sha256(body);
  const all = { ...headers, host: `127.0.0.1:${port}`, 'x-amz-content-sha256': digest, 'x-amz-date': date };
  const names = Object.keys(all).sort();
  const canonical = [method, path, '', ...names.map((name) => `${name}:${all[name]}`), '', names.join(';'), digest].join('\n');
  const scope = `${date.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const key = scope.split('/').reduce((secret, part) => hmac(secret, part), 'AWS4mayfly-dev-only');
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
  return {
    ...all,
    authorization: `AWS4-HMAC-SHA256 Credential=mayfly/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

/** A script for wrk that sends this one request. */
export function wrkScript({ method, headers, body = '' }) {
  const text = (value) => `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
  const lines = Object.entries(headers).filter(([name]) => name !== 'host')
    .map(([name, value]) => `wrk.headers["${name}"] = ${text(value)}`);
  return [`wrk.method = "${method}"`, `wrk.headers["Host"] = ${text(headers.host)}`, ...lines, `wrk.body = ${text(body)}`, ''].join('\n');
}
