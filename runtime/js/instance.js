'use strict';
/* The loop of an instance: requests come in from the channel, each becomes an Exchange and goes to the
 * dialect's adapter. Here too lives what happens when a function's code fails outside of its handler,
 * or ends the process. */

const { inspect } = require('node:util');
const { Exchange, CANCEL_TIMEOUT } = require('./exchange');
const context = require('./context');
const consoles = require('./console');
const { countBody } = require('./garbage');
const { brokenBuiltin } = require('./builtins');
const { InFlight } = require('./in_flight');

const LOG_ERROR = 3;

/* How long requests in flight may finish after an uncaught error has condemned the process. */
const CONDEMNED_MS = 10_000;

/* An endpoint's settings over its function's, for each endpoint. */
function mergeSettings(spec) {
  const endpoints = spec.endpoints?.length ? spec.endpoints : [{}];
  return endpoints.map((endpoint) => Object.freeze({ ...spec.settings, ...endpoint.settings }));
}

class Instance {
  #app;
  #adapter;
  #active = new InFlight();
  #stopping = false;
  #exitCode = 0;
  #isUsed = false;

  constructor({ spec, app, adapter, native }) {
    this.spec = spec;
    this.native = native;
    this.settings = mergeSettings(spec);
    this.addHeaders = adapter.addHeaders;
    this.#app = app;
    this.#adapter = adapter;
    this.#listen();
  }

  /** Opens the channel and serves until the gateway says stop. */
  start() {
    this.#adapter.start?.(this.#app, this.native);
    this.native.open(this.spec.cpu_ms ?? 0);
    consoles.connect(this.native);
    this.native.poll?.();
  }

  /** No request has come yet. */
  get isUnused() {
    return !this.#isUsed;
  }

  #listen() {
    const active = this.#active;
    this.native.listen({
      request: (stream, endpoint, method, target, headers, meta, flags, timeoutMs) => {
        const exchange = new Exchange(this, stream, endpoint, method, target, headers, meta, flags, timeoutMs);
        active.set(stream, exchange);
        this.#isUsed = true;
        context.run(exchange, this.#handle, this, exchange);
      },
      body: (stream, chunk) => {
        const exchange = active.get(stream);
        countBody(chunk.length); /* a stream takes its memory over */
        if (exchange) context.run(exchange, exchange.receiveBody.bind(exchange), chunk);
      },
      end: (stream) => {
        const exchange = active.get(stream);
        if (exchange) context.run(exchange, exchange.receiveEnd.bind(exchange));
      },
      cancel: (stream, reason) => {
        if (reason === CANCEL_TIMEOUT) this.#endIfBuiltinBroken(stream);
        const exchange = active.get(stream);
        if (exchange) context.run(exchange, exchange.receiveCancel.bind(exchange), reason);
      },
      credit: (stream, windowBytes) => active.get(stream)?.receiveCredit(windowBytes),
      stop: () => {
        this.#stopping = true;
        this.#exitIfIdle();
      },
    });
  }

  /* A rejection of an adapter surfaces as an unhandled rejection in its request's context, so the
   * happy path pays for no handler. */
  #handle = (self, exchange) => {
    try {
      self.#adapter.handle(self.#app, exchange);
    } catch (error) {
      exchange.fail('throw', error);
    }
  };

  /** An exchange tells that it is over. */
  finished(exchange) {
    this.#active.delete(exchange.stream);
    if (exchange.failed) this.#endIfBuiltinBroken(exchange.stream);
    if (this.#stopping) this.#exitIfIdle();
  }

  /* Something has failed: of its own, or because everything does now. Then another instance is to serve the next request. */
  #endIfBuiltinBroken(stream) {
    const broken = brokenBuiltin();
    if (broken === '') return;
    this.native.log(stream, LOG_ERROR, `The function has broken a built-in of JavaScript or Node.js (${broken}): its instance ends, and another serves the next request`);
    this.native.flush?.();
    this.native.exit(1); /* no listener could do anything any more */
  }

  #exitIfIdle() {
    if (this.#active.size === 0) process.exit(this.#exitCode);
  }

  /* The request an uncaught error belongs to: the one whose code threw. A timer's callback has lost
   * its context by then, but a single request in flight leaves no doubt. */
  #culprit() {
    const exchange = context.current();
    if (exchange) return exchange;
    return this.#active.size === 1 ? this.#active.values()[0] : undefined;
  }

  endIfBuiltinBroken() {
    this.#endIfBuiltinBroken(context.current()?.stream ?? 0);
  }

  uncaught(error, origin) {
    const exchange = this.#culprit();
    this.#logUncaught(exchange, error); /* while its request is known */
    const policy = this.#policy(exchange, error, origin);
    if (policy === 'log') return;
    if (exchange && !exchange.answered) exchange.fail('throw', error, { log: false });
    if (policy === 'exit') process.exit(1);
    if (policy === 'drain') this.#condemn();
  }

  #logUncaught(exchange, error) {
    const log = () => this.#adapter.logUncaught?.(this.#app, error);
    const isLogged = exchange ? exchange.run(log) : log();
    if (!isLogged) this.native.log(exchange?.stream ?? 0, LOG_ERROR, printError(error));
  }

  #policy(exchange, error, origin) {
    const policy = this.#adapter.uncaught ?? 'continue';
    return typeof policy === 'function' ? policy(exchange, error, origin, this.#app) : policy;
  }

  #condemn() {
    this.#stopping = true;
    this.#exitCode = 1;
    setTimeout(() => process.exit(1), CONDEMNED_MS).unref();
    this.#exitIfIdle();
  }

  /* The function ended its own process. Who called it gets an answer; the others see the process die. */
  exiting(code) {
    consoles.flush();
    if (this.#stopping) return;
    const exchange = this.#culprit();
    if (!exchange || exchange.answered) return;
    const error = new Error(`process.exit(${code ?? 0}) was called by the function`);
    error.name = 'ProcessExit';
    exchange.fail('throw', error);
  }
}

function printError(error) {
  try {
    return typeof error === 'string' ? error : inspect(error);
  } catch {
    return 'an error that cannot be printed';
  }
}

let serving = null; /* the instance of this process, or one that practises */

/* In the place of what Node.js does where nobody listens, and no listener itself: error reporters count those, and leave
 * an error to the others where there are any. A program that listens decides itself, as in Node.js. */
function catchUncaught(instance) {
  const isCaught = serving !== null;
  serving = instance;
  if (isCaught) return;
  const { emit } = process;
  process.emit = function (event, ...args) {
    const emitIt = () => Reflect.apply(emit, this, [event, ...args]);
    if (event !== 'uncaughtException') return emitIt();
    serving.endIfBuiltinBroken();
    if (!emitIt()) serving.uncaught(...args);
    return true;
  };
}

/** What instances have in common, made before they are forked: nothing of the function may run from here to start(). */
function prepare({ spec, app, adapter, native }) {
  const instance = new Instance({ spec, app, adapter, native });
  catchUncaught(instance);
  process.prependListener('exit', (code) => instance.exiting(code));
  return instance;
}

/** prepare() and start() at once. */
function run(parts) {
  const instance = prepare(parts);
  instance.start();
  return instance;
}

module.exports = { prepare, run };
