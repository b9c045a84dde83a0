'use strict';

/* The dialect of custom Lambda runtimes: any executable called `bootstrap` that talks to the
 * Runtime API, a process of its own in each instance. */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { answer, fail, readEvent } = require('./lambda/answer');
const { arnOf, defineEnvironment, defineLogStream } = require('./lambda/environment');
const errors = require('./lambda/errors');
const { exitText } = require('./lambda/exit');
const { EventSink, answerErrorPayload, answerResult, canTell } = require('./lambda/invoke');
const { traceHeader } = require('./lambda/event');
const { lowerNames } = require('./lambda/header_names');
const { ResponseTooLarge } = require('./lambda/response');
const { BufferSink, HttpSink } = require('./lambda/stream');
const { RuntimeApi } = require('./runtime_api');

/* After its last word the executable has this long to end by itself. */
const LAST_WORDS_MS = 2000;

/* An error with the name, message and stack that another process told. */
class ToldError extends Error {
  constructor({ errorType, errorMessage, stackTrace, trace }) {
    super(String(errorMessage ?? ''));
    this.name = String(errorType ?? 'Error');
    const lines = [stackTrace, trace].find(Array.isArray) ?? [];
    this.stack = [`${this.name}: ${this.message}`, ...lines.map(String)].join('\n');
  }
}

function parsePayload(type, bytes) {
  try {
    const value = JSON.parse(bytes.toString('utf8'));
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      return { ...value, errorType: value.errorType ?? type };
    }
  } catch {
    /* The type has to do. */
  }
  return { errorType: type ?? 'Runtime.Unknown', errorMessage: bytes.toString('utf8') };
}

/* The Invoke API passes on what the runtime said, word for word. */
function failTold(exchange, payload) {
  const error = new ToldError(payload);
  if (canTell(exchange)) {
    console.error('Invoke Error', errors.toLogText(error));
    answerErrorPayload(exchange, payload);
  } else {
    fail(exchange, error);
  }
}

/* Loading */

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/* A file that is neither is left to a shell by the C library, but not by Lambda. */
function hasFormat(file) {
  const magic = Buffer.alloc(4);
  const fd = fs.openSync(file, 'r');
  fs.readSync(fd, magic, 0, magic.length, 0);
  fs.closeSync(fd);
  return magic.toString('latin1').startsWith('#!') || magic.toString('latin1') === '\x7fELF';
}

function faultOf(file) {
  if (!isExecutable(file)) {
    return `Couldn't find valid bootstrap(s): [${file}]. It has to be an executable file.`;
  }
  return hasFormat(file) ? null : `Error: fork/exec ${file}: exec format error`;
}

async function load(spec) {
  defineEnvironment(spec);
  /* Runtimes that only bring an operating system are not given this one. */
  delete process.env.AWS_EXECUTION_ENV;
  const file = path.resolve(spec.entry || 'bootstrap');
  const errorMessage = faultOf(file);
  const error = errorMessage && { errorType: 'Runtime.InvalidEntrypoint', errorMessage };
  return { file, arn: arnOf(spec), error, process: null };
}

/* The process */

function environment(address) {
  const env = { ...process.env, AWS_LAMBDA_RUNTIME_API: address };
  Object.keys(env).filter((name) => name.startsWith('MAYFLY_')).forEach((name) => delete env[name]);
  return env;
}

class Bootstrap {
  #app;
  #api;
  #child = null;
  #initError = null;
  #death = null;
  #current = null;

  constructor(app) {
    this.#app = app;
    this.#api = new RuntimeApi({ onInitError: (type, bytes) => this.#noteInitError(type, bytes) });
  }

  async start() {
    const address = await this.#api.listen();
    this.#child = spawn(this.#app.file, [], {
      cwd: path.dirname(this.#app.file), env: environment(address), stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.on('data', (chunk) => this.#print(process.stdout, chunk));
    this.#child.stderr.on('data', (chunk) => this.#print(process.stderr, chunk));
    this.#child.on('error', (error) => this.#end(() => ({
      errorType: 'Runtime.InvalidEntrypoint', errorMessage: `Error: fork/exec ${this.#app.file}: ${error.message}`,
    })));
    this.#child.on('close', (code, signal) => this.#end((requestId) => this.#initError ?? {
      errorType: 'Runtime.ExitError', errorMessage: exitText(requestId, code, signalText(signal)),
    }));
  }

  stop() {
    this.#child?.kill('SIGKILL');
  }

  /* What it prints belongs to the invocation in progress. */
  #print(stream, chunk) {
    if (this.#current) {
      this.#current.run(() => stream.write(chunk));
    } else {
      stream.write(chunk);
    }
  }

  #noteInitError(type, bytes) {
    this.#initError = parsePayload(type, bytes);
    setTimeout(() => this.stop(), LAST_WORDS_MS).unref();
  }

  /* There is no instance without its executable: everybody is told (requestId to payload), then it ends. */
  #end(death) {
    if (this.#death) {
      return;
    }
    this.#death = death;
    for (const { exchange, settle } of this.#api.takeAll()) {
      exchange.run(() => failTold(exchange, this.#death(exchange.requestId)));
      settle();
    }
    this.#api.close();
    setImmediate(() => process.exit(1));
  }

  /* Resolves when the invocation has been answered. */
  invoke(exchange, event) {
    if (this.#death) {
      failTold(exchange, this.#death(exchange.requestId));
      return Promise.resolve();
    }
    const { promise, resolve } = Promise.withResolvers();
    let timer = null;
    this.#current = exchange;
    const settle = () => {
      clearTimeout(timer);
      if (this.#current === exchange) {
        this.#current = null;
      }
      resolve();
    };
    const begin = () => {
      const deadlineMs = deadlineOf(exchange);
      timer = Number.isFinite(deadlineMs) ? setTimeout(() => this.#timeOut(exchange), deadlineMs - Date.now()) : null;
      return deadlineMs;
    };
    const arn = exchange.local?.arn ?? this.#app.arn;
    this.#api.push({ ...invocationOf(exchange, event, arn, settle), begin });
    return promise;
  }

  /* As there, the environment is of no use any more. */
  #timeOut(exchange) {
    const text = `Task timed out after ${(exchange.spec.timeout_ms / 1000).toFixed(2)} seconds`;
    this.stop();
    this.#end((requestId) => ({ errorType: 'Sandbox.Timedout', errorMessage: `RequestId: ${requestId} Error: ${text}` }));
  }
}

/* "killed" rather than SIGKILL, as Go says it, which is what Lambda is written in. */
function signalText(signal) {
  const names = {
    SIGKILL: 'killed', SIGTERM: 'terminated', SIGSEGV: 'segmentation fault', SIGABRT: 'aborted',
    SIGBUS: 'bus error', SIGFPE: 'floating point exception', SIGILL: 'illegal instruction',
    SIGINT: 'interrupt', SIGHUP: 'hangup',
  };
  return signal && (names[signal] ?? signal);
}

/* Its time runs from when it is handed out: before that the executable starts, which has a time of its
 * own, and which the gateway waits for in vain if it must. */
function deadlineOf(exchange) {
  const ms = exchange.spec.timeout_ms;
  return ms > 0 ? Date.now() + ms : exchange.deadlineMs;
}

/* One exchange as the Runtime API sees it */

function clientContext(exchange) {
  const encoded = exchange.settings.invoke && exchange.headers['x-amz-client-context'];
  const text = encoded ? Buffer.from(encoded, 'base64').toString('utf8') : '';
  /* It becomes a header. */
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
}

/* What is no JSON is passed on as it is. */
function answerBytes(exchange, bytes) {
  const text = bytes.toString('utf8');
  if (exchange.settings.invoke) {
    answerResult(exchange, bytes);
    return;
  }
  try {
    JSON.parse(text);
  } catch {
    answer(exchange, JSON.stringify(text));
    return;
  }
  answer(exchange, text);
}

function sinkOf(exchange) {
  if (!exchange.settings.invoke) {
    return new HttpSink(exchange);
  }
  return exchange.local.isStream ? new EventSink(exchange) : new BufferSink();
}

function streamSink(exchange, contentType, settle) {
  const sink = sinkOf(exchange);
  sink.begin(contentType);
  let isOver = false;
  return {
    write: (chunk) => sink.write(chunk),
    end() {
      sink.end();
      if (sink instanceof BufferSink) {
        answerResult(exchange, sink.bytes);
      }
      isOver = true;
      settle();
    },
    fail(type, bytes) {
      if (!isOver) {
        isOver = true;
        failTold(exchange, parsePayload(type, bytes));
        settle();
      }
    },
  };
}

function invocationOf(exchange, event, arn, settle) {
  /* The Runtime API's server calls back; logs belong to the request all the same. */
  const finish = (fn) => exchange.run(() => {
    try {
      fn();
    } catch (error) {
      fail(exchange, error);
    }
    settle();
  });
  return {
    exchange,
    settle,
    id: exchange.requestId,
    payload: exchange.local?.payload ?? Buffer.from(JSON.stringify(event)),
    arn,
    traceId: exchange.headers['x-amzn-trace-id'] ?? traceHeader(exchange.traceparent),
    clientContext: clientContext(exchange),
    respond: (bytes) => finish(() => answerBytes(exchange, bytes)),
    tooLarge: () => finish(() => fail(exchange, new ResponseTooLarge())),
    fail: (type, bytes) => finish(() => failTold(exchange, parsePayload(type, bytes))),
    stream: (contentType) => exchange.run(() => streamSink(exchange, contentType, settle)),
  };
}

/* The adapter */

function start(app) {
  defineLogStream();
  if (app.error) {
    return;
  }
  app.process = new Bootstrap(app);
  app.ready = app.process.start();
  process.on('exit', () => app.process.stop());
}

async function handle(app, exchange) {
  try {
    const event = await readEvent(exchange, app.arn);
    if (event === undefined) {
      return;
    }
    if (app.error) {
      failTold(exchange, app.error);
      return;
    }
    await app.ready;
    await app.process.invoke(exchange, event);
  } catch (error) {
    exchange.fail('throw', error);
  }
}

module.exports = { load, start, handle, addHeaders: lowerNames, uncaught: 'exit' };
