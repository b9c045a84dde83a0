/* Reads wrangler.{toml,json,jsonc}, with the section of the environment that CLOUDFLARE_ENV names. */
import path from 'node:path';
import { readJson } from './mayfly_json.js';
import { readToml } from './toml.js';

export const CONFIG_NAMES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'];

export function isWranglerFile(file) {
  return CONFIG_NAMES.includes(path.posix.basename(file));
}

/** What an environment does not take over from the top of the file. */
const NOT_INHERITED = [
  'vars', 'define', 'services', 'kv_namespaces', 'r2_buckets', 'd1_databases', 'durable_objects', 'queues',
  'hyperdrive', 'vectorize', 'wasm_modules', 'text_blobs', 'data_blobs', 'ai', 'browser', 'images', 'media', 'send_email',
  'analytics_engine_datasets', 'dispatch_namespaces', 'mtls_certificates', 'workflows', 'secrets_store_secrets', 'pipelines',
  'ratelimits', 'tail_consumers', 'version_metadata', 'vpc_services', 'unsafe',
];

/**
 * @param {import('./context.js').Context} context
 * @param {string} file
 * @returns {object|null} null when it does not parse
 */
export function readWrangler({ files, diagnostics, shell, envFiles }, file) {
  const config = file.endsWith('.toml') ? readToml(files, file, diagnostics) : readJson(files, file, diagnostics);
  if (!config) {
    return null;
  }
  const environment = shell.CLOUDFLARE_ENV ?? envFiles.CLOUDFLARE_ENV;
  const section = environment ? config.env?.[environment] : undefined;
  if (environment && !section) {
    diagnostics.warn(`${file} has no environment "${environment}": its top level is used`, { file });
  }
  if (!section) {
    return config;
  }
  const inherited = Object.fromEntries(Object.entries(config).filter(([key]) => !NOT_INHERITED.includes(key)));
  return { ...inherited, name: config.name ? `${config.name}-${environment}` : undefined, ...section };
}
