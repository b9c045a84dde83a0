/* The file that a package's start script, or its main, names. */
import path from 'node:path';
import { parseEnv } from 'node:util';
import { parsedManifest } from '../bundle/packages.js';
import { sourcesOf } from './compiled.js';
import { readJson } from './mayfly_json.js';
import { commandsOfScript } from './start_script.js';

const RUNNERS = new Set([
  'node', 'nodemon', 'tsx', 'ts-node', 'ts-node-dev', 'tsnd', 'bun', 'node-dev', 'pm2', 'pm2-runtime', 'forever', 'supervisor', 'babel-node',
  'swc-node', 'esr', 'esno', 'jiti', 'vite-node',
]);
/** Of pm2: not a program, but what says which ones there are. */
const PROCESSES = /\.config\.[cm]?js$|\.json$/;
/** Programs that serve the file that they are given, and their packages: what is generated with them starts so. */
const PROGRAMS = {
  fastify: 'fastify-cli', 'react-router-serve': '@react-router/serve', 'remix-serve': '@remix-run/serve',
  'functions-framework': '@google-cloud/functions-framework',
};
/** Of those, who serve the package's main. */
const OF_MAIN = new Set(['functions-framework']);
const PRELOADS = { '-r': 'require', '--require': 'require', '--import': 'import', '--loader': 'import', '--experimental-loader': 'import' };
const TYPESCRIPT_LOADER = /^(tsx|ts-node|esbuild-register|@swc-node\/register|@esbuild-kit\/\S+)(\/|$)/;
/** Those that name a program: where the first is a framework's own, what is built may be started by the last. */
const SCRIPTS = ['start', 'dev', 'serve'];
/** What is called app is mostly what one of the others has listen. */
const USUAL = ['server', 'index', 'main', 'app', 'src/server', 'src/index', 'src/main', 'src/app'];
const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** @returns {object|undefined} */
export function readPackage({ files, diagnostics }) {
  return readJson(files, 'package.json', diagnostics);
}

/**
 * @param {import('../files.js').Files} files
 * @returns {{ file: string, env: Record<string,string>, args: string[], hasLoader: boolean,
 *   preloads: { kind: 'require'|'import', specifier: string }[],
 *   program?: { serves: string, manifest: object } }[]} what may be the program, by what is said of it: the start script, else the one
 *   for development, else main and the usual names. program: file is an installed package's, which serves one of the project
 */
export function mainsOf(files, manifest) {
  for (const script of SCRIPTS) {
    const started = commandsOfScript(manifest, script).map((command) => startedBy(files, manifest, command)).filter(Boolean);
    if (started.length > 0) {
      return started;
    }
  }
  const named = typeof manifest.main === 'string' ? [manifest.main] : [];
  const found = [...named, ...USUAL].map((name) => existing(files, name)).filter(Boolean);
  return [...new Set(found)].map((file) => ({ file, env: {}, args: [], preloads: [], hasLoader: false }));
}

/** @returns {{ script: string, file: string, isThere: boolean }|undefined} the file of the project that a script runs, and which */
export function programNamed(files, manifest) {
  const named = (script) => commandsOfScript(manifest, script).map((command) => namedBy(files, manifest, command)).find(Boolean);
  return SCRIPTS.map((script) => ({ script, ...named(script) })).find(({ file }) => file);
}

function namedBy(files, manifest, { runner, words, all }) {
  const served = Object.hasOwn(PROGRAMS, runner) ? all.findLast((word) => word.includes('.')) : undefined;
  if (served && files.has(path.posix.normalize(served))) {
    return undefined; /* it is the program that cannot be run */
  }
  const target = RUNNERS.has(runner) ? targetOf(words, manifest) : served;
  const file = served ? undefined : target && existing(files, target);
  return target ? { file: file || path.posix.normalize(target), isThere: Boolean(file) } : undefined;
}

/** `NODE_ENV=production node --flag dist/server.js arguments` */
function startedBy(files, manifest, { env, runner, flags, words, all }) {
  if (Object.hasOwn(PROGRAMS, runner)) {
    return installedProgram(files, manifest, { runner, all, env });
  }
  if (!RUNNERS.has(runner)) {
    return null;
  }
  const target = targetOf(words, manifest);
  const file = target ? existing(files, target) : null;
  return file ? { file, args: words.slice(1), ...preloadsOf(flags), env: { ...fileVariables(files, flags), ...env } } : null;
}

function targetOf([first = ''], { main }) {
  return first === '.' ? main ?? 'index.js' : PROCESSES.test(first) ? '' : first;
}

/** `fastify start -l info app.js` */
function installedProgram(files, { main = 'index.js' }, { runner, all, env }) {
  const folder = `node_modules/${PROGRAMS[runner]}`;
  const args = all.map((word) => bundledBelow(files, word) ?? word);
  const given = args.map((word) => path.posix.normalize(word)).findLast((word) => files.has(word));
  const serves = given ?? (OF_MAIN.has(runner) ? existing(files, main) : null);
  const manifest = parsedManifest(files.absolute(`${folder}/package.json`));
  const program = manifest.bin?.[runner];
  if (!serves || typeof program !== 'string') {
    return null;
  }
  return { file: path.posix.join(folder, program), env, args, preloads: [], hasLoader: false, program: { serves, manifest } };
}

/** Where a server is bundled for a platform (Vercel's preset of React Router), it is a folder deeper: `build/server/nodejs_x/index.js`. */
function bundledBelow(files, word) {
  const { dir, base } = path.posix.parse(path.posix.normalize(word));
  if (!dir || !base.endsWith('.js') || files.has(path.posix.join(dir, base))) {
    return null;
  }
  const bundles = files.list().filter((file) => path.posix.basename(file) === base && path.posix.dirname(path.posix.dirname(file)) === dir);
  return bundles.length === 1 ? bundles[0] : null;
}

/**
 * What is loaded before the program; what makes TypeScript run is not needed here.
 * @param {{ name: string, value?: string }[]} flags
 * @returns {{ preloads: { kind: 'require'|'import', specifier: string }[], hasLoader: boolean }}
 */
export function preloadsOf(flags) {
  const named = flags.filter(({ name, value }) => value && PRELOADS[name]);
  const preloads = named.filter(({ value }) => !TYPESCRIPT_LOADER.test(value));
  return {
    preloads: preloads.map(({ name, value }) => ({ kind: PRELOADS[name], specifier: value })),
    hasLoader: preloads.length < named.length,
  };
}

function fileVariables(files, flags) {
  const wanted = flags.filter(({ name, value }) => value && name.startsWith('--env-file'));
  return Object.assign({}, ...wanted.map(({ value }) => path.posix.normalize(value)).filter((file) => files.has(file))
    .map((file) => parseEnv(files.read(file))));
}

/** The file itself, as Node.js would find it, or the source that is compiled to it. */
function existing(files, name) {
  const stem = path.posix.normalize(name).replace(/\/$/, '');
  const candidates = [stem, ...EXTENSIONS.map((extension) => stem + extension), `${stem}/index.js`, `${stem}/index.ts`];
  return [...candidates, ...sourcesOf(stem), stem.replace(/\.([cm]?)js$/, '.$1ts')].find((file) => files.has(file)) ?? null;
}
