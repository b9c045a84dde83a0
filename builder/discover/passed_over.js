/* What of a project its platform would run and Mayfly does not, where the files that it is in are not read for anything else.
 * It is told once, so that nobody looks for a mistake of their own. */
import path from 'node:path';
import { andMore } from '../diagnostics.js';
import { pagesOfNext } from './next.js';
import { CONFIG_NAMES, isWranglerFile } from './wrangler.js';

const PAGES_FUNCTION = /^functions\/.*\.[cm]?[jt]sx?$/;
/** Firebase's functions, in a folder of that name too, are made by an onRequest. */
const PAGES_EXPORT = /\bexport\s*(?:(?:const|let|var|(?:async\s+)?function\s*\*?)\s+|\{[^}]*\b)onRequest(Get|Head|Post|Put|Patch|Delete|Options)?\b/;
const PACKAGE = /^[^/]+\/[^/]+\/package\.json$/;

/** Why what a folder's files ask for is not there, and what to do. */
export function pagesFault(files, folder = '') {
  const hasFunctions = pagesFunctions(files, folder).length > 0;
  const way = '; `npx wrangler pages functions build --outdir dist` makes of its folder functions a Worker, to be "main" in wrangler.jsonc';
  return `projects of Cloudflare Pages do not run here, Workers do${hasFunctions ? way : ''}`;
}

/** Other platforms' functions may lie in a folder of that name, too. */
function pagesFunctions(files, folder) {
  const prefix = folder ? `${folder}/` : '';
  return files.list().filter((file) => file.startsWith(prefix) && PAGES_FUNCTION.test(file.slice(prefix.length)) && PAGES_EXPORT.test(files.read(file)));
}

/** The folders of a workspace's packages, by their usual depth; nothing of a project that is none. */
function packagesOf(files) {
  const isWorkspace = files.has('pnpm-workspace.yaml') || (files.has('package.json') && /"workspaces"\s*:/.test(files.read('package.json')));
  return isWorkspace ? files.list().filter((file) => PACKAGE.test(file)).map((file) => path.posix.dirname(file)) : [];
}

/** Whether a folder has a cloud assembly, wherever cdk.json has it put. */
function isSynthesized(files, folder) {
  const prefix = folder === '.' ? '' : `${folder}/`;
  return files.list().some((file) => file.startsWith(prefix) && /(^|\/)cdk\.out(\/|$)/.test(file.slice(prefix.length)));
}

/**
 * @param {import('./all.js').Context} context
 * @param {import('../project.js').Draft[]} drafts what is served
 */
export function tellPassedOver(context, drafts) {
  const { files, diagnostics } = context;
  const packages = drafts.length === 0 ? packagesOf(files) : [];
  if (packages.length > 0) {
    diagnostics.warn(`${andMore(packages, 'package')}: the packages of a workspace are served each by itself: mayfly dev ${packages[0]}`);
  }
  const apps = files.list().filter((file) => path.posix.basename(file) === 'cdk.json' && !isSynthesized(files, path.posix.dirname(file)));
  if (apps.length > 0) {
    const text = 'functions of the CDK are read from what it synthesizes: run `npx cdk synth --quiet` there, and again after changes';
    diagnostics.warn(`${andMore(apps)}: ${text}`, { file: apps[0] });
  }
  /* A Worker at the root is what OpenNext makes of Next.js: with its pages. */
  const pages = CONFIG_NAMES.some((name) => files.has(name)) ? [] : pagesOfNext(files);
  if (pages.length > 0) {
    const text = 'Next.js\' pages are not served here, only its route handlers, API routes and middleware: run `next dev` for them';
    diagnostics.warn(`${andMore(pages, 'page')}: ${text}`);
  }
  const functions = files.list().some(isWranglerFile) ? [] : pagesFunctions(files, '');
  if (functions.length > 0) {
    diagnostics.warn(`${andMore(functions, 'function')}: ${pagesFault(files)}`);
  }
}
