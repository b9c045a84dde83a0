'use strict';
/* next/navigation on the server: what a route handler throws to answer without a Response. The digests are
 * Next's, so its own helpers and libraries that look at them understand these errors. */

const { current } = require('./store');

const REDIRECT = 'NEXT_REDIRECT';
const FALLBACK = 'NEXT_HTTP_ERROR_FALLBACK';
const REDIRECT_STATUS = [303, 307, 308];
const FALLBACK_STATUS = [401, 403, 404];

const RedirectType = { push: 'push', replace: 'replace' };

function digested(message, digest) {
  return Object.assign(new Error(message), { digest });
}

function redirect(url, type = 'replace') {
  throw digested(REDIRECT, `${REDIRECT};${type};${url};307;`);
}

function permanentRedirect(url, type = 'replace') {
  throw digested(REDIRECT, `${REDIRECT};${type};${url};308;`);
}

function fallback(status) {
  const digest = `${FALLBACK};${status}`;
  return digested(digest, digest);
}

function notFound() {
  throw fallback(404);
}

function requireAuthInterrupts(name) {
  const allowed = current()?.exchange.settings.auth_interrupts || process.env.__NEXT_EXPERIMENTAL_AUTH_INTERRUPTS;
  if (!allowed) {
    throw new Error(`\`${name}()\` is experimental and only allowed to be enabled when `
      + '`experimental.authInterrupts` is enabled.');
  }
}

function forbidden() {
  requireAuthInterrupts('forbidden');
  throw fallback(403);
}

function unauthorized() {
  requireAuthInterrupts('unauthorized');
  throw fallback(401);
}

const digestOf = (error) => (typeof error === 'object' && error !== null && typeof error.digest === 'string'
  ? error.digest.split(';') : []);

/** { status, url } of a redirect that was thrown, or null. */
function readRedirect(error) {
  const digest = digestOf(error);
  const status = Number(digest.at(-2));
  if (digest[0] !== REDIRECT || !Object.hasOwn(RedirectType, digest[1])) return null;
  return REDIRECT_STATUS.includes(status) ? { status, url: digest.slice(2, -2).join(';') } : null;
}

/** The status of notFound() and its kin, or null. */
function readFallback(error) {
  const [code, status] = digestOf(error);
  return code === FALLBACK && FALLBACK_STATUS.includes(Number(status)) ? Number(status) : null;
}

/** Rethrows what Next threw for itself, also from inside a cause; returns for errors of the user. */
function unstable_rethrow(error) {
  if (readRedirect(error) || readFallback(error) !== null) throw error;
  if (error instanceof Error && 'cause' in error) unstable_rethrow(error.cause);
}

function unstable_isUnrecognizedActionError() {
  throw new Error('`unstable_isUnrecognizedActionError` can only be used on the client.');
}

class ReadonlyURLSearchParamsError extends Error {
  constructor() {
    super('Method unavailable on `ReadonlyURLSearchParams`. Read more: '
      + 'https://nextjs.org/docs/app/api-reference/functions/use-search-params#updating-searchparams');
  }
}

class ReadonlyURLSearchParams extends URLSearchParams {
  append() {
    throw new ReadonlyURLSearchParamsError();
  }

  delete() {
    throw new ReadonlyURLSearchParamsError();
  }

  set() {
    throw new ReadonlyURLSearchParamsError();
  }

  sort() {
    throw new ReadonlyURLSearchParamsError();
  }
}

module.exports = {
  ReadonlyURLSearchParams, RedirectType, forbidden, notFound, permanentRedirect, redirect, unauthorized,
  unstable_isUnrecognizedActionError, unstable_rethrow, readRedirect, readFallback,
};
