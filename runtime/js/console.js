'use strict';
/* console.* and process.stdout become structured records of the request they were written for.
 *
 * The text is Node's own: a Console formats it, so groups, tables, counters and timers behave as always.
 * Until an instance is connected (a module that logs while it is loaded), text goes to the process's own
 * output as in any Node program. */

const { Console } = require('node:console');
const { Writable } = require('node:stream');
const fs = require('node:fs');
const context = require('./context');

const DEBUG = 0;
const INFO = 1;
const WARN = 2;
const ERROR = 3;

const LEVELS = {
  debug: DEBUG, log: INFO, info: INFO, dir: INFO, dirxml: INFO, table: INFO, group: INFO,
  groupCollapsed: INFO, groupEnd: INFO, count: INFO, countReset: WARN, time: INFO, timeEnd: INFO,
  timeLog: INFO, warn: WARN, error: ERROR, trace: ERROR, assert: ERROR,
};

/* The one connected instance of this process; null in zygotes. */
let channel = null;

function record(level, text) {
  channel.log(context.current()?.stream ?? 0, level, text);
}

/** One record, written by an adapter for its function. Without a newline at its end. */
function print(level, text) {
  if (channel) record(level, text);
  else writeRaw(level >= WARN ? 2 : 1, `${text}\n`);
}

/* Who has asked for it gets what the function prints, beside the log. */
function tell(text) {
  context.current()?.onOutput?.(text);
}

/* A pipe that is full must not cost the line: wait for it, as Node does for its own pipes. */
function writeRaw(fd, text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(fd, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
    }
  }
}

/* What the Console writes to: one call is one record. */
function sink(fd) {
  const it = {
    level: INFO,
    write(text) {
      const line = text.endsWith('\n') ? text.slice(0, -1) : text;
      if (channel) record(it.level, line);
      else writeRaw(fd, text);
      tell(line);
    },
  };
  return it;
}

function replaceConsole(target) {
  const stdout = sink(1);
  const stderr = sink(2);
  const formatter = new Console({ stdout, stderr, ignoreErrors: false, colorMode: false });
  for (const [name, level] of Object.entries(LEVELS)) {
    const format = formatter[name];
    target[name] = { [name](...args) {
      stdout.level = stderr.level = level;
      format(...args);
    } }[name];
  }
}

/* process.stdout for a function: bytes become records at each newline. An unfinished line waits for its
 * end, or for its process's. */
class LineStream extends Writable {
  #level;
  #rest = '';
  #stream = 0;

  constructor(fd, level) {
    super({ decodeStrings: false, defaultEncoding: 'utf8' });
    this.fd = fd;
    this.#level = level;
    this._isStdio = true;
    this.isTTY = false;
  }

  _write(chunk, encoding, done) {
    this.#take(typeof chunk === 'string' && encoding !== 'utf8' && encoding !== 'utf-8'
      ? Buffer.from(chunk, encoding).toString() : chunk.toString());
    done();
  }

  /* Closing the process's output is refused by Node too. */
  _destroy(error, done) {
    done(error);
  }

  #take(text) {
    if (!channel) {
      writeRaw(this.fd, text);
      return;
    }
    const lines = (this.#rest + text).split('\n');
    if (this.#rest === '') this.#stream = context.current()?.stream ?? 0;
    this.#rest = lines.pop();
    if (lines.length === 0) return;
    for (const line of lines) {
      channel.log(this.#stream, this.#level, line);
      tell(line);
    }
    this.#stream = context.current()?.stream ?? 0;
  }

  flush() {
    if (this.#rest === '' || !channel) return;
    channel.log(this.#stream, this.#level, this.#rest);
    this.#rest = '';
  }
}

const outputs = [];

function replaceOutput(name, fd, level) {
  let stream = null;
  const make = () => {
    if (!stream) {
      stream = new LineStream(fd, level);
      stream.destroy = () => stream;
      stream.destroySoon = stream.destroy;
      outputs.push(stream);
    }
    return stream;
  };
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: make });
}

/** Before any of the function's code runs: it may keep console.log in a variable. */
function install() {
  replaceConsole(globalThis.console);
  replaceOutput('stdout', 1, INFO);
  replaceOutput('stderr', 2, ERROR);
}

/** From now on this process is an instance with a channel. */
function connect(native) {
  channel = native;
}

function flush() {
  for (const stream of outputs) stream.flush();
}

module.exports = { DEBUG, INFO, WARN, ERROR, install, connect, flush, print };
