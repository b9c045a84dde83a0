'use strict';

/* WebSocket's frames (RFC 6455), as Workers' runtime reads and writes them: one half of a WebSocketPair speaks them
 * with a client, over the connection of an exchange that has been upgraded. */

const { createHash } = require('node:crypto');

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const KNOWN = new Set([CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]);

const FIN = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

const PROTOCOL_ERROR = 1002;
const TOO_LARGE = 1009;
/* https://developers.cloudflare.com/workers/platform/limits/ */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;

/* RFC 6455 1.3 */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const EMPTY = Buffer.alloc(0);

class ProtocolError extends Error {
  constructor(code, description) {
    super(`WebSocket protocol error; protocolError.statusCode = ${code}; protocolError.description = ${description}`);
    this.status = code;
    this.description = description;
  }
}

function acceptKey(key) {
  return createHash('sha1').update(key + GUID).digest('base64');
}

/* How many bytes a frame's head has, as far as the first of them tell. */
function headLength(bytes) {
  if (bytes.length < 2) {
    return 2;
  }
  const length = bytes[1] & 0x7f;
  const extra = length === LENGTH_64 ? 8 : length === LENGTH_16 ? 2 : 0;
  return 2 + extra + (bytes[1] & MASKED ? 4 : 0);
}

function readHead(bytes) {
  const short = bytes[1] & 0x7f;
  const at = short === LENGTH_64 ? 10 : short === LENGTH_16 ? 4 : 2;
  const length = at === 10 ? Number(bytes.readBigUInt64BE(2)) : at === 4 ? bytes.readUInt16BE(2) : short;
  const mask = bytes[1] & MASKED ? Buffer.from(bytes.subarray(at, at + 4)) : null;
  return { opcode: bytes[0] & 0x0f, isLast: (bytes[0] & FIN) !== 0, reserved: bytes[0] & RESERVED, length, mask };
}

function unmask(bytes, mask, from) {
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i] ^= mask[(from + i) & 3];
  }
}

/** Bytes in, frames out: onFrame({ opcode, isLast, payload }), as they become complete. Throws ProtocolError. */
class FrameReader {
  #onFrame;
  #head = EMPTY;
  #frame = null;
  #parts = [];
  #got = 0;
  /* Of a message in fragments: its opcode and the bytes so far. */
  #message = 0;
  #messageBytes = 0;

  constructor(onFrame) {
    this.#onFrame = onFrame;
  }

  take(chunk) {
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.#frame === null ? this.#takeHead(rest) : this.#takePayload(rest);
    }
  }

  #takeHead(chunk) {
    const had = this.#head.length;
    const head = had > 0 ? Buffer.concat([this.#head, chunk.subarray(0, 14)]) : chunk;
    const need = headLength(head);
    if (head.length < need) {
      this.#head = Buffer.from(head);
      return EMPTY;
    }
    this.#head = EMPTY;
    this.#frame = readHead(head);
    this.#check(this.#frame);
    if (this.#frame.length === 0) {
      this.#complete();
    }
    return chunk.subarray(need - had);
  }

  #check({ opcode, isLast, reserved, length }) {
    if (reserved !== 0) {
      throw new ProtocolError(PROTOCOL_ERROR, 'Received a WebSocket frame whose compression bit was set, but the ' +
        'compression extension was not negotiated for this connection.');
    }
    if (!KNOWN.has(opcode)) {
      throw new ProtocolError(PROTOCOL_ERROR, `Unknown opcode ${opcode}`);
    }
    if (opcode >= CLOSE) {
      if (!isLast) {
        throw new ProtocolError(PROTOCOL_ERROR, 'Received fragmented control frame');
      }
    } else if (opcode === CONTINUATION && this.#message === 0) {
      throw new ProtocolError(PROTOCOL_ERROR, 'Unexpected continuation frame');
    } else if (opcode !== CONTINUATION && this.#message !== 0) {
      throw new ProtocolError(PROTOCOL_ERROR, 'Missing continuation frame');
    }
    const total = (opcode >= CLOSE ? 0 : this.#messageBytes) + length;
    if (total > MESSAGE_BYTES_MAX) {
      throw new ProtocolError(TOO_LARGE, `Message is too large: ${total} > ${MESSAGE_BYTES_MAX}`);
    }
  }

  #takePayload(chunk) {
    const { length, mask } = this.#frame;
    const part = chunk.subarray(0, length - this.#got);
    if (mask !== null) {
      unmask(part, mask, this.#got);
    }
    this.#parts.push(part);
    this.#got += part.length;
    if (this.#got === length) {
      this.#complete();
    }
    return chunk.subarray(part.length);
  }

  #complete() {
    const { opcode, isLast } = this.#frame;
    const payload = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#frame = null;
    this.#parts = [];
    this.#got = 0;
    if (opcode < CLOSE) {
      this.#message = isLast ? 0 : this.#message || opcode;
      this.#messageBytes = isLast ? 0 : this.#messageBytes + payload.length;
    }
    this.#onFrame({ opcode, isLast, payload });
  }
}

/** A frame of a server's: whole, and not masked. */
function writeFrame(opcode, payload) {
  const { length } = payload;
  const head = Buffer.alloc(length > 0xffff ? 10 : length >= LENGTH_16 ? 4 : 2);
  head[0] = FIN | opcode;
  if (head.length === 10) {
    head[1] = LENGTH_64;
    head.writeBigUInt64BE(BigInt(length), 2);
  } else if (head.length === 4) {
    head[1] = LENGTH_16;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = length;
  }
  return Buffer.concat([head, payload]);
}

function closePayload({ code, reason }) {
  if (code === undefined) {
    return EMPTY;
  }
  const text = Buffer.from(reason ?? '', 'utf8');
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return payload;
}

/** The client's end of a pair, on its connection. `peer` hears message(data), close(code, reason), lost() and
 * failed(error). */
class Wire {
  #exchange;
  #peer;
  #reader = new FrameReader((frame) => this.#onFrame(frame));
  #fragments = [];
  #kind = 0;
  #isClosed = false; /* by our side */
  #isOtherClosed = false; /* by the client */
  #isOver = false;

  constructor(exchange, peer) {
    this.#exchange = exchange;
    this.#peer = peer;
  }

  /** Answers 101 and begins. */
  open(headers) {
    this.#exchange.upgrade([...headers, 'sec-websocket-accept', acceptKey(this.#exchange.headers['sec-websocket-key'])]);
    this.#exchange.onBody((chunk) => this.#take(chunk), () => this.#lost());
    this.#exchange.onCancel(() => this.#lost());
  }

  send(data) {
    const isText = typeof data === 'string';
    this.#write(isText ? TEXT : BINARY, isText ? Buffer.from(data, 'utf8') : Buffer.from(data));
  }

  /** Our side's close. The connection is over when both have said it. */
  close(code, reason) {
    this.#write(CLOSE, closePayload({ code, reason }));
    this.#isClosed = true;
    if (this.#isOtherClosed) {
      this.#end();
    }
  }

  #write(opcode, payload) {
    if (!this.#isOver && !this.#isClosed) {
      this.#exchange.write(writeFrame(opcode, payload));
    }
  }

  #take(chunk) {
    this.#exchange.resumeBody(chunk.length);
    if (this.#isOver || this.#isOtherClosed) {
      return;
    }
    try {
      this.#reader.take(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
      this.close(error.status, error.description);
      this.#end();
      this.#peer.failed(error);
    }
  }

  #onFrame({ opcode, isLast, payload }) {
    if (this.#isOtherClosed) {
      return;
    }
    if (opcode === PING) {
      this.#write(PONG, payload);
    } else if (opcode === CLOSE) {
      this.#onClose(payload);
    } else if (opcode !== PONG) {
      this.#onFragment(opcode, isLast, payload);
    }
  }

  #onFragment(opcode, isLast, payload) {
    this.#kind = opcode === CONTINUATION ? this.#kind : opcode;
    this.#fragments.push(payload);
    if (!isLast) {
      return;
    }
    const whole = this.#fragments.length === 1 ? payload : Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#peer.message(this.#kind === TEXT ? whole.toString('utf8') : new Uint8Array(whole).buffer);
  }

  #onClose(payload) {
    this.#isOtherClosed = true;
    if (this.#isClosed) {
      this.#end();
    }
    if (payload.length < 2) {
      this.#peer.close(undefined, '');
    } else {
      this.#peer.close(payload.readUInt16BE(0), payload.toString('utf8', 2));
    }
  }

  /* Its client went without a word. */
  #lost() {
    if (this.#isOver) {
      return;
    }
    this.#end();
    if (!this.#isOtherClosed) {
      this.#peer.lost();
    }
  }

  #end() {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#exchange.end();
    }
  }
}

module.exports = { Wire, FrameReader, writeFrame };
