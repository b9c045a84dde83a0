'use strict';

/* WebSocketPair: two sockets whose messages reach each other. One of them is the worker's; the other stays in the
 * worker, too, or is given to a client with a response, and then speaks over its connection. */

const { Wire } = require('./websocket_wire');
const words = require('./words');

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const NO_STATUS = 1005;
const LOST = { code: 1006, reason: 'WebSocket disconnected without sending Close frame.', wasClean: false };
const UNACCEPTED =
  'You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.';

/* RFC 6455 5.5: a control frame has 125 bytes, two of them the code. */
const REASON_BYTES_MAX = 123;

/* From these compatibility dates on a close is answered by the runtime, and bytes come as Blobs. */
const REPLIES_SINCE = '2026-04-07';
const BLOBS_SINCE = '2026-03-17';

const rules = { replies: true, binaryType: 'blob' };

/* What WebSocket.prototype, behind which a socket of a pair hides, would look for in vain. */
const Socket = class WebSocket extends EventTarget {
  #other = null;
  #isAccepted = false;
  /* What the other side has said before this one was accepted. */
  #waiting = [];
  #isClosed = false; /* by this side */
  #isOtherClosed = false;
  #attachment = null;
  #wire = null; /* to the client that has it */
  #binaryType = rules.binaryType;

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

  get binaryType() {
    return this.#binaryType;
  }

  set binaryType(type) {
    if (type === 'blob' || type === 'arraybuffer') {
      this.#binaryType = type;
    }
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
    this.#waiting.splice(0).forEach((event) => this.#receive(event));
  }

  send(data) {
    if (arguments.length === 0) {
      throw words.wrongArgument('send', 'WebSocket', 1, 'ArrayBuffer or ArrayBufferView or string');
    }
    this.#checkAccepted();
    if (this.#isClosed) {
      throw new TypeError("Can't call WebSocket send() after close().");
    }
    this.#other.#receive({ type: 'message', data: copyOf(data) });
  }

  close(code, reason) {
    checkClose(code, reason);
    this.#checkAccepted();
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    this.#other.#receive({ type: 'close', code, reason: reason === undefined ? '' : String(reason), wasClean: true });
    this.#isOtherClosed ||= this.#other.#isClosed;
  }

  /** Gives this side to the client of an exchange, whose answer it becomes. */
  static connect(socket, exchange, headers) {
    const other = socket.#other;
    const wire = new Wire(exchange, {
      message: (data) => other.#receive({ type: 'message', data }),
      close: (code, reason) => other.#receive({ type: 'close', code, reason, wasClean: true }),
      lost: () => other.#receive({ type: 'close', ...LOST }),
      failed: (error) => other.#receive({ type: 'error', error }),
    });
    wire.open(headers);
    socket.#wire = wire;
    socket.accept();
  }

  /** Half of a pair whose other half is a WebSocket of Node.js, which need not be open yet. */
  static fromClient(client) {
    const own = new Socket();
    const far = new Socket();
    Socket.join(own, far);
    far.#wire = {
      send: (data) => client.send(data),
      /* Node.js's takes no other codes. */
      close: (code, reason) => (code === 1000 || code >= 3000 ? client.close(code, reason) : client.close()),
    };
    far.#isAccepted = true;
    client.addEventListener('message', ({ data }) => own.#receive({ type: 'message', data }));
    client.addEventListener('close', ({ code, reason, wasClean }) => {
      own.#receive({ type: 'close', ...(wasClean ? { code, reason, wasClean } : LOST) });
    });
    return own;
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

  #receive(event) {
    if (!this.#isAccepted) {
      this.#waiting.push(event);
    } else if (this.#wire) {
      this.#pass(event);
    } else {
      setImmediate(() => this.#deliver(event));
    }
  }

  #deliver({ type, data, code = NO_STATUS, reason, wasClean, error }) {
    if (type === 'message') {
      const isBlob = typeof data !== 'string' && this.#binaryType === 'blob';
      this.dispatchEvent(new MessageEvent('message', { data: isBlob ? new Blob([data]) : data }));
    } else if (type === 'error') {
      this.dispatchEvent(Object.assign(new Event('error'), { error, message: `Uncaught ${error}` }));
    } else {
      if (wasClean) {
        this.#isOtherClosed = true;
        this.#reply(code, reason);
      }
      this.dispatchEvent(new CloseEvent('close', { code, reason, wasClean }));
    }
  }

  #reply(code, reason) {
    if (rules.replies && !this.#isClosed) {
      this.#isClosed = true;
      this.#other.#receive({ type: 'close', code: code === NO_STATUS ? undefined : code, reason, wasClean: true });
    }
  }

  #pass({ type, data, code, reason }) {
    if (type === 'message') {
      this.#wire.send(data);
    } else {
      this.#wire.close(code, reason);
    }
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
  if (Buffer.byteLength(String(reason ?? '')) > REASON_BYTES_MAX) {
    throw new DOMException(`WebSocket close reason must not be longer than ${REASON_BYTES_MAX} bytes when UTF-8 encoded.`, 'SyntaxError');
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

/* What a worker's compatibility date and flags ask for. */
function configure({ compatibility_date: date, compatibility_flags: flags = [] } = {}) {
  const since = (day) => !date || date >= day;
  rules.replies = !flags.includes('web_socket_manual_reply_to_close') &&
    (since(REPLIES_SINCE) || flags.includes('web_socket_auto_reply_to_close'));
  rules.binaryType = !flags.includes('no_websocket_standard_binary_type') &&
    (since(BLOBS_SINCE) || flags.includes('websocket_standard_binary_type')) ? 'blob' : 'arraybuffer';
}

module.exports = { install, configure, isSocket: Socket.is, connect: Socket.connect, fromClient: Socket.fromClient };
