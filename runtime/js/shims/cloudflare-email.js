'use strict';

/* The module "cloudflare:email". A message can be made; there is no service yet to send it by. */

class EmailMessage {
  constructor(from, to, raw) {
    this.from = from;
    this.to = to;
    Object.defineProperty(this, 'raw', { value: raw });
  }
}

module.exports = { EmailMessage };
