'use strict';

/* What every kind of Lambda runtime has in common at its HTTP side: events read with Lambda's
 * limits, results and errors answered as the Invoke API, function URLs and API Gateway do. */

const errors = require('./lambda_errors');
const { eventFromRequest } = require('./lambda_event');
const { checkSize, fromResult, InvalidResponse } = require('./lambda_response');
const { InvalidHeader } = require('./header_list');

const REQUEST_MAX_BYTES = 6 * 1024 * 1024;

function answerJson(exchange, status, headers, value) {
  exchange.respond(status, ['content-type', 'application/json', ...headers], JSON.stringify(value));
}

/* Reading */

function refuse(exchange, status, type, message) {
  answerJson(exchange, status, ['x-amzn-errortype', type], { Type: 'User', message });
}

function refuseSize(exchange, bytes) {
  if (!exchange.settings.invoke) {
    answerJson(exchange, 413, [], { message: 'Request Too Long' });
    return;
  }
  const message =
    `${bytes} byte payload is too large for the RequestResponse invocation type ` +
    `(limit ${REQUEST_MAX_BYTES} bytes)`;
  refuse(exchange, 413, 'RequestTooLargeException', message);
}

function parseEvent(exchange, bytes) {
  if (bytes.length === 0) {
    return {};
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const message = `Could not parse request body into json: ${error.message}`;
    refuse(exchange, 400, 'InvalidRequestContentException', message);
    return undefined;
  }
}

/* The event of a request, or undefined where it has been refused. */
async function readEvent(exchange) {
  const bytes = await exchange.readBody();
  if (bytes.length > REQUEST_MAX_BYTES) {
    refuseSize(exchange, bytes.length);
    return undefined;
  }
  return exchange.settings.invoke
    ? parseEvent(exchange, bytes)
    : eventFromRequest(exchange, exchange.settings, bytes);
}

/* The Invoke API: the status says nothing of the function */

function answerResult(exchange, body) {
  const headers = ['content-type', 'application/json', 'x-amz-executed-version', '$LATEST'];
  exchange.respond(200, headers, body);
}

function answerErrorPayload(exchange, payload) {
  const headers = ['x-amz-function-error', 'Unhandled', 'x-amz-executed-version', '$LATEST'];
  answerJson(exchange, 200, headers, payload);
}

function answerFunctionError(exchange, error) {
  console.error('Invoke Error', errors.toLogText(error));
  answerErrorPayload(exchange, errors.toPayload(error));
}

/* Function URLs and API Gateway */

function answerHttp(exchange, json) {
  const { status, headers, body } = fromResult(json, exchange.settings.payload);
  headers.push('x-amzn-requestid', exchange.requestId);
  exchange.respond(status, headers, body);
}

function kindOf(error) {
  return error instanceof InvalidResponse || error instanceof InvalidHeader ? 'invalid' : 'throw';
}

/* An API Gateway tells its client less than the log, and in its own words; for function URLs the
 * gateway answers. */
function failHttp(exchange, error, kind = kindOf(error)) {
  const { payload, api } = exchange.settings;
  if (!payload || exchange.started) {
    exchange.fail(kind, error);
    return;
  }
  console.error('Invoke Error', errors.toLogText(error));
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

function fail(exchange, error, kind) {
  if (exchange.settings.invoke && !exchange.started) {
    answerFunctionError(exchange, error);
  } else {
    failHttp(exchange, error, kind);
  }
}

function exitText(requestId, code, signal) {
  const how = signal ? `signal: ${signal}` : `exit status ${code}`;
  const reason = code === 0 && !signal
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: ${how}`;
  return `RequestId: ${requestId} Error: ${reason}`;
}

module.exports = { answer, answerErrorPayload, answerResult, exitText, fail, readEvent };
