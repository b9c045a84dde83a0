/* Reads wrangler.{toml,json,jsonc}, with the section of the environment that CLOUDFLARE_ENV names. */
import { readFileSync } from 'node:fs';
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

/** Where a build tells wrangler what to take instead of the file beside this (its "redirected configuration"): Vite's plugin, Nitro, Astro. */
const REDIRECT = '.wrangler/deploy/config.json';

const readConfig = (files, file, diagnostics) => (file.endsWith('.toml') ? readToml : readJson)(files, file, diagnostics);

/**
 * @param {import('./context.js').Context} context
 * @param {string} folder with a file of wrangler's
 * @returns {string[]} the files that a build has made of it, and of the workers beside it; those that are still there
 */
export function builtConfigs({ files, project }, folder) {
  const { configPath, auxiliaryWorkers = [] } = readRedirect(path.join(project, folder, REDIRECT));
  const named = [configPath, ...[auxiliaryWorkers].flat().map((worker) => worker?.configPath)].filter((name) => typeof name === 'string');
  return named.map((name) => path.posix.join(folder, path.posix.dirname(REDIRECT), name)).filter((file) => files.has(file));
}

/* It lies where nobody watches; what it names does not, and comes after it. */
function readRedirect(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) ?? {};
  } catch {
    return {};
  }
}

/** Such a file: it has no environments, since whoever made it has chosen one. */
export function readBuilt({ files, diagnostics }, file) {
  return readConfig(files, file, diagnostics);
}

/**
 * @param {import('./context.js').Context} context
 * @param {string} file
 * @returns {object|null} null when it does not parse
 */
export function readWrangler({ files, diagnostics, shell, envFiles }, file) {
  const config = readConfig(files, file, diagnostics);
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

/** The commands that take a Worker's file, which then need not be in wrangler's. */
const COMMAND = /\bwrangler\s+(?:dev|deploy|publish)\s([^&|;]*)/g;

/** @returns {string|undefined} the file that a script of the folder's package.json gives to wrangler, relative to the folder */
export function mainOfScripts({ files, diagnostics }, folder) {
  const manifest = path.posix.join(folder, 'package.json');
  const { scripts } = (files.has(manifest) && readJson(files, manifest, diagnostics)) || {};
  const commands = Object.values(scripts ?? {}).filter((script) => typeof script === 'string').flatMap((script) => [...script.matchAll(COMMAND)]);
  const words = commands.flatMap(([, rest]) => rest.trim().split(/\s+/));
  return words.find((word) => /^[^-].*\.[cm]?[jt]sx?$/.test(word) && files.has(path.posix.join(folder, word)));
}
