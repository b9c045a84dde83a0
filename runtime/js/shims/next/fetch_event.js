'use strict';
/* The second argument of Next.js's middleware. */

const removed = (page) => new Error(`The middleware "${page}" accepts an async API directly with the form:\n\n`
  + '  export function middleware(request, event) {\n    return NextResponse.redirect(\'/new-location\')\n  }\n\n'
  + 'Read more: https://nextjs.org/docs/messages/middleware-new-signature');

class NextFetchEvent {
  #exchange;
  sourcePage = '/';

  constructor(exchange) {
    this.#exchange = exchange;
  }

  get request() {
    throw removed(this.sourcePage);
  }

  respondWith() {
    throw removed(this.sourcePage);
  }

  /* Next.js has it too, and does nothing. */
  passThroughOnException() {}

  waitUntil(promise) {
    this.#exchange.waitUntil(promise);
  }
}

module.exports = { NextFetchEvent };
