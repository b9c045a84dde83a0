'use strict';
/* A socket without a connection of its own: who its client is, an exchange knows. */

const net = require('node:net');
const { ConnectedSocket } = require('./connected_socket');

class ExchangeSocket extends ConnectedSocket {
  #exchange;
  #timer = null;

  constructor(exchange) {
    super({ allowHalfOpen: true });
    this.#exchange = exchange;
    if (exchange.scheme === 'https') this.encrypted = true;
  }

  get remoteAddress() {
    return this.#exchange.remoteAddress;
  }

  get remotePort() {
    return this.#exchange.remotePort;
  }

  get remoteFamily() {
    return net.isIPv6(this.remoteAddress) ? 'IPv6' : 'IPv4';
  }

  get localAddress() {
    return net.isIPv6(this.remoteAddress) ? '::1' : '127.0.0.1';
  }

  get localPort() {
    const { port } = new URL(`${this.#exchange.scheme}://${this.#exchange.host || 'localhost'}`);
    return port === '' ? (this.encrypted ? 443 : 80) : Number(port);
  }

  get localFamily() {
    return this.remoteFamily;
  }

  address() {
    return { address: this.localAddress, family: this.localFamily, port: this.localPort };
  }

  /* How long nothing may come or go: who sends or takes something calls touch(). */
  setTimeout(ms, callback) {
    clearTimeout(this.#timer);
    this.#timer = ms > 0 ? setTimeout(() => this.expire(), ms) : null;
    this.timeout = ms;
    if (callback && ms > 0) this.once('timeout', callback);
    else if (callback) this.removeListener('timeout', callback);
    return this;
  }

  touch() {
    this.#timer?.refresh();
  }

  expire() {
    this.emit('timeout');
  }
}

module.exports = { ExchangeSocket };
