'use strict';

/* Integrations of REST APIs that are no proxies: parameters and a template make the request to a service, others its answer
 * the route's. settings.integration:
 *
 *   service, region, method, path  of the service ("{name}" in the path: a parameter); no service: MOCK
 *   action           instead of a path: an operation of the query protocol
 *   parameters       { "integration.request.header.X": "method.request.header.Y" }
 *   templates        { "application/json": "..." }
 *   passthrough      WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER
 *   responses        [{ pattern, status, parameters, templates }]; without a pattern: for all else
 *
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-integration-settings.html */

const { headerOf, jsonOf, responseOf } = require('./message');
const { fillPath, requestParameters, restValue } = require('./parameters');
const { Refusal } = require('./refusal');
const { render } = require('./template');

const DEFAULT_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const TO_RESPONSE = /^method\.response\.header\.(.+)$/s;

const mediaType = (field) => (field ?? DEFAULT_TYPE).split(';')[0].trim().toLowerCase();
const forMedia = (templates, type) => Object.entries(templates).find(([one]) => mediaType(one) === type)?.[1];

const failed = (reason) => new Refusal(500, 'Internal server error', reason);

/* The request to the service */

/* The template for the client's type, or undefined: the body passes as it is. */
function requestTemplate({ templates, passthrough }, { request }) {
  const type = mediaType(headerOf(request.params.header, 'content-type'));
  const template = forMedia(templates, type);
  const hasTemplates = Object.keys(templates).length > 0;
  if (template === undefined && (passthrough === 'NEVER' || (passthrough === 'WHEN_NO_TEMPLATES' && hasTemplates))) {
    throw new Refusal(415, 'Unsupported Media Type', `no mapping template is for ${type}`);
  }
  return template;
}

function mapRequest(integration, scope) {
  const template = requestTemplate(integration, scope);
  const mapped = requestParameters(integration, scope);
  const { request: { bytes }, context } = scope;
  context.requestOverride = { header: {}, querystring: {}, path: {} };
  const body = template === undefined ? bytes : render(template, scope, scope.request);
  const { requestOverride: over } = context;
  const parts = Object.keys(mapped).map((part) => [part, { ...mapped[part], ...over[part] }]);
  return { ...Object.fromEntries(parts), body };
}

function targetOf({ path = '', action }, request) {
  const query = Object.entries({ ...(action ? { Action: action } : {}), ...request.querystring })
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return `/${fillPath(path, request.path).replace(/^\/+/, '')}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

/* What a form says of itself, its address says too: a service reads one of them. */
function withAction(body, type, action) {
  const isForm = mediaType(type) === FORM && body.length > 0;
  return isForm && action && !/(^|&)Action=/.test(body) ? `Action=${action}&${body}` : body;
}

function serviceRequest(integration, scope) {
  const request = mapRequest(integration, scope);
  const { service, region, action } = integration;
  const client = scope.request.params.header;
  const type = headerOf(request.header, 'content-type') ?? headerOf(client, 'content-type') ?? DEFAULT_TYPE;
  const own = Object.entries(request.header).filter(([name]) => !/^(content-type|host|authorization)$/i.test(name));
  const headers = { Accept: DEFAULT_TYPE, 'Content-Type': type, ...Object.fromEntries(own) };
  const method = integration.method === 'ANY' || !integration.method ? scope.context.httpMethod : integration.method;
  return { service, region, method, path: targetOf(integration, request), headers, body: withAction(request.body, type, action) };
}

/* A MOCK's template says what came of it. */
function mockAnswer(integration, scope) {
  const { body } = mapRequest(integration, scope);
  const [, status] = /["']?statusCode["']?\s*:\s*["']?(\d{3})\b/.exec(body.toString()) ?? [];
  if (status === undefined) throw failed('the request template of this MOCK gives no {"statusCode": ...}');
  return { status: Number(status), headers: {}, bytes: Buffer.alloc(0) };
}

/* The answer */

/* Of a function its error's message, of all else the status. */
function selectionOf({ service }, { status, headers, bytes }) {
  const isError = service === 'lambda' && headers['x-amz-function-error'] !== undefined;
  return isError ? String(jsonOf(bytes.toString('utf8'))?.errorMessage ?? '') : String(status);
}

function isMatch(pattern, text) {
  try {
    return new RegExp(`^(?:${pattern})$`, 's').test(text);
  } catch {
    return false; /* of Java's expressions and none of ours */
  }
}

function chooseResponse(integration, answer) {
  const selection = selectionOf(integration, answer);
  const { responses } = integration;
  const chosen = responses.find(({ pattern }) => pattern && isMatch(pattern, selection)) ?? responses.find(({ pattern }) => !pattern);
  if (!chosen) throw failed(`no integration response is for "${selection}", and there is no default`);
  return chosen;
}

function responseHeaders({ parameters }, scope) {
  return Object.entries(parameters).flatMap(([to, from]) => {
    const [, name] = TO_RESPONSE.exec(to) ?? [];
    const value = name && restValue(from, scope);
    return value === undefined ? [] : [[name.toLowerCase(), value]];
  });
}

/* That for what the client accepts, else for JSON, else the first. */
function responseTemplate(templates, accept) {
  const types = [mediaType(accept), DEFAULT_TYPE, ...Object.keys(templates).map(mediaType)];
  const type = types.find((one) => forMedia(templates, one) !== undefined);
  return { type, template: type === undefined ? undefined : forMedia(templates, type) };
}

const statusOf = (said, fallback) => (Number.isInteger(Number(said)) && said >= 200 && said <= 599 ? Number(said) : fallback);

function mapResponse(integration, scope, answer) {
  const response = chooseResponse(integration, answer);
  const message = responseOf(answer);
  const { type = DEFAULT_TYPE, template } = responseTemplate(response.templates, headerOf(scope.request.params.header, 'accept'));
  const { context } = scope;
  context.responseOverride = { header: {}, ...context.responseOverride };
  const body = template ? render(template, scope, message) : message.bytes;
  const { header, status } = context.responseOverride;
  const over = Object.entries(header).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const headers = { 'content-type': type, ...Object.fromEntries([...responseHeaders(response, { ...scope, response: message }), ...over]) };
  return { status: statusOf(status, response.status), headers: Object.entries(headers).flat(), body };
}

async function run(integration, scope, call) {
  scope.context.responseOverride = { header: {} };
  const answer = integration.service ? await call(serviceRequest(integration, scope)) : mockAnswer(integration, scope);
  return mapResponse(integration, scope, answer);
}

module.exports = { run };
