'use strict';

/* The module "cloudflare:node": servers of node:http that answer a worker's requests.
 * developers.cloudflare.com/workers/runtime-apis/nodejs/http */

const virtual = require('../virtual_listen');
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

async function handleAsNodeRequest(where, request) {
  const port = checkPort(typeof where === 'number' ? where : where?.port);
  const server = virtual.listeningOn(port);
  if (!server) {
    throw Object.assign(new Error(`Http server with port ${port} not found. This is likely a bug with your code. ` +
      `You should check if server.listen() was called with the same port (${port})`), { code: 'ERR_INVALID_ARG_VALUE' });
  }
  return answerRequest(request, (exchange) => {
    serveNodeRequest(exchange, server);
  });
}

function httpServerHandler(server) {
  const port = portOf(server);
  return { fetch: (request) => handleAsNodeRequest(port, request) };
}

module.exports = { handleAsNodeRequest, httpServerHandler };
