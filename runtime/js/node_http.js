'use strict';
/* (req, res) over an exchange: real IncomingMessage and ServerResponse objects that speak frames.
 *
 * A server's response writes its head and body as text to a socket. Ours are kept from doing so at three
 * places, all inside Node's own http module, which is why Node is pinned: `_storeHeader` (the head is
 * complete), `_send` (a piece of the body) and `_finish` (that was the last). They are own properties of
 * the object, because Express and others replace its prototype. Everything above them (validation,
 * implicit heads, callbacks, events) is Node's own code. */

const http = require('node:http');
const { reasonField } = require('./exchange_fields');
const { ExchangeSocket } = require('./exchange_socket');

const { _storeHeader: storeHeader } = http.OutgoingMessage.prototype;

/* The connection is the gateway's: it frames, keeps alive and dates. Who says "Connection: close" is heard. */
const HOP_BY_HOP = new Set(['keep-alive', 'transfer-encoding', 'trailer', 'proxy-connection']);

function abortedError() {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/* What req.socket and res.socket are: nothing is written to it, but it tells who the client is, and what
 * is done to it happens to the exchange. */
class FrameSocket extends ExchangeSocket {
  #exchange;
  #owed = 0;
  #reading = false;

  constructor(exchange) {
    super(exchange);
    this.#exchange = exchange;
    /** Bytes of the answer that wait for room in the window. */
    this.queuedBytes = 0;
    this._httpMessage = null;
  }

  get writableLength() {
    return this.queuedBytes;
  }

  /* IncomingMessage calls this when it wants more of the body. */
  resume() {
    const { request } = this;
    if (!request || request.complete) return this;
    if (!this.#reading) this.#start(request);
    else this.#repay();
    return this;
  }

  pause() {
    return this;
  }

  #start(request) {
    this.#reading = true;
    this.#exchange.onBody((chunk) => {
      this.touch();
      this.#owed += chunk.length;
      if (request.destroyed || request._dumped || request.push(chunk)) this.#repay();
    }, (error) => {
      if (!error) endRequest(request);
    });
  }

  #repay() {
    const bytes = this.#owed;
    this.#owed = 0;
    this.#exchange.resumeBody(bytes);
  }

  _write(chunk, encoding, done) {
    done();
  }

  /* As Node's server has it: who listens decides what happens, or else the connection is closed. */
  expire() {
    const { request, server, _httpMessage: response } = this;
    const heard = [!request.complete && request.emit('timeout', this), response?.emit('timeout', this), server?.emit('timeout', this)];
    if (!heard.some(Boolean)) {
      this.destroy(new Error(`Nothing came or went for the ${this.timeout} ms of the time-out that the function has set`));
    }
    this.emit('timeout');
  }

  /* Without another word nobody is left to answer. */
  _final(done) {
    if (!this._httpMessage?.writableEnded) this.destroy();
    done();
  }

  _destroy(error, done) {
    const exchange = this.#exchange;
    this.setTimeout(0);
    if (!exchange.answered && !exchange.cancelled) {
      exchange.fail('throw', error ?? new Error('The function closed the connection before its answer was complete'));
    }
    /* An error that nobody listens for would end the process. */
    done(this.listenerCount('error') > 0 ? error : null);
    /* net.Socket leaves this event to its handle. */
    process.nextTick(() => this.emit('close', Boolean(error)));
  }
}

function endRequest(request) {
  request.complete = true;
  request.push(null);
}

/* 'Name: value\r\n...' to the addon's string. `whole`: the gateway measures the body itself. */
function encodeHead(text, whole) {
  let block = '';
  for (let at = 0, end = text.indexOf('\r\n'); end > at; at = end + 2, end = text.indexOf('\r\n', at)) {
    const colon = text.indexOf(':', at);
    const name = text.slice(at, colon).toLowerCase();
    if (HOP_BY_HOP.has(name) || (whole && name === 'content-length')) continue;
    block += `${name}\0${text.slice(colon + 2, end)}\0`;
  }
  return block;
}

function byteLength(data) {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.length;
}

function joinParts(parts) {
  if (parts.length === 0) return null;
  if (parts.length === 1) return parts[0];
  if (parts.every((part) => typeof part === 'string')) return parts.join('');
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

/* The way from a ServerResponse to its exchange. What is written within one turn leaves together, and
 * when that includes the end, as one whole answer. */
class Answer {
  #exchange;
  #response;
  #socket;
  #head = '';
  #reason = '';
  #parts = [];
  #callbacks = [];
  #headSent = false;
  #ended = false;
  #scheduled = false;
  #blocked = false;

  constructor(exchange, response, socket) {
    this.#exchange = exchange;
    this.#response = response;
    this.#socket = socket;
  }

  /** Node has put the head together. */
  storeHead(text, reason) {
    this.#head = text;
    this.#reason = reason;
  }

  /** A piece of the body; false when the writer should wait. */
  send(data, encoding, callback) {
    this.#socket.touch();
    if (data.length > 0) {
      const part = typeof data === 'string' && encoding && encoding !== 'utf8' && encoding !== 'utf-8'
        ? Buffer.from(data, encoding) : data;
      this.#parts.push(part);
      this.#socket.queuedBytes += byteLength(part);
    }
    if (typeof callback === 'function') this.#callbacks.push(callback);
    if (!this.#scheduled && !this.#blocked) {
      this.#scheduled = true;
      process.nextTick(Answer.#flushLater, this);
    }
    return !this.#blocked && this.#socket.queuedBytes < this.#socket.writableHighWaterMark;
  }

  static #flushLater(answer) {
    answer.#scheduled = false;
    answer.#flush();
  }

  /** 'HTTP/1.1 103 Early Hints\r\nLink: ...\r\n\r\n' as ServerResponse writes it. */
  inform(text) {
    const line = text.indexOf('\r\n');
    this.#exchange.informational(Number(text.slice(9, 12)), encodeHead(text.slice(line + 2), false));
  }

  /** There will be no more. */
  finish() {
    this.#ended = true;
    if (!this.#blocked) this.#flush();
  }

  #flush() {
    if (this.#blocked || this.#socket.destroyed) return;
    try {
      if (this.#ended && !this.#headSent) this.#respond();
      else this.#stream();
    } catch (error) {
      this.#exchange.fail('invalid', error);
    }
  }

  #respond() {
    this.#headSent = true;
    const { statusCode } = this.#response;
    const body = this.#response._hasBody ? joinParts(this.#parts) : null;
    this.#parts.length = 0;
    this.#socket.queuedBytes = 0;
    requireFinal(statusCode);
    const head = reasonField(statusCode, this.#reason) + encodeHead(this.#head, body !== null);
    if (this.#exchange.method === 'HEAD') this.#respondHead(statusCode, head);
    else this.#exchange.respond(statusCode, head, body);
    this.#settle();
  }

  /* How long a body would have been only the function can say. */
  #respondHead(statusCode, head) {
    this.#exchange.head(statusCode, head);
    this.#exchange.end();
  }

  #stream() {
    if (!this.#headSent) {
      this.#headSent = true;
      const { statusCode } = this.#response;
      requireFinal(statusCode);
      this.#exchange.head(statusCode, reasonField(statusCode, this.#reason) + encodeHead(this.#head, false));
    }
    let room = true;
    for (const part of this.#parts) room = this.#exchange.write(part);
    this.#parts.length = 0;
    if (!room) {
      this.#waitForRoom();
      return;
    }
    this.#socket.queuedBytes = 0;
    if (this.#ended) this.#exchange.end();
    this.#settle();
  }

  async #waitForRoom() {
    this.#blocked = true;
    await this.#exchange.drained();
    this.#blocked = false;
    if (this.#exchange.cancelled || this.#socket.destroyed) return;
    this.#flush();
  }

  /* Everything handed over so far is with the gateway. */
  #settle() {
    const callbacks = this.#callbacks;
    if (callbacks.length > 0) {
      this.#callbacks = [];
      process.nextTick(callAll, callbacks);
    }
    if (this.#ended) process.nextTick(closeResponse, this.#response, this.#socket);
    /* Emits 'drain'. */
    else if (this.#response.writableNeedDrain) this.#response._flush();
  }
}

function requireFinal(statusCode) {
  if (statusCode < 200) throw new RangeError(`${statusCode} cannot be the status of an answer`);
}

function callAll(callbacks) {
  for (const callback of callbacks) callback(null);
}

/* As Node's server does after 'finish': what was not read of the request is dropped, the response lets go
 * of its socket, and says 'close'. No more of a body comes after the answer, so who was in the middle of
 * reading it is cut off. */
function closeResponse(response, socket) {
  const { request } = socket;
  socket.setTimeout(0);
  if (!request._consuming && !request._readableState.resumeScheduled) {
    if (!request.complete) endRequest(request);
    request._dump();
  } else if (!request.complete) {
    request.destroy();
  }
  if (response.socket === socket) response.detachSocket(socket);
  process.nextTick(emitClose, response);
}

function emitClose(response) {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

/* The client is gone: as when a real socket closes. */
function abort(request, socket) {
  if (socket.destroyed) return;
  socket.destroy();
  if (!request.complete || !request.readableEnded) request.destroy(abortedError());
}

function makeRequest(exchange, socket, { Request = http.IncomingMessage, url = exchange.path, body = null }) {
  const request = new Request(socket);
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.httpVersion = '1.1';
  request.method = exchange.method;
  request.url = url;
  /* Body parsers tell by its framing whether a request has a body; the gateway keeps chunks to itself. */
  const chunked = exchange.hasBody && !('content-length' in exchange.headers);
  const raw = chunked ? [...exchange.rawHeaders, 'transfer-encoding', 'chunked'] : exchange.rawHeaders;
  request._addHeaderLines(raw, raw.length);
  if (!exchange.hasBody || body !== null) {
    if (body !== null && body.length > 0) request.push(body);
    endRequest(request);
  }
  return request;
}

/* What a response has in place of Node's own, of which nothing else may be changed. V8 puts a function that is written where it
 * is assigned to a property among its old objects, and it takes a full collection to find that one dead: as closures of each
 * response, these kept all of each request until then. */
const ANSWER = Symbol('answer');

function storeFrameHeader(firstLine, headers) {
  this._removedConnection = this.shouldKeepAlive; /* else Node says "close" itself */
  /* Node refuses a Trailer field without chunks. */
  this.chunkedEncoding = true;
  storeHeader.call(this, '', headers);
  this.chunkedEncoding = false;
  this[ANSWER].storeHead(this._header, firstLine.slice('HTTP/1.1 200 '.length, -2));
  this._header = firstLine + this._header;
}

function sendFrame(data, encoding, callback) {
  this._headerSent = true;
  return this[ANSWER].send(data, encoding, callback);
}

function writeInformational(data, encoding, callback) {
  this[ANSWER].inform(data);
  const done = typeof encoding === 'function' ? encoding : callback;
  if (typeof done === 'function') process.nextTick(done);
  return true;
}

function finishFrames() {
  http.ServerResponse.prototype._finish.call(this);
  this[ANSWER].finish();
}

function makeResponse(exchange, request, socket, { Response = http.ServerResponse }) {
  const response = new Response(request);
  Object.defineProperty(response, ANSWER, { value: new Answer(exchange, response, socket) });
  /* No Date or Transfer-Encoding of its own, and no chunks: the gateway does that. */
  response.sendDate = false;
  response.useChunkedEncodingByDefault = false;
  response._storeHeader = storeFrameHeader;
  response._send = sendFrame;
  response._writeRaw = writeInformational;
  response._finish = finishFrames;
  response.assignSocket(socket);
  return response;
}

/**
 * { req, res } for an exchange. Options: `Request` and `Response`, classes that extend Node's; `url`, if
 * it is not the exchange's path; `body`, if the exchange's was read already.
 */
function createPair(exchange, options = {}) {
  const socket = new FrameSocket(exchange);
  const req = makeRequest(exchange, socket, options);
  socket.request = req;
  const res = makeResponse(exchange, req, socket, options);
  exchange.onCancel(() => abort(req, socket));
  return { req, res };
}

/**
 * Answers an exchange by a request listener or by an http.Server's listeners; `url`, if it is not the exchange's path.
 * Resolves when the answer is
 * complete or the client gone.
 */
function serveNodeRequest(exchange, target, url = exchange.path) {
  const { req, res } = createPair(exchange, { url });
  if (typeof target === 'function') {
    target(req, res);
  } else {
    req.socket.server = target;
    if (target.timeout > 0) req.socket.setTimeout(target.timeout);
    target.emit('request', req, res);
  }
  return new Promise((resolve) => {
    exchange.onClose(resolve);
  });
}

module.exports = { serveNodeRequest, createPair, makeRequest, encodeHead };
