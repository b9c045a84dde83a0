/* Runs the real builder on projects in temporary folders, walks its routes as the gateway would, and loads its
 * artifacts in processes of their own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, statSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MAIN = path.join(ROOT, 'builder/main.js');
const FIXTURES = path.join(ROOT, 'test/fixtures/builder');
const SHELL = { PATH: process.env.PATH, HOME: process.env.HOME };

/** A folder that is gone after the test. */
export function temporaryFolder(t) {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'mayfly-builder-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param {Record<string, string>} files */
export function writeFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

export function projectOf(t, files) {
  const folder = path.join(temporaryFolder(t), 'project');
  mkdirSync(folder);
  writeFiles(folder, files);
  return folder;
}

export function fixture(t, name) {
  const folder = path.join(temporaryFolder(t), name);
  cpSync(path.join(FIXTURES, name), folder, { recursive: true });
  return folder;
}

/** Packages of the repository itself, so that tests need no registry. */
export function linkPackages(project, ...names) {
  for (const name of names) {
    const link = path.join(project, 'node_modules', name);
    mkdirSync(path.dirname(link), { recursive: true });
    cpSync(path.join(ROOT, 'node_modules', name), link, { recursive: true });
  }
}

export { symlinkSync };

/** The builder as control runs it: a socket on descriptor 3. */
export class Builder {
  #messages = [];
  #waiting = [];
  logs = [];

  constructor(t, project, { watch = false, env = {}, out, port } = {}) {
    this.out = out ?? temporaryFolder(t);
    const args = [MAIN, '--project', project, '--out', this.out, ...(watch ? ['--watch'] : []), ...(port ? ['--port', String(port)] : [])];
    this.child = spawn(process.execPath, args, { env: { ...SHELL, ...env }, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
    this.socket = this.child.stdio[3];
    this.exited = new Promise((resolve) => this.child.on('exit', (code) => resolve(code)));
    createInterface({ input: this.socket }).on('line', (line) => this.#receive(JSON.parse(line)));
    this.socket.on('error', () => {});
    t.after(async () => {
      this.send({ type: 'stop' });
      const late = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
      await this.exited;
      clearTimeout(late);
    });
  }

  #receive(message) {
    if (message.type === 'log') {
      this.logs.push(message);
      return;
    }
    const taker = this.#waiting.shift();
    taker ? taker(message) : this.#messages.push(message);
  }

  send(message) {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  /** @returns {Promise<object>} the next manifest or failure */
  next() {
    return this.#messages.length > 0
      ? Promise.resolve(this.#messages.shift())
      : new Promise((resolve) => this.#waiting.push(resolve));
  }

  get unread() {
    return this.#messages.length;
  }
}

/** One build, and its message. */
export async function build(t, project, options = {}) {
  const builder = new Builder(t, project, options);
  builder.send({ type: 'build' });
  const message = await builder.next();
  return { ...message, logs: builder.logs };
}

export function functionNamed(manifest, name) {
  return manifest.functions.find((fn) => fn.name === name);
}

/** What the gateway would do with a request, in words: function, redirect, file or status. */
export function visit(manifest, method, url, { host = 'localhost', headers = {} } = {}) {
  let [pathname, query = ''] = url.split('?');
  const added = {};
  for (let i = 0, steps = 0; i < manifest.routes.length && steps < 500; i += 1, steps += 1) {
    const route = manifest.routes[i];
    const captures = matches(route, { method, pathname, query, host, headers });
    if (!captures) {
      continue;
    }
    Object.assign(added, route.headers);
    if (route.static) {
      if (route.dest !== undefined) pathname = substitute(route.dest, captures);
      const file = staticFile(manifest, method, pathname + (route.suffix ?? ''));
      if (file) return { file, headers: added, ...(route.status ? { status: route.status } : {}) };
    } else if (route.location !== undefined) {
      return { status: route.status, location: substitute(route.location, captures), headers: added };
    } else if (route.dest !== undefined) {
      const [destPath, destQuery] = substitute(route.dest, captures).split('?');
      pathname = destPath;
      query = [destQuery, query].filter(Boolean).join('&');
      i = route.check ? manifest.routes.findIndex((entry) => entry.label === 'filesystem') - 1 : i;
    } else if (route.check) {
      i = manifest.routes.findIndex((entry) => entry.label === 'filesystem') - 1;
    } else if (route.function !== undefined) {
      return answer(manifest, route, captures, { pathname, query, added });
    } else if (route.status !== undefined && !route.continue) {
      return { status: route.status, headers: added };
    }
  }
  return { status: 404, headers: added };
}

function answer(manifest, route, captures, { pathname, query, added }) {
  const fn = manifest.functions[route.function];
  const endpoint = fn.endpoints[route.endpoint];
  const params = Object.fromEntries((route.params ?? []).map((name, n) => [name, captures[n + 1]]));
  return { function: fn.name, endpoint: endpoint.name, file: endpoint.file, params, path: pathname, query, headers: added, settings: endpoint.settings };
}

function matches(route, request) {
  if (route.methods && !route.methods.includes(request.method)) return null;
  const host = route.host ? regex(route.host).exec(request.host) : [];
  if (!host) return null;
  if ((route.has ?? []).some((rule) => !condition(rule, request))) return null;
  if ((route.missing ?? []).some((rule) => condition(rule, request))) return null;
  if (route.path !== undefined) return route.path === request.pathname ? [] : null;
  return route.src ? regex(route.src).exec(request.pathname) : [];
}

function condition({ type, key, value }, { query, headers, host }) {
  const cookie = new Map((headers.cookie ?? '').split('; ').map((pair) => pair.split('='))).get(key);
  const found = { query: new URLSearchParams(query).get(key), header: headers[key?.toLowerCase()], host, cookie }[type];
  return found !== null && found !== undefined && (value === undefined || new RegExp(`^(?:${value})$`).test(found));
}

function regex(source) {
  return source.startsWith('(?i)') ? new RegExp(source.slice(4), 'i') : new RegExp(source);
}

function substitute(text, captures) {
  return text.replace(/\$(\w+)/g, (whole, name) => captures.groups?.[name] ?? captures[name] ?? (/^\d+$/.test(name) ? '' : whole));
}

function staticFile(manifest, method, pathname) {
  if (!['GET', 'HEAD'].includes(method)) return null;
  const name = decodeURIComponent(pathname).slice(1);
  return manifest.static
    .filter(({ except }) => !except || !new RegExp(except).test(name))
    .flatMap(({ directory }) => [path.join(directory, name), path.join(directory, name, 'index.html')])
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}

/**
 * Evaluates an expression over a loaded artifact, in a process whose /var/runtime is the repository's. `load(name)`
 * is a module of the bundle. Returns what the expression's promise gives, through JSON.
 */
export function evaluate(fn, expression) {
  const script = `
    const { registerHooks, createRequire } = require('node:module');
    const { pathToFileURL } = require('node:url');
    const runtime = ${JSON.stringify(path.join(ROOT, 'runtime'))};
    registerHooks({
      resolve(specifier, context, next) {
        const moved = specifier.replace(/^(file:\\/\\/)?\\/var\\/runtime\\//, runtime + '/');
        return next(moved, context);
      },
    });
    process.chdir(${JSON.stringify(fn.artifact)});
    const entry = ${JSON.stringify(path.join(fn.artifact, fn.entry))};
    const open = async () => (entry.endsWith('.mjs') ? import(pathToFileURL(entry)) : createRequire(entry)(entry));
    (async () => {
      const { modules } = await open();
      const load = (name) => modules[name]();
      return (${expression});
    })().then(
      (value) => process.stdout.write('\\0' + JSON.stringify(value ?? null)),
      (error) => { process.stderr.write(error.stack); process.exitCode = 1; },
    );`;
  const folder = withMounts(fn);
  const result = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env: { ...SHELL, ...fn.env } });
  folder.undo();
  if (result.status !== 0) {
    throw new Error(`the bundle failed: ${result.stderr}`);
  }
  return JSON.parse(result.stdout.split('\0').at(-1));
}

/** Links stand for the mounts that the sandbox makes. */
function withMounts(fn) {
  const made = [];
  for (const { source, target } of fn.mounts) {
    const place = path.join(fn.artifact, target);
    rmSync(place, { recursive: true, force: true });
    symlinkSync(source, place);
    made.push(place);
  }
  return {
    undo() {
      for (const place of made) {
        rmSync(place);
        mkdirSync(place);
      }
    },
  };
}

/** What the runtime is told of the integration of an API Gateway's route. */
export function integrationAt(manifest, method, path) {
  assert.equal(visit(manifest, method, path).function, 'integrations');
  return functionNamed(manifest, 'integrations').endpoints.find(({ name, methods }) => name === path && methods[0] === method).settings.integration;
}
