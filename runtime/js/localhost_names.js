'use strict';
/* Names below localhost are this machine's (RFC 6761, 6.3), as browsers and curl have it. The C library asks a name server for
 * them, so a function found none of the others at http://name.localhost:3000. */

const dns = require('node:dns');
const { promisify } = require('node:util');
const { syncBuiltinESMExports } = require('node:module');

const BELOW = /\.localhost\.?$/i;

const known = (name) => (typeof name === 'string' && BELOW.test(name) ? 'localhost' : name);

/** In the base zygote. */
function install() {
  const { lookup, promises: { lookup: lookupPromise } } = dns;
  dns.promises.lookup = function lookup(name, ...rest) {
    return Reflect.apply(lookupPromise, this, [known(name), ...rest]);
  };
  dns.lookup = Object.assign(function lookupKnown(name, ...rest) {
    return Reflect.apply(lookup, this, [known(name), ...rest]);
  }, { [promisify.custom]: dns.promises.lookup });
  syncBuiltinESMExports();
}

module.exports = { install };
