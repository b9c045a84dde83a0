'use strict';
/* The bridge that the package @vercel/functions looks for, and the headers Vercel's proxy adds. */

const context = require('./context');

const REQUEST_CONTEXT = Symbol.for('@vercel/request-context');

/** Lets waitUntil() and its kin of @vercel/functions find the request that runs. */
function installRequestContext() {
  Object.defineProperty(globalThis, REQUEST_CONTEXT, {
    configurable: true,
    value: {
      get() {
        const exchange = context.current();
        if (!exchange) return undefined;
        return {
          waitUntil: (promise) => exchange.waitUntil(promise),
          get headers() {
            return exchange.headers;
          },
        };
      },
    },
  });
}

/* Where the value of the field stands, or 0. */
function find(raw, name) {
  for (let i = 0; i < raw.length; i += 2) if (raw[i] === name) return i + 1;
  return 0;
}

function remove(raw, names) {
  let kept = 0;
  for (let i = 0; i < raw.length; i += 2) {
    if (names.has(raw[i])) continue;
    raw[kept] = raw[i];
    raw[kept + 1] = raw[i + 1];
    kept += 2;
  }
  raw.length = kept;
}

/** What any proxy in front of a function says, unless one before it has. */
function addForwardedHeaders(raw, exchange) {
  const { host, scheme } = exchange;
  if (!find(raw, 'x-forwarded-host')) raw.push('x-forwarded-host', host);
  if (!find(raw, 'x-forwarded-port')) raw.push('x-forwarded-port', portOf(host, scheme));
  if (!find(raw, 'x-forwarded-proto')) raw.push('x-forwarded-proto', scheme);
  if (!find(raw, 'x-forwarded-for')) raw.push('x-forwarded-for', exchange.remoteAddress);
}

function portOf(host, scheme) {
  const match = /:(\d+)$/.exec(host);
  if (match) return match[1];
  return scheme === 'https' ? '443' : '80';
}

/* Only Next.js's own server may write these. */
const INTERNAL = new Set(['x-middleware-rewrite', 'x-middleware-redirect', 'x-middleware-set-cookie', 'x-middleware-skip',
  'x-middleware-override-headers', 'x-middleware-next', 'x-now-route-matches', 'x-matched-path', 'x-nextjs-data',
  'x-next-resume-state-length', 'next-resume']);

function addNextHeaders(raw, exchange) {
  remove(raw, INTERNAL);
  addForwardedHeaders(raw, exchange);
}

/* Functions trust these, so a client's own are dropped. */
const TRUSTED = new Set(['x-real-ip', 'x-vercel-forwarded-for', 'x-vercel-id', 'x-vercel-deployment-url']);

/* As `vercel dev`, whoever came before stays in x-forwarded-for. */
function addVercelHeaders(raw, exchange) {
  remove(raw, TRUSTED);
  const passed = find(raw, 'x-forwarded-for');
  if (passed) raw[passed] += `,${exchange.remoteAddress}`;
  addForwardedHeaders(raw, exchange);
  raw.push('x-real-ip', exchange.remoteAddress, 'x-vercel-forwarded-for', exchange.remoteAddress,
    'x-vercel-deployment-url', exchange.host, 'x-vercel-id', `dev1::${exchange.requestId}`);
}

module.exports = { installRequestContext, addForwardedHeaders, addVercelHeaders, addNextHeaders };
