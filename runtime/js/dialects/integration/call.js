'use strict';

/* Calls of services by the AWS port, signed with the integrations' own credentials. */

const http = require('node:http');
const { traceHeader } = require('../lambda/event');

/** API Gateway's own limit for a payload. */
const ANSWER_MAX_BYTES = 10 * 1024 * 1024;

async function readAnswer(incoming) {
  const chunks = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > ANSWER_MAX_BYTES) {
      incoming.destroy();
      throw new Error(`the service's answer has more than ${ANSWER_MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return { status: incoming.statusCode, headers: incoming.headers, bytes: Buffer.concat(chunks) };
}

/** Connections, which belong to an instance. */
class Caller {
  #agent = new http.Agent({ keepAlive: true });
  #aws4;

  constructor({ aws4 }) {
    this.#aws4 = aws4;
  }

  #sign({ service, region, method, path, headers, body }, host, trace) {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
    const traced = trace ? { ...headers, 'X-Amzn-Trace-Id': trace } : headers;
    return this.#aws4.sign({ service, region, method, host, path, headers: traced, body }, { accessKeyId, secretAccessKey });
  }

  /**
   * @param {object} exchange on whose behalf; if that is cancelled, so is the call
   * @param {{ service: string, region: string, method: string, path: string, headers: Record<string, string>, body: string|Buffer }} request
   * @returns {Promise<{ status: number, headers: Record<string, string>, bytes: Buffer }>}
   */
  send(exchange, request) {
    const url = new URL(process.env.AWS_ENDPOINT_URL);
    const { method, path, headers } = this.#sign(request, url.host, traceHeader(exchange.traceparent));
    const { promise, resolve, reject } = Promise.withResolvers();
    const sent = http.request({ agent: this.#agent, hostname: url.hostname, port: url.port, method, path, headers });
    exchange.onCancel(() => sent.destroy());
    sent.on('response', (incoming) => readAnswer(incoming).then(resolve, reject));
    sent.on('error', reject);
    sent.end(request.body);
    return promise;
  }
}

module.exports = { Caller };
