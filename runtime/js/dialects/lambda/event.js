'use strict';

/* A request as the event a Lambda function gets from a function URL or an API Gateway. */

const { createHash } = require('node:crypto');
const { nameInRest } = require('./header_names');
const { signerOf } = require('./url');

const ACCOUNT = '000000000000';
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const TEXT_TYPE =
  /^(?:text\/|application\/(?:json|javascript|xml|graphql)\b|[^;]*\+(?:json|xml)\b)/i;

function isText(contentType) {
  return TEXT_TYPE.test(contentType.trim());
}

/* Types as an API is told of them: the subtype may be a star, and so may the whole. */
function isBinary(contentType, types) {
  const [type, kind] = [contentType.split(';')[0].trim().toLowerCase(), contentType.split('/')[0].trim().toLowerCase()];
  return types.some((wanted) => wanted === '*/*' || wanted === type || wanted === `${kind}/*`);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/* Text travels as it is, anything else, and text that is no UTF-8, in base64. A REST API takes
 * everything for text but what it has been told is binary. */
function encodeBody(buffer, contentType, settings) {
  if (buffer.length === 0) {
    return { isBase64Encoded: false };
  }
  if (settings.api === 'rest') {
    return isBinary(contentType ?? '', settings.binary_types ?? [])
      ? { body: buffer.toString('base64'), isBase64Encoded: true }
      : { body: buffer.toString('utf8'), isBase64Encoded: false };
  }
  if (isText(contentType ?? '')) {
    try {
      return { body: utf8.decode(buffer), isBase64Encoded: false };
    } catch {
      /* Not UTF-8 after all. */
    }
  }
  return { body: buffer.toString('base64'), isBase64Encoded: true };
}

/* "12/Mar/2020:19:03:58 +0000" */
function requestTime(date) {
  const two = (number) => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${day}:${time} +0000`;
}

/* 00-<32 hex>-<16 hex>-<2 hex> as X-Ray writes it. */
function traceHeader(traceparent) {
  const match = /^[0-9a-f]{2}-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(
    traceparent ?? ''
  );
  if (!match) {
    return undefined;
  }
  const sampled = Number.parseInt(match[4], 16) & 1;
  return `Root=1-${match[1]}-${match[2]};Parent=${match[3]};Sampled=${sampled}`;
}

function split(exchange) {
  const target = exchange.path;
  const query = target.indexOf('?');
  return {
    scheme: exchange.scheme,
    path: query < 0 ? target : target.slice(0, query),
    query: query < 0 ? '' : target.slice(query + 1),
  };
}

/* Every header with all its values, names in lower case. Without a prototype, because names are
 * the client's to choose. */
function collectHeaders(exchange, scheme) {
  const all = Object.create(null);
  const raw = exchange.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    (all[raw[i].toLowerCase()] ??= []).push(raw[i + 1]);
  }
  delete all.connection; /* of the hop that ends here */
  all['x-forwarded-for'] ??= [exchange.remoteAddress];
  all['x-forwarded-proto'] ??= [scheme];
  all['x-forwarded-port'] ??= [portOf(all.host?.[0], scheme)];
  const trace = traceHeader(exchange.traceparent);
  if (trace) {
    all['x-amzn-trace-id'] ??= [trace];
  }
  return all;
}

function portOf(host, scheme) {
  return /:(\d+)$/.exec(host ?? '')?.[1] ?? (scheme === 'https' ? '443' : '80');
}

function collectQuery(query) {
  const all = Object.create(null);
  for (const [name, value] of new URLSearchParams(query)) {
    (all[name] ??= []).push(value);
  }
  return all;
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function mapKeys(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [change(key), value]));
}

const last = (values) => values[values.length - 1];
const hasAny = (object) => Object.keys(object).length > 0;

function pathParameters(exchange) {
  const params = exchange.params ?? {};
  return hasAny(params)
    ? mapValues(params, (value) => (Array.isArray(value) ? value.join('/') : value))
    : undefined;
}

function splitCookies(headers) {
  const cookies = (headers.cookie ?? []).flatMap((line) => line.split(';')).map((c) => c.trim());
  delete headers.cookie;
  return cookies.filter(Boolean);
}

function domainOf(headers) {
  const domainName = (headers.host?.[0] ?? 'localhost').replace(/:\d+$/, '');
  return { domainName, domainPrefix: domainName.split('.')[0] };
}

/* Function URLs know who signed a request; whoever it is is believed to be of the account. */
function callerOf(exchange, settings) {
  const accountId = settings.account_id ?? ACCOUNT;
  const accessKey = settings.auth_type === 'AWS_IAM' ? signerOf(exchange) : undefined;
  if (accessKey === undefined) {
    return { accountId: settings.api ? accountId : 'anonymous' };
  }
  const iam = {
    accessKey, accountId, callerId: accessKey, cognitoIdentity: null, principalOrgId: null,
    userArn: `arn:aws:iam::${accountId}:user/${accessKey}`, userId: accessKey,
  };
  return { accountId, authorizer: { iam } };
}

/* Payload format 2.0: function URLs and HTTP APIs. */
function payload2(exchange, settings, bodyBuffer) {
  const { scheme, path, query } = split(exchange);
  const headers = collectHeaders(exchange, scheme);
  const cookies = splitCookies(headers);
  const parameters = collectQuery(query);
  const now = new Date();
  const routeKey = settings.route_key ?? '$default';
  const stage = settings.stage ?? '$default';
  const { domainName, domainPrefix } = domainOf(headers);
  const { body, isBase64Encoded } = encodeBody(bodyBuffer, headers['content-type']?.[0], settings);
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: query,
    cookies: cookies.length > 0 ? cookies : undefined,
    headers: mapValues(headers, (values) => values.join(',')),
    queryStringParameters: hasAny(parameters)
      ? mapValues(parameters, (values) => values.join(','))
      : undefined,
    pathParameters: pathParameters(exchange),
    requestContext: {
      ...callerOf(exchange, settings),
      apiId: settings.api_id ?? domainPrefix,
      ...(settings.api ? {} : { authentication: null }),
      domainName,
      domainPrefix,
      http: {
        method: exchange.method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: exchange.remoteAddress,
        userAgent: headers['user-agent']?.[0] ?? '',
      },
      requestId: exchange.requestId,
      routeKey,
      stage,
      time: requestTime(now),
      timeEpoch: now.getTime(),
    },
    body,
    isBase64Encoded,
  };
}

/* Six letters and digits. */
const resourceIdOf = (resource) => (createHash('sha256').update(resource).digest().readUIntBE(0, 6) + 36 ** 9).toString(36).slice(-6);

/* Payload format 1.0: REST APIs, and HTTP APIs that ask for it. */
function payload1(exchange, settings, bodyBuffer) {
  const { scheme, path, query } = split(exchange);
  const headers = collectHeaders(exchange, scheme);
  const parameters = collectQuery(query);
  const now = new Date();
  const stage = settings.stage ?? 'Prod';
  const { domainName, domainPrefix } = domainOf(headers);
  const { body, isBase64Encoded } = encodeBody(bodyBuffer, headers['content-type']?.[0], settings);
  const resource = settings.resource ?? path;
  const named = settings.api === 'rest' ? mapKeys(headers, (name) => nameInRest(exchange, name)) : headers;
  return {
    version: settings.api === 'rest' ? undefined : '1.0',
    resource,
    path,
    httpMethod: exchange.method,
    headers: mapValues(named, last),
    multiValueHeaders: mapValues(named, (values) => values),
    queryStringParameters: hasAny(parameters) ? mapValues(parameters, last) : null,
    multiValueQueryStringParameters: hasAny(parameters)
      ? mapValues(parameters, (values) => values)
      : null,
    pathParameters: pathParameters(exchange) ?? null,
    stageVariables: null,
    requestContext: {
      accountId: settings.account_id ?? ACCOUNT,
      apiId: settings.api_id ?? domainPrefix,
      domainName,
      domainPrefix,
      extendedRequestId: exchange.requestId,
      httpMethod: exchange.method,
      identity: {
        accessKey: null,
        accountId: null,
        apiKey: null,
        caller: null,
        cognitoAuthenticationProvider: null,
        cognitoAuthenticationType: null,
        cognitoIdentityId: null,
        cognitoIdentityPoolId: null,
        principalOrgId: null,
        sourceIp: exchange.remoteAddress,
        user: null,
        userAgent: headers['user-agent']?.[0] ?? null,
        userArn: null,
      },
      path: settings.api === 'rest' ? `/${stage}${path}` : path,
      protocol: 'HTTP/1.1',
      requestId: exchange.requestId,
      requestTime: requestTime(now),
      requestTimeEpoch: now.getTime(),
      resourceId: settings.api === 'rest' ? resourceIdOf(resource) : null,
      resourcePath: resource,
      stage,
    },
    body: body ?? null,
    isBase64Encoded,
  };
}

/* The event is JSON by nature: what is not there has no key. */
function withoutUndefined(event) {
  for (const key of Object.keys(event)) {
    if (event[key] === undefined) {
      delete event[key];
    }
  }
  return event;
}

/* The body is a Buffer, empty where the request has none. */
function eventFromRequest(exchange, settings, bodyBuffer) {
  const build = settings.payload === '1.0' ? payload1 : payload2;
  return withoutUndefined(build(exchange, settings, bodyBuffer));
}

module.exports = { eventFromRequest, traceHeader };
