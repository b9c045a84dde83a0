'use strict';

/* The module "cloudflare:node": servers of node:http that answer a worker's requests, and servers of node:net that take the connections
 * of other workers. developers.cloudflare.com/workers/runtime-apis/nodejs/http */

const http = require('node:http');
const virtual = require('../virtual_listen');
const { NodeSocket } = require('../dialects/worker/node_socket');
const { serveNodeRequest } = require('../node_http');
const { answerRequest } = require('../request_exchange');

function checkPort(port) {
  if (!Number.isFinite(port) || port < 0 || port > 65535) {
    throw new Error('Failed to determine port for server');
  }
  return port;
}

/* A number, { port }, or a server, which begins to listen if it has not yet. */
function portOf(server) {
  if (server === null || server === undefined) {
    throw new Error('Server descriptor cannot be null or undefined');
  }
  if (typeof server === 'number') {
    return checkPort(server);
  }
  if ((server.port === null || server.port === undefined) && typeof server.listen === 'function') {
    if (!server.address()) {
      server.listen();
    }
    return checkPort(server.address()?.port);
  }
  return checkPort(server.port);
}

function notListening(message) {
  return Object.assign(new Error(message), { code: 'ERR_INVALID_ARG_VALUE' });
}

async function handleAsNodeRequest(where, request) {
  const port = checkPort(typeof where === 'number' ? where : where?.port);
  const server = virtual.listeningOn(port);
  if (!(server instanceof http.Server)) {
    throw notListening(`Http server with port ${port} not found. This is likely a bug with your code. ` +
      `You should check if server.listen() was called with the same port (${port})`);
  }
  return answerRequest(request, (exchange) => {
    serveNodeRequest(exchange, server);
  });
}

function httpServerHandler(server) {
  const port = portOf(server);
  return { fetch: (request) => handleAsNodeRequest(port, request) };
}

/* Resolves when the connection has ended. */
async function handleAsNodeConnection(socket) {
  const addresses = await socket.opened;
  const [, digits] = /:(\d+)$/.exec(addresses.localAddress ?? '') ?? [];
  if (digits === undefined) {
    throw new Error(`Failed to determine port for inbound socket from local address ${addresses.localAddress}`);
  }
  const port = checkPort(Number(digits));
  const server = virtual.listeningOn(port);
  if (!server || server instanceof http.Server) {
    throw notListening(`No net.Server is listening on port ${port}. Call server.listen(${port}) to accept connections arriving on that port.`);
  }
  const connection = new NodeSocket(socket, addresses, server);
  connection.server = server;
  const over = new Promise((resolve) => {
    connection.once('close', resolve);
  });
  server.emit('connection', connection);
  await over;
}

function connectHandler() {
  return { connect: handleAsNodeConnection };
}

module.exports = { connectHandler, handleAsNodeConnection, handleAsNodeRequest, httpServerHandler };
