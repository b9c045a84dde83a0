'use strict';

/* Lambda's Invoke API at its HTTP side: whom a request means, and how a result is told. With
 * InvokeWithResponseStream it is told as a stream of events, else in one piece. The status says
 * nothing of the function. */

const consoles = require('../../console');
const { CONTENT_TYPE, encodeEvent } = require('../event_stream');
const { traceOf } = require('./context');
const { LogTail } = require('./tail');

/* Enough to be there before the gateway is. */
const TOLD_EARLY_MS = 20;

const LATEST = '$LATEST';
const STREAM_PATH = /^\/2021-11-15\//;
const TYPES = ['Event', 'RequestResponse', 'DryRun'];
const TYPES_OF_STREAM = ['RequestResponse', 'DryRun'];
const LOG_TYPES = ['None', 'Tail'];

function refuse(exchange, status, type, fields) {
  const headers = [
    'content-type', 'application/json', 'x-amzn-errortype', type, 'x-amzn-requestid', exchange.requestId,
  ];
  exchange.respond(status, headers, JSON.stringify({ Type: 'User', ...fields }));
}

/* The version or alias that is asked for: after the function's name in the path, which may be an ARN
 * or a part of one, or in the query. */
function qualifierOf(exchange) {
  const [path, query = ''] = exchange.path.split('?');
  const named = decodeURIComponent(path.split('/')[3] ?? '').replace(/^.*function:/, '');
  return new URLSearchParams(query).get('Qualifier') ?? named.split(':')[1] ?? null;
}

/* Aliases by their versions: nothing is published here but what the project's files say. */
function versionOf(exchange, qualifier) {
  const aliases = exchange.settings.aliases ?? {};
  if (qualifier === null || qualifier === LATEST) {
    return LATEST;
  }
  return Object.hasOwn(aliases, qualifier) ? aliases[qualifier] : undefined;
}

function isOneOf(exchange, member, value, known) {
  if (known.includes(value)) {
    return true;
  }
  refuse(exchange, 400, 'ValidationException', {
    message: `1 validation error detected: Value '${value}' at '${member}' failed to satisfy ` +
      `constraint: Member must satisfy enum value set: [${known.join(', ')}]`,
  });
  return false;
}

/* Keeps in exchange.local what this invocation is. Returns false where it has been answered. */
function open(exchange, arn) {
  const isStream = STREAM_PATH.test(exchange.path);
  const type = exchange.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const qualifier = qualifierOf(exchange);
  const version = versionOf(exchange, qualifier);
  if (version === undefined) {
    refuse(exchange, 404, 'ResourceNotFoundException', { Message: `Function not found: ${arn}:${qualifier}` });
    return false;
  }
  const log = exchange.headers['x-amz-log-type'] ?? 'None';
  if (!isOneOf(exchange, 'invocationType', type, isStream ? TYPES_OF_STREAM : TYPES) || !isOneOf(exchange, 'logType', log, LOG_TYPES)) {
    return false;
  }
  if (type === 'DryRun') {
    exchange.respond(204, ['x-amzn-requestid', exchange.requestId], null);
    return false;
  }
  const initMs = exchange.local?.initMs ?? 0;
  exchange.local = { arn: qualifier === null ? arn : `${arn}:${qualifier}`, version, isStream, initMs, tail: null, payload: null };
  if (log === 'Tail') {
    exchange.local.tail = new LogTail(exchange);
  }
  return true;
}

function commonHeaders(exchange) {
  const trace = traceOf(exchange);
  return [
    'x-amz-executed-version', exchange.local?.version ?? LATEST, 'x-amzn-requestid', exchange.requestId,
    ...(trace ? ['x-amzn-trace-id', trace] : []),
  ];
}

/* Telling */

function lastEvent(exchange, error) {
  const tail = exchange.local.tail;
  const event = {
    ...(error ? { ErrorCode: 'Unhandled', ErrorDetails: JSON.stringify(error) } : {}),
    ...(tail ? { LogResult: tail.finish() } : {}),
  };
  return encodeEvent('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(event)));
}

function chunkEvent(bytes) {
  return encodeEvent('PayloadChunk', 'application/octet-stream', Buffer.from(bytes));
}

function beginStream(exchange) {
  if (!exchange.started) {
    exchange.head(200, ['content-type', CONTENT_TYPE, ...commonHeaders(exchange)]);
  }
}

/* Where the bytes of a streaming handler go, as the sinks of stream.js. */
class EventSink {
  #exchange;

  constructor(exchange) {
    this.#exchange = exchange;
  }

  begin() {
    beginStream(this.#exchange);
  }

  write(chunk) {
    return this.#exchange.write(chunkEvent(chunk)) ? undefined : this.#exchange.drained();
  }

  end() {
    this.#exchange.write(lastEvent(this.#exchange));
    this.#exchange.end();
  }
}

function respond(exchange, headers, body) {
  const tail = exchange.local?.tail;
  const log = tail ? ['x-amz-log-result', tail.finish()] : [];
  exchange.respond(200, ['content-type', 'application/json', ...headers, ...commonHeaders(exchange), ...log], body);
}

/* body: JSON, as text or bytes. */
function answerResult(exchange, body) {
  if (!exchange.local?.isStream) {
    respond(exchange, [], body);
    return;
  }
  beginStream(exchange);
  exchange.write(chunkEvent(body));
  exchange.write(lastEvent(exchange));
  exchange.end();
}

/* A stream that has begun can still say that it failed. */
function answerErrorPayload(exchange, payload) {
  if (exchange.answered) {
    return;
  }
  if (!exchange.local?.isStream) {
    respond(exchange, ['x-amz-function-error', 'Unhandled'], JSON.stringify(payload));
    return;
  }
  beginStream(exchange);
  exchange.write(lastEvent(exchange, payload));
  exchange.end();
}

/* What runs out of time is ended by the gateway, which speaks neither events nor of logs: who asked for
 * those is told just before. Returns a function that gives the watch up. */
function watchTime(exchange) {
  const isWanted = exchange.local?.isStream || exchange.local?.tail;
  if (!isWanted || !Number.isFinite(exchange.deadlineMs)) {
    return () => {};
  }
  const timer = setTimeout(() => {
    const text = `Task timed out after ${(exchange.spec.timeout_ms / 1000).toFixed(2)} seconds`;
    consoles.print(consoles.ERROR, text);
    exchange.onOutput?.(`${new Date().toISOString()} ${exchange.requestId} ${text}\n`);
    answerErrorPayload(exchange, {
      errorType: 'Sandbox.Timedout', errorMessage: `RequestId: ${exchange.requestId} Error: ${text}`,
    });
    process.exit(1);
  }, exchange.deadlineMs - Date.now() - TOLD_EARLY_MS);
  timer.unref();
  return () => clearTimeout(timer);
}

/* Whether a failure can still be told. */
function canTell(exchange) {
  return Boolean(exchange.settings.invoke) && (!exchange.started || Boolean(exchange.local?.isStream));
}

module.exports = { EventSink, answerErrorPayload, answerResult, canTell, open, refuse, watchTime };
