/* A running `mayfly dev` for a test: a project, its console as records, HTTP, and the certainty that nothing is left
 * when the test is over.
 *
 *     const platform = await startPlatform(t, { files: { 'api/hello.js': 'export function GET() { ... }' } });
 *     assert.equal((await platform.get('/api/hello')).text, 'hello');
 *     await platform.save('api/hello.js', '...');
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { controlGroups, identify, isAlive, mountsBelow, processTree, titleOf } from './machine.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const MAYFLY = path.join(ROOT, 'build/mayfly');

const PATIENCE_MS = 90_000; /* for what takes milliseconds, on a machine that is busy with something else */

/** Looks again and again until `look` returns something true; fails with what `describe` says. */
export async function eventually(look, describe, patience = PATIENCE_MS) {
  const until = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    assert.ok(Date.now() < until, typeof describe === 'function' ? describe() : describe);
    await sleep(10);
  }
}

/** A folder of its own below /tmp that every user of the platform may read. */
function temporaryFolder(name) {
  const folder = mkdtempSync(path.join(os.tmpdir(), `mayfly-e2e-${name}-`));
  chmodSync(folder, 0o755);
  return folder;
}

/** Gives a folder and all in it to another user. */
function giveTo(user, folder) {
  chownSync(folder, user, user);
  readdirSync(folder, { recursive: true }).forEach((name) => lchownSync(path.join(folder, name), user, user));
}

/** Texts, bytes, { program } for what can be executed, or { link } to what lies elsewhere. */
function writeFiles(folder, files) {
  for (const [file, contents] of Object.entries(files)) {
    const target = path.join(folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    if (typeof contents.link === 'string') {
      symlinkSync(contents.link, target);
    } else {
      writeFileSync(target, contents.program ?? contents, contents.program && { mode: 0o755 });
    }
  }
}

/** An answer with its body in every form a test may want. */
class Answer {
  constructor(response, body) {
    this.status = response.statusCode;
    this.reason = response.statusMessage;
    this.headers = response.headers;
    this.rawHeaders = response.rawHeaders;
    this.trailers = response.trailers;
    this.body = body;
  }

  get text() {
    return this.body.toString('utf8');
  }

  get json() {
    return JSON.parse(this.text);
  }

  get cold() {
    return this.headers['x-mayfly-start'] === 'cold';
  }

  get instance() {
    return this.headers['x-mayfly-instance'];
  }
}

export class Platform {
  /** Every object that the console printed. */
  records = [];
  /** What our own processes said on standard error. */
  errors = '';
  #looking = new Set();
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1024 });
  #seen = [];

  constructor(child, { project, scratch }) {
    this.child = child;
    this.pid = child.pid;
    this.project = project;
    this.scratch = scratch;
    /* With 'exit' alone what it said last could still be on its way. */
    this.exited = once(child, 'close').then(([status, signal]) => ({ status, signal }));
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line));
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.errors += text;
    });
  }

  #take(line) {
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      record = { type: 'not json', line };
    }
    this.records.push(record);
    this.#looking.forEach((look) => look());
  }

  /* ---- what it says ---- */

  /** The first record from number `from` on that `wanted` likes, now or later. */
  async record(wanted, { from = 0, patience = PATIENCE_MS } = {}) {
    const found = () => this.records.slice(from).find(wanted);
    let look;
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        look = () => found() && resolve(found());
        const fail = (why) => reject(new Error(`${why} no such record: ${wanted}\n${this.transcript()}`));
        timer = setTimeout(() => fail(`after ${patience} ms`), patience);
        this.exited.then(({ status }) => fail(`the platform ended with ${status}:`));
        this.#looking.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      this.#looking.delete(look);
    }
  }

  /** A function's log line: by its text, or part of it, or a pattern. */
  log(text, options) {
    const matches = (said) => (text instanceof RegExp ? text.test(said) : said.includes(text));
    return this.record((record) => record.type === 'log' && matches(record.text), options);
  }

  /** The usage record of a request: by path, or by anything else of it. */
  usage(wanted, options) {
    const matches = typeof wanted === 'string' ? (record) => record.path === wanted : wanted;
    return this.record((record) => record.type === 'usage' && matches(record), options);
  }

  transcript() {
    return `${this.records.map((record) => JSON.stringify(record)).join('\n')}\n${this.errors}`;
  }

  /* ---- HTTP ---- */

  get port() {
    return Number(new URL(this.origin).port);
  }

  /** @param {http.RequestOptions & { body?: string | Buffer, host?: string }} [options] host: the Host header */
  async request(method, target, { body, host, headers = {}, ...options } = {}) {
    const request = http.request({
      host: '127.0.0.1',
      port: this.port,
      method,
      path: target,
      agent: this.#agent,
      headers: { ...(host ? { host } : {}), ...headers },
      ...options,
    });
    request.end(body);
    const [response] = await once(request, 'response');
    const chunks = await response.toArray();
    return new Answer(response, Buffer.concat(chunks));
  }

  get(target, options) {
    return this.request('GET', target, options);
  }

  /** An object becomes JSON. */
  post(target, body, options = {}) {
    if (typeof body !== 'object' || Buffer.isBuffer(body)) {
      return this.request('POST', target, { ...options, body });
    }
    const headers = { 'content-type': 'application/json', ...options.headers };
    return this.request('POST', target, { ...options, headers, body: JSON.stringify(body) });
  }

  fetch(target, init) {
    return fetch(new URL(target, this.origin), init);
  }

  /** Sends bytes as they are and returns everything that comes back until the other side closes. */
  async raw(bytes) {
    const socket = net.connect(this.port, '127.0.0.1');
    socket.end(bytes);
    return Buffer.concat(await socket.toArray()).toString('latin1');
  }

  /* ---- the project ---- */

  /** Saves a file as an editor does, and waits for what the platform makes of it: a build or a failed one. */
  async save(file, contents) {
    const from = this.records.length;
    writeFiles(this.project, { [file]: contents });
    return this.rebuilt(from);
  }

  /** The whole lines of a file of the project that functions append to; none while it is missing. */
  lines(file) {
    try {
      return readFileSync(path.join(this.project, file), 'utf8').split('\n').slice(0, -1);
    } catch (error) {
      assert.equal(error.code, 'ENOENT');
      return [];
    }
  }

  async remove(file) {
    const from = this.records.length;
    rmSync(path.join(this.project, file));
    return this.rebuilt(from);
  }

  rebuilt(from) {
    const settled = (record) =>
      record.type === 'build' || record.type === 'failed' || (record.type === 'function' && !record.loaded);
    return this.record(settled, { from });
  }

  /* ---- its processes ---- */

  /** Living processes of the platform, the launcher first. */
  processes() {
    const tree = processTree(this.pid).map((one) => ({ ...one, title: titleOf(one.pid) }));
    for (const one of tree) {
      if (!this.#seen.some((seen) => seen.pid === one.pid && seen.started === one.started)) {
        this.#seen.push(one);
      }
    }
    return tree.filter((one) => one.state !== 'Z');
  }

  /** The process with this title, e.g. "mayfly: supervisor". */
  process(title) {
    return eventually(
      () => this.processes().find((one) => (title instanceof RegExp ? title.test(one.title) : one.title === title)),
      () => `no process ${title} among\n${this.processes().map((one) => one.title).join('\n')}`,
    );
  }

  /* ---- the end ---- */

  /** Asks it to stop, and makes sure that it did and that nothing is left. */
  async stop(signal = 'SIGINT') {
    this.processes();
    const asked = performance.now();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
    }
    const exit = await this.exited;
    const took = performance.now() - asked;
    await this.assertNothingLeft();
    return { ...exit, took };
  }

  async assertNothingLeft() {
    const left = () => this.#seen.filter(isAlive).map((one) => `${one.pid} ${titleOf(one.pid)}`);
    await eventually(() => left().length === 0, () => `still running:\n${left().join('\n')}\n${this.transcript()}`);
    const group = `mayfly-${this.pid}`;
    await eventually(() => controlGroups(group).length === 0, () => `left: ${controlGroups(group)}`);
    await eventually(() => readdirSync(this.scratch).length === 0, () => `left: ${readdirSync(this.scratch)}`);
    assert.deepEqual(mountsBelow(this.scratch), []);
  }

  /** Whatever became of the test. */
  async destroy() {
    this.processes();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await this.exited;
    }
    this.#seen.filter(isAlive).forEach((one) => process.kill(one.pid, 'SIGKILL'));
    this.#agent.destroy();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Runs `mayfly` with arguments to its end. */
export async function runMayfly(args, options = {}) {
  const child = spawn(MAYFLY, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const exit = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
  const [status, signal] = await exit;
  return { status, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** What `mayfly dev` prints for people about a project of these files, until it has printed `until`. */
export async function readConsole(t, files, until) {
  const project = temporaryFolder('project');
  t.after(() => rmSync(project, { recursive: true, force: true }));
  writeFiles(project, files);
  const child = spawn(MAYFLY, ['dev', project, '--port', '0', '--aws-port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more;
  });
  try {
    await eventually(() => until.test(text), () => `no ${until} in:\n${text}`);
  } finally {
    child.kill('SIGTERM');
    await exit;
  }
  return text;
}

/**
 * Starts `mayfly dev` on a free port and waits until its first build is served, or has failed. When the test ends it
 * is stopped, and the test fails if anything is left of it.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [options]
 * @param {Record<string, string | Buffer | { program: Buffer } | { link: string }>} [options.files] of a project of the test's own
 * @param {string} [options.project] a folder that exists already, instead
 * @param {string[]} [options.args] further arguments
 * @param {Record<string, string>} [options.env] further environment
 * @param {number} [options.user] who it runs as, if the test is root
 * @param {string[]} [options.through] a program, with arguments, that becomes it
 * @param {(platform: Platform) => Promise<void>} [options.whenListening] what is to be done before the first build is waited for
 * @returns {Promise<Platform>}
 */
export async function startPlatform(t, { files = {}, project, args = [], env = {}, user, openFiles, through = [], whenListening } = {}) {
  const own = project ? null : temporaryFolder('project');
  const scratch = temporaryFolder('scratch');
  writeFiles(own ?? scratch, own ? files : {});
  if (user !== undefined) {
    giveTo(user, scratch);
    if (own) {
      giveTo(user, own);
    }
  }
  const command = [...through, MAYFLY, 'dev', project ?? own, '--port', '0', '--aws-port', '0', '--log', 'json', ...args];
  /* `openFiles`: as many as the shell says may be open */
  const [program, ...rest] = openFiles ? ['sh', '-c', `ulimit -Sn ${openFiles}; exec "$0" "$@"`, ...command] : command;
  const child = spawn(program, rest, {
    env: { ...process.env, TMPDIR: scratch, ...(user === undefined ? {} : { HOME: scratch }), ...env },
    uid: user,
    gid: user,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const platform = new Platform(child, { project: project ?? own, scratch });
  t.after(async () => {
    try {
      await platform.stop('SIGTERM');
    } finally {
      await platform.destroy();
      if (own) {
        rmSync(own, { recursive: true, force: true });
      }
    }
  });
  const listening = await platform.record((record) => record.type === 'listening');
  platform.origin = listening.url;
  /** How a developer's AWS clients reach the platform: what a client of the SDK is made with. */
  platform.aws = {
    endpoint: listening.aws_url, region: 'us-east-1',
    credentials: { accessKeyId: listening.aws_access_key_id, secretAccessKey: listening.aws_secret_access_key },
  };
  await whenListening?.(platform);
  await platform.record((record) => record.type === 'build' || record.type === 'failed');
  platform.processes();
  return platform;
}

export { identify, isAlive };
