'use strict';

/* An answer of the API's own: its words are for the client, the reason for the log. */
class Refusal extends Error {
  constructor(status, message, reason) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

module.exports = { Refusal };
