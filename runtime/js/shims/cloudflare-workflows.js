'use strict';

/* The module "cloudflare:workflows". Workflows are not here; a worker that has one beside its other handlers loads. */

class NonRetryableError extends Error {
  constructor(message, name = 'NonRetryableError') {
    super(message);
    this.name = name;
  }
}

module.exports = { NonRetryableError };
