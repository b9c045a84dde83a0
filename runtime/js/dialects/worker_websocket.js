'use strict';

/* WebSocketPair: two sockets whose messages reach each other within the worker. Giving one of them to a client needs
 * an upgrade of its connection, which the gateway has not learned yet: worker.js says so. */

const words = require('./worker_words');

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const NO_STATUS = 1005;
const UNACCEPTED =
  'You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.';

/* What WebSocket.prototype, behind which a socket of a pair hides, would look for in vain. */
const Socket = class WebSocket extends EventTarget {
  #other = null;
  #isAccepted = false;
  /* What the other side has said before this one was accepted. */
  #waiting = [];
  #isClosed = false; /* by this side */
  #isOtherClosed = false;
  #attachment = null;
  binaryType = 'arraybuffer';

  static join(a, b) {
    a.#other = b;
    b.#other = a;
  }

  static is(value) {
    return typeof value === 'object' && value !== null && #other in value;
  }

  get readyState() {
    return this.#isClosed && this.#isOtherClosed ? CLOSED : this.#isClosed || this.#isOtherClosed ? CLOSING : OPEN;
  }

  get url() {
    return null;
  }

  get protocol() {
    return '';
  }

  get extensions() {
    return '';
  }

  get bufferedAmount() {
    return 0;
  }

  accept() {
    this.#isAccepted = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach((deliver) => this.#later(deliver));
  }

  send(data) {
    this.#checkAccepted();
    if (this.#isClosed) {
      throw new TypeError("Can't call WebSocket send() after close().");
    }
    const copy = copyOf(data);
    this.#other.#receive((other) => other.dispatchEvent(new MessageEvent('message', { data: copy })));
  }

  close(code, reason) {
    checkClose(code, reason);
    this.#checkAccepted();
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    const init = { code: code ?? NO_STATUS, reason: reason === undefined ? '' : String(reason), wasClean: true };
    this.#other.#receive((other) => {
      other.#isOtherClosed = true;
      other.dispatchEvent(new CloseEvent('close', init));
    });
    this.#isOtherClosed ||= this.#other.#isClosed;
  }

  serializeAttachment(value) {
    this.#attachment = structuredClone(value);
  }

  deserializeAttachment() {
    return structuredClone(this.#attachment);
  }

  #checkAccepted() {
    if (!this.#isAccepted) {
      throw new TypeError(UNACCEPTED);
    }
  }

  #receive(deliver) {
    if (this.#isAccepted) {
      this.#later(deliver);
    } else {
      this.#waiting.push(deliver);
    }
  }

  #later(deliver) {
    setImmediate(deliver, this);
  }
};

function copyOf(data) {
  if (data instanceof ArrayBuffer) {
    return data.slice(0);
  }
  if (ArrayBuffer.isView(data)) {
    return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  }
  return String(data);
}

function checkClose(code, reason) {
  if (code === undefined && reason !== undefined) {
    throw new DOMException('If you specify a WebSocket close reason, you must also specify a code.', 'InvalidAccessError');
  }
  const isAllowed = code === undefined || code === 1000 || (code > 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code));
  if (!isAllowed) {
    throw new DOMException(`Invalid WebSocket close code: ${code}.`, 'InvalidAccessError');
  }
}

/* onmessage and onclose, as attributes. */
function defineHandler(prototype, type) {
  const listeners = new WeakMap();
  Object.defineProperty(prototype, `on${type}`, {
    configurable: true, enumerable: true,
    get() {
      return listeners.get(this) ?? null;
    },
    set(listener) {
      this.removeEventListener(type, listeners.get(this));
      listeners.set(this, listener);
      this.addEventListener(type, listener);
    },
  });
}

function WebSocketPair() {
  if (new.target === undefined) {
    throw words.notCallable('WebSocketPair');
  }
  this[0] = new Socket();
  this[1] = new Socket();
  Socket.join(this[0], this[1]);
}

Object.defineProperty(WebSocketPair.prototype, Symbol.iterator, {
  value: function* values() {
    yield this[0];
    yield this[1];
  }, writable: true, configurable: true,
});
Object.defineProperty(WebSocketPair.prototype, Symbol.toStringTag, { value: 'WebSocketPair', configurable: true });

/* In the function's zygote, before its module loads: a socket of a pair is a WebSocket, too. */
function install() {
  Object.setPrototypeOf(Socket.prototype, WebSocket.prototype);
  for (const type of ['message', 'close', 'error', 'open']) {
    defineHandler(Socket.prototype, type);
  }
  for (const name of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']) {
    Object.defineProperty(WebSocket, `READY_STATE_${name}`, { value: WebSocket[name], configurable: true });
  }
  Object.defineProperty(globalThis, 'WebSocketPair', {
    value: WebSocketPair, writable: true, configurable: true, enumerable: false,
  });
}

module.exports = { install, isSocket: Socket.is };
