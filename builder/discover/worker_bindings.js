/* A Worker's bindings: variables, other workers, and files; those we cannot offer yet are named once. */
import path from 'node:path';
import { functionName } from './worker.js';

const FILE_KINDS = { wasm_modules: 'wasm', text_blobs: 'text', data_blobs: 'data' };
const NOT_OFFERED = {
  kv_namespaces: 'binding', r2_buckets: 'binding', d1_databases: 'binding', hyperdrive: 'binding', vectorize: 'binding',
};

/**
 * @param {import('./all.js').Context} context
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
  warnNotOffered(context, worker);
  return { bindings, files };
}

function serviceBinding({ diagnostics }, { service, entrypoint, props }, workers, config) {
  const found = workers.find((worker) => worker.name === service);
  if (!found) {
    diagnostics.warn(`${config}: service "${service}" is not a worker of this project`, { file: config });
  }
  const binding = { type: 'service', service, function: found ? functionName(found) : null };
  return { ...binding, ...(entrypoint ? { entrypoint } : {}), ...(props ? { props } : {}) };
}

function warnNotOffered({ diagnostics }, { settings, config }) {
  const names = Object.entries(NOT_OFFERED).flatMap(([kind, key]) => asList(settings[kind]).map((entry) => entry?.[key]));
  if (names.length > 0) {
    diagnostics.warn(`${config}: these bindings are not available yet: ${names.join(', ')}`, { file: config });
  }
}

const asList = (value) => (Array.isArray(value) ? value : []);
const asObject = (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});
