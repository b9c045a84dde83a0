/* The file that a package's start script, or its main, names. */
import path from 'node:path';
import { parseEnv } from 'node:util';
import { parsedManifest } from '../bundle/packages.js';
import { sourcesOf } from './compiled.js';
import { readJson } from './mayfly_json.js';

const RUNNERS = new Set(['node', 'nodemon', 'tsx', 'ts-node', 'ts-node-dev', 'bun', 'node-dev']);
/** Programs that serve the file that they are given, and their packages: what is generated with them starts so. */
const PROGRAMS = { fastify: 'fastify-cli', 'react-router-serve': '@react-router/serve', 'remix-serve': '@remix-run/serve' };
const WITH_VALUE = new Set([
  '-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--env-file', '--env-file-if-exists',
]);
const PRELOADS = { '-r': 'require', '--require': 'require', '--import': 'import', '--loader': 'import', '--experimental-loader': 'import' };
const TYPESCRIPT_LOADER = /^(tsx|ts-node|esbuild-register|@swc-node\/register|@esbuild-kit\/\S+)(\/|$)/;
const USUAL = ['server', 'index', 'app', 'main', 'src/server', 'src/index', 'src/app', 'src/main'];
const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** @returns {object|undefined} */
export function readPackage({ files, diagnostics }) {
  return readJson(files, 'package.json', diagnostics);
}

/**
 * @param {import('../files.js').Files} files
 * @returns {{ file: string, env: Record<string,string>, args: string[], hasLoader: boolean,
 *   preloads: { kind: 'require'|'import', specifier: string }[],
 *   program?: { serves: string, manifest: object } }|null} program: file is an installed package's, which serves one of the project
 */
export function mainOf(files, manifest) {
  const started = startScript(files, manifest);
  if (started) {
    return started;
  }
  const named = typeof manifest.main === 'string' ? existing(files, manifest.main) : null;
  const usual = named ?? USUAL.map((stem) => existing(files, stem)).find(Boolean);
  return usual ? { file: usual, env: {}, args: [], preloads: [], hasLoader: false } : null;
}

/** @returns {string|undefined} the file of the project that the start script runs, where it is not there */
export function missingProgram(files, manifest) {
  const { runner, words } = commandOf(manifest);
  takeFlags(words);
  const target = RUNNERS.has(runner) ? targetOf(words, manifest) : Object.hasOwn(PROGRAMS, runner) ? words.findLast((word) => word.includes('.')) : undefined;
  return target && !existing(files, target) ? path.posix.normalize(target) : undefined;
}

/** `NODE_ENV=production node --flag dist/server.js arguments` */
function startScript(files, manifest) {
  const { env, runner, words } = commandOf(manifest);
  if (Object.hasOwn(PROGRAMS, runner)) {
    return installedProgram(files, runner, words, env);
  }
  if (!RUNNERS.has(runner)) {
    return null;
  }
  const flags = takeFlags(words);
  const target = targetOf(words, manifest);
  const file = target ? existing(files, target) : null;
  return file ? { file, args: words.slice(1), ...meaning(files, flags), env: { ...fileVariables(files, flags), ...env } } : null;
}

const targetOf = ([first], { main }) => (first === '.' ? main ?? 'index.js' : first);

/** The last command of the script, whose variables stand before it. */
function commandOf({ scripts }) {
  const script = typeof scripts?.start === 'string' ? scripts.start.split(/&&|;|\|\|/).at(-1) : '';
  const words = script.trim().split(/\s+/).filter((word) => word !== 'cross-env' && word !== 'npx' && word !== 'exec');
  const env = {};
  while (/^[A-Za-z_]\w*=/.test(words[0] ?? '')) {
    const [name, ...value] = words.shift().split('=');
    env[name] = value.join('=').replace(/^(['"])(.*)\1$/, '$2');
  }
  return { env, runner: words.shift() ?? '', words };
}

/** `fastify start -l info app.js` */
function installedProgram(files, name, args, env) {
  const folder = `node_modules/${PROGRAMS[name]}`;
  const serves = args.map((word) => path.posix.normalize(word)).findLast((word) => files.has(word));
  const manifest = parsedManifest(files.absolute(`${folder}/package.json`));
  const program = manifest.bin?.[name];
  if (!serves || typeof program !== 'string') {
    return null;
  }
  return { file: path.posix.join(folder, program), env, args, preloads: [], hasLoader: false, program: { serves, manifest } };
}

/** Takes `--import x`, `--env-file=x`, `--flag` from the front of the words. */
function takeFlags(words) {
  const flags = [];
  while (words[0]?.startsWith('-') || words[0] === 'watch' || words[0] === 'run') {
    const [name, ...value] = words.shift().split('=');
    flags.push({ name, value: value.length > 0 ? value.join('=') : WITH_VALUE.has(name) ? words.shift() : undefined });
  }
  return flags;
}

/** What is loaded before the program; what makes TypeScript run is not needed here. */
function meaning(files, flags) {
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
  return [...candidates, ...sourcesOf(stem)].find((file) => files.has(file)) ?? null;
}
