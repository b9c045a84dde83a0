'use strict';

/* The dialect of AWS Lambda: handlers for Node.js, unmodified.
 *
 * An endpoint is a function URL (payload format 2.0), an API Gateway event source
 * (settings.payload "1.0" or "2.0" with settings.api "rest" or "http"), or, with
 * settings.invoke, the Invoke API: event in, result out. */

const { fillContext, invoke } = require('./lambda_context');
const { arnOf, defineEnvironment, defineLogStream } = require('./lambda_environment');
const errors = require('./lambda_errors');
const { eventFromRequest } = require('./lambda_event');
const handlers = require('./lambda_handler');
const loopIdle = require('./loop_idle');
const { checkSize, fromResult, InvalidResponse } = require('./lambda_response');
const { BufferSink, HttpSink, installGlobal } = require('./lambda_stream');
const { emptyContext, invokeStreaming } = require('./lambda_streaming');
const { InvalidHeader } = require('./header_list');

const REQUEST_MAX_BYTES = 6 * 1024 * 1024;
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

function contextOf(exchange, app) {
  return fillContext(emptyContext(), exchange, app.arn);
}

/* The Invoke API */

function answerJson(exchange, status, headers, value) {
  const json = typeof value === 'string' ? value : JSON.stringify(value);
  exchange.respond(status, ['content-type', 'application/json', ...headers], json);
}

function refuse(exchange, status, type, message) {
  answerJson(exchange, status, ['x-amzn-errortype', type], { Type: 'User', message });
}

function answerFunctionError(exchange, error) {
  console.error('Invoke Error', errors.toLogText(error));
  answerPayloadError(exchange, errors.toPayload(error));
}

function answerPayloadError(exchange, payload) {
  const headers = ['x-amz-function-error', 'Unhandled', 'x-amz-executed-version', '$LATEST'];
  answerJson(exchange, 200, headers, payload);
}

function answerResult(exchange, body) {
  exchange.respond(
    200,
    ['content-type', 'application/json', 'x-amz-executed-version', '$LATEST'],
    body
  );
}

function parseEvent(exchange, bytes) {
  if (bytes.length === 0) {
    return {};
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const message = `Could not parse request body into json: ${error.message}`;
    refuse(exchange, 400, 'InvalidRequestContentException', message);
    return undefined;
  }
}

async function handleInvoke(app, target, exchange) {
  const bytes = await exchange.readBody();
  if (bytes.length > REQUEST_MAX_BYTES) {
    const message =
      `${bytes.length} byte payload is too large for the RequestResponse invocation type ` +
      `(limit ${REQUEST_MAX_BYTES} bytes)`;
    refuse(exchange, 413, 'RequestTooLargeException', message);
    return;
  }
  const event = parseEvent(exchange, bytes);
  if (event === undefined) {
    return;
  }
  try {
    answerResult(exchange, await resultOf(app, target, event, exchange));
  } catch (error) {
    answerFunctionError(exchange, error);
  }
}

async function resultOf(app, target, event, exchange) {
  if (target.error) {
    throw target.error;
  }
  if (target.isStreaming) {
    const sink = new BufferSink();
    await invokeStreaming(target, event, contextOf(exchange, app), sink);
    return sink.bytes;
  }
  const { json } = await invoke(target.handler, target.isAsync, event, exchange, app.arn);
  checkSize(json);
  return json;
}

/* Function URLs and API Gateway */

/* An API Gateway tells its client less than the log, and in its own words. */
function failHttp(exchange, kind, error) {
  const { payload, api } = exchange.settings;
  if (!payload || exchange.started) {
    exchange.fail(kind, error);
    return;
  }
  console.error('Invoke Error', errors.toLogText(error));
  if (api === 'http') {
    answerJson(exchange, 500, [], { message: 'Internal Server Error' });
  } else {
    answerJson(exchange, 502, [], { message: 'Internal server error' });
  }
}

function kindOf(error) {
  return error instanceof InvalidResponse || error instanceof InvalidHeader ? 'invalid' : 'throw';
}

async function answerHttp(app, target, exchange) {
  const bytes = await exchange.readBody();
  if (bytes.length > REQUEST_MAX_BYTES) {
    answerJson(exchange, 413, [], { message: 'Request Too Long' });
    return;
  }
  const event = eventFromRequest(exchange, exchange.settings, bytes);
  if (target.isStreaming) {
    await invokeStreaming(target, event, contextOf(exchange, app), new HttpSink(exchange));
    return;
  }
  const { json } = await invoke(target.handler, target.isAsync, event, exchange, app.arn);
  const { status, headers, body } = fromResult(json, exchange.settings.payload);
  headers.push('x-amzn-requestid', exchange.requestId);
  exchange.respond(status, headers, body);
}

async function handleHttp(app, target, exchange) {
  if (target.error) {
    failHttp(exchange, 'load', target.error);
    return;
  }
  try {
    await answerHttp(app, target, exchange);
  } catch (error) {
    failHttp(exchange, kindOf(error), error);
  }
}

async function handle(app, exchange) {
  const target = app.targets[exchange.endpoint];
  app.inFlight.add(exchange);
  try {
    await (exchange.settings.invoke ? handleInvoke : handleHttp)(app, target, exchange);
  } catch (error) {
    /* The client went away while it sent its event. */
    exchange.fail('throw', error);
  } finally {
    app.inFlight.delete(exchange);
  }
}

/* The end of an instance */

function exitText(code) {
  return code === 0
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${code}`;
}

/* process.exit() in a handler: the last chance to say so to whoever waits. The gateway answers for
 * function URLs, whose clients are told nothing. */
function answerExit(app, code) {
  for (const exchange of app.inFlight) {
    if (exchange.settings.invoke && !exchange.started) {
      answerPayloadError(exchange, {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${exchange.requestId} Error: ${exitText(code)}`,
      });
    }
  }
}

/* An error outside of the handler's promise ends the environment, as there. */
function uncaught(exchange, error, origin) {
  const isRejection = origin === 'unhandledRejection';
  const told = isRejection ? new errors.UnhandledPromiseRejection(error) : error;
  if (exchange?.settings.invoke && !exchange.started) {
    answerPayloadError(exchange, errors.toPayload(told));
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
