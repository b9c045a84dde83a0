'use strict';

/* A worker's bindings: variables, files, and other workers. */

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const origin = require('./origin');
const link = require('./rpc_link');
const { connect } = require('../../shims/cloudflare-sockets');
const { makeKv } = require('./kv');
const inbound = require('./inbound');
const { stubs } = require('./rpc');
const { memberOf } = require('./rpc_stub');
const words = require('./words');
const { makeQueue } = require('./queue');

/* Another worker: fetch(), or any other name as a member of its entrypoint. */
class Fetcher {
  constructor() {
    throw new TypeError('Illegal constructor');
  }
}

const NAME = '[object Fetcher]';

/** `fetch(input, init)`; `peer()`: { call(name, args), get(name) } of a conversation that begins now. */
function makeStub({ fetch, peer }) {
  const known = {
    fetch,
    connect: (address) => inbound.open(peer, address),
    toString: () => NAME,
    constructor: Fetcher,
    [Symbol.toStringTag]: 'Fetcher',
    [Symbol.dispose]: () => {},
  };
  const stub = new Proxy(Object.create(Fetcher.prototype), {
    get(_, key) {
      if (Object.hasOwn(known, key)) {
        return known[key];
      }
      if (Object.hasOwn(Object.prototype, key)) {
        return Object.prototype[key];
      }
      /* Not thenable: a stub is returned from async functions. */
      return typeof key === 'symbol' || key === 'then' || key === 'toJSON' ? undefined : memberOf(peer, key);
    },
    has: () => true,
  });
  stubs.set(stub, () => stub); /* who gets it in a call asks by way of this worker */
  return stub;
}

function missingService({ service }) {
  const text = `The service "${service}" is not a worker of this project.`;
  const fail = async () => {
    throw new Error(text);
  };
  return makeStub({ fetch: async () => new Response(text, { status: 503 }), peer: () => ({ call: fail, get: fail }) });
}

function requestFor(args) {
  if (args.length === 0) {
    throw words.wrongArgument('fetch', 'Fetcher', 1, 'Request or string');
  }
  return new Request(...args);
}

function remoteService(binding) {
  return makeStub({
    fetch: async (...args) => origin.fetchService(requestFor(args), binding),
    peer: () => link.connectRemote(binding),
  });
}

const DATABASE_PORTS = { 'mysql:': 3306 };
const POSTGRES_PORT = 5432;

/* The parts of a database's URL, as drivers want them: developers.cloudflare.com/hyperdrive/configuration/connect-to-postgres */
function makeHyperdrive({ url }) {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const address = { hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (DATABASE_PORTS[protocol] ?? POSTGRES_PORT) };
  return {
    connectionString: url,
    host: address.hostname,
    port: address.port,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    connect: () => connect(address),
  };
}

/* What a deployment would tell of itself; the time is when this version was loaded. */
function versionOf({ hash = '' }) {
  const digits = createHash('sha256').update(hash).digest('hex');
  const id = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(digits).slice(1);
  return { id: `${id[0]}-${id[1]}-4${id[2]}-8${id[3]}-${id[4]}`, tag: '', timestamp: new Date().toISOString() };
}

/* A data set of Analytics Engine can only be written to, and what is written on one's own machine goes nowhere, as in
 * wrangler dev. */
class Dataset {
  writeDataPoint() {}
}

const MAKERS = {
  var: (binding) => binding.value,
  json: (binding) => binding.value,
  text: (binding, read) => read(binding.file).toString('utf8'),
  data: (binding, read) => {
    const bytes = read(binding.file);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  },
  version: (binding, read, spec) => versionOf(spec),
  dataset: () => new Dataset(),
  kv: (binding) => makeKv(binding.folder),
  hyperdrive: makeHyperdrive,
  wasm: (binding, read) => new WebAssembly.Module(read(binding.file)),
};

/* A binding of a kind that is not offered yet: using it in any way says so. Promises and printing may look at it. */
function missingBinding(name, { type, kind = type, key }) {
  const refuse = () => {
    throw new Error(`env.${name} is a binding of a kind that Mayfly does not offer yet: ${kind}${key ? ` (${key} in ` +
      'the worker\'s wrangler configuration)' : ''}. Until it does, keep such data behind a service that the worker fetches.`);
  };
  const isLook = (property) => typeof property === 'symbol' || property === 'then' || property === 'toJSON';
  return new Proxy(function binding() {}, {
    get: (_, property) => (isLook(property) ? undefined : refuse()),
    set: refuse,
    apply: refuse,
    construct: refuse,
  });
}

/* localService(binding) is the stub of an entrypoint of this very worker. */
function makeEnv(spec, localService) {
  const read = (file) => fs.readFileSync(path.resolve(file));
  const env = {};
  for (const [name, binding] of Object.entries(spec.bindings ?? {})) {
    if (binding.type === 'service') {
      env[name] = serviceStub(spec, binding, localService);
    } else if (binding.type === 'queue') {
      env[name] = makeQueue(binding, spec.settings);
    } else if (Object.hasOwn(MAKERS, binding.type)) {
      env[name] = MAKERS[binding.type](binding, read, spec);
    } else {
      env[name] = missingBinding(name, binding);
    }
  }
  return env;
}

function serviceStub(spec, binding, localService) {
  if (!binding.function) {
    return missingService(binding);
  }
  return binding.function === spec.name ? localService(binding) : remoteService(binding);
}

module.exports = { makeEnv, makeStub, requestFor };
