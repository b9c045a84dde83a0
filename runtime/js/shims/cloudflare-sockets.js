'use strict';

/* The module "cloudflare:sockets": TCP connections with web streams at both ends. */

const net = require('node:net');
const tls = require('node:tls');
const { Duplex } = require('node:stream');

const TRANSPORTS = new Set(['off', 'on', 'starttls']);

function parseAddress(address) {
  if (typeof address !== 'string') {
    return { hostname: address.hostname, port: Number(address.port) };
  }
  const url = URL.parse(`tcp://${address}`);
  if (!url) {
    throw new TypeError('Specified address could not be parsed.');
  }
  if (url.port === '') {
    throw new TypeError('Specified address is missing port.');
  }
  return { hostname: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

function open({ hostname, port }, options) {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new TypeError('Specified address could not be parsed.');
  }
  const settings = { host: hostname, port, allowHalfOpen: Boolean(options.allowHalfOpen) };
  return options.secureTransport === 'on'
    ? tls.connect({ ...settings, servername: hostname })
    : net.connect(settings);
}

/* Workers say no more of it. */
function unreachable(error) {
  return error.syscall === 'connect'
    ? new Error('proxy request failed, cannot connect to the specified address', { cause: error })
    : error;
}

class Socket {
  #socket;
  #address;
  #options;
  #isUpgraded = false;

  constructor(socket, address, options) {
    this.#socket = socket;
    this.#address = address;
    this.#options = options;
    this.secureTransport = options.secureTransport ?? 'off';
    this.upgraded = false;
    const { readable, writable } = Duplex.toWeb(socket);
    this.readable = readable;
    this.writable = writable;
    this.opened = new Promise((resolve, reject) => {
      socket.once(options.secureTransport === 'on' ? 'secureConnect' : 'connect', () => resolve({
        remoteAddress: `${socket.remoteAddress}:${socket.remotePort}`,
        localAddress: `${socket.localAddress}:${socket.localPort}`,
      }));
      socket.once('error', (error) => reject(unreachable(error)));
    });
    this.closed = new Promise((resolve, reject) => {
      socket.once('close', () => resolve());
      socket.once('error', (error) => reject(unreachable(error)));
    });
    /* Whoever looks at neither still learns of the error from the streams. */
    this.opened.catch(() => {});
    this.closed.catch(() => {});
  }

  get [Symbol.toStringTag]() {
    return 'Socket';
  }

  async close() {
    this.#socket.destroy();
    return this.closed;
  }

  startTls() {
    if (this.#options.secureTransport !== 'starttls') {
      throw new TypeError("The `secureTransport` socket option must be set to 'starttls' for startTls to be used.");
    }
    if (this.#isUpgraded) {
      throw new TypeError('The socket has been upgraded already.');
    }
    this.#isUpgraded = true;
    this.upgraded = true;
    const secure = tls.connect({ socket: this.#socket, servername: this.#address.hostname });
    return new Socket(secure, this.#address, { ...this.#options, secureTransport: 'on' });
  }
}

function connect(address, options = {}) {
  const { secureTransport = 'off' } = options;
  if (!TRANSPORTS.has(secureTransport)) {
    throw new TypeError(`Unsupported value in secureTransport socket option: ${secureTransport}`);
  }
  const parsed = parseAddress(address);
  return new Socket(open(parsed, options), parsed, options);
}

module.exports = { connect, parseAddress };
