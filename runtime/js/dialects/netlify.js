'use strict';

/* The dialect of Netlify: functions with a default export (Request, Context), and the older
 * handler(event, context). */

const web = require('../web');
const { HttpSink, installGlobal } = require('./lambda/stream');
const handlers = require('./lambda/handler');
const { invokeStreaming } = require('./lambda/streaming');
const errors = require('./lambda/errors');
const { settleInTime } = require('./load_module');
const contexts = require('./netlify/context');
const events = require('./netlify/event');
const { nextRun } = require('./netlify/schedule');

const BYTE_STRING = /ByteString.*greater than 255/;
const NO_BODY_METHODS = new Set(['GET', 'HEAD']);
const CLOCKWORK = 'Netlify Clockwork';

class UnsupportedValue extends Error {
  constructor() {
    super("Function returned an unsupported value. Accepted types are 'Response' or 'undefined'");
  }
}
UnsupportedValue.prototype.name = 'NetlifyUserError';

/* Loading */

function withoutDefault(value) {
  return value && typeof value === 'object' && 'default' in value ? value.default : value;
}

/* The second kind has no `handler`; what says of itself which kind it is (the builder) is believed. */
function targetOf(namespace, settings) {
  const exported = namespace?.['module.exports'] ?? namespace;
  const older = exported?.handler ?? exported?.default?.handler;
  const version = settings.api_version ?? (typeof older === 'function' ? 1 : 2);
  if (version === 1) {
    return olderTarget(older);
  }
  const value = withoutDefault(withoutDefault(exported));
  const handler = typeof value?.fetch === 'function' ? value.fetch : value;
  if (typeof handler !== 'function') {
    throw new TypeError('The function has no default export that can answer requests');
  }
  return { version, handler };
}

function olderTarget(handler) {
  if (typeof handler !== 'function') {
    throw new errors.HandlerNotFound('handler is undefined or not exported');
  }
  return {
    version: 1,
    handler,
    isStreaming: handlers.isStreaming(handler),
    highWaterMark: handlers.highWaterMark(handler),
  };
}

async function loadTarget(endpoint, settings, loadModule) {
  const config = settings.config ?? {};
  const common = {
    patterns: [config.path ?? []].flat().filter((path) => typeof path === 'string'),
    isBackground: Boolean(settings.background),
    schedule: config.schedule,
  };
  try {
    return { ...common, ...targetOf(await settleInTime(loadModule(endpoint.module), endpoint.file), settings) };
  } catch (error) {
    return { ...common, error };
  }
}

async function load(spec, loadModule) {
  process.env.AWS_REGION ??= 'dev';
  process.env.LAMBDA_TASK_ROOT ??= '/var/task';
  contexts.install();
  installGlobal();
  const targets = [];
  for (const endpoint of spec.endpoints) {
    targets.push(await loadTarget(endpoint, { ...spec.settings, ...endpoint.settings }, loadModule));
  }
  return { targets };
}

/* Errors, told to the developer as netlify dev does, to the world by the gateway */

function describe(error) {
  return typeof error === 'string' ? error : errors.toPayload(error);
}

function errorText(error) {
  const told = describe(error);
  if (typeof told === 'string') {
    return told;
  }
  const title = `${told.errorType}: ${told.errorMessage}`;
  const [first, ...trace] = told.trace ?? [];
  return `${title}\n ${(first === title ? trace : told.trace ?? []).join('\n')}`;
}

function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function errorPage(error) {
  const text = escapeHtml(errorText(error));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Invocation failed</title></head>
<body><h1>This function has crashed</h1><pre style="white-space: pre-wrap; overflow-wrap: anywhere">${text}</pre></body></html>
`;
}

const isTold = (exchange) => !exchange.started && process.env.NETLIFY_DEV === 'true';

function fail(exchange, kind, error) {
  if (isTold(exchange)) {
    console.error(error);
    tell(exchange, error);
  } else {
    exchange.fail(kind, error);
  }
}

function tell(exchange, error) {
  if (exchange.headers.accept?.includes('text/html')) {
    exchange.respond(500, ['content-type', 'text/html'], errorPage(error));
  } else {
    exchange.respond(500, [], errorText(error instanceof events.InvalidResult ? error.message : error));
  }
}

/* A header with characters that HTTP cannot carry has an explanation of its own. */
function explainHeader(exchange, error) {
  const text =
    'Response header contains a character that is not a Latin-1 character (code point 0-255). ' +
    `Consider encoding the value using encodeURIComponent() or base64. Original error: ${error.message}`;
  console.error(text);
  exchange.respond(500, ['content-type', 'text/plain; charset=utf-8'], text);
}

/* The second kind */

function requestFrom(exchange, given) {
  const url = contexts.clientUrl(exchange);
  if (!given) {
    return web.requestOf(exchange, Request, url === exchange.url ? undefined : url.slice(new URL(url).origin.length));
  }
  const body = NO_BODY_METHODS.has(given.method) ? undefined : given.bytes;
  const headers = new Headers();
  for (let i = 0; i < exchange.rawHeaders.length; i += 2) {
    headers.append(exchange.rawHeaders[i], exchange.rawHeaders[i + 1]);
  }
  Object.entries(given.headers).forEach(([name, value]) => headers.set(name, value));
  return new Request(url, { method: given.method, headers, body });
}

/* Undefined where the function answers nothing. */
async function callModern(target, exchange, given) {
  const request = requestFrom(exchange, given);
  const { context, cookies } = contexts.makeContext(exchange, request, target.patterns);
  const result = await contexts.run(context, () => target.handler(request, context));
  if (result === undefined) {
    return undefined;
  }
  if (!web.isResponse(result)) {
    throw new UnsupportedValue();
  }
  if (!cookies.hasChanges) {
    return result;
  }
  const headers = new Headers(result.headers);
  cookies.apply(headers);
  return new Response(result.body, { status: result.status, headers });
}

async function answerModern(target, exchange) {
  try {
    const response = await callModern(target, exchange);
    if (response === undefined) {
      exchange.respond(204, [], null);
    } else {
      await web.sendResponse(exchange, response);
    }
  } catch (error) {
    if (error instanceof TypeError && BYTE_STRING.test(error.message)) {
      explainHeader(exchange, error);
    } else {
      fail(exchange, error instanceof UnsupportedValue ? 'invalid' : 'throw', error);
    }
  }
}

/* The first kind */

async function answerOlder(target, exchange) {
  try {
    const event = events.makeEvent(exchange, await exchange.readBody(), target.patterns[0]);
    if (target.isStreaming) {
      const context = events.makeContext(exchange, () => {}, { isBackground: false });
      await invokeStreaming(target, event, context, new HttpSink(exchange));
      return;
    }
    await events.answer(exchange, await events.call(target.handler, event, exchange, { isBackground: false }));
  } catch (error) {
    fail(exchange, error instanceof events.InvalidResult ? 'invalid' : 'throw', error);
  }
}

/* Functions that nobody waits for: background and scheduled ones */

function callDetached(target, exchange, given) {
  if (target.version === 2) {
    return callModern(target, exchange, given);
  }
  const event = events.makeEvent(exchange, given.bytes, target.patterns[0]);
  Object.assign(event.headers, given.headers);
  event.httpMethod = given.method;
  if (given.isScheduled) {
    Object.assign(event, { body: given.bytes.toString(), isBase64Encoded: false });
  }
  return events.call(target.handler, event, exchange, { isBackground: true });
}

/* From control, which has told the client 202 and tries again what fails; without control the client is told here. The
 * body is read first: after the answer the gateway takes no more of it. */
async function answerBackground(target, exchange) {
  const bytes = await exchange.readBody();
  if (exchange.event === 'background') {
    try {
      await callDetached(target, exchange, { method: exchange.method, headers: {}, bytes });
      exchange.respond(200, [], null);
    } catch (error) {
      exchange.fail('throw', error);
    }
    return;
  }
  exchange.waitUntil(exchange.run(() => callDetached(target, exchange, { method: exchange.method, headers: {}, bytes })));
  exchange.respond(202, [], null);
}

function scheduleText(exchange, error) {
  const lines = [];
  if (exchange.headers['user-agent'] !== CLOCKWORK) {
    lines.push(
      `You performed an HTTP request to \`${exchange.path.split('?')[0]}\`, which is a scheduled function.\n` +
        "You can do this to test your functions locally, but it won't work in production."
    );
  }
  if (error) {
    const { errorType, errorMessage } = errors.toPayload(error);
    lines.push(
      'There was an error during execution of your scheduled function:\n\n' +
        `\`\`\`\n${errorType}: ${errorMessage}\n\`\`\``
    );
  }
  return lines.map((line) => `${line}\n\n`).join('');
}

/* What control sends says when the next run is; who calls the URL by hand gets it worked out. */
async function nextRunBody(target, exchange) {
  return exchange.event === 'scheduled'
    ? exchange.readBody()
    : Buffer.from(JSON.stringify({ next_run: nextRun(target.schedule, new Date()) }));
}

async function answerScheduled(target, exchange) {
  const given = {
    method: 'POST',
    isScheduled: true,
    headers: { 'user-agent': CLOCKWORK, 'x-nf-event': 'schedule' },
    bytes: await nextRunBody(target, exchange),
  };
  let failure = null;
  try {
    await callDetached(target, exchange, given);
  } catch (error) {
    failure = error;
    console.error(error);
  }
  const text = exchange.event === 'scheduled' ? '' : scheduleText(exchange, failure);
  exchange.respond(failure ? 500 : 200, ['content-type', 'text/plain; charset=utf-8'], text);
}

async function handle(app, exchange) {
  const target = app.targets[exchange.endpoint];
  contexts.addHeaders(exchange);
  try {
    if (target.error) {
      fail(exchange, 'load', target.error);
    } else if (target.isBackground) {
      await answerBackground(target, exchange);
    } else if (target.schedule) {
      await answerScheduled(target, exchange);
    } else {
      await (target.version === 2 ? answerModern : answerOlder)(target, exchange);
    }
  } catch (error) {
    /* The client went away while it sent its body. */
    exchange.fail('throw', error);
  }
}

/* It is logged already. */
function uncaught(exchange, error) {
  if (exchange && isTold(exchange)) {
    tell(exchange, error);
  }
  return 'continue';
}

const loadErrors = (app) => app.targets.map((target) => target.error);

module.exports = { load, loadErrors, handle, uncaught };
