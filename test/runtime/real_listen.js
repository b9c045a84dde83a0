'use strict';

/* listen() as it was before a dialect took it over: for servers that a test has beside its function. */

const net = require('node:net');

const { listen } = net.Server.prototype;

/** On a free port of the loopback. */
exports.listenOnLoopback = (server) => listen.call(server, 0, '127.0.0.1');
