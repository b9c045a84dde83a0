/* A Worker's bindings: variables, other workers, files, and those we cannot offer yet. */
import { createHash } from 'node:crypto';
import path from 'node:path';

const FILE_KINDS = { wasm_modules: 'wasm', text_blobs: 'text', data_blobs: 'data' };

/** Kinds that a worker may name and Mayfly does not have yet: where wrangler's file lists them, and what each is. */
const NOT_OFFERED = {
  r2_buckets: 'R2 bucket', d1_databases: 'D1 database', durable_objects: 'Durable Object namespace',
  vectorize: 'Vectorize index', ai: 'Workers AI', ai_search: 'AI Search instance',
  browser: 'browser', images: 'Images', media: 'Media Transformations', stream: 'Stream', send_email: 'email sender',
  dispatch_namespaces: 'dispatch namespace',
  mtls_certificates: 'mTLS certificate', workflows: 'Workflow', secrets_store_secrets: 'secret of the Secrets Store',
  pipelines: 'pipeline', ratelimits: 'rate limit', worker_loaders: 'worker loader', vpc_services: 'VPC service',
  vpc_networks: 'VPC network', logfwdr: 'log forwarder',
};

/**
 * @param {import('./context.js').Context} context
 * @param {import('./worker.js').Worker} worker
 * @param {import('./worker.js').Worker[]} workers of the project, for services
 * @param {Record<string,string>} secrets of .dev.vars or .env
 */
export function bindingsOf(context, worker, workers, secrets) {
  const { settings, config } = worker;
  const bindings = {};
  const files = new Map();
  for (const [name, value] of Object.entries({ ...asObject(settings.vars), ...secrets })) {
    bindings[name] = { type: 'var', value };
  }
  for (const service of asList(settings.services)) {
    if (typeof service?.binding === 'string' && typeof service.service === 'string') {
      bindings[service.binding] = serviceBinding(context, service, workers, config);
    }
  }
  for (const { binding, queue, delivery_delay: delay } of asList(settings.queues?.producers).filter(Boolean)) {
    if (typeof binding === 'string' && typeof queue === 'string') {
      bindings[binding] = { type: 'queue', queue, ...(Number.isInteger(delay) ? { delay_s: delay } : {}) };
    }
  }
  for (const [kind, type] of Object.entries(FILE_KINDS)) {
    for (const [name, file] of Object.entries(asObject(settings[kind]))) {
      const target = `___modules/${name}-${path.basename(String(file))}`;
      files.set(target, { copy: path.join(context.project, worker.folder, String(file)) });
      bindings[name] = { type, file: target };
    }
  }
  namesOf(settings.version_metadata).forEach((name) => {
    bindings[name] = { type: 'version' };
  });
  namesOf(settings.analytics_engine_datasets).forEach((name) => {
    bindings[name] = { type: 'dataset' };
  });
  addNotOffered(bindings, context, worker);
  addHyperdrive(bindings, context, worker);
  return { bindings, files, mounts: addNamespaces(bindings, context, settings) };
}

/** The folder of the project that holds what its workers keep in KV namespaces. */
const KV_FOLDER = '.mayfly/kv';
const KV_TARGET = '___kv';

/** A namespace is a folder that each worker with its id may write. @returns the mounts */
function addNamespaces(bindings, { project }, settings) {
  const mounts = new Map();
  for (const { binding, id, preview_id: preview } of asList(settings.kv_namespaces).filter(Boolean)) {
    if (typeof binding === 'string') {
      const name = folderName(String(preview ?? id ?? binding));
      bindings[binding] = { type: 'kv', folder: `${KV_TARGET}/${name}` };
      mounts.set(name, { source: path.join(project, KV_FOLDER, name), target: `${KV_TARGET}/${name}`, writable: true });
    }
  }
  return [...mounts.values()];
}

/** An id as a name of a folder; what is none has its digest behind it. */
function folderName(id) {
  const safe = id.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 64);
  return safe === id && safe !== '' ? safe : `${safe}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

function serviceBinding({ diagnostics }, { service, entrypoint, props }, workers, config) {
  const found = workers.find((worker) => worker.name === service);
  if (!found) {
    diagnostics.warn(`${config}: service "${service}" is not a worker of this project`, { file: config });
  }
  const binding = { type: 'service', service, function: found ? functionName(found) : null };
  return { ...binding, ...(entrypoint ? { entrypoint } : {}), ...(props ? { props } : {}) };
}

/** Where Hyperdrive's database is on this machine: wrangler's file says, or one of wrangler's variables. */
const HYPERDRIVE_VARIABLES = ['CLOUDFLARE', 'WRANGLER'].map((tool) => `${tool}_HYPERDRIVE_LOCAL_CONNECTION_STRING_`);

function addHyperdrive(bindings, { diagnostics, env }, { settings, config }) {
  for (const { binding, localConnectionString } of asList(settings.hyperdrive).filter(Boolean)) {
    if (typeof binding !== 'string') {
      continue;
    }
    const variables = HYPERDRIVE_VARIABLES.map((prefix) => prefix + binding);
    const url = variables.map((name) => env[name]).find(Boolean) ?? localConnectionString;
    if (URL.canParse(String(url))) {
      bindings[binding] = { type: 'hyperdrive', url };
    } else {
      bindings[binding] = { type: 'missing', kind: 'Hyperdrive configuration without a local database' };
      diagnostics.warn(`${config}: Hyperdrive "${binding}" needs the URL of a local database: localConnectionString here, or ${variables[0]} in .env`, { file: config });
    }
  }
}

/** Each is there and says what it is when it is used: `undefined` would say nothing. */
function addNotOffered(bindings, { diagnostics }, { settings, config }) {
  const found = Object.entries(NOT_OFFERED).flatMap(([key, kind]) =>
    namesOf(settings[key]).map((name) => ({ name, binding: { type: 'missing', kind, key } })),
  );
  for (const { name, binding } of found) {
    bindings[name] = binding;
  }
  if (found.length > 0) {
    const list = found.map(({ name, binding }) => `${name} (${binding.kind})`).join(', ');
    diagnostics.warn(`${config}: these bindings are not available in Mayfly yet: ${list}. What uses them will fail and say so`, { file: config });
  }
}

/** A list of bindings, one binding, or a list within (`durable_objects.bindings`). */
function namesOf(entry) {
  const entries = Array.isArray(entry) ? entry : Array.isArray(entry?.bindings) ? entry.bindings : [entry];
  return entries.map((one) => one?.binding ?? one?.name).filter((name) => typeof name === 'string');
}

const asList = (value) => (Array.isArray(value) ? value : []);
const asObject = (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});

/** A Worker's function, as others find it. */
export function functionName({ name, config }) {
  return config ? `worker/${name}` : name;
}
