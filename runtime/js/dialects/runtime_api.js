'use strict';

/* The AWS Lambda Runtime API: what an executable asks for its next event and tells its results.
 *
 * It listens on a random address of the loopback network and talks to processes of its own user
 * only. One invocation at a time; others wait in `queue`. */

const fs = require('node:fs');
const http = require('node:http');
const { randomBytes } = require('node:crypto');
const { RESPONSE_MAX_BYTES } = require('./lambda/response');

const PREFIX = '/2018-06-01/runtime/';
const STREAMING = 'streaming';
const TRAILER_TYPE = 'lambda-runtime-function-error-type';
const TRAILER_BODY = 'lambda-runtime-function-error-body';
const LONGEST_MS = 900_000;

/* Who connects */

/* "0100007F:1F90", as the kernel writes an address that it keeps in network order. */
function kernelAddress(address, port) {
  const bytes = address.split('.').map(Number).reverse();
  const hex = (number, digits) => number.toString(16).toUpperCase().padStart(digits, '0');
  return `${bytes.map((byte) => hex(byte, 2)).join('')}:${hex(port, 4)}`;
}

/* The user who owns the other end of a connection, or undefined where the kernel does not say. */
function peerUser(socket) {
  let table;
  try {
    table = fs.readFileSync('/proc/self/net/tcp', 'latin1');
  } catch {
    return undefined;
  }
  const local = kernelAddress(socket.remoteAddress, socket.remotePort);
  const remote = kernelAddress(socket.localAddress, socket.localPort);
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1] === local && fields[2] === remote) {
      return Number(fields[7]);
    }
  }
  return undefined;
}

/* Other functions share the loopback network, but not the user. */
function isStranger(socket) {
  const user = peerUser(socket);
  return user !== undefined && user !== process.getuid();
}

/* Anything in 127.0.0.0/8 but its first and last addresses. */
function randomLoopback() {
  const [a, b, c] = randomBytes(3);
  return `127.${a}.${b}.${(c % 254) + 1}`;
}

/* Answers */

function sendJson(res, status, value) {
  const body = JSON.stringify(value);
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
}

function refuse(res, status, errorType, errorMessage) {
  sendJson(res, status, { errorMessage, errorType });
}

const accept = (res) => sendJson(res, 202, { status: 'OK' });

/* Reads no more than `limit` bytes; null when there are more. */
async function readAll(req, limit) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += chunk.length;
    if (bytes <= limit) {
      chunks.push(chunk);
    }
  }
  return bytes > limit ? null : Buffer.concat(chunks);
}

/**
 * An invocation given to `push`: { id, payload (Buffer), arn, traceId, clientContext } with the
 * callbacks begin() when it is handed out, which returns its deadline, respond(bytes), tooLarge(), fail(type, bytes), stream(contentType) which
 * returns a sink { write, end, fail }.
 */
class RuntimeApi {
  #server = http.createServer((req, res) => this.#handle(req, res));
  #queue = [];
  #waiting = [];
  #current = null;
  #onInitError;

  constructor({ onInitError }) {
    this.#onInitError = onInitError;
    this.#server.on('connection', (socket) => {
      if (isStranger(socket)) {
        socket.destroy();
      }
    });
    /* The wait for the next event has no end. */
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 0;
  }

  /* Resolves to "host:port". */
  listen() {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, randomLoopback(), () => {
        const { address, port } = this.#server.address();
        resolve(`${address}:${port}`);
      });
    });
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  push(invocation) {
    this.#queue.push(invocation);
    this.#deliver();
  }

  /* Everything that has not been answered, which nobody will any more. */
  takeAll() {
    const all = [...(this.#current ? [this.#current] : []), ...this.#queue];
    this.#current = null;
    this.#queue = [];
    return all;
  }

  #deliver() {
    while (!this.#current && this.#queue.length > 0 && this.#waiting.length > 0) {
      const res = this.#waiting.shift();
      if (!res.destroyed) {
        this.#current = this.#queue.shift();
        this.#sendEvent(res, this.#current);
      }
    }
  }

  #sendEvent(res, invocation) {
    const deadlineMs = invocation.begin();
    const deadline = Number.isFinite(deadlineMs) ? deadlineMs : Date.now() + LONGEST_MS;
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': invocation.payload.length,
      'Lambda-Runtime-Aws-Request-Id': invocation.id,
      'Lambda-Runtime-Deadline-Ms': String(deadline),
      'Lambda-Runtime-Invoked-Function-Arn': invocation.arn,
    };
    if (invocation.traceId) {
      headers['Lambda-Runtime-Trace-Id'] = invocation.traceId;
    }
    if (invocation.clientContext) {
      headers['Lambda-Runtime-Client-Context'] = invocation.clientContext;
    }
    res.writeHead(200, headers);
    res.end(invocation.payload);
  }

  async #handle(req, res) {
    /* A client that goes away in the middle is dealt with where it matters: by its exit. */
    req.on('error', () => {});
    try {
      await this.#route(req, res);
    } catch (error) {
      if (!res.headersSent) {
        refuse(res, 400, 'InvalidRequest', error.message);
      }
    }
  }

  async #route(req, res) {
    const path = req.url.split('?')[0];
    const [resource, id, verb] = path.startsWith(PREFIX) ? path.slice(PREFIX.length).split('/') : [];
    if (resource === 'invocation' && id === 'next' && verb === undefined) {
      this.#expect(req, res, 'GET', () => this.#next(res));
    } else if (resource === 'invocation' && (verb === 'response' || verb === 'error')) {
      await this.#expect(req, res, 'POST', () => this.#finish(req, res, decodeURIComponent(id), verb));
    } else if (resource === 'init' && id === 'error' && verb === undefined) {
      await this.#expect(req, res, 'POST', () => this.#initError(req, res));
    } else {
      req.resume();
      refuse(res, 404, 'NotFound', 'There is no such path in the Runtime API.');
    }
  }

  #expect(req, res, method, fn) {
    if (req.method === method) {
      return fn();
    }
    req.resume();
    return refuse(res, 405, 'MethodNotAllowed', `This path is for ${method}.`);
  }

  #next(res) {
    if (this.#current) {
      refuse(res, 403, 'InvalidStateTransition', 'The invocation in progress has not been answered.');
      return;
    }
    this.#waiting.push(res);
    this.#deliver();
  }

  /* The invocation stays the current one until its answer is complete. */
  async #finish(req, res, id, verb) {
    const invocation = this.#current;
    if (!invocation || invocation.id !== id || invocation.isAnswering) {
      req.resume();
      refuse(res, 400, 'InvalidRequestID', 'Invalid request ID');
      return;
    }
    invocation.isAnswering = true;
    const isStream = req.headers['lambda-runtime-function-response-mode']?.toLowerCase() === STREAMING;
    if (verb === 'error') {
      await this.#takeError(req, res, invocation);
    } else if (isStream) {
      await this.#takeStream(req, res, invocation);
    } else {
      await this.#takeResponse(req, res, invocation);
    }
  }

  #finished(invocation) {
    if (this.#current === invocation) {
      this.#current = null;
    }
  }

  async #takeResponse(req, res, invocation) {
    const bytes = await readAll(req, RESPONSE_MAX_BYTES);
    this.#finished(invocation);
    if (bytes === null) {
      invocation.tooLarge();
      refuse(res, 413, 'RequestEntityTooLarge', `Exceeded maximum allowed payload size (${RESPONSE_MAX_BYTES} bytes).`);
      return;
    }
    invocation.respond(bytes);
    accept(res);
  }

  async #takeError(req, res, invocation) {
    const bytes = await readAll(req, RESPONSE_MAX_BYTES);
    this.#finished(invocation);
    invocation.fail(req.headers[TRAILER_TYPE], bytes ?? Buffer.alloc(0));
    accept(res);
  }

  async #takeStream(req, res, invocation) {
    const sink = invocation.stream(req.headers['content-type'] ?? 'application/octet-stream');
    try {
      for await (const chunk of req) {
        await sink.write(chunk);
      }
      const type = req.trailers[TRAILER_TYPE];
      if (type !== undefined) {
        sink.fail(type, Buffer.from(req.trailers[TRAILER_BODY] ?? '', 'base64'));
      } else {
        sink.end();
      }
      accept(res);
    } catch (error) {
      sink.fail('Runtime.TruncatedResponse', Buffer.from(JSON.stringify({
        errorType: 'Runtime.TruncatedResponse', errorMessage: error.message,
      })));
      throw error;
    } finally {
      this.#finished(invocation);
    }
  }

  async #initError(req, res) {
    const bytes = await readAll(req, RESPONSE_MAX_BYTES);
    this.#onInitError(req.headers[TRAILER_TYPE], bytes ?? Buffer.alloc(0));
    accept(res);
  }
}

module.exports = { RuntimeApi };
