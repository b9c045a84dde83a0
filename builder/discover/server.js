/* A plain Node.js server (Express, Fastify, Hono, node:http), or an app that is exported, when no platform claims the project.
 *
 * Its folder is the artifact as it stands, since it reads its own views and files; only TypeScript is bundled, beside
 * a copy of the folder. Secrets (.env) stay out: they reach it as its environment. */
import path from 'node:path';
import { Installed } from '../bundle/installed.js';
import { isEnvFile } from '../env.js';
import { inspect } from '../source.js';
import { newestProgram, typedBeside } from './compiled.js';
import { nothing } from './context.js';
import { mainsOf, readPackage } from './server_main.js';
import { servesOutput } from './vercel_output.js';

const MEMORY_MB = 1024;
const TIMEOUT_MS = 300_000;
/** Calls that listen, by their names: those of Apollo Server (startStandaloneServer), Slack's Bolt (app.start) and Adonis, too. */
const SERVES = /\.listen\s*\(|\bcreateServer\s*\(|\bserve\s*\(|\bstart\w*Server\s*\(|\b(?:app|\w*[sS]erver(?:\(\))?)\.start\s*\(|\bDeno\.serve\b|\bBun\.serve\b|['"]@hapi\/(?:hapi|glue)['"]/;
/** Apps that Vercel's adapter can ask itself, as Vercel and Bun do with what such a file exports. */
const FRAMEWORK = /\b(?:from|require\()\s*['"](?:express|hono|@hono\/[\w-]+|elysia|h3)['"]/;
const EXPORTS_APP = /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b|\bmodule\.exports\s*=/;
/** What servers of Bun, srvx and Vercel export, without a framework. */
const EXPORTS_FETCH = /\bexport\s+default\s*\{[^}]*\bfetch\b/;
const FOLLOWED_MAX = 200;
/** What says so of the module that Node.js was started with; here that is always another. */
const IS_MAIN = /\bimport\.meta\.main\b/g;

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Found} sofar
 * @returns {Promise<import('./context.js').Found>}
 */
export async function discoverServer(context, sofar) {
  const found = nothing();
  if (sofar.drafts.length > 0 || servesOutput(context) || !context.files.has('package.json')) {
    return found;
  }
  const manifest = readPackage(context);
  const mains = manifest ? mainsOf(context.files, manifest).map((one) => ({ ...one, dialect: one.program ? 'server' : dialectOf(context.files, one.file) })) : [];
  const main = mains.find(({ dialect }) => dialect === 'server') ?? mains.find(({ dialect }) => dialect);
  if (!main) {
    return found;
  }
  const { dialect } = main;
  const newest = dialect === 'server' && !main.program ? newestProgram(context, manifest, main.file) : {};
  const hasSyntax = await hasModuleSyntax(context.files, newest.file ?? main.file);
  const draft = draftOf(context, manifest, { ...main, ...newest, hasSyntax });
  found.drafts.push({ ...draft, ...(newest.fault ? withoutProgram(draft, newest) : {}), dialect });
  found.routes.catchAll.push({ src: '^/', target: ['server', 0], dialect });
  return found;
}

/** A program that listens runs as it is; an app that is only exported is one function for all paths. */
function dialectOf(files, main) {
  if (createsServer(files, main)) {
    return 'server';
  }
  const text = files.read(main);
  return (FRAMEWORK.test(text) && EXPORTS_APP.test(text)) || EXPORTS_FETCH.test(text) ? 'vercel' : null;
}

/** Looks for a listening call in the main file and what it imports by relative paths. */
function createsServer(files, main) {
  const queue = [main];
  const seen = new Set(queue);
  while (queue.length > 0 && seen.size < FOLLOWED_MAX) {
    const file = queue.shift();
    const text = files.read(file);
    if (SERVES.test(text)) {
      return true;
    }
    for (const [, specifier] of text.matchAll(/(?:from|require\(|import\(|import)\s*['"](\.{1,2}\/[^'"]*|\.{1,2})['"]/g)) {
      const next = resolveRelative(files, path.posix.join(path.posix.dirname(file), specifier));
      if (next && !seen.has(next)) {
        seen.add(next);
        queue.push(next);
      }
    }
  }
  return false;
}

function resolveRelative(files, stem) {
  const typed = stem.replace(/\.([cm]?)js$/, '.$1ts');
  const endings = ['', '.js', '.ts', '.mjs', '.cjs', '.mts', '.cts', '.tsx', '.jsx', '/index.js', '/index.ts'];
  return [...endings.map((ending) => stem + ending), typed].find((file) => files.has(file));
}

function draftOf(context, manifest, { file, source = file, env, args, preloads, hasLoader, program, hasSyntax }) {
  const { files, project, port, development, env: variables } = context;
  const isTyped = hasLoader || /\.[cm]?tsx?$/.test(file);
  const stage = development ? 'development' : 'production';
  /* What a compiled program was made of is none of it: a change there changes nothing that runs. */
  const unread = file === source ? [] : typedBeside(files, source);
  const members = files.list().filter((member) => !isEnvFile(member) && !/(^|\/)\.npmrc$/.test(member) && !unread.includes(member));
  const artifact = new Map(members.map((member) => [member, { copy: files.absolute(member) }]));
  const module = isTyped ? file.replace(/\.[^.]+$/, '') : 'server';
  const shown = program?.serves ?? file;
  const draft = {
    name: 'server',
    memory_mb: MEMORY_MB,
    timeout_ms: TIMEOUT_MS,
    env: { NODE_ENV: stage, PORT: String(port || 3000), ...env, ...variables },
    settings: { main: file, package: manifest.name ?? null, args, port: port || 3000 },
    endpoints: [{ name: '/', file: shown, module, methods: null, timeout_ms: 0, settings: {}, source: `${project}/${shown}` }],
    files: artifact,
  };
  if (isTyped) {
    return { ...draft, ...setupOf(context, preloads) };
  }
  const esm = isModule(file, program?.manifest ?? manifest, hasSyntax);
  if (esm && !program && IS_MAIN.test(files.read(file))) {
    artifact.set(file, Buffer.from(files.read(file).replace(IS_MAIN, 'true')));
  }
  artifact.set('___mayfly.cjs', Buffer.from(entrySource(file, esm, preloads)));
  const { mounts: packages, files: links } = new Installed(project).whole;
  return { ...draft, files: new Map([...links, ...artifact]), build: 'files', entry: '___mayfly.cjs', packages };
}

/** A program that cannot run takes the place of one that did, so that the change to it is refused. */
function withoutProgram({ endpoints }, { file, fault }) {
  const entry = '___mayfly.cjs';
  const broken = { severity: 'error', text: fault, file };
  return {
    build: 'files',
    files: new Map([[entry, Buffer.from('exports.modules = {};\n')]]),
    entry,
    endpoints: [{ ...endpoints[0], module: 'server', settings: { broken } }],
  };
}

/** What is bundled can have one module before its own: the first that is the project's. */
function setupOf({ files, project }, preloads) {
  const own = preloads.map(({ specifier }) => path.posix.normalize(specifier)).map((stem) => resolveRelative(files, stem)).find(Boolean);
  return own ? { setup: { module: 'setup', source: `${project}/${own}` } } : {};
}

/** Where nothing says what a file is, its syntax does, as for Node.js; a module that is the program of require() gives no exports. */
function isModule(file, manifest, hasSyntax) {
  const isOne = manifest.type === undefined ? hasSyntax : manifest.type === 'module';
  return file.endsWith('.mjs') || (isOne && !file.endsWith('.cjs'));
}

async function hasModuleSyntax(files, file) {
  const facts = /\.js$/.test(file) && files.has(file) ? await inspect(file, files.read(file)) : null;
  return facts?.esm === true;
}

/** The app must find itself to be the program: `require.main === module` starts many a server. */
function entrySource(file, esm, preloads) {
  const load = esm
    ? "import(require('node:url').pathToFileURL(main).href)"
    : "require('node:module')._load(main, null, true)";
  return [
    `const main = require('node:path').join(__dirname, ${JSON.stringify(file)});`,
    'exports.modules = {',
    `  ${preloads.length > 0 ? 'async ' : ''}server() {`,
    '    process.argv[1] = main;',
    ...preloads.map(({ kind, specifier }) => `    await ${kind}(${JSON.stringify(specifier)});`),
    `    return ${load};`,
    '  },',
    '};',
    '',
  ].join('\n');
}
