/* The gateway alone, sanitized, between a supervisor, a control and instances that are played in C
 * (test/tools/fake_platform.c): what HTTP tests run against. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../build/asan/fake_platform', import.meta.url));

/** The functions and routes most tests need; `functions` and `routes` may be replaced. */
export const API = { id: 11, name: 'api', dialect: 'next', concurrency: 64, timeout_ms: 60_000, endpoints: [{ name: 'api' }] };
export const CATCH_ALL = [{ src: '^/.*$', function: 0, endpoint: 0 }];

/** A path whose requests have another time than the others of its function have. */
export function timed(path, timeout_ms) {
  return { endpoints: [...API.endpoints, { name: path, timeout_ms }], routes: [{ path, function: 0, endpoint: 1 }, ...CATCH_ALL] };
}

export class Gateway {
  records = [];
  errors = '';
  #waiting = [];

  constructor(child, folder) {
    this.child = child;
    this.folder = folder;
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line));
    child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
  }

  #take(line) {
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      record = { text: line };
    }
    this.records.push(record);
    for (const look of [...this.#waiting]) look();
  }

  /** The first record that `wanted` likes, now or later. */
  record(wanted) {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.records.find(wanted);
        if (!found) return;
        this.#waiting = this.#waiting.filter((one) => one !== look);
        resolve(found);
      };
      this.#waiting.push(look);
      look();
    });
  }

  usage(request) {
    return this.record((r) => r.usage === request);
  }

  /** Other routes from now on. */
  async deploy(manifest) {
    await writeFile(path.join(this.folder, 'routes.json'), JSON.stringify(manifest));
    const build = Math.max(...this.records.map((r) => r.routes ?? 0)) + 1;
    this.child.stdin.write('again\n');
    await this.record((r) => r.routes === build);
  }

  /** The routes of this build come once more, as when a function's concurrency changes. */
  async sendAgain() {
    const routed = () => this.records.filter((r) => r.routes && !r.drained).length;
    const before = routed();
    this.child.stdin.write('same\n');
    await this.record(() => routed() > before);
  }

  /** Control takes what it has been given, and leaves it unanswered. */
  control() {
    this.child.stdin.write('control\n');
    return this.record((r) => r.control);
  }

  url(target) {
    return `http://127.0.0.1:${this.port}${target}`;
  }

  fetch(target, init) {
    return fetch(this.url(target), init);
  }

  /** A request that an instance has begun to answer, until it is let go of: /echo says what it is sent. */
  async hold() {
    const request = http.request(this.url('/echo'), { method: 'POST' });
    request.write('held');
    const [response] = await once(request, 'response');
    const release = async () => {
      request.end();
      return Buffer.concat(await response.toArray()).toString();
    };
    return { instance: response.headers['x-mayfly-instance'], release };
  }

  async stop() {
    if (this.child.exitCode === null) {
      this.child.stdin.end();
      await once(this.child, 'exit');
    }
    await rm(this.folder, { recursive: true });
  }
}

/** Starts one and ends it with the test; a report of a sanitizer fails the test. `openFiles`: as many as it may have open. */
export async function startGateway(t, { functions = [API], routes = CATCH_ALL, files = {}, except, args = [], openFiles } = {}) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'mayfly-gateway-'));
  const directory = path.join(folder, 'public');
  await mkdir(directory);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), content);
  }
  const manifest = { functions, routes, static: [{ prefix: '/', directory, except }] };
  await writeFile(path.join(folder, 'routes.json'), JSON.stringify(manifest));
  const command = [PROGRAM, path.join(folder, 'routes.json'), ...args];
  const [program, ...rest] = openFiles ? ['sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, ...command] : command;
  const child = spawn(program, rest, {
    stdio: 'pipe',
    env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0' },
  });
  await once(child, 'spawn'); /* throws where the program was not built */
  const gateway = new Gateway(child, folder);
  gateway.directory = directory;
  t.after(async () => {
    await gateway.stop();
    if (/ERROR: |runtime error|assert/i.test(gateway.errors)) throw new Error(gateway.errors);
  });
  gateway.port = (await gateway.record((r) => r.port)).port;
  await gateway.record((r) => r.routes === 1);
  return gateway;
}

/** A connection to which a test says bytes as it likes. */
export class Wire {
  received = '';
  closed = false;
  reset = false;
  #waiting = [];

  constructor(port) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text) => {
      this.received += text;
      this.#look();
    });
    this.socket.on('error', () => (this.reset = true));
    this.socket.on('close', () => this.#end());
    this.socket.on('end', () => this.#end());
  }

  #end() {
    this.closed = true;
    this.#look();
  }

  #look() {
    for (const look of [...this.#waiting]) look();
  }

  send(text) {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves with all that was received once `enough(received)` or the server has closed. */
  until(enough) {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.closed && !enough(this.received)) return;
        this.#waiting = this.#waiting.filter((one) => one !== look);
        resolve(this.received);
      };
      this.#waiting.push(look);
      look();
    });
  }

  end() {
    return this.until(() => false);
  }

  destroy() {
    this.socket.destroy();
  }
}

/** Says `text` and returns all that comes back until the server closes the connection. */
export async function exchange(port, text) {
  const wire = new Wire(port).send(text);
  const received = await wire.end();
  wire.destroy();
  return received;
}

export function statusOf(response) {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1]);
}
