'use strict';

/* What starts a worker other than a request: cron triggers, batches of queues, and by wrangler dev's URL e-mail.
 *
 * Control sends both as requests with an event (doc/events.md) and is answered how it went. A promise given to
 * waitUntil counts: the event is over when all of them have settled, and one that is rejected makes it a failure. */

const email = require('./email');
const { EmailEvent, QueueEvent, ScheduledEvent } = require('./events');
const { makeBatch } = require('./queue');

const LACKING = {
  scheduled:
    'Received a ScheduledEvent but we lack a handler for ScheduledEvents (a.k.a. Cron Triggers). ' +
    'Did you remember to export a scheduled() function?',
  email: 'Received an EmailEvent but we lack a handler for EmailEvents. Did you remember to export an email() function?',
  queue: 'Received a QueueEvent but we lack a handler for QueueEvents. Did you remember to export a queue() function?',
};
const LOCAL_PATH = /^\/cdn-cgi\/(?:handler|mf)\/([^/]*)$/;

class ScheduledController {
  #state;

  constructor(cron, scheduledTime, state) {
    this.#state = state;
    for (const [name, value] of Object.entries({ cron, scheduledTime })) {
      Object.defineProperty(this, name, { value, enumerable: true, configurable: true });
    }
  }

  noRetry() {
    this.#state.noRetry = true;
  }

  get [Symbol.toStringTag]() {
    return 'ScheduledController';
  }
}

/* Promises of one event, whoever was given them: ctx, the event itself, or "cloudflare:workers". */
class Pending {
  #promises = [];

  constructor(exchange) {
    exchange.waitUntil = (promise) => {
      this.#promises.push(Promise.resolve(promise));
      this.#promises.at(-1).catch(() => {}); /* whoever waits below gets it */
    };
  }

  /* Those that are added meanwhile too; rejects with the first rejection, once all have settled. */
  async settled() {
    const failures = [];
    for (let i = 0; i < this.#promises.length; i += 1) {
      await this.#promises[i].catch((error) => failures.push(error));
    }
    if (failures.length > 0) {
      throw failures[0];
    }
  }
}

function describe(error) {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return { name, message, stack };
}

/* What went wrong in events that are being handled, beside their handlers. */
const failedBeside = new WeakMap();

/* An error that nobody caught, as of a timer: the handler goes on, but the event has failed. */
function noteUncaught(exchange, error) {
  if (exchange && !failedBeside.has(exchange)) {
    failedBeside.set(exchange, { error });
  }
}

/* Calls the handler and waits for all that it has started. Returns { error } of the first failure, or null. */
async function settle(exchange, call) {
  const pending = new Pending(exchange);
  let failure = null;
  try {
    await call();
  } catch (error) {
    failure = { error };
  }
  try {
    await pending.settled();
  } catch (error) {
    failure ??= { error };
  }
  return failure;
}

/* Handles an event { call, decided } and tells its result, once. Who fails the exchange meanwhile (a handler that hangs, or
 * ends its own context or process) ends the event: what the handler has decided by then counts. */
async function run(exchange, { call, decided }, tell) {
  let isTold = false;
  const end = (result) => {
    if (!isTold) {
      isTold = true;
      tell({ ...result, ...decided() });
    }
  };
  const fail = (error, isLogged) => {
    if (!isTold && !isLogged) {
      exchange.run(() => console.error(error));
    }
    exchange.failed = true;
    end({ outcome: 'exception', error: describe(error) });
  };
  exchange.fail = (_kind, error) => fail(error, false);
  const failure = await settle(exchange, call);
  const beside = failedBeside.get(exchange);
  if (failure) {
    fail(failure.error, false);
  } else if (beside) {
    fail(beside.error, true);
  } else {
    end({ outcome: 'ok' });
  }
}

/* A handler of the worker's default export, else its listeners. Without either it fails. */
function handlerOf({ app, entrypoint, ctx }, name, makeEvent) {
  const handler = entrypoint?.handler?.(name, ctx);
  if (handler) {
    return handler;
  }
  if (app.events.listeners(name).length === 0) {
    return null;
  }
  return async () => app.events.dispatchEvent(makeEvent(ctx));
}

async function lacking(name) {
  const error = new Error(LACKING[name]);
  error.stack = `Error: ${error.message}`;
  throw error;
}

/* Each kind of event as what run() handles. */

function scheduled(scene, { cron, scheduledTime }) {
  const state = { noRetry: false };
  const controller = new ScheduledController(cron, scheduledTime, state);
  const handler = handlerOf(scene, 'scheduled', (ctx) => new ScheduledEvent(controller, ctx));
  state.noRetry = handler === null;
  return { call: () => (handler ? handler(controller) : lacking('scheduled')), decided: () => state };
}

function queue(scene, sent) {
  const { batch, decisions } = makeBatch(sent);
  const handler = handlerOf(scene, 'queue', (ctx) => new QueueEvent(batch, ctx));
  return { call: () => (handler ? handler(batch) : lacking('queue')), decided: () => decisions.toJSON() };
}

function mail(scene, message) {
  const handler = handlerOf(scene, 'email', (ctx) => new EmailEvent(message, ctx));
  return { call: () => (handler ? handler(message) : lacking('email')), decided: () => ({}) };
}

const EVENTS = { scheduled, queue };

async function answerEvent(scene, kind) {
  const { exchange } = scene;
  if (!Object.hasOwn(EVENTS, kind)) {
    exchange.respond(400, [], `Workers have no event "${kind}"`);
    return;
  }
  const sent = JSON.parse((await exchange.readBody()).toString('utf8'));
  await run(exchange, EVENTS[kind](scene, sent), (result) => {
    exchange.respond(200, ['content-type', 'application/json'], JSON.stringify(result));
  });
}

/* What an exchange is, if it is no plain request: { event } from control, or { local }, the URL by which wrangler dev
 * lets people try a cron trigger or an e-mail. Else null. */
function triggerOf(exchange) {
  const { event } = exchange;
  if (event !== undefined) {
    return { event };
  }
  const isLocal = exchange.path.startsWith('/cdn-cgi/') && exchange.settings.development;
  const local = isLocal ? LOCAL_PATH.exec(exchange.path.split('?')[0])?.[1] : undefined;
  return local === undefined ? null : { local };
}

const respondText = (exchange, status, body) => exchange.respond(status, ['content-type', 'text/plain;charset=UTF-8'], body);
const respondJson = (exchange, status, value) => exchange.respond(status, ['content-type', 'application/json'], JSON.stringify(value));

async function answerLocal(scene, name) {
  const { exchange } = scene;
  const query = new URL(exchange.url).searchParams;
  if (name === 'scheduled') {
    await answerScheduled(scene, query);
  } else if (name === 'email') {
    await answerEmail(scene, query);
  } else {
    respondText(exchange, 404, `"/cdn-cgi/handler/${name}" is not a valid handler. Did you mean to use "/cdn-cgi/handler/scheduled"?`);
  }
}

async function answerEmail(scene, query) {
  const { exchange } = scene;
  const { fault, message, told } = email.makeMessage(query.get('from'), query.get('to'), await exchange.readBody());
  if (fault) {
    respondText(exchange, 400, fault);
    return;
  }
  await run(exchange, mail(scene, message), ({ outcome }) => {
    if (query.get('format') === 'json') {
      respondJson(exchange, outcome === 'ok' ? 200 : 500, { outcome, ...told });
    } else {
      respondText(exchange, ...email.summary(outcome, told));
    }
  });
}

async function answerScheduled(scene, query) {
  const { exchange } = scene;
  const time = query.get('time');
  const scheduledTime = time ? Number(time) : Date.now();
  if (Number.isNaN(new Date(scheduledTime).getTime())) {
    respondText(exchange, 500, 'TypeError: The value cannot be converted because it is not a valid Date.');
    return;
  }
  const isJson = query.get('format') === 'json';
  await run(exchange, scheduled(scene, { cron: query.get('cron') ?? '', scheduledTime }), ({ outcome, noRetry }) => {
    const status = outcome === 'ok' ? 200 : 500;
    if (isJson) {
      respondJson(exchange, status, { outcome, noRetry });
    } else {
      respondText(exchange, status, outcome);
    }
  });
}

/* scene: { app, exchange, entrypoint, ctx }. */
function answer(scene, { event, local }) {
  return event === undefined ? answerLocal(scene, local) : answerEvent(scene, event);
}

module.exports = { answer, noteUncaught, triggerOf };
