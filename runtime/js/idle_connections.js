'use strict';
/* Connections that HTTP clients keep open for their next request. Forks cannot share one, and its client does without:
 * what the calls of a module have left behind while it was loaded is closed before the process is forked.
 *
 * Clients are found by what Node.js and undici publish ("diagnostics_channel" in the documentation of Node.js,
 * docs/api/DiagnosticsChannel.md of undici): fetch is undici's. */

const channels = require('node:diagnostics_channel');

/** Begins to take note of clients; to be called before the module is loaded. */
function watchConnections() {
  const agents = new Set(); /* of node:http and node:https: each tells which of its sockets are free */
  const sockets = new Set(); /* undici's, all of them */
  const underway = new Set(); /* undici's requests */
  const listeners = {
    'http.client.request.start': ({ request }) => { if (request.agent) agents.add(request.agent); },
    'undici:client:connected': ({ socket }) => { sockets.add(socket); },
    'undici:request:create': ({ request }) => { underway.add(request); },
    'undici:request:trailers': ({ request }) => { underway.delete(request); },
    'undici:request:error': ({ request }) => { underway.delete(request); },
  };
  Object.entries(listeners).forEach(([name, listener]) => channels.subscribe(name, listener));
  return {
    closeIdle() {
      for (const agent of agents) {
        Object.values(agent.freeSockets ?? {}).flat().forEach((socket) => socket.destroy());
      }
      if (underway.size === 0) {
        sockets.forEach((socket) => socket.destroy());
        sockets.clear();
      }
    },
    stop() {
      Object.entries(listeners).forEach(([name, listener]) => channels.unsubscribe(name, listener));
    },
  };
}

module.exports = { watchConnections };
