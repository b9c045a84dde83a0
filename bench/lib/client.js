/* A small HTTP/1.1 client over one kept connection: an own one, so that its part of a measured millisecond is small. */
import { once } from 'node:events';
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const ANSWER_MS = 30_000;

/**
 * @typedef {object} Answer
 * @property {number} ms from the first byte sent to the whole answer (its first body byte, if `firstByte`)
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {string} body
 */

export class Connection {
  /** Rejects when nobody listens. */
  static async open(port) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  constructor(socket) {
    this.socket = socket;
    socket.on('error', () => {}); /* 'close' follows and fails the request */
  }

  /** @returns {Promise<Answer>} */
  request(path, { firstByte = false } = {}) {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      const parts = [];
      const finish = (settle, value) => {
        socket.off('data', read);
        socket.off('close', lost);
        socket.setTimeout(0);
        settle(value);
      };
      const lost = () => finish(reject, new Error(`GET ${path}: the connection broke off`));
      const read = (data) => {
        parts.push(data);
        const answer = parse(parts.length === 1 ? data : Buffer.concat(parts), firstByte);
        if (answer) {
          finish(resolve, { ...answer, ms: performance.now() - begin });
        }
      };
      socket.on('data', read);
      socket.on('close', lost);
      socket.setTimeout(ANSWER_MS, () => socket.destroy());
      const begin = performance.now();
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    });
  }

  close() {
    this.socket.destroy();
  }
}

/** The answer, or null while it is not whole. */
function parse(data, firstByte) {
  const end = data.indexOf(HEAD_END);
  if (end < 0) {
    return null;
  }
  const [line, ...fields] = data.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  }));
  const body = data.subarray(end + HEAD_END.length);
  const whole = firstByte ? body.length > 0 : isWhole(body, headers);
  return whole ? { status: Number(line.split(' ')[1]), headers, body: body.toString() } : null;
}

function isWhole(body, headers) {
  return headers['transfer-encoding'] === 'chunked'
    ? body.subarray(-5).toString('latin1') === '0\r\n\r\n'
    : body.length >= Number(headers['content-length']);
}

export async function get(port, path, options) {
  const connection = await Connection.open(port);
  try {
    return await connection.request(path, options);
  } finally {
    connection.close();
  }
}

/** The first answer of a server that may not listen yet. */
export async function firstAnswer(port, path, { server, timeoutMs = 20_000 }) {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await get(port, path);
    } catch (error) {
      if (server.ended() || performance.now() > end) {
        throw new Error(`${server.name} does not answer: ${error.message}\n${server.output()}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
