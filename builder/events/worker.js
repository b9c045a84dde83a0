/* A Worker's cron triggers and queues, with production's defaults (miniflare has others). */
import { bounded, emptyEvents, tellError, tellWarning, workerQueue } from './found.js';
import { faultOfWorker } from './cron.js';

const DELAY_MAX_S = 86_400;
const asList = (value) => (Array.isArray(value) ? value : []);

/**
 * @param {import('../diagnostics.js').Diagnostics} diagnostics
 * @param {{ name: string, config: string, main: string, settings: object, function: string,
 *   handlers: Set<string>|null }[]} workers
 *   `function` is its name in the manifest; handlers: what its default export has, null when that is not known
 * @returns {import('./found.js').Events}
 */
export function workerEvents({ diagnostics }, workers) {
  const events = emptyEvents();
  for (const worker of workers) {
    addCrons(diagnostics, worker, events);
    addProducers(diagnostics, worker, events);
    addConsumers(diagnostics, worker, events);
    tellUncalled(diagnostics, worker);
  }
  return events;
}

/** What Cloudflare has and this platform does not: better said than waited for. */
function tellUncalled(diagnostics, { config, main, handlers }) {
  if (handlers?.has('email')) {
    const text = 'no e-mail comes here: to try email(), POST a message to /cdn-cgi/handler/email?from=a@example.com&to=b@example.com';
    tellWarning(diagnostics, { file: config || main, what: main }, text);
  }
  for (const [name, what] of Object.entries({
    tail: 'logs of other workers',
    tailStream: 'logs of other workers',
  })) {
    if (handlers?.has(name)) {
      tellWarning(
        diagnostics,
        { file: config || main, what: main },
        `${name}() is never called here: there are no ${what}`,
      );
    }
  }
}

function addCrons(diagnostics, worker, events) {
  const declared = { file: worker.config, what: 'triggers.crons' };
  const crons = [...new Set(asList(worker.settings.triggers?.crons))];
  for (const cron of crons) {
    const fault = typeof cron === 'string' ? faultOfWorker(cron) : `${JSON.stringify(cron)} is not a schedule`;
    if (fault) {
      tellError(diagnostics, declared, fault);
      continue;
    }
    events.schedules.push({
      name: crons.length === 1 ? worker.function : `${worker.function} ${cron}`,
      platform: 'worker',
      expression: cron,
      timezone: 'UTC',
      enabled: true,
      catch_up: 'once',
      start_ms: 0,
      end_ms: 0,
      target: { function: worker.function },
      declared,
    });
  }
  if (crons.length > 0) {
    tellMissingHandler(diagnostics, declared, worker, 'scheduled');
  }
}

function tellMissingHandler(diagnostics, declared, { handlers }, name) {
  if (handlers && !handlers.has(name)) {
    tellWarning(diagnostics, declared, `the worker's default export has no ${name}() for it`);
  }
}

/** A queue is made by being named: there is no file that declares it. */
function addQueue(events, name, delay) {
  const known = events.queues.find((queue) => queue.name === name);
  if (known) {
    known.delay_s = delay ?? known.delay_s;
  } else {
    events.queues.push(workerQueue(name, { delay_s: delay ?? 0 }));
  }
}

function isQueueName(diagnostics, declared, name) {
  const isName = typeof name === 'string' && /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(name);
  if (!isName) {
    tellError(
      diagnostics,
      declared,
      `needs the name of a queue: letters, digits and -, at most 63, not ${JSON.stringify(name)}`,
    );
  }
  return isName;
}

function addProducers(diagnostics, { settings, config }, events) {
  for (const [i, { queue, delivery_delay: delay } = {}] of asList(settings.queues?.producers).entries()) {
    const declared = { file: config, what: `queues.producers[${i}]` };
    if (isQueueName(diagnostics, declared, queue)) {
      const rule = { name: 'delivery_delay', min: 0, max: DELAY_MAX_S, otherwise: undefined };
      addQueue(events, queue, bounded(diagnostics, declared, delay, rule));
    }
  }
}

function addConsumers(diagnostics, worker, events) {
  for (const [i, said = {}] of asList(worker.settings.queues?.consumers).entries()) {
    const declared = { file: worker.config, what: `queues.consumers[${i}]` };
    if (!isQueueName(diagnostics, declared, said.queue)) {
      continue;
    }
    addQueue(events, said.queue);
    if (said.type === 'http_pull') {
      tellWarning(diagnostics, declared, 'consumers that pull over HTTP are not available here');
      continue;
    }
    const dead = said.dead_letter_queue;
    if (dead !== undefined && isQueueName(diagnostics, { ...declared, what: `${declared.what}.dead_letter_queue` }, dead)) {
      addQueue(events, dead);
    }
    events.consumers.push(consumerOf(diagnostics, declared, worker, said));
    tellMissingHandler(diagnostics, declared, worker, 'queue');
  }
}

function consumerOf(diagnostics, declared, worker, said) {
  const at = (name, rule) => bounded(diagnostics, declared, said[name], { name, ...rule });
  return {
    queue: said.queue,
    function: worker.function,
    platform: 'worker',
    enabled: true,
    batch_size: at('max_batch_size', { min: 1, max: 100, otherwise: 10 }),
    window_ms: at('max_batch_timeout', { min: 0, max: 60, otherwise: 5 }) * 1000,
    max_retries: at('max_retries', { min: 0, max: 100, otherwise: 3 }),
    retry_delay_s: at('retry_delay', { min: 0, max: DELAY_MAX_S, otherwise: 0 }),
    max_concurrency: at('max_concurrency', { min: 1, max: 250, otherwise: 0 }),
    ...(typeof said.dead_letter_queue === 'string' ? { dead_letter: said.dead_letter_queue } : {}),
    declared,
  };
}
