'use strict';

/* E-mail: what a worker's email() gets when wrangler dev's URL for it is asked, and what the caller is answered:
 * developers.cloudflare.com/email-routing/email-workers/local-development. Nothing is sent: what is forwarded or replied
 * is told in the log. */

const { Readable } = require('node:stream');
const { randomUUID } = require('node:crypto');

/** Email Routing's: developers.cloudflare.com/email-routing/limits */
const MESSAGE_BYTES_MAX = 25 * 1024 * 1024;

const NOT_COMPLETE = 'Invalid email. Your request must include URL parameters specifying the `from` and `to` addresses, ' +
  'as well as an email in the body';
const TOO_LONG = 'Email message size is bigger than the production size limit of 25MiB.';
const NO_ID = 'Email could not be parsed: invalid or no message id provided';
const PROCESSED = 'Worker successfully processed email';

/** The fields before the first empty line, lines that are continued joined: RFC 5322, 2.2. */
function headersOf(raw) {
  const text = raw.toString('utf8');
  const end = text.search(/\r?\n\r?\n/);
  const headers = new Headers();
  for (const line of text.slice(0, end < 0 ? text.length : end).replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const [, name, value] = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line) ?? [];
    try {
      headers.append(name, value);
    } catch {
      /* No field, or none that Headers can have. */
    }
  }
  return headers;
}

const addressIn = (field) => /<([^<>]*)>/.exec(field ?? '')?.[1] ?? (field ?? '').trim();
const newId = () => `${randomUUID().replaceAll('-', '')}@example.com`; /* its form in production; there with the sender's domain */

/** What is written by itself is not replied to, nor are broken chains. */
function isReplyable(headers) {
  const automatic = ['x-auto-response-suppress', 'auto-submitted'].some((name) => !['none', 'no', undefined].includes(headers.get(name)?.toLowerCase()));
  return !automatic && headers.has('in-reply-to') === headers.has('references');
}

/** Throws what Email Routing would. */
function checkReply({ from }, reply, original) {
  const id = original.get('message-id');
  const faults = [
    [addressIn(reply.get('from')) !== from, 'From: header does not match mail from'],
    [!reply.has('message-id'), 'invalid message-id'],
    [reply.has('received'), 'invalid headers set'],
    [!reply.has('in-reply-to'), 'no In-Reply-To header found in reply message'],
    [reply.get('in-reply-to') !== id, 'In-Reply-To does not match original Message-ID'],
    [reply.has('references') && !reply.get('references').includes(id), 'provided References header is invalid'],
  ];
  const [, fault] = faults.find(([isWrong]) => isWrong) ?? [];
  if (fault) {
    throw new Error(fault);
  }
}

/** What email() gets: ForwardableEmailMessage. */
class Message {
  #raw;
  #told;

  constructor({ from, to, raw, headers }, told) {
    this.#raw = raw;
    this.#told = told;
    this.from = from;
    this.to = to;
    this.headers = headers;
    this.rawSize = raw.length;
    this.raw = Readable.toWeb(Readable.from([new Uint8Array(raw)], { objectMode: false }));
  }

  get canBeForwarded() {
    return true;
  }

  setReject(reason) {
    console.error(`email(): the message is rejected: ${reason}`);
    this.#told.rejectReason = String(reason);
    this.#tell('reject');
  }

  async forward(recipient, headers = new Headers()) {
    const fields = [...new Headers(headers)];
    console.log([`email(): the message is forwarded to ${recipient}`, ...fields.map(([name, value]) => `  ${name}: ${value}`)].join('\n'));
    const messageId = newId();
    this.#told.forwards.push({ recipient, headers: fields, messageId });
    this.#tell('forward', messageId);
    return { messageId };
  }

  async reply(message) {
    if (!isReplyable(this.headers)) {
      throw new Error('Original email is not replyable');
    }
    const raw = Buffer.from(await new Response(message.raw).arrayBuffer());
    checkReply(message, headersOf(raw), this.headers);
    console.log(`email(): the reply to ${message.to} is\n${raw}`);
    const messageId = newId();
    this.#told.replies.push({ messageId, sender: message.from, raw: raw.toString('utf8') });
    this.#tell('reply', messageId);
    return { messageId };
  }

  #tell(type, messageId) {
    this.#told.events.push({ type, timestamp: new Date().toISOString(), ...(messageId ? { messageId } : {}) });
  }
}

/**
 * @param {string|null} from the envelope's, as of SMTP
 * @param {string|null} to
 * @param {Buffer} raw
 * @returns {{ fault: string }|{ message: Message, told: object }} told: what the worker has done with it
 */
function makeMessage(from, to, raw) {
  if (!from || !to || raw.length === 0) {
    return { fault: NOT_COMPLETE };
  }
  if (raw.length > MESSAGE_BYTES_MAX) {
    return { fault: TOO_LONG };
  }
  const headers = headersOf(raw);
  if (!headers.get('message-id')) {
    return { fault: NO_ID };
  }
  const told = { rejectReason: undefined, forwards: [], replies: [], events: [] };
  return { message: new Message({ from, to, raw, headers }, told), told };
}

/** What the caller is answered. */
function summary(outcome, told) {
  if (outcome !== 'ok') {
    return [500, outcome];
  }
  return told.rejectReason === undefined ? [200, PROCESSED] : [400, `Worker rejected email with the following reason: ${told.rejectReason}`];
}

module.exports = { makeMessage, summary };
