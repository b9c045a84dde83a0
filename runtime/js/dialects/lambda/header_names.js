'use strict';

/* Requests of Lambda functions come with their headers' names as the client wrote them. Events of REST APIs show them so
 * (with HTTP/2, which lowers them, in lower case); everything else, and our own code, has them in lower case. */

/* What API Gateway sets itself. */
const OWN = {
  '__proto__': null, host: 'Host', 'user-agent': 'User-Agent', 'x-amzn-trace-id': 'X-Amzn-Trace-Id',
  'x-forwarded-for': 'X-Forwarded-For', 'x-forwarded-port': 'X-Forwarded-Port', 'x-forwarded-proto': 'X-Forwarded-Proto',
};

/** The adapter's `addHeaders`: lowers the names and keeps those that were written otherwise. */
function lowerNames(raw, exchange) {
  let written = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    if (name !== raw[i]) {
      written ??= Object.create(null);
      written[name] ??= raw[i];
      raw[i] = name;
    }
  }
  exchange.writtenNames = written;
}

/** A header's name in the events of REST APIs. */
const nameInRest = (exchange, name) => OWN[name] ?? exchange.writtenNames?.[name] ?? name;

module.exports = { lowerNames, nameInRest };
