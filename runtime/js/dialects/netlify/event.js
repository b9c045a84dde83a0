'use strict';

/* Netlify functions of the first kind: handler(event, context, callback), as netlify dev calls
 * them, and what they answer. */

const { inspect } = require('node:util');
const querystring = require('node:querystring');
const { Readable } = require('node:stream');
const headerList = require('../header_list');
const { clientUrl } = require('./context');

const TEXT_TYPES = new Set([
  'application/csp-report', 'application/graphql', 'application/json', 'application/javascript',
  'application/x-www-form-urlencoded', 'application/x-ndjson', 'application/xml',
]);

function isBinary(contentType) {
  const type = (contentType ?? '').split(';')[0].toLowerCase();
  return !(type.startsWith('text/') || type.endsWith('+json') || type.endsWith('+xml') || TEXT_TYPES.has(type));
}

function ofAll(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

const asList = (value) => (Array.isArray(value) ? value : [value]);

function queryOf(path) {
  const at = path.indexOf('?');
  return at < 0 ? '' : path.slice(at + 1);
}

/* The client's own query where there is one, else that of the rewrite. */
function parameters(exchange) {
  const query = queryOf(exchange.originalPath) || queryOf(exchange.path);
  return ofAll({ ...querystring.parse(query) }, asList);
}

/* Headers as Node.js joins them, each in a list of one. */
function headersOf(exchange) {
  return ofAll(exchange.headers, asList);
}

/* What connectLambda() of @netlify/blobs takes. */
function blobsOf(context) {
  const { edgeURL: url, uncachedEdgeURL, token, primaryRegion } = JSON.parse(Buffer.from(context, 'base64').toString());
  const given = { primary_region: primaryRegion, url, url_uncached: uncachedEdgeURL, token };
  return { blobs: Buffer.from(JSON.stringify(given)).toString('base64') };
}

function makeEvent(exchange, bytes, route) {
  const many = headersOf(exchange);
  const query = parameters(exchange);
  const isBase64Encoded = isBinary(exchange.headers['content-type']);
  const hasBody = exchange.hasBody || exchange.headers['content-length'] !== undefined;
  return {
    path: exchange.originalPath.split('?')[0],
    httpMethod: exchange.method,
    queryStringParameters: ofAll(query, (values) => values.join(', ')),
    multiValueQueryStringParameters: query,
    headers: ofAll(many, (values) => values.join(', ')),
    multiValueHeaders: many,
    body: hasBody ? bytes.toString(isBase64Encoded ? 'base64' : 'utf8') : undefined,
    isBase64Encoded,
    rawUrl: clientUrl(exchange),
    rawQuery: queryOf(exchange.path),
    route,
    ...(process.env.NETLIFY_BLOBS_CONTEXT ? blobsOf(process.env.NETLIFY_BLOBS_CONTEXT) : {}),
  };
}

/* Identity */

function decodeToken(token) {
  try {
    const user = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));
    return typeof user === 'object' ? user : null;
  } catch {
    return null;
  }
}

function unsignedToken(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
}

/* A bearer token that is a JWT is taken for one of Netlify Identity; its signature is not checked
 * here, as in netlify dev. */
function clientContext(exchange) {
  const [scheme, token, ...rest] = (exchange.headers.authorization ?? '').split(' ');
  const user = scheme === 'Bearer' && token && rest.length === 0 ? decodeToken(token) : null;
  if (!user) {
    return {};
  }
  const identity = {
    url: `${exchange.scheme}://${exchange.host}/.netlify/identity`,
    token: unsignedToken({ source: 'mayfly' }),
  };
  const netlify = Buffer.from(JSON.stringify({ identity, user })).toString('base64');
  return { identity, user, custom: { netlify } };
}

/* Calling */

function makeContext(exchange, done, { isBackground }) {
  const deadline = exchange.deadlineMs;
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: exchange.settings.function_name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${process.env.AWS_REGION}:0:function:${exchange.settings.function_name}`,
    memoryLimitInMB: String(exchange.spec.memory_mb),
    awsRequestId: exchange.requestId,
    logGroupName: `/aws/lambda/${exchange.settings.function_name}`,
    logStreamName: exchange.requestId,
    identity: null,
    clientContext: isBackground ? {} : clientContext(exchange),
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done,
    fail: (error) => done(error),
    succeed: (result) => done(null, result),
  };
}

/* The first answer counts, whichever way it comes. */
function call(handler, event, exchange, options) {
  return new Promise((resolve, reject) => {
    const done = (error, result) => {
      if (error !== undefined && error !== null) {
        reject(error);
      } else {
        resolve(result);
      }
    };
    try {
      const context = makeContext(exchange, done, options);
      const returned = handler(event, context, done);
      if (typeof returned?.then === 'function') {
        returned.then(context.succeed, (error) => reject(error));
      } else if (returned) {
        resolve(null);
      }
    } catch (error) {
      reject(error);
    }
  });
}

/* Answering */

class InvalidResult extends Error {}

function validate(result) {
  if (result === undefined) {
    throw new InvalidResult('lambda response was undefined. check your function code again');
  }
  if (result === null) {
    throw new InvalidResult(
      'no lambda response. check your function code again. make sure to return a promise or use the callback.'
    );
  }
  const status = Number(result.statusCode);
  if (!status) {
    throw new InvalidResult(
      `Your function response must have a numerical statusCode. You gave: ${inspect(result.statusCode)}`
    );
  }
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new InvalidResult(`Invalid status code: ${inspect(result.statusCode)}`);
  }
  if (result.body && typeof result.body !== 'string' && !(result.body instanceof Readable)) {
    throw new InvalidResult(`Your function response must have a string or a stream body. You gave: ${inspect(result.body)}`);
  }
  return status;
}

function headersFrom({ headers, multiValueHeaders }) {
  const last = new Map();
  for (const [name, value] of [...Object.entries(headers ?? {}), ...Object.entries(multiValueHeaders ?? {})]) {
    last.set(name.toLowerCase(), asList(value));
  }
  const list = [];
  for (const [name, values] of last) {
    values.forEach((value) => headerList.append(list, name, value));
  }
  return list;
}

async function answer(exchange, result) {
  const status = validate(result);
  const headers = headersFrom(result);
  const { body } = result;
  if (!(body instanceof Readable)) {
    exchange.respond(status, headers, body && result.isBase64Encoded ? Buffer.from(body, 'base64') : body || null);
    return;
  }
  exchange.head(status, headers);
  for await (const chunk of body) {
    if (!exchange.write(chunk)) {
      await exchange.drained();
    }
  }
  exchange.end();
}

module.exports = { InvalidResult, answer, call, clientContext, makeContext, makeEvent };
