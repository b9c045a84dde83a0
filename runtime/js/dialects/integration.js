'use strict';

/* The dialect of an API Gateway's routes that lead to a service of AWS with no function between: HTTP APIs' first-class
 * integrations (settings.integration.subtype), and REST APIs' of type AWS and MOCK, with their mapping templates; and of those that
 * lead to another server.
 *
 * What is evaluated here is the project's, of what a client sends: it happens where functions run, in a sandbox of its own, and
 * speaks with the AWS port as they do, by credentials of its name. Velocity, JSONPath and signatures are libraries of npm, a
 * module of its artifact (builder/bundle/integration_libraries.js). */

const { Forwarder } = require('./http_forward');
const { eventFromRequest } = require('./lambda/event');
const { addCors, answerPreflight } = require('./lambda/url');
const { Caller } = require('./integration/call');
const { Refusal } = require('./integration/refusal');
const { requestOf } = require('./integration/message');
const http = require('./integration/http_api');
const proxy = require('./integration/http_proxy');
const rest = require('./integration/rest_api');

async function load(spec, loadModule) {
  return { libraries: await loadModule(spec.endpoints[0].module), caller: null, forwarder: null };
}

function start(app) {
  app.caller = new Caller(app.libraries);
  app.forwarder = new Forwarder();
}

/* Both kinds of API look at a request as payload format 1.0 shows it. */
async function scopeOf(app, exchange) {
  const { settings } = exchange;
  const bytes = await exchange.readBody();
  const event = eventFromRequest(exchange, settings, bytes);
  return { libraries: app.libraries, ...requestOf(event, bytes, settings.route_key) };
}

function respond(exchange, { status, headers, body }) {
  const list = [...headers, 'x-amzn-requestid', exchange.requestId];
  exchange.respond(status, addCors(exchange, list), body);
}

function respondError(exchange, error) {
  const words = exchange.settings.api === 'http' ? 'Internal Server Error' : 'Internal server error';
  const { status, message } = error instanceof Refusal ? error : { status: 500, message: words };
  console.error(error instanceof Refusal ? error.reason : error);
  exchange.failed = status >= 500;
  respond(exchange, { status, headers: ['content-type', 'application/json'], body: JSON.stringify({ message }) });
}

async function answer(app, exchange) {
  const { api, integration } = exchange.settings;
  const scope = await scopeOf(app, exchange);
  if (integration.proxy) {
    await proxy.run(integration, scope, exchange, app.forwarder);
    return;
  }
  const { run } = api === 'http' ? http : rest;
  const call = (request) => app.caller.send(exchange, request);
  respond(exchange, await run(integration, scope, call));
}

async function handle(app, exchange) {
  if (answerPreflight(exchange)) return;
  try {
    await answer(app, exchange);
  } catch (error) {
    if (exchange.cancelled || exchange.started) exchange.fail('throw', error, { log: !exchange.cancelled });
    else respondError(exchange, error);
  }
}

module.exports = { load, start, handle };
