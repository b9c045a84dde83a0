'use strict';
/* Passing an exchange on over HTTP: its request to another server, that server's answer back. */

const http = require('node:http');
const https = require('node:https');
const { pipeline } = require('node:stream/promises');
const { Readable } = require('node:stream');

const HOP_BY_HOP = new Set([
  'connection', 'expect', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te',
  'trailer', 'transfer-encoding', 'upgrade',
]);

/** Names that a Connection field declares to be of the connection. */
function connectionNames(field) {
  return new Set((field ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

/** The fields of a flat list that may go on over another connection, names in lower case. */
function endToEnd(raw, connection) {
  const dropped = connectionNames(connection);
  const list = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    if (!HOP_BY_HOP.has(name) && !dropped.has(name)) list.push(name, raw[i + 1]);
  }
  return list;
}

/** Connections, which belong to an instance. */
class Forwarder {
  #plain = { client: http, agent: new http.Agent({ keepAlive: true }) };
  #secure = { client: https, agent: new https.Agent({ keepAlive: true }) };

  /**
   * Sends the exchange's request with these headers (a flat list, with a host), and its body or the given one;
   * resolves with the incoming answer.
   */
  send(exchange, url, headers, body = null) {
    const { client, agent } = url.protocol === 'https:' ? this.#secure : this.#plain;
    const { promise, resolve, reject } = Promise.withResolvers();
    const request = client.request(url, {
      method: exchange.method, headers: framed(headers, exchange, body), agent, setHost: false,
    });
    exchange.onCancel(() => request.destroy());
    request.on('response', resolve);
    request.on('upgrade', (_incoming, socket) => {
      socket.destroy();
      reject(new Error(`${url.host} changed the protocol`));
    });
    request.on('error', reject);
    /* Whoever answers before it has the whole body may stop listening; its answer counts. */
    sendBody(exchange, request, body).catch((error) => request.destroy(error));
    return promise;
  }
}

/* Node frames a body of unknown length by itself for some methods only. */
function framed(headers, exchange, body) {
  if (body !== null) {
    const kept = headers.flatMap((name, i) => (i % 2 === 0 && name !== 'content-length' ? [name, headers[i + 1]] : []));
    return [...kept, 'content-length', String(body.length)];
  }
  const has = headers.some((name, i) => i % 2 === 0 && name === 'content-length');
  return exchange.hasBody && !has ? [...headers, 'transfer-encoding', 'chunked'] : headers;
}

async function sendBody(exchange, request, body) {
  if (body !== null || !exchange.hasBody) {
    request.end(body ?? undefined);
    return;
  }
  await pipeline(Readable.fromWeb(exchange.body), request);
}

/** Answers the exchange with what came, under these headers. */
async function answer(exchange, incoming, headers) {
  exchange.head(incoming.statusCode, headers);
  for await (const chunk of incoming) {
    if (!exchange.write(chunk)) await exchange.drained();
  }
  exchange.end();
}

const answerHeaders = (incoming) => endToEnd(incoming.rawHeaders, incoming.headers.connection);

module.exports = { Forwarder, HOP_BY_HOP, connectionNames, endToEnd, answer, answerHeaders };
