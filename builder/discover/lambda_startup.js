/* What runs before a Lambda function's handler, or around it: modules that NODE_OPTIONS names, scripts, and handlers of those who
 * watch functions, which call the project's own. */
import path from 'node:path';
import { preloadsOf } from './server_main.js';
import { optionsOf } from './start_script.js';

/** Variables that name the project's handler, where the function's is that of an agent (Datadog, New Relic, Lumigo). */
const WRAPPED = ['DD_LAMBDA_HANDLER', 'NEW_RELIC_LAMBDA_HANDLER', 'LUMIGO_ORIGINAL_HANDLER'];

/**
 * @param {import('./lambda.js').Declaration} declaration
 * @param {Record<string, string>} env
 * @returns {string|undefined} the project's handler, if the function's is another's that calls it
 */
export function wrappedHandler({ handler = '' }, env) {
  return /^\/opt\/|(^|\/)node_modules\/|^newrelic-lambda-wrapper\./.test(handler) ? WRAPPED.map((name) => env[name]).find(Boolean) : undefined;
}

export function withoutWrapper(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !WRAPPED.includes(name)));
}

/**
 * `NODE_OPTIONS: --import @sentry/aws-serverless/awslambda-auto`. All other options are the process's, which is started once for all
 * functions.
 * @param {Record<string, string>} env
 * @param {string} root absolute, the folder that stands for /var/task
 * @returns {{ setup?: import('../project.js').Setup }}
 */
export function setupOf({ NODE_OPTIONS: options = '' }, root) {
  const { preloads } = preloadsOf(optionsOf(options));
  const imports = preloads.map(({ kind, specifier }) => ({ kind, specifier: /^\.{1,2}\//.test(specifier) ? path.join(root, specifier) : specifier }));
  return imports.length > 0 ? { setup: { module: 'NODE_OPTIONS', imports } } : {};
}
