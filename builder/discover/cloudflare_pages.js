/** Cloudflare Pages: what a build has put into the output folder is served as the Worker with assets that it is there. */
import path from 'node:path';
import { readJson } from './mayfly_json.js';

const PAGES_FUNCTION = /^functions\/.*\.[cm]?[jt]sx?$/;
/** Firebase's functions, in a folder of that name too, are made by an onRequest. */
const PAGES_EXPORT = /\bexport\s*(?:(?:const|let|var|(?:async\s+)?function\s*\*?)\s+|\{[^}]*\b)onRequest(Get|Head|Post|Put|Patch|Delete|Options)?\b/;
/** "Advanced mode": https://developers.cloudflare.com/pages/functions/advanced-mode/ */
const MAIN_NAMES = ['_worker.js', '_worker.js/index.js'];
/** dist/, .svelte-kit/cloudflare/: with the slash at the end. */
const OUTPUT_DEPTH_MAX = 3;

/** What is not served of a folder's files, and what to do. */
export function pagesFault(output) {
  return 'the folder functions of Cloudflare Pages is not served as it is: ' +
    `\`npx wrangler pages functions build --outdir ${path.posix.join(output ?? 'dist', MAIN_NAMES[0])}\` makes a Worker of it, which is served; ` +
    'again after changes';
}

/** Other platforms' functions may lie in a folder of that name, too. */
export function pagesFunctions(files, folder) {
  const prefix = folder ? `${folder}/` : '';
  return files.list().filter((file) => file.startsWith(prefix) && PAGES_FUNCTION.test(file.slice(prefix.length)) && PAGES_EXPORT.test(files.read(file)));
}

/** @returns {string|undefined} the folder that a build has made for `wrangler pages dev` or `deploy`, which need no file of wrangler's */
export function pagesOutput(files) {
  const mains = MAIN_NAMES.flatMap((name) => files.list().filter((file) => file === name || file.endsWith(`/${name}`)).map((file) => file.slice(0, -name.length)));
  const depth = (folder) => folder.split('/').length;
  const [folder] = mains.filter((one) => depth(one) <= OUTPUT_DEPTH_MAX).sort((a, b) => depth(a) - depth(b));
  return folder === undefined ? undefined : path.posix.normalize(`./${folder}`).replace(/(.)\/$/, '$1');
}

/**
 * What wrangler's file says of a project of Pages, in the words of one that is a Worker; any other's as it is. Without a page
 * 404.html a site is of one page: https://developers.cloudflare.com/pages/configuration/serving-pages/
 * @param {import('./context.js').Context} context
 */
export function asWorker(context, { folder, config, settings }) {
  const { files, diagnostics } = context;
  const { pages_build_output_dir: output } = settings;
  if (typeof output !== 'string') {
    return settings;
  }
  const inOutput = (name) => path.posix.join(folder, output, name);
  const main = MAIN_NAMES.find((name) => files.has(inOutput(name)));
  if (!main && pagesFunctions(files, folder).length > 0) {
    diagnostics.warn(`${config}: ${pagesFault(output)}`, { file: config });
  }
  return {
    ...settings,
    ...(main ? { main: path.posix.join(output, main) } : {}),
    assets: {
      directory: output,
      binding: 'ASSETS',
      not_found_handling: files.has(inOutput('404.html')) ? '404-page' : 'single-page-application',
      ...(main ? { run_worker_first: invokedFirst(context, inOutput('_routes.json')) } : {}),
    },
  };
}

/** _routes.json, as patterns of run_worker_first: https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file */
function invokedFirst({ files, diagnostics }, file) {
  const { include, exclude } = (files.has(file) ? readJson(files, file, diagnostics) : null) ?? {};
  const patternsOf = (rules) => [rules ?? []].flat().filter((rule) => typeof rule === 'string').flatMap(spellings);
  return Array.isArray(include) ? [...patternsOf(include), ...patternsOf(exclude).map((pattern) => `!${pattern}`)] : true;
}

/** A path of Pages' means the one with a slash at its end, and the one without. */
function spellings(rule) {
  const bare = rule.replace(/\/\*?$/, '');
  return bare === '' || (rule.endsWith('*') && bare === rule) ? [rule] : [bare, `${bare}/${rule.endsWith('*') ? '*' : ''}`];
}
