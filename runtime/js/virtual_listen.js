'use strict';

/* Servers that listen without a socket.
 *
 * A socket that is bound before a fork would be shared by all instances, and none of them may face
 * the network. So listen() is answered here: the server believes it listens, says so, and has an
 * address; requests come from the gateway.
 *
 * That is so until an instance serves. What listens later is not what clients are to reach, but
 * something of the program's own, which connects to it: that gets a socket. */

const cluster = require('node:cluster');
const http = require('node:http');
const https = require('node:https');
const { syncBuiltinESMExports } = require('node:module');
const net = require('node:net');

const DEFAULT_PORT = 3000;
const MAX_PORT = 65535;
const FIRST_EPHEMERAL = 49152;
const EPHEMERAL_COUNT = MAX_PORT - FIRST_EPHEMERAL + 1;

/* Servers that listen now, in the order in which they began. */
const listening = new Set();
const waiting = new Set();
const { listen: listenReally } = net.Server.prototype;
let isServing = false;
let takesConnections = false; /* a worker hands those of other workers to its servers itself */

function failure(ErrorClass, code, message) {
  return Object.assign(new ErrorClass(message), { code });
}

function platformPort() {
  const port = Number(process.env.PORT);
  return Number.isInteger(port) && port > 0 && port <= MAX_PORT ? port : DEFAULT_PORT;
}

/* Undefined where the server leaves the choice to us; 0 is any port but PORT. */
function wantedPort(options) {
  const { port } = options;
  if (port === undefined || port === null || options.path !== undefined) {
    return undefined;
  }
  const isNumeric = typeof port === 'number' || (typeof port === 'string' && port.trim() !== '');
  const number = Number(port);
  if (!isNumeric || !Number.isInteger(number) || number < 0 || number > MAX_PORT) {
    throw failure(
      RangeError, 'ERR_SOCKET_BAD_PORT',
      `options.port should be >= 0 and < 65536. Received ${typeof port} (${String(port)}).`
    );
  }
  return number === 0 ? FIRST_EPHEMERAL + (listening.size % EPHEMERAL_COUNT) : number;
}

/* What net.Server needs of the handle of its socket. */
class VirtualHandle {
  #address;

  constructor(server, options) {
    const address = options.host && net.isIP(options.host) ? options.host : options.host ? '127.0.0.1' : '::';
    const family = net.isIPv6(address) ? 'IPv6' : 'IPv4';
    const port = wantedPort(options);
    this.#address = { address, family, port: port ?? platformPort() };
    this.server = server;
    /* Whether 'listening' has been emitted. */
    this.isAnnounced = false;
  }

  get port() {
    return this.#address.port;
  }

  getsockname(out) {
    Object.assign(out, this.#address);
    return 0;
  }

  close(callback) {
    listening.delete(this.server);
    if (callback) {
      process.nextTick(callback);
    }
  }

  ref() {}
  unref() {}
}

function refuse(server) {
  if (server instanceof https.Server) {
    throw new Error('An https server cannot listen here: TLS ends at the gateway. Use http.createServer().');
  }
  if (/^Http2(?:Secure)?Server$/.test(server.constructor.name)) {
    throw new Error('An http2 server cannot listen here: HTTP/2 ends at the gateway. Use http.createServer().');
  }
  throw new Error('Only HTTP servers can listen here: a plain TCP server has no way to its clients.');
}

const isPlain = (server) => Object.getPrototypeOf(server) === net.Server.prototype;

/* It looks after connections, of which there are none, by a timer, which a snapshot should not have. */
function dropConnectionChecks(server) {
  for (const listener of server.listeners('listening')) {
    if (listener.name === 'setupConnectionsTracking') {
      server.removeListener('listening', listener);
    }
  }
}

function begin(server, options) {
  server._handle = new VirtualHandle(server, options);
  server._listeningId = (server._listeningId ?? 0) + 1;
  listening.add(server);
  dropConnectionChecks(server);
  process.nextTick(() => {
    if (listening.has(server)) {
      server._handle.isAnnounced = true;
      server.emit('listening');
      waiting.forEach((wake) => wake());
    }
  });
}

function closeOnAbort(server, signal) {
  if (signal?.aborted) {
    process.nextTick(() => server.close());
  } else {
    signal?.addEventListener('abort', () => server.close(), { once: true });
  }
}

function listen(...args) {
  if (isServing && listening.size > 0) {
    return listenReally.apply(this, args);
  }
  const [options, callback] = net._normalizeArgs(args);
  if (this._handle) {
    throw failure(Error, 'ERR_SERVER_ALREADY_LISTEN', 'Listen method has been called more than once without closing.');
  }
  if (!(this instanceof http.Server) && !(takesConnections && isPlain(this))) {
    refuse(this);
  }
  if (callback !== null) {
    this.once('listening', callback);
  }
  begin(this, options);
  closeOnAbort(this, options.signal);
  return this;
}

/* To be called in an instance: what its clients reach listens by now. */
function serve() {
  isServing = true;
}

/* A cluster's workers would share a port that is not there; instances are what they are for. */
function refuseCluster() {
  throw new Error(
    'cluster.fork() cannot start workers here, and need not: there are as many instances of the server as ' +
      'requests ask for. Have the server listen without cluster.'
  );
}

function install(options = {}) {
  isServing = false;
  takesConnections = options.takesConnections === true;
  net.Server.prototype.listen = listen;
  cluster.fork = refuseCluster;
  syncBuiltinESMExports();
}

/* Of several servers the one on PORT is meant, or else the first. */
function chosen() {
  const port = platformPort();
  for (const server of listening) {
    if (server._handle.port === port) {
      return server;
    }
  }
  return listening.values().next().value;
}

/* The server that listens on a port, or undefined. */
function listeningOn(port) {
  return [...listening].find((server) => server._handle.port === port);
}

const portOf = (server) => server?._handle.port;

/* Resolves when a server has said that it listens. */
function whenListening() {
  return new Promise((resolve) => {
    const wake = () => {
      if ([...listening].some((server) => server._handle.isAnnounced)) {
        waiting.delete(wake);
        resolve();
      }
    };
    waiting.add(wake);
    wake();
  });
}

module.exports = { chosen, install, listeningOn, portOf, serve, whenListening };
