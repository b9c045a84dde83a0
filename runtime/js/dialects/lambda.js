'use strict';

/* The dialect of AWS Lambda: handlers for Node.js, unmodified.
 *
 * An endpoint is a function URL (payload format 2.0), an API Gateway event source
 * (settings.payload "1.0" or "2.0" with settings.api "rest" or "http"), or, with
 * settings.invoke, the Invoke API: event in, result out. */

const Module = require('node:module');

const { InFlight } = require('../in_flight');
const { answer, fail, readEvent } = require('./lambda/answer');
const callbacks = require('./lambda/callbacks');
const consoles = require('./lambda/console');
const { arnOf, defineEnvironment, defineLogStream } = require('./lambda/environment');
const errors = require('./lambda/errors');
const { exitText } = require('./lambda/exit');
const { lowerNames } = require('./lambda/header_names');
const handlers = require('./lambda/handler');
const { EventSink, answerErrorPayload, answerResult, canTell, watchTime } = require('./lambda/invoke');
const promises = require('./lambda/promises');
const { BufferSink, HttpSink, installGlobal } = require('./lambda/stream');
const { invokeStreaming } = require('./lambda/streaming');
const loopIdle = require('./loop_idle');

const NO_MODULE_TEXT = 'Require stack:\n- /var/runtime/index.mjs';

/* The managed runtime was written anew for Node.js 24, and keeps less of what was before. */
const FIRST_WITHOUT_CALLBACKS = 24;

function generationOf({ runtime }) {
  const major = Number(/^nodejs(\d+)/.exec(runtime ?? '')?.[1] ?? FIRST_WITHOUT_CALLBACKS);
  return major < FIRST_WITHOUT_CALLBACKS ? callbacks : promises;
}

/* Loading, in the zygote */

function missingModule(name) {
  const { module } = handlers.splitName(name);
  const text = `Error: Cannot find module '${module}'\n${NO_MODULE_TEXT}`;
  return new errors.ImportModuleError(text);
}

async function importModule(moduleName, handlerName, load) {
  if (!moduleName) {
    throw missingModule(handlerName);
  }
  try {
    return await load(moduleName);
  } catch (error) {
    throw errors.fromImport(error, handlerName);
  }
}

async function loadTarget(endpoint, settings, generation, load) {
  const name = settings.handler ?? 'index.handler';
  try {
    handlers.splitName(name);
    const handler = generation.findHandler(await importModule(endpoint.module, name, load), name);
    const target = {
      handler,
      isAsync: handlers.isAsyncFunction(handler),
      isStreaming: handlers.isStreaming(handler),
      highWaterMark: handlers.highWaterMark(handler),
    };
    generation.checkSignature(target);
    return target;
  } catch (error) {
    return { error };
  }
}

/* Several endpoints (URL, Invoke API, events) share one module, which runs once even if it throws. */
function loadOnce(loadModule) {
  const loaded = new Map();
  return (name) => {
    if (!loaded.has(name)) {
      loaded.set(name, Promise.resolve(name).then(loadModule));
    }
    return loaded.get(name);
  };
}

/* What a layer has that is not of this machine cannot be here: the function runs without it. */
async function runSetup(name, loadModule) {
  try {
    await loadModule(name);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' && error?.code !== 'MODULE_NOT_FOUND') throw error;
    console.warn(`${name} asks for what is not here, and the function runs without it: ${error.message.split('\n')[0]}`);
  }
}

async function load(spec, loadModule) {
  const startedAt = performance.now();
  const generation = generationOf(spec.settings ?? {});
  defineEnvironment(spec);
  Module._initPaths(); /* NODE_PATH, with the packages of layers, was read when this process began */
  installGlobal(generation.globals);
  consoles.install();
  if (spec.settings?.setup) await runSetup(spec.settings.setup, loadModule);
  const loadShared = loadOnce(loadModule);
  const known = new Map(); /* by module and handler: what is wrong with one is told once */
  const targets = [];
  for (const endpoint of spec.endpoints) {
    const settings = { ...spec.settings, ...endpoint.settings };
    const key = `${endpoint.module} ${settings.handler}`;
    known.has(key) || known.set(key, await loadTarget(endpoint, settings, generation, loadShared));
    targets.push(known.get(key));
  }
  const initMs = performance.now() - startedAt; /* told with an instance's first invocation */
  return { targets, generation, arn: arnOf(spec), inFlight: new InFlight(), initMs };
}

/* Invoking */

/* With the version or alias that was asked for. */
function arnFor(app, exchange) {
  return exchange.local?.arn ?? app.arn;
}

/* A streaming handler's bytes are the result of the Invoke API, in one piece or as they come, and the
 * answer of a URL. */
async function answerStreaming(app, target, event, exchange) {
  const { streamContext, syncStreamError } = app.generation;
  const context = streamContext(exchange, arnFor(app, exchange));
  const run = (sink) => invokeStreaming(target, event, context, sink, syncStreamError);
  if (!exchange.settings.invoke) {
    await run(new HttpSink(exchange));
  } else if (exchange.local.isStream) {
    await run(new EventSink(exchange));
  } else {
    const sink = new BufferSink();
    await run(sink);
    answerResult(exchange, sink.bytes);
  }
}

async function answerEvent(app, target, event, exchange) {
  const stopWatching = watchTime(exchange);
  try {
    if (target.isStreaming) {
      await answerStreaming(app, target, event, exchange);
    } else {
      answer(exchange, await app.generation.invoke(target, event, exchange, arnFor(app, exchange)));
    }
  } catch (error) {
    fail(exchange, error, app.generation);
  } finally {
    stopWatching();
  }
}

async function handle(app, exchange) {
  const target = app.targets[exchange.endpoint];
  app.inFlight.set(exchange.stream, exchange);
  try {
    exchange.local = { initMs: app.initMs };
    app.initMs = 0;
    const event = await readEvent(exchange, app.arn);
    if (target.error && event !== undefined) {
      const { loadErrorTitle: title, toPayload } = app.generation;
      fail(exchange, target.error, { kind: 'load', title, toPayload });
    } else if (event !== undefined) {
      await answerEvent(app, target, event, exchange);
    }
  } catch (error) {
    /* The client went away while it sent its event. */
    exchange.fail('throw', error);
  } finally {
    app.inFlight.delete(exchange.stream);
  }
}

/* The end of an instance */

/* process.exit() in a handler: the last chance to say so to whoever waits. The gateway answers for
 * function URLs, whose clients are told nothing. */
function answerExit(app, code) {
  for (const exchange of app.inFlight.values()) {
    if (canTell(exchange) && !exchange.answered) {
      const errorMessage = exitText(exchange.requestId, code);
      console.error(`${errorMessage}\nRuntime.ExitError`);
      answerErrorPayload(exchange, { errorType: 'Runtime.ExitError', errorMessage });
    }
  }
}

/* An error outside of the handler's promise ends the environment, as there. */
function uncaught(exchange, error, _origin, app) {
  if (exchange && canTell(exchange)) {
    answerErrorPayload(exchange, app.generation.uncaughtPayload(exchange, error));
  }
  return 'exit';
}

function logUncaught(app, error) {
  return app.generation.logUncaught(error);
}

function start(app, native) {
  defineLogStream();
  loopIdle.use(native);
  app.generation.listen();
  /* Before the instance's own listener, which speaks to function URLs only. */
  process.prependListener('exit', (code) => answerExit(app, code));
}

const loadErrors = (app) => app.targets.map((target) => target.error);

module.exports = { load, loadErrors, handle, logUncaught, start, uncaught, addHeaders: lowerNames };
