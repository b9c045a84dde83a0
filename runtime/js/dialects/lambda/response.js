'use strict';

/* What a Lambda function answered, as HTTP: function URLs and API Gateway. */

const headerList = require('../header_list');

/* The Invoke API's own limit: six MiB and a bit for the envelope. */
const RESPONSE_MAX_BYTES = 6291556;
const NULL_BODY_STATUS = new Set([101, 204, 205, 304]);

class InvalidResponse extends Error {}

class ResponseTooLarge extends Error {
  constructor() {
    super(
      `Response payload size exceeded maximum allowed payload size (${RESPONSE_MAX_BYTES} bytes).`
    );
  }

  /* Lambda finds it out, not the runtime: there is no trace. */
  get payload() {
    return { errorType: this.name, errorMessage: this.message };
  }
}
ResponseTooLarge.prototype.name = 'Function.ResponseSizeTooLarge';

/** A handler's result. The runtimes of Node.js up to 22 and from 24 on differ in the error of what has no JSON. */
function serialize(result, StringifyError = Error) {
  let json;
  try {
    json = JSON.stringify(result === undefined ? null : result);
  } catch {
    throw new StringifyError('Unable to stringify response body');
  }
  if (json === undefined) {
    /* Functions and symbols have no JSON. */
    throw new TypeError('Wrong arguments');
  }
  return json;
}

function checkSize(json) {
  if (json.length > RESPONSE_MAX_BYTES || Buffer.byteLength(json) > RESPONSE_MAX_BYTES) {
    throw new ResponseTooLarge();
  }
}

function toStatus(value) {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new InvalidResponse(`The function's statusCode is not valid: ${JSON.stringify(value)}`);
  }
  return status;
}

function isScalar(value) {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function appendHeaders(list, headers) {
  if (headers === undefined || headers === null) {
    return;
  }
  if (typeof headers !== 'object' || Array.isArray(headers)) {
    throw new InvalidResponse('The headers of the function\'s response are not an object');
  }
  for (const [name, value] of Object.entries(headers)) {
    if (isScalar(value)) {
      headerList.append(list, name, value);
    } else if (value !== null && value !== undefined) {
      throw new InvalidResponse(`The header ${name} of the function's response is not a string`);
    }
  }
}

function appendMultiHeaders(list, headers) {
  for (const [name, values] of Object.entries(headers ?? {})) {
    if (!Array.isArray(values)) {
      throw new InvalidResponse(`multiValueHeaders: ${name} is not an array`);
    }
    for (const value of values) {
      headerList.append(list, name, value);
    }
  }
}

function appendCookies(list, cookies) {
  if (cookies === undefined || cookies === null) {
    return;
  }
  if (!Array.isArray(cookies)) {
    throw new InvalidResponse('The cookies of the function\'s response are not an array');
  }
  for (const cookie of cookies) {
    headerList.append(list, 'set-cookie', cookie);
  }
}

/* Where a name is in both, multiValueHeaders has all its values. */
function withoutRepeated(headers, multiValueHeaders) {
  const repeated = new Set(Object.keys(multiValueHeaders ?? {}).map((name) => name.toLowerCase()));
  return Object.fromEntries(
    Object.entries(headers ?? {}).filter(([name]) => !repeated.has(name.toLowerCase()))
  );
}

/* The head of an answer that says its statusCode, as a list of headers. Only format 1.0 has
 * multiValueHeaders. */
function headOf(response, defaultType, payload) {
  const headers = [];
  if (response.multiValueHeaders && payload === '1.0') {
    appendHeaders(headers, withoutRepeated(response.headers, response.multiValueHeaders));
    appendMultiHeaders(headers, response.multiValueHeaders);
  } else {
    appendHeaders(headers, response.headers);
  }
  appendCookies(headers, response.cookies);
  if (defaultType && !headerList.has(headers, 'content-type')) {
    headers.push('content-type', defaultType);
  }
  return headers;
}

function bodyOf(response) {
  const { body } = response;
  if (body === undefined || body === null) {
    return null;
  }
  if (typeof body !== 'string') {
    return JSON.stringify(body);
  }
  return response.isBase64Encoded ? Buffer.from(body, 'base64') : body;
}

function structured(response, { payload, api }) {
  const status = toStatus(response.statusCode);
  return {
    status,
    headers: headOf(response, api === 'http' ? 'text/plain;charset=UTF-8' : 'application/json', payload),
    body: NULL_BODY_STATUS.has(status) ? null : bodyOf(response),
  };
}

/* Format 2.0: what has no statusCode is the body itself. */
function fromPayload2(value, json, settings) {
  if (value !== null && typeof value === 'object' && 'statusCode' in value) {
    return structured(value, settings);
  }
  return {
    status: 200,
    headers: ['content-type', 'application/json'],
    body: typeof value === 'string' ? value : json,
  };
}

/* Format 1.0: only the structured form is an answer. */
function fromPayload1(value, settings) {
  if (value === null || typeof value !== 'object' || !('statusCode' in value)) {
    throw new InvalidResponse('Malformed Lambda proxy response');
  }
  return structured(value, settings);
}

/* A URL that streams passes on what it gets, whatever that means. */
function fromStreamedResult(json) {
  return { status: 200, headers: ['content-type', 'application/json'], body: json };
}

/* Throws InvalidResponse, ResponseTooLarge or headerList.InvalidHeader. */
function fromResult(json, settings) {
  checkSize(json);
  if (settings.invoke_mode === 'RESPONSE_STREAM') {
    return fromStreamedResult(json);
  }
  const value = JSON.parse(json);
  return settings.payload === '1.0' ? fromPayload1(value, settings) : fromPayload2(value, json, settings);
}

module.exports = {
  InvalidResponse,
  RESPONSE_MAX_BYTES,
  ResponseTooLarge,
  checkSize,
  fromResult,
  headOf,
  serialize,
  toStatus,
};
