'use strict';
/* The standard's side of the runtime: Request out of an exchange, Response into it.
 *
 * web_headers.js, web_response.js and web_request.js hold the fast classes; undici's real ones stay
 * behind the same prototypes. */

const { isDisturbed } = require('node:stream');
const { reasonField } = require('./exchange_fields');
const headers = require('./web_headers');
const responses = require('./web_response');
const requests = require('./web_request');

const { RealResponse } = responses;
const { RealRequest } = requests;

/** Makes the global Request, Response, Headers and fetch the fast ones. Before any user code. */
function install() {
  headers.install();
  responses.install();
  requests.install();
}

const isResponse = (value) => value instanceof RealResponse;
const isRequest = (value) => value instanceof RealRequest;

/** Whether a Response certainly has no headers but its default type. */
const isPlain = (response) => responses.lightOf(response)?.isPlain === true;

/**
 * Answers with a Response. Resolves when the answer is complete; returns undefined when it is at once.
 * `instead`: Headers to send in the place of its own. `isPatient`: the head of a streamed answer waits one turn of the
 * loop for the stream's first bytes, so that one which fails at once fails the answer and does not break it off.
 */
function sendResponse(exchange, response, instead = null, isPatient = false) {
  const light = responses.lightOf(response);
  if (light === undefined) return sendReal(exchange, response, instead, isPatient);
  try {
    const wire = instead === null ? light.wire() : headers.wireOf(instead);
    exchange.respond(light.status, reasonField(light.status, light.statusText) + wire, light.takeSource());
  } catch (error) {
    exchange.fail('invalid', error);
  }
  return undefined;
}

function sendReal(exchange, response, instead, isPatient) {
  let body;
  let wire;
  try {
    if (!isResponse(response)) throw new TypeError('The handler returned no Response');
    const { status } = response;
    if (response.type === 'error' || status < 200) throw new TypeError('Response.error() is no answer');
    body = response.body;
    if (body && (body.locked || isDisturbed(body))) throw responses.unusable();
    wire = reasonField(status, response.statusText) + wireOf(instead ?? response.headers, body);
    if (body === null) {
      exchange.respond(status, wire, null);
      return undefined;
    }
    if (isPatient && exchange.method !== 'HEAD') return pumpPatiently(exchange, status, wire, body);
    exchange.head(status, wire);
    if (exchange.method === 'HEAD') {
      body.cancel().catch(() => {});
      exchange.end();
      return undefined;
    }
  } catch (error) {
    exchange.fail('invalid', error);
    return undefined;
  }
  return pump(exchange, body);
}

async function pumpPatiently(exchange, status, wire, body) {
  const reader = body.getReader();
  const first = reader.read();
  first.catch(() => {});
  try {
    await Promise.race([first, new Promise(setImmediate)]);
  } catch (error) {
    exchange.fail('throw', error);
    return undefined;
  }
  exchange.head(status, wire);
  return pump(exchange, body, reader, first);
}

/* Of a fetched response the body has been decompressed; what its headers say of it is not true any more. */
function wireOf(sent, body) {
  if (!body || !requests.isDecoded(body)) return headers.wireOf(sent);
  const kept = new Headers(sent);
  kept.delete('content-encoding');
  kept.delete('content-length');
  return headers.wireOf(kept);
}

/** Streams a ReadableStream as the rest of an answer, no faster than its client reads. */
async function pump(exchange, stream, reader = stream.getReader(), first = reader.read()) {
  let reading = first;
  exchange.onCancel(() => {
    reader.cancel(exchange.cancelReason).catch(() => {});
  });
  try {
    for (;;) {
      const { done, value } = await reading;
      if (done || exchange.cancelled) break;
      if (!(value instanceof Uint8Array) && typeof value !== 'string') {
        throw new TypeError('Received non-Uint8Array chunk');
      }
      if (!exchange.write(value)) await exchange.drained();
      reading = reader.read();
    }
    exchange.end();
  } catch (error) {
    exchange.fail('throw', error);
    reader.cancel(error).catch(() => {});
  }
}

module.exports = { install, requestOf: requests.requestOf, sendResponse, pump, isResponse, isRequest,
  isPlain, lightOf: responses.lightOf, jsonOf: responses.jsonOf, real: { Request: RealRequest, Response: RealResponse, Headers: headers.RealHeaders } };
