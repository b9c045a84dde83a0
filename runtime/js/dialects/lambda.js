'use strict';

/* The dialect of AWS Lambda: handlers for Node.js, unmodified.
 *
 * An endpoint is a function URL (payload format 2.0), an API Gateway event source
 * (settings.payload "1.0" or "2.0" with settings.api "rest" or "http"), or, with
 * settings.invoke, the Invoke API: event in, result out. */

const { answer, answerErrorPayload, answerResult, exitText, fail, readEvent } =
  require('./lambda_answer');
const { fillContext, invoke } = require('./lambda_context');
const { arnOf, defineEnvironment, defineLogStream } = require('./lambda_environment');
const errors = require('./lambda_errors');
const handlers = require('./lambda_handler');
const { BufferSink, HttpSink, installGlobal } = require('./lambda_stream');
const { emptyContext, invokeStreaming } = require('./lambda_streaming');
const loopIdle = require('./loop_idle');

const NO_MODULE_TEXT = 'Require stack:\n- /var/runtime/index.mjs';

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
    throw errors.fromImport(error);
  }
}

async function loadTarget(endpoint, settings, load) {
  const name = settings.handler ?? 'index.handler';
  try {
    handlers.splitName(name);
    const handler = handlers.findHandler(await importModule(endpoint.module, name, load), name);
    return {
      handler,
      isAsync: handlers.isAsyncFunction(handler),
      isStreaming: handlers.isStreaming(handler),
      highWaterMark: handlers.highWaterMark(handler),
    };
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

async function load(spec, loadModule) {
  defineEnvironment(spec);
  installGlobal();
  const loadShared = loadOnce(loadModule);
  const targets = [];
  for (const endpoint of spec.endpoints) {
    const settings = { ...spec.settings, ...endpoint.settings };
    targets.push(await loadTarget(endpoint, settings, loadShared));
  }
  return { targets, arn: arnOf(spec), inFlight: new Set() };
}

/* Invoking */

function contextOf(exchange, app) {
  return fillContext(emptyContext(), exchange, app.arn);
}

/* A streaming handler's bytes are the result of the Invoke API, and the answer of a URL. */
async function answerStreaming(app, target, event, exchange) {
  const context = contextOf(exchange, app);
  if (!exchange.settings.invoke) {
    await invokeStreaming(target, event, context, new HttpSink(exchange));
    return;
  }
  const sink = new BufferSink();
  await invokeStreaming(target, event, context, sink);
  answerResult(exchange, sink.bytes);
}

async function answerEvent(app, target, event, exchange) {
  try {
    if (target.isStreaming) {
      await answerStreaming(app, target, event, exchange);
    } else {
      const { json } = await invoke(target.handler, target.isAsync, event, exchange, app.arn);
      answer(exchange, json);
    }
  } catch (error) {
    fail(exchange, error);
  }
}

async function handle(app, exchange) {
  const target = app.targets[exchange.endpoint];
  app.inFlight.add(exchange);
  try {
    const event = await readEvent(exchange);
    if (target.error && event !== undefined) {
      fail(exchange, target.error, 'load');
    } else if (event !== undefined) {
      await answerEvent(app, target, event, exchange);
    }
  } catch (error) {
    /* The client went away while it sent its event. */
    exchange.fail('throw', error);
  } finally {
    app.inFlight.delete(exchange);
  }
}

/* The end of an instance */

/* process.exit() in a handler: the last chance to say so to whoever waits. The gateway answers for
 * function URLs, whose clients are told nothing. */
function answerExit(app, code) {
  for (const exchange of app.inFlight) {
    if (exchange.settings.invoke && !exchange.started) {
      const errorMessage = exitText(exchange.requestId, code);
      console.error(`${errorMessage}\nRuntime.ExitError`);
      answerErrorPayload(exchange, { errorType: 'Runtime.ExitError', errorMessage });
    }
  }
}

/* An error outside of the handler's promise ends the environment, as there. */
function uncaught(exchange, error, origin) {
  const isRejection = origin === 'unhandledRejection';
  const told = isRejection ? new errors.UnhandledPromiseRejection(error) : error;
  if (exchange?.settings.invoke && !exchange.started) {
    answerErrorPayload(exchange, errors.toPayload(told));
  }
  return 'exit';
}

function start(app, native) {
  defineLogStream();
  loopIdle.use(native);
  /* Before the instance's own listener, which speaks to function URLs only. */
  process.prependListener('exit', (code) => answerExit(app, code));
}

module.exports = { load, handle, start, uncaught };
