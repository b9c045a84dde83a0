'use strict';
/* The main program of the base zygote, and of everything that is forked from it.
 *
 *   base zygote      warms up, comes to rest, waits in native code (serveBase)
 *   function zygote  a fork of it in a sandbox: loads the function, comes to rest, waits (serveFunction)
 *   instance         a fork of that: opens its channel and serves requests
 *
 * Usage: node zygote.js LINK_FD ADDON_FILE */

const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const v8 = require('node:v8');

/* Ours is compiled as it is loaded, until loadAll(): what is not compiled by then, each instance compiles for itself. */
v8.setFlagsFromString('--no-lazy');
/* A full collection would throw away what has not run for a while: a fork would write to pages that it shares, and compile
 * anew what its next request needs. */
v8.setFlagsFromString('--no-flush-bytecode');

const [linkFd, addonFile] = process.argv.slice(2);
const native = require(addonFile);
const { loadAwaited } = require('./awaited_imports');
const { warm } = require('./warm');
const { watchConnections } = require('./idle_connections');
const localhostNames = require('./localhost_names');
const { comeToRest, explain } = require('./rest');
const { warmDialect } = require('./warm_dialect');
const awsQueueUrls = require('./aws_queue_urls');
const awsSdk2 = require('./aws_sdk2');
const consoles = require('./console');
const fixups = require('./fixups');
const formerBuiltins = require('./former_builtins');
const garbage = require('./garbage');
const instances = require('./instance');
const nativeModules = require('./native_modules');
const readOnly = require('./read_only');
const stacks = require('./stacks');
const webStorage = require('./web_storage');

/* Where sandboxes have what lies in this folder. */
const RUNTIME_INSIDE = '/var/runtime/js';
/* The same program, where a function can start it again (child_process.fork). */
const NODE_INSIDE = '/usr/local/bin/node';
const TASK_INSIDE = '/var/task';
const DIALECTS = path.join(__dirname, 'dialects');

function loadFolder(directory) {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) loadFolder(file);
    else if (entry.name.endsWith('.js')) require(file);
  }
}

/* All of our own code is loaded here, so that functions share its memory. */
function loadAll() {
  loadFolder(DIALECTS);
  loadFolder(path.join(__dirname, 'shims'));
  v8.setFlagsFromString('--lazy');
}

/* Functions require our shims by their place in the sandbox: there they must find the modules loaded here, not second
 * copies with a state of their own. */
function nameAsInside() {
  for (const [file, module] of Object.entries(require.cache)) {
    if (file.startsWith(__dirname + path.sep)) {
      require.cache[path.join(RUNTIME_INSIDE, path.relative(__dirname, file))] = module;
    }
  }
}

function adapterOf(dialect) {
  if (!/^[a-z]+$/.test(dialect)) throw new Error(`the manifest names an unknown dialect: ${dialect}`);
  return require(path.join(DIALECTS, `${dialect}.js`));
}

function setEnvironment(env) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  const defaults = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', LANG: 'C.UTF-8' };
  Object.assign(process.env, defaults, env);
}

/* The process should look to the function as if it had been started for it alone. */
function becomeProgramOf(spec, task) {
  const entry = path.join(task, spec.entry ?? '');
  if (task === TASK_INSIDE) process.execPath = NODE_INSIDE;
  process.argv = [process.execPath, entry];
  process.execArgv = [];
  setEnvironment(spec.env ?? {});
  process.chdir(task);
  native.setTitle(`mayfly: zygote ${spec.name}@${spec.version}`);
  return entry;
}

/* Runs load() with all compiled that it imports at its top: the handlers are in it. What modules require only as they are run is too
 * much for that: those would take half as long again to load. */
async function compiledWhole(load) {
  v8.setFlagsFromString('--no-lazy');
  try {
    return await load();
  } catch (error) {
    stacks.placeImport(error);
    throw error;
  } finally {
    v8.setFlagsFromString('--lazy');
  }
}

/* import(name): a module of the bundle, through its thunk. The bundle itself is loaded at the first call; ES modules of several
 * endpoints are files of their own, which their thunks import. */
function moduleLoader(entry) {
  const isModule = entry.endsWith('.mjs');
  let bundle;
  const open = () => compiledWhole(() => (isModule ? import(pathToFileURL(entry)) : createRequire(entry)(entry)));
  return async (name) => {
    bundle ??= open();
    const { modules } = await bundle;
    const thunk = modules?.[name];
    if (typeof thunk !== 'function') throw new Error(`the bundle has no module ${name}`);
    return isModule ? compiledWhole(thunk) : loadAwaited(thunk);
  };
}

/* Marking that has begun goes on in every fork: each write passes its barrier, and what it marks becomes the fork's own
 * pages. Where large packages are loaded that was a sixth of a first request's CPU time. */
function setIncrementalMarking(on) {
  v8.setFlagsFromString(on ? '--incremental-marking' : '--no-incremental-marking');
}

function describe(error) {
  const hint = readOnly.explain(error);
  if (hint) return `${error.name}: ${error.message}: ${hint}`;
  const uncompiled = nativeModules.explain(error);
  if (uncompiled) return `${error.name}: ${uncompiled}`;
  if (error instanceof Error) return error.stack || String(error);
  return `threw ${inspect(error)}`;
}

/* Whether what nobody has caught is told and no more: where it would be later, too, and where it is one endpoint's of several,
 * of which the others are not to fail with it. */
function goesOn({ uncaught = 'continue' }, spec, error, origin) {
  const policy = typeof uncaught === 'function' ? uncaught(undefined, error, origin) : uncaught;
  return policy === 'log' || policy === 'continue' || (policy === 'drain' && spec.endpoints.length > 1);
}

/* Until the function serves, what goes wrong in it is the reason why it could not be loaded. */
function failWhileLoading(adapter, spec) {
  const onError = (error, origin) => {
    if (goesOn(adapter, spec, error, origin)) console.error(`nobody has caught, while it loaded: ${describe(error)}`);
    else native.loadFailed(describe(error));
  };
  const onExit = (code) => native.loadFailed(`the process was ended by its own code (exit ${code}) while it loaded`);
  process.on('uncaughtException', onError);
  process.on('exit', onExit);
  return () => {
    process.off('uncaughtException', onError);
    process.off('exit', onExit);
  };
}

/* What of the function answers nothing but why it could not be loaded: the developer sees it now, not at its first
 * request. What could not be built was told before. */
function unloadedOf(spec, errors) {
  const told = new Map(); /* several endpoints may share a module */
  let count = 0;
  errors.forEach((error, i) => {
    const { settings, file } = spec.endpoints[i];
    const broken = settings?.broken !== undefined;
    count += broken || error ? 1 : 0;
    if (error && !broken && !told.has(error)) told.set(error, `${file}: ${describe(error)}`);
  });
  return { count, text: [...told.values()].join('\n') };
}

/* '' or what keeps it from being forked, in words for who wrote it. */
async function reasonNotToFork(connections) {
  return await comeToRest(native, { letGo: connections.closeIdle }) || explain(fixups.sharedRandomness());
}

/* Without its channel, or its limits, it serves nobody; and there is no channel to say so by. */
function startOrEnd(instance) {
  try {
    instance.start();
  } catch (error) {
    console.error(describe(error));
    process.exit(1);
  }
}

async function becomeFunction({ spec: text, task, snapshot: maySnapshot }) {
  const spec = JSON.parse(text);
  webStorage.removeFor(spec.dialect);
  const startedAt = performance.now();
  setIncrementalMarking(false);
  fixups.beginInstance(native.pid()); /* so that its code is warm */
  fixups.beginLoading(native.pid());
  const adapter = adapterOf(spec.dialect);
  const stopFailing = failWhileLoading(adapter, spec);
  const entry = becomeProgramOf(spec, task);
  awsSdk2.install(task);
  awsQueueUrls.install(task);
  const practise = await warmDialect(spec.dialect, adapter);
  const connections = watchConnections();
  const app = await adapter.load(spec, moduleLoader(entry));
  const loadMs = Math.round(performance.now() - startedAt);
  const unloaded = unloadedOf(spec, adapter.loadErrors?.(app, spec) ?? []);
  const reason = maySnapshot === 1 ? await reasonNotToFork(connections) : 'it could not be before';
  connections.stop();
  if (reason !== '') {
    fixups.keepAsLoaded();
    await new Promise((become) => {
      native.awaitInstance(loadMs, unloaded.count, unloaded.text, reason, become);
    });
  }
  stopFailing();
  const instance = instances.prepare({ spec, app, adapter, native });
  if (reason === '') {
    fixups.endLoading();
    native.serveFunction(loadMs, unloaded.count, unloaded.text); /* returns in every instance */
  }
  fixups.beginInstance(native.pid());
  native.setTitle(`mayfly: instance ${spec.name}@${spec.version}`);
  setIncrementalMarking(true);
  startOrEnd(instance);
  /* A spare: its first request finds the pages that it needs already its own. Not where an adapter keeps things of its
   * instance: practice would be among them. */
  if (instance.isUnused && !adapter.start) practise();
}

async function main() {
  fixups.install(native);
  formerBuiltins.install();
  garbage.install();
  native.setTitle('mayfly: zygote base');
  consoles.install(native);
  stacks.install();
  nativeModules.install();
  localhostNames.install();
  loadAll();
  await warm();
  garbage.promoteYoung();
  const reason = await comeToRest(native, { linkFd: Number(linkFd) });
  if (reason !== '') throw new Error(`the base zygote cannot be forked: ${reason}`);
  nameAsInside();
  const start = native.serveBase(Number(linkFd), Math.round(performance.now())); /* returns in every function zygote */
  becomeFunction(start).catch((error) => native.loadFailed(describe(error)));
}

main().catch((error) => {
  process.stderr.write(`mayfly base zygote: ${describe(error)}\n`);
  native.exit(1);
});
