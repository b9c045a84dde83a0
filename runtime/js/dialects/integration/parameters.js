'use strict';

/* Parameter mapping: where the value of a parameter comes from.
 *
 * REST APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
 * HTTP APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services.html */

const { asText, headerOf, own, select } = require('./message');
const { Refusal } = require('./refusal');

const MESSAGE = /^(?:method\.)?(request|integration\.response)\.(\w+)(?:\.(.+))?$/s;
const VARIABLE = /^(context|stageVariables)\.(.+)$/s;

/* Several values of a name: HTTP APIs join them, REST APIs where they are asked for as several. */
const PARTS = {
  path: ({ params }, name) => own(params.path, name),
  querystring: ({ params, many }, name, joins) => (joins ? own(many.querystring, name)?.join(',') : own(params.querystring, name)),
  header: ({ params, many }, name, joins) => (joins ? headerOf(many.header, name)?.join(',') : headerOf(params.header, name)),
  multivaluequerystring: ({ many }, name) => own(many.querystring, name)?.join(','),
  multivalueheader: ({ many }, name) => headerOf(many.header, name)?.join(','),
};

function valueIn(message, part, name, { libraries, joins }) {
  if (part === 'body') {
    return name === undefined ? message.text : asText(select(libraries, message.text, `$.${name}`));
  }
  return name === undefined || !Object.hasOwn(PARTS, part) ? undefined : PARTS[part](message, name, joins);
}

function variable(scope, root, path) {
  const value = path.split('.').reduce((at, name) => (typeof at === 'object' && at ? own(at, name) : undefined), scope[root]);
  return asText(value);
}

/* `request.body.id`, `context.requestId`: text, or undefined where there is nothing. */
function find(reference, scope) {
  const [, whose, part, name] = MESSAGE.exec(reference) ?? [];
  if (whose) {
    const message = whose === 'request' ? scope.request : scope.response;
    return message && valueIn(message, part, name, scope);
  }
  const [, root, path] = VARIABLE.exec(reference) ?? [];
  return root && variable(scope, root, path);
}

/** Of a REST API: a reference, or a constant in single quotes. */
function restValue(said, scope) {
  return /^'.*'$/s.test(said) ? said.slice(1, -1) : find(said, scope);
}

const WHOLE = /^\$(?:request|context|stageVariables)(?:\.[\w.[\]-]+)?$/;
const WITHIN = /\$\{((?:request|context|stageVariables)\.[^}]+)\}|\$((?:request|context|stageVariables)(?:\.[\w[\]-]+)+)/g;

/** Of an HTTP API: `$request.body`, or a text, which may have such in it, also as `${request.body.id}`. */
function httpValue(said, scope) {
  const joining = { ...scope, joins: true };
  return WHOLE.test(said)
    ? find(said.slice(1), joining)
    : said.replace(WITHIN, (_, braced, bare) => find(braced ?? bare, joining) ?? '');
}

const TO_REQUEST = /^integration\.request\.(header|querystring|path)\.(.+)$/s;

/* { header, querystring, path }, each by name. */
function requestParameters({ parameters }, scope) {
  const all = { header: {}, querystring: {}, path: {} };
  for (const [to, from] of Object.entries(parameters)) {
    const [, part, name] = TO_REQUEST.exec(to) ?? [];
    const value = part && restValue(from, scope);
    if (value !== undefined) all[part][name] = value;
  }
  return all;
}

/* A client's value leads to what lies below, and not beside: another bucket, say. */
function encodePath(text) {
  const parts = String(text).split('/');
  if (parts.includes('..') || parts.includes('.')) {
    throw new Refusal(400, 'Bad Request', `"${text}" would leave the path of the integration`);
  }
  return parts.map(encodeURIComponent).join('/');
}

/** A path with "{name}" in it, by these values. */
const fillPath = (path, values) => path.replace(/\{([^}+]+)\+?\}/g, (_, name) => encodePath(own(values, name) ?? ''));

module.exports = { fillPath, httpValue, requestParameters, restValue };
