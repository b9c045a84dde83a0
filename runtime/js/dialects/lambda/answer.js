'use strict';

/* What every kind of Lambda runtime has in common at its HTTP side: events read with Lambda's
 * limits, results and errors answered as the Invoke API, function URLs and API Gateway do. */

const { logError } = require('./console');
const errors = require('./errors');
const { eventFromRequest } = require('./event');
const { answerErrorPayload, answerResult, canTell, open, refuse } = require('./invoke');
const { checkSize, fromResult, InvalidResponse, ResponseTooLarge } = require('./response');
const { addCors, answerPreflight, isAllowed } = require('./url');
const { InvalidHeader } = require('../header_list');

const REQUEST_MAX_BYTES = 6 * 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function answerJson(exchange, status, headers, value) {
  exchange.respond(status, ['content-type', 'application/json', ...headers], JSON.stringify(value));
}

/* Reading */

function refuseSize(exchange, bytes) {
  if (!exchange.settings.invoke) {
    answerJson(exchange, 413, [], { message: 'Request Too Long' });
    return;
  }
  const message =
    `${bytes} byte payload is too large for the RequestResponse invocation type ` +
    `(limit ${REQUEST_MAX_BYTES} bytes)`;
  refuse(exchange, 413, 'RequestTooLargeException', { message });
}

function parseEvent(exchange, bytes) {
  if (bytes.length === 0) {
    return {};
  }
  try {
    const event = JSON.parse(utf8.decode(bytes));
    exchange.local.payload = bytes; /* its numbers may be more exact than JavaScript's */
    return event;
  } catch (error) {
    exchange.failed = true;
    const message = `Could not parse request body into json: Could not parse payload into json: ${error.message}`;
    refuse(exchange, 400, 'InvalidRequestContentException', { message });
    return undefined;
  }
}

/* The event of a request, or undefined where it has been answered already. */
async function readEvent(exchange, arn) {
  const isOpen = exchange.settings.invoke ? open(exchange, arn) : !answerPreflight(exchange) && isAllowed(exchange);
  if (!isOpen) {
    return undefined;
  }
  const bytes = await exchange.readBody();
  if (bytes.length > REQUEST_MAX_BYTES) {
    refuseSize(exchange, bytes.length);
    return undefined;
  }
  return exchange.settings.invoke
    ? parseEvent(exchange, bytes)
    : eventFromRequest(exchange, exchange.settings, bytes);
}

/* Function URLs and API Gateway */

function answerHttp(exchange, json) {
  const { status, headers, body } = fromResult(json, exchange.settings);
  headers.push('x-amzn-requestid', exchange.requestId);
  exchange.respond(status, addCors(exchange, headers), body);
}

function kindOf(error) {
  return error instanceof InvalidResponse || error instanceof InvalidHeader ? 'invalid' : 'throw';
}

/* An API Gateway tells its client less than the log, and in its own words; for function URLs the
 * gateway answers. */
function failHttp(exchange, error, title, kind = kindOf(error)) {
  const { payload, api } = exchange.settings;
  if (!payload || exchange.started) {
    exchange.fail(kind, error);
    return;
  }
  logError(title, error, errors.toLogText(error));
  if (api === 'http') {
    answerJson(exchange, 500, [], { message: 'Internal Server Error' });
  } else {
    answerJson(exchange, 502, [], { message: 'Internal server error' });
  }
}

/* Either way: */

/* `json` is what the function returned, as text. */
function answer(exchange, json) {
  if (exchange.settings.invoke) {
    checkSize(json);
    answerResult(exchange, json);
  } else {
    answerHttp(exchange, json);
  }
}

function fail(exchange, error, { kind, title = 'Invoke Error', toPayload = errors.toPayload } = {}) {
  exchange.failed = true;
  if (canTell(exchange)) {
    logError(title, error, errors.toLogText(error));
    answerErrorPayload(exchange, error instanceof ResponseTooLarge ? error.payload : toPayload(error));
  } else {
    failHttp(exchange, error, title, kind);
  }
}

module.exports = { answer, answerErrorPayload, answerResult, fail, readEvent };
