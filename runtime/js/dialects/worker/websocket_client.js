'use strict';

/* WebSockets that a worker opens by fetch(url, { headers: { Upgrade: 'websocket' } }), or by handing on a request for one:
 * the answer's `webSocket` is half of a pair, and Node.js's client speaks for the other. */

const { fieldsOf } = require('../../web_headers');
const { Dispatcher } = require('./outgoing');
const sockets = require('./websocket');

const NodeSocket = globalThis.WebSocket;

/* What is of this connection, or what the client says itself. */
const OWN = /^(?:connection|content-length|host|keep-alive|sec-websocket-.*|transfer-encoding|upgrade)$/;

function protocolsOf(headers) {
  return (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim()).filter(Boolean);
}

/** Resolves to the response, or to null where the headers do not ask for one, or the other side does not switch: then it is
 * asked without an upgrade. */
async function open(url, headers) {
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    return null;
  }
  const target = new URL(url);
  target.protocol = target.protocol === 'https:' ? 'wss:' : 'ws:';
  target.hash = '';
  const passed = fieldsOf(headers).filter(([name]) => !OWN.test(name));
  const client = new NodeSocket(target, {
    protocols: protocolsOf(headers), headers: passed, dispatcher: new Dispatcher(passed),
  });
  client.binaryType = 'arraybuffer';
  const webSocket = sockets.fromClient(client);
  const isOpen = await new Promise((resolve) => {
    client.addEventListener('open', () => resolve(true));
    client.addEventListener('error', () => resolve(false));
  });
  if (!isOpen) {
    return null;
  }
  return new Response(null, {
    status: 101, webSocket, headers: client.protocol === '' ? {} : { 'sec-websocket-protocol': client.protocol },
  });
}

module.exports = { open };
