/* What of a project its platform would run and Mayfly does not, where the files that it is in are not read for anything else.
 * It is told once, so that nobody looks for a mistake of their own. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { andMore } from '../diagnostics.js';
import { pagesFault, pagesFunctions } from './cloudflare_pages.js';
import { readJson } from './mayfly_json.js';
import { pagesOfNext } from './next.js';
import { samTemplates } from './sam.js';
import { programNamed } from './server_main.js';
import { servesOutput } from './vercel_output.js';
import { CONFIG_NAMES, isWranglerFile } from './wrangler.js';

const PACKAGE = /^[^/]+\/[^/]+\/package\.json$/;

/** Frameworks whose build is a server, by their package: what starts it, and what has to be set to make one. */
const BUILT = {
  astro: { start: 'node ./dist/server/entry.mjs', by: '@astrojs/node in its mode "standalone"' },
  '@sveltejs/kit': { start: 'node build', by: '@sveltejs/adapter-node' },
  '@react-router/dev': { start: 'react-router-serve ./build/server/index.js', by: '@react-router/serve' },
  '@remix-run/dev': { start: 'remix-serve ./build/server/index.js', by: '@remix-run/serve' },
  nuxt: { start: 'node .output/server/index.mjs' },
  nitropack: { start: 'node .output/server/index.mjs' },
  nitro: { start: 'node .output/server/index.mjs' },
  '@tanstack/react-start': { start: 'node .output/server/index.mjs', by: 'nitro' },
  '@solidjs/start': { start: 'node .output/server/index.mjs' },
};
/** What makes functions for a platform of a framework's build. */
const ADAPTERS = {
  Netlify: /^(@astrojs\/netlify|@sveltejs\/adapter-netlify|@netlify\/(vite-plugin-(react-router|tanstack-start)|remix-adapter))$/,
  Cloudflare: /^(@astrojs\/cloudflare|@sveltejs\/adapter-cloudflare)$/,
  Vercel: /^(@astrojs\/vercel|@sveltejs\/adapter-vercel|@hono\/vite-build\/vercel|vite-plugin-vercel)$/,
};
const LAMBDA_PLACES = ['index', 'handler', 'lambda', 'app'].flatMap((name) => ['', 'src/'].flatMap((folder) =>
  ['.ts', '.mts', '.js', '.mjs', '.cjs'].map((extension) => folder + name + extension)));
const LAMBDA_EXPORT = /\bexport\s+(?:const|(?:async\s+)?function)\s+handler\b|\bexport\s*\{[^}]*\bhandler\s*[,}]|\bexports\.handler\s*=/;
/** What Nitro has built (Nuxt, SolidStart, TanStack Start), and for which platform. */
const NITRO = { file: '.output/nitro.json', server: '.output/server/index.mjs', public: '.output/public' };

/** One package with adapters for many platforms: which is meant says the file that imports it. */
const OF_MANY = /@hono\/vite-build\/[\w-]+/g;
const VITE_CONFIG = /^vite\.config\.[cm]?[jt]s$/;

/** Programs that make a deployment: they would have to be run, as the platform's account has it. */
const NAMES_FUNCTIONS = 'it is a program and is not run: a mayfly.json names functions, as { "functions": { "api": { "handler": "src/api.handler" } } }';
const PROGRAMS = [
  [/(^|\/)Pulumi\.ya?ml$/, /(^|\/)mayfly\.json$/, NAMES_FUNCTIONS.replace('it is a program and', 'what it deploys')],
  [/(^|\/)sst\.config\.[cm]?[jt]s$/, /(^|\/)mayfly\.json$/, NAMES_FUNCTIONS],
];
/** Of CloudFormation, by the types of resources in it; those with a usual name are read. */
const TEMPLATE_FILE = /\.(ya?ml|json|template)$/;
const HAS_FUNCTION = /\bType["']?\s*:\s*["']?AWS::(Serverless|Lambda)::Function\b/;
const TEMPLATE_BYTES_MAX = 1024 * 1024;
const TEMPLATES_MAX = 200; /* that are looked into: a project of data has thousands of such files */

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

/** A template that `sam` and `aws` are told of on the command line. @returns {boolean} whether there is one */
function tellTemplate({ files, diagnostics }) {
  const candidates = files.list().filter((file) => TEMPLATE_FILE.test(file) && !files.has(`${path.posix.dirname(file)}/manifest.json`));
  const template = candidates.slice(0, TEMPLATES_MAX)
    .find((file) => statSync(files.absolute(file), { throwIfNoEntry: false })?.size < TEMPLATE_BYTES_MAX && HAS_FUNCTION.test(files.read(file)));
  if (template) {
    const text = `it is a template of CloudFormation by what is in it: call it template${path.posix.extname(template).replace('.template', '.json')}, or name it in a samconfig.toml: [default.deploy.parameters] template_file = "${template}"`;
    diagnostics.warn(text, { file: template });
  }
  return template !== undefined;
}

/** What else a project without any function may be: what it lacks, or how it becomes one. @param {boolean} isNamed by what is told elsewhere */
function tellWhyNone({ files, diagnostics }, isNamed) {
  const lambda = [...isNamed ? [] : LAMBDA_PLACES, NITRO.server].find((file) => files.has(file) && LAMBDA_EXPORT.test(files.read(file)));
  if (lambda) {
    const handler = lambda.replace(/\.[^.]+$/, '.handler');
    const text = `it exports a Lambda handler that nothing names; a mayfly.json does: { "functions": { "main": { "handler": "${handler}" } } }`;
    diagnostics.warn(text, { file: lambda });
    if (lambda === NITRO.server) {
      return;
    }
  }
  const { preset } = (files.has(NITRO.file) && readJson(files, NITRO.file, diagnostics)) || {};
  if (/^cloudflare/.test(preset)) {
    const config = `{ "main": "${NITRO.server}", "assets": { "directory": "${NITRO.public}", "binding": "ASSETS" }, "compatibility_flags": ["nodejs_compat"] }`;
    diagnostics.warn(`Nitro has built it for ${preset}: a wrangler.jsonc names it: ${config}`, { file: NITRO.file });
    return;
  }
  const deno = ['deno.json', 'deno.jsonc'].find((file) => files.has(file));
  if (deno) {
    diagnostics.warn('programs of Deno do not run here, those of Node.js do: a package.json names one, as { "scripts": { "start": "node main.ts" } }', { file: deno });
  }
  if (!files.has('package.json')) {
    return;
  }
  const manifest = readJson(files, 'package.json', diagnostics) ?? {};
  const { scripts, dependencies, devDependencies } = manifest;
  const packages = Object.keys({ ...dependencies, ...devDependencies });
  const config = files.list().find((file) => VITE_CONFIG.test(file));
  if (CONFIG_NAMES.some((name) => files.has(name))) {
    return; /* what is wrong with that is told, and what to do */
  }
  const adapters = [...packages, ...(config ? files.read(config).match(OF_MANY) ?? [] : [])];
  for (const [platform, pattern] of Object.entries(ADAPTERS)) {
    const adapter = adapters.find((one) => pattern.test(one));
    if (adapter) {
      diagnostics.warn(`what ${adapter} builds for ${platform} is served: run \`npm run build\`, and again after changes`, { file: 'package.json' });
      return;
    }
  }
  const name = Object.keys(BUILT).find((framework) => packages.includes(framework));
  const program = name ? undefined : programNamed(files, manifest);
  if (program) {
    const builds = scripts.build ? 'build' : Object.keys(scripts).find((script) => /^(build|compile)\b/.test(script));
    const missing = `which is not there${builds ? `: run \`npm run ${builds}\`` : ''}`;
    const why = program.isThere ? 'in which no HTTP server is seen to listen, as by listen() or serve()' : missing;
    diagnostics.warn(`its ${program.script === 'start' ? 'start script' : `script ${program.script}`} runs ${program.file}, ${why}`, { file: 'package.json' });
  }
  if (name) {
    const { start, by } = BUILT[name];
    const script = scripts?.start?.endsWith(start) ? '' : ` with "start": "${start}" among its scripts`;
    const text = `what ${name} builds is served here, a Node.js server${by ? ` by ${by}` : ''}: run \`npm run build\`${script}`;
    diagnostics.warn(text, { file: 'package.json' });
  }
}

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Found} found what is served
 */
export function tellPassedOver(context, { drafts, notRun }) {
  const { files, diagnostics } = context;
  const apps = files.list().filter((file) => path.posix.basename(file) === 'cdk.json' && !isSynthesized(files, path.posix.dirname(file)));
  if (drafts.length === 0 && !servesOutput(context)) {
    const isTemplate = notRun.length === 0 && samTemplates(context).length === 0 && tellTemplate(context);
    tellWhyNone(context, isTemplate || apps.length > 0);
  }
  const packages = drafts.length === 0 ? packagesOf(files) : [];
  if (packages.length > 0) {
    diagnostics.warn(`${andMore(packages, 'package')}: the packages of a workspace are served each by itself: mayfly dev ${packages[0]}`);
  }
  if (apps.length > 0) {
    const text = 'functions of the CDK are read from what it synthesizes: run `npx cdk synth --quiet` there, and again after changes';
    diagnostics.warn(`${andMore(apps)}: ${text}`, { file: apps[0] });
  }
  for (const [program, instead, text] of PROGRAMS) {
    const file = files.list().some((name) => instead.test(name)) ? undefined : files.list().find((name) => program.test(name));
    if (file) {
      diagnostics.warn(text, { file });
    }
  }
  /* A Worker at the root is what OpenNext makes of Next.js: with its pages. */
  const pages = CONFIG_NAMES.some((name) => files.has(name)) ? [] : pagesOfNext(files);
  if (pages.length > 0) {
    const text = 'Next.js\' pages are not served here, only its route handlers, API routes and middleware: run `next dev` for them';
    diagnostics.warn(`${andMore(pages, 'page')}: ${text}`);
  }
  const isWorker = files.list().some(isWranglerFile) || drafts.some(({ dialect }) => dialect === 'worker');
  const functions = isWorker ? [] : pagesFunctions(files, '');
  if (functions.length > 0) {
    diagnostics.warn(`${andMore(functions, 'function')}: ${pagesFault()}`);
  }
}
