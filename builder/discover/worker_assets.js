/* A Worker's static assets: a folder that its function sees, and how files answer. The rest is the runtime's
 * (runtime/js/dialects/worker/assets.js): what is in the folder may change without a build. */
import { statSync } from 'node:fs';
import path from 'node:path';

const TARGET = '___assets';
const HTML_HANDLING = ['auto-trailing-slash', 'force-trailing-slash', 'drop-trailing-slash', 'none'];
const NOT_FOUND_HANDLING = ['single-page-application', '404-page', 'none'];

/**
 * @typedef {object} Assets
 * @property {{ source: string, target: string }} mount
 * @property {object} settings for the runtime
 */

/**
 * @param {import('./context.js').Context} context
 * @param {{ folder: string, config: string, settings: object, hint: string }} worker `hint`: how what is not there comes to be
 * @returns {Assets|null}
 */
export function readAssets({ project, diagnostics }, { folder, config, settings, hint }) {
  const { assets, main } = settings;
  if (typeof assets?.directory !== 'string') {
    return null;
  }
  const source = path.join(project, folder, assets.directory);
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    const name = settings.pages_build_output_dir === undefined ? 'assets.directory' : 'pages_build_output_dir';
    diagnostics.error(`${config}: ${name} "${assets.directory}" does not exist${hint}`, { file: config });
    return null;
  }
  const first = assets.run_worker_first;
  checkChoice('html_handling', HTML_HANDLING);
  checkChoice('not_found_handling', NOT_FOUND_HANDLING);
  if (first && !main) {
    diagnostics.error(`${config}: assets.run_worker_first needs a worker: there is no "main"`, { file: config });
  }
  return {
    mount: { source, target: TARGET },
    settings: {
      directory: TARGET,
      has_worker: typeof main === 'string',
      ...(typeof assets.binding === 'string' ? { binding: assets.binding } : {}),
      ...(HTML_HANDLING.includes(assets.html_handling) ? { html_handling: assets.html_handling } : {}),
      ...(NOT_FOUND_HANDLING.includes(assets.not_found_handling) ? { not_found_handling: assets.not_found_handling } : {}),
      ...(first === true || Array.isArray(first) ? { run_worker_first: first } : {}),
    },
  };

  function checkChoice(name, choices) {
    if (assets[name] !== undefined && !choices.includes(assets[name])) {
      diagnostics.error(`${config}: assets.${name} is one of ${choices.join(', ')}`, { file: config });
    }
  }
}
