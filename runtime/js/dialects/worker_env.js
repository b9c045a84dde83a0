'use strict';

/* A worker's bindings: variables, files, and other workers. */

const fs = require('node:fs');
const path = require('node:path');
const origin = require('./worker_origin');
const rpc = require('./worker_rpc');
const { makeQueue } = require('./worker_queue');

const RPC_URL = 'http://rpc.invalid/';

/* Another worker: fetch(), or any other name as a method of its entrypoint. */
class ServiceFetcher {
  constructor({ fetch, call }) {
    this.fetch = fetch;
    this.call = call;
  }
}

function makeStub({ fetch, call }) {
  const fetcher = new ServiceFetcher({ fetch, call });
  return new Proxy(fetcher, {
    get(target, key) {
      if (key === 'fetch') {
        return target.fetch;
      }
      /* Not thenable: a stub is returned from async functions. */
      if (typeof key === 'symbol' || key === 'then') {
        return undefined;
      }
      if (key === 'connect') {
        return () => {
          throw new Error('connect() to another worker is not available in this runtime.');
        };
      }
      return (...args) => target.call(key, args);
    },
    has: () => true,
  });
}

function missingService({ service }) {
  const text = `The service "${service}" is not a worker of this project.`;
  return makeStub({
    fetch: async () => new Response(text, { status: 503 }),
    call: async () => {
      throw new Error(text);
    },
  });
}

async function callRemote(binding, method, args) {
  const request = new Request(RPC_URL, { method: 'POST', body: rpc.pack(args) });
  const response = await origin.fetchService(request, { ...binding, method });
  if (response.status !== 200 || response.headers.get('content-type') !== 'application/x-v8') {
    await response.body?.cancel();
    throw new Error(`The worker "${binding.service}" did not answer the call of ${method}(): status ${response.status}.`);
  }
  return rpc.unpackResult(Buffer.from(await response.arrayBuffer()));
}

function remoteService(binding) {
  return makeStub({
    fetch: async (input, init) => origin.fetchService(new Request(input, init), binding),
    call: (method, args) => callRemote(binding, method, args),
  });
}

const MAKERS = {
  var: (binding) => binding.value,
  json: (binding) => binding.value,
  text: (binding, read) => read(binding.file).toString('utf8'),
  data: (binding, read) => {
    const bytes = read(binding.file);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  },
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
      env[name] = MAKERS[binding.type](binding, read);
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

module.exports = { makeEnv, makeStub };
