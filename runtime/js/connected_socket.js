'use strict';
/* A socket without a handle of its own, that others carry: it is connected from the start. */

const net = require('node:net');

class ConnectedSocket extends net.Socket {
  constructor({ allowHalfOpen }) {
    super({ handle: null, allowHalfOpen });
  }

  get readyState() {
    return this.destroyed ? 'closed' : 'open';
  }

  get pending() {
    return false;
  }

  get connecting() {
    return false;
  }

  set connecting(value) {
    /* net.Socket's constructor sets it. */
  }
}

module.exports = { ConnectedSocket };
