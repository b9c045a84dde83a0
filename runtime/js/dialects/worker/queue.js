'use strict';

/* Queues of Workers, both ends: the binding that sends (env.QUEUE), and the batch that a queue() handler gets. What is
 * checked, and in which words, was measured with workerd. */

const origin = require('./origin');
const rpc = require('./rpc');
const words = require('./words');

const MESSAGE_MAX_BYTES = 128_000;
const BATCH_MAX_BYTES = 256_000;
const BATCH_MAX_MESSAGES = 100;
const DELAY_MAX_S = 86_400;
const INT_MIN = -2_147_483_648;
const INT_MAX = 2_147_483_647;
/* From this compatibility date on, messages are JSON if nothing is said; before, V8's own format. */
const JSON_SINCE = '2024-03-18';

/* Bodies to bytes and back, by content type */

function expectType(type, wanted, isRight, body) {
  if (!isRight) {
    throw new TypeError(`Content Type "${type}" requires a value of type ${wanted}, but received: ${typeof body}`);
  }
}

const TYPES = {
  text: {
    pack(body) {
      expectType('text', 'string', typeof body === 'string', body);
      return Buffer.from(body);
    },
    unpack: (bytes) => bytes.toString('utf8'),
  },
  bytes: {
    pack(body) {
      expectType('bytes', 'ArrayBufferView', ArrayBuffer.isView(body), body);
      return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    },
    unpack: (bytes) => Uint8Array.from(bytes).buffer,
  },
  json: {
    pack(body) {
      const text = JSON.stringify(body);
      if (text === undefined) {
        throw new TypeError(`Content Type "json" requires a value that has JSON, but received: ${typeof body}`);
      }
      return Buffer.from(text);
    },
    unpack: (bytes) => JSON.parse(bytes.toString('utf8')),
  },
  v8: {
    pack: rpc.packCopy, /* a promise, if it has blobs */
    unpack: rpc.unpackCopy,
  },
};

function typeNamed(name, otherwise) {
  const type = name === undefined ? otherwise : String(name).toLowerCase();
  if (!Object.hasOwn(TYPES, type)) {
    throw new TypeError(`Unsupported queue message content type: ${name}`);
  }
  return type;
}

/* Sending */

/* An integer of 32 bits as WebIDL's conversion makes it. */
function secondsOf(value) {
  if (value === undefined) {
    return undefined;
  }
  const number = +value;
  const seconds = Number.isFinite(number) ? Math.trunc(number) || 0 : 0;
  if (seconds < INT_MIN || seconds > INT_MAX) {
    throw new TypeError(`Value out of range. Must be between ${INT_MIN} and ${INT_MAX} (inclusive).`);
  }
  return seconds;
}

function pack({ body, contentType, delaySeconds }, otherwise) {
  if (body === undefined) {
    throw new TypeError('Message body cannot be undefined');
  }
  const type = typeNamed(contentType, otherwise);
  return { contentType: type, bytes: TYPES[type].pack(body), delaySeconds: secondsOf(delaySeconds) };
}

function checkOptions(value, method, type) {
  if (value !== undefined && value !== null && typeof value !== 'object') {
    throw words.wrongArgument(method, 'WorkerQueue', 2, type);
  }
  return value ?? {};
}

function checkDelay(delay) {
  if (delay !== undefined && (delay < 0 || delay > DELAY_MAX_S)) {
    return `message delay ${delay} is invalid: it must be from 0 to ${DELAY_MAX_S} seconds`;
  }
  return null;
}

/* What is too large, or null. */
function sizeFault(messages, isBatch) {
  const largest = Math.max(...messages.map(({ bytes }) => bytes.length));
  const total = messages.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (!isBatch) {
    return largest > MESSAGE_MAX_BYTES
      ? `message length of ${largest} bytes exceeds limit of ${MESSAGE_MAX_BYTES}`
      : null;
  }
  if (messages.length > BATCH_MAX_MESSAGES) {
    return `batch message count of ${messages.length} exceeds limit of ${BATCH_MAX_MESSAGES}`;
  }
  if (largest > MESSAGE_MAX_BYTES) {
    return `message in batch has length ${largest} bytes which exceeds single message size limit of ${MESSAGE_MAX_BYTES}`;
  }
  return total > BATCH_MAX_BYTES ? `batch size of ${total} bytes exceeds limit of ${BATCH_MAX_BYTES}` : null;
}

/* As control tells it: the time is in milliseconds. */
function metricsOf({ backlogCount = 0, backlogBytes = 0, oldestMessageTimestamp: oldest } = {}) {
  return { backlogCount, backlogBytes, ...(oldest ? { oldestMessageTimestamp: new Date(oldest) } : {}) };
}

class WorkerQueue {
  #name;
  #defaultType;

  constructor(name, defaultType) {
    this.#name = name;
    this.#defaultType = defaultType;
  }

  static #check(value) {
    if (!(#name in Object(value))) {
      throw new TypeError(words.ILLEGAL);
    }
  }

  async metrics() {
    WorkerQueue.#check(this);
    const { metrics } = await this.#ask('metrics', '/metrics', {});
    return { oldestMessageTimestamp: undefined, ...metricsOf(metrics) };
  }

  async send(body, options) {
    WorkerQueue.#check(this);
    if (arguments.length === 0) {
      throw words.wrongArgument('send', 'WorkerQueue', 1, 'Value');
    }
    const said = checkOptions(options, 'send', 'SendOptions');
    return this.#deliver('send', [pack({ ...said, body }, this.#defaultType)], false);
  }

  async sendBatch(messages, options) {
    WorkerQueue.#check(this);
    if (typeof messages !== 'object' || typeof messages?.[Symbol.iterator] !== 'function') {
      throw words.wrongArgument('sendBatch', 'WorkerQueue', 1, 'Sequence');
    }
    const { delaySeconds } = checkOptions(options, 'sendBatch', 'SendBatchOptions');
    const packed = Array.from(messages, (message) => {
      if (typeof message !== 'object' || message === null) {
        throw new TypeError("Incorrect type: the provided value is not of type 'MessageSendRequest'.");
      }
      const { body, contentType, delaySeconds: own = delaySeconds } = message;
      return pack({ body, contentType, delaySeconds: own }, this.#defaultType);
    });
    if (packed.length === 0) {
      throw new TypeError('sendBatch() requires at least one message');
    }
    return this.#deliver('sendBatch', packed, true);
  }

  async #deliver(method, packed, isBatch) {
    const messages = await Promise.all(packed.map(async ({ bytes, ...rest }) => ({ ...rest, bytes: await bytes })));
    const delayFault = messages.map(({ delaySeconds }) => checkDelay(delaySeconds)).find(Boolean);
    const fault = sizeFault(messages, isBatch) ?? delayFault;
    if (fault) {
      throw new Error(`Queue ${method} failed: ${fault}`);
    }
    const answer = await this.#ask(method, '', {
      messages: messages.map(({ bytes, ...message }) => ({ ...message, body: bytes.toString('base64') })),
    });
    return { metadata: { metrics: metricsOf(answer.metrics) } };
  }

  async #ask(method, path, value) {
    const answer = await origin.askControl(`/queues/${encodeURIComponent(this.#name)}${path}`, value);
    if (answer.error !== undefined) {
      throw new Error(`Queue ${method} failed: ${answer.error}`);
    }
    return answer;
  }

  get [Symbol.toStringTag]() {
    return 'WorkerQueue';
  }
}

function defaultTypeOf({ compatibility_date: date, compatibility_flags: flags = [] } = {}) {
  if (flags.includes('no_queues_json_messages')) {
    return 'v8';
  }
  return !date || date >= JSON_SINCE || flags.includes('queues_json_messages') ? 'json' : 'v8';
}

/* The binding of a producer; `settings` are the function's. */
function makeQueue(binding, settings) {
  return new WorkerQueue(binding.queue, defaultTypeOf(settings));
}

/* Receiving: what the handler decides about its messages is noted here, for the answer to control. */

class Decisions {
  ackAll = false;
  retryBatch = { retry: false };
  #acks = new Set();
  #retries = new Map();

  ack(id) {
    if (this.ackAll) {
      return;
    }
    if (this.retryBatch.retry) {
      ignored(`ack() on message ${id}`, 'retryAll()', 'ack() on a message');
    } else if (this.#retries.has(id)) {
      ignored(`ack() on message ${id}`, 'retry()', 'ack() on a message');
    } else {
      this.#acks.add(id);
    }
  }

  /* After retryAll() too: the delay of one message goes before that of all. */
  retry(id, delaySeconds) {
    if (this.ackAll) {
      ignored(`retry() on message ${id}`, 'ackAll()', 'retry() on a message');
    } else if (this.#acks.has(id)) {
      ignored(`retry() on message ${id}`, 'ack()', 'retry() on a message');
    } else {
      this.#retries.set(id, delaySeconds);
    }
  }

  acknowledgeAll() {
    if (this.retryBatch.retry) {
      ignored('ackAll()', 'retryAll()', 'ackAll()');
    } else {
      this.ackAll = true;
    }
  }

  retryAll(delaySeconds) {
    if (this.ackAll) {
      ignored('retryAll()', 'ackAll()', 'retryAll()');
    } else {
      this.retryBatch = withDelay({ retry: true }, delaySeconds ?? this.retryBatch.delaySeconds);
    }
  }

  toJSON() {
    return {
      ackAll: this.ackAll,
      retryBatch: this.retryBatch,
      explicitAcks: [...this.#acks],
      retryMessages: Array.from(this.#retries, ([msgId, delay]) => withDelay({ msgId }, delay)),
    };
  }
}

function withDelay(object, delaySeconds) {
  return delaySeconds === undefined ? object : { ...object, delaySeconds };
}

/* The first call wins; the later one is told, for it is a mistake. */
function ignored(call, before, again) {
  console.warn(
    `Received a call to ${call} after ${before} was already called. ` +
      `Calling ${again} after calling ${before} has no effect.`,
  );
}

function delayOf(options, method, owner) {
  if (options !== undefined && options !== null && typeof options !== 'object') {
    throw words.wrongArgument(method, owner, 1, 'QueueRetryOptions');
  }
  return secondsOf(options?.delaySeconds);
}

function readOnly(object, members) {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true });
  }
}

class QueueMessage {
  #decisions;

  constructor({ id, timestamp, attempts, contentType, body }, decisions) {
    this.#decisions = decisions;
    readOnly(this, {
      attempts,
      body: TYPES[typeNamed(contentType, 'v8')].unpack(Buffer.from(body, 'base64')),
      timestamp: new Date(timestamp),
      id,
    });
  }

  ack() {
    this.#decisions.ack(this.id);
  }

  retry(options) {
    this.#decisions.retry(this.id, delayOf(options, 'retry', 'QueueMessage'));
  }

  get [Symbol.toStringTag]() {
    return 'QueueMessage';
  }
}

class QueueController {
  #decisions;

  constructor({ queue, metadata }, messages, decisions) {
    this.#decisions = decisions;
    readOnly(this, { metadata: { metrics: metricsOf(metadata?.metrics) }, queue, messages });
  }

  ackAll() {
    this.#decisions.acknowledgeAll();
  }

  retryAll(options) {
    this.#decisions.retryAll(delayOf(options, 'retryAll', 'QueueController'));
  }

  get [Symbol.toStringTag]() {
    return 'QueueController';
  }
}

/* A batch as control sends it. */
function makeBatch(sent) {
  const decisions = new Decisions();
  const messages = sent.messages.map((message) => new QueueMessage(message, decisions));
  return { batch: new QueueController(sent, messages, decisions), decisions };
}

module.exports = { makeBatch, makeQueue };
