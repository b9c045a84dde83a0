'use strict';

/* HTTP_PROXY, of both kinds of API: a request goes to another server as it is, and so does the answer. The path may have
 * parameters of the route in it; the host is the project's alone. */

const { addCors } = require('../lambda/url');
const { answer, answerHeaders } = require('../http_forward');
const { outwardHeaders } = require('../proxy');
const { fillPath, requestParameters } = require('./parameters');

/* A REST API maps its parameters by name, an HTTP API has those of the route. */
function urlOf({ proxy }, mapped, { api }, { request }, target) {
  const [, origin, path = '/'] = /^(https?:\/\/[^/?]+)(.*)$/s.exec(proxy);
  const url = new URL(origin + fillPath(path, api === 'http' ? request.params.path : mapped.path));
  for (const [name, value] of new URL(target, 'http://localhost').searchParams) url.searchParams.append(name, value);
  for (const [name, value] of Object.entries(mapped.querystring)) url.searchParams.set(name, value);
  return url;
}

function headersOf(exchange, url, { header }) {
  const own = new Map(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]));
  const others = outwardHeaders(exchange, url);
  return [...others.filter((_, i) => !own.has(others[i - (i % 2)])), ...[...own].flat()];
}

async function run(integration, scope, exchange, forwarder) {
  const mapped = requestParameters(integration, scope);
  const url = urlOf(integration, mapped, exchange.settings, scope, exchange.path);
  const { bytes } = scope.request;
  const incoming = await forwarder.send(exchange, url, headersOf(exchange, url, mapped), exchange.hasBody ? bytes : null);
  await answer(exchange, incoming, addCors(exchange, answerHeaders(incoming)));
}

module.exports = { run };
