'use strict';

/* What a function URL does around its function: who may call it, and CORS, which browsers ask for; APIs
 * of API Gateway have the latter too.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
 *
 * settings.auth_type "AWS_IAM" wants a signature, whose maker is believed: nobody has keys here.
 * settings.cors: { allow_credentials, allow_headers, allow_methods, allow_origins, expose_headers,
 * max_age }, each absent where it is not configured. */

const FORBIDDEN =
  'Forbidden. For troubleshooting Function URL authorization issues, see: ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html';
const SIGNED_HEADER = /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\//;
const SIGNED_QUERY = /[?&]X-Amz-Credential=([^&]+?)(?:%2F|\/)/i;

/* The access key that a request is signed with, or undefined. */
function signerOf(exchange) {
  const header = SIGNED_HEADER.exec(exchange.headers.authorization ?? '');
  return (header ?? SIGNED_QUERY.exec(exchange.path))?.[1];
}

const howToSign = () => 'this function URL has AuthType AWS_IAM and takes signed requests alone, as '
  + `curl --aws-sigv4 aws:amz:${process.env.AWS_REGION ?? 'us-east-1'}:lambda --user mayfly:mayfly-dev-only makes them`;
let isTold = false;

/* Returns false where the request has been answered. */
function isAllowed(exchange) {
  if (exchange.settings.auth_type !== 'AWS_IAM' || signerOf(exchange) !== undefined) {
    return true;
  }
  if (!isTold) exchange.run(() => console.warn(howToSign()));
  isTold = true;
  const headers = ['content-type', 'application/json', 'x-amzn-errortype', 'AccessDeniedException'];
  exchange.respond(403, headers, JSON.stringify({ Message: FORBIDDEN }));
  return false;
}

/* CORS */

const joined = (value) => (Array.isArray(value) && value.length > 0 ? value.join(',') : undefined);

/* "*", "https://shop.example" or "https://*.shop.example". */
function matches(pattern, origin) {
  const star = pattern.indexOf('*');
  return star < 0
    ? pattern === origin
    : origin.length >= pattern.length - 1 && origin.startsWith(pattern.slice(0, star)) && origin.endsWith(pattern.slice(star + 1));
}

/* What every answer to an allowed origin has; null for others. */
function originFields(cors, origin) {
  const patterns = cors.allow_origins ?? [];
  if (!origin || !patterns.some((pattern) => matches(pattern, origin))) {
    return null;
  }
  const isForAll = patterns.includes('*') && !cors.allow_credentials;
  return [
    'access-control-allow-origin', isForAll ? '*' : origin,
    ...(isForAll ? [] : ['vary', 'Origin']),
    ...(cors.allow_credentials ? ['access-control-allow-credentials', 'true'] : []),
  ];
}

function optional(name, value) {
  return value === undefined ? [] : [name, String(value)];
}

/* A route of an API that is for another method has OPTIONS only for the browsers' sake. */
function refuseOptions(exchange) {
  if (exchange.settings.preflight_only) {
    exchange.respond(404, ['content-type', 'application/json'], '{"message":"Not Found"}');
  }
  return Boolean(exchange.settings.preflight_only);
}

/* Answers a preflight request, which never reaches the function. Returns whether it has. */
function answerPreflight(exchange) {
  const { cors, api } = exchange.settings;
  const { origin, 'access-control-request-method': method } = exchange.headers;
  if (!cors || exchange.method !== 'OPTIONS') {
    return false;
  }
  if (origin === undefined || method === undefined) {
    return refuseOptions(exchange);
  }
  const fields = originFields(cors, origin);
  const all = fields && [
    ...fields,
    ...optional('access-control-allow-methods', joined(cors.allow_methods)),
    ...optional('access-control-allow-headers', joined(cors.allow_headers)),
    ...optional('access-control-max-age', cors.max_age),
  ];
  exchange.respond(api === 'http' ? 204 : 200, all ?? [], null);
  return true;
}

/* Adds the fields of CORS to an answer's: what the function says of them itself gives way. */
function addCors(exchange, headers) {
  const { cors } = exchange.settings;
  const fields = cors && originFields(cors, exchange.headers.origin);
  if (!fields) {
    return headers;
  }
  const own = headers.filter((_, i) => !headers[i - (i % 2)].startsWith('access-control-'));
  return [...own, ...fields, ...optional('access-control-expose-headers', joined(cors.expose_headers))];
}

module.exports = { addCors, answerPreflight, isAllowed, signerOf };
