'use strict';
/* Coming to rest: waiting until this process may be forked, or learning that it never may.
 *
 * At rest means: three looks in a row, a few milliseconds apart, found every other thread asleep and
 * unmoved, no operation in flight, no resource but timers, and one turn of the event loop in between. */

const LOOKS = 3;
const PAUSE_MS = 3;
const PATIENCE_MS = 1500;

/* What process.getActiveResourcesInfo() may show in a process at rest: timers are made anew by the event loop; the
 * pipes are standard output and error. */
const HARMLESS = new Set(['Timeout', 'Immediate', 'PipeWrap', 'TTYWrap', 'SignalWrap']);

/* What tells more than the descriptor or the thread behind it, by the kind of resource. */
const PRECISE = {
  ProcessWrap: 'it runs a child process',
  FSEventWrap: 'it watches files',
  StatWatcher: 'it watches files',
  UDPWrap: 'it holds a UDP socket',
  TCPServerWrap: 'it listens on a socket',
};

/* For the rest. */
const ROUGH = {
  MessagePort: 'it runs a worker thread, or listens to a message port',
  TCPSocketWrap: 'it holds an open connection',
  TLSWrap: 'it holds an open connection',
};

const SERVICES = { 1433: 'SQL Server', 3306: 'MySQL', 5432: 'PostgreSQL', 5672: 'RabbitMQ', 6379: 'Redis', 9092: 'Kafka', 27017: 'MongoDB' };

/* What to change, by what was found. */
const ADVICE = [
  [/connection|socket/, 'Open it in the first request instead of at import'],
  [/file open/, 'Open it in the first request instead of at import'],
  [/watches/, 'Leave that out: the function is loaded anew when its files change'],
  [/thread \(/, 'A native module or a worker: use what starts it in the first request instead of at import'],
  [/thread|child process/, 'Start it in the first request instead of at import'],
  [/random/, 'Draw the first in a request instead of at import'],
  [/still|is running|in flight/, 'Wait for it with await at the top level, or begin it in the first request'],
];

function resourceIn(names) {
  const kind = process.getActiveResourcesInfo().find((name) => Object.hasOwn(names, name));
  return kind === undefined ? '' : names[kind];
}

function unknownResource() {
  const kind = process.getActiveResourcesInfo().find((name) => !HARMLESS.has(name));
  return kind === undefined ? '' : `it holds a resource (${kind})`;
}

/** In words for who wrote the function: what was found, and what to change. */
function explain(found) {
  if (found === '') return '';
  const service = SERVICES[/:(\d+)$/.exec(found)?.[1]];
  const [, advice] = ADVICE.find(([pattern]) => pattern.test(found)) ?? [null, 'Do that in the first request instead of at import'];
  return `${found}${service ? ` (${service})` : ''}. ${advice}.`;
}

function turn() {
  return new Promise((resolve) => {
    setTimeout(() => setImmediate(resolve), PAUSE_MS);
  });
}

/**
 * Resolves to '' when the process is at rest, else to the reason, for the user.
 * @param {{ restScan(linkFd?: number): { activity: number, busy: string, reason: string } }} native
 * @param {object} [options]
 * @param {number} [options.linkFd] the base zygote's connection, which may stay open
 * @param {() => void} [options.letGo] called before each look: gives up what can be had again
 */
async function comeToRest(native, { linkFd, letGo } = {}) {
  const end = Date.now() + PATIENCE_MS;
  let quiet = 0;
  let why = '';
  let before = native.restScan(linkFd).activity;
  while (quiet < LOOKS) {
    letGo?.();
    await turn();
    const { activity, busy, reason } = native.restScan(linkFd);
    why = resourceIn(PRECISE) || reason || resourceIn(ROUGH) || busy || unknownResource()
      || (activity !== before ? 'its threads are still busy' : '');
    before = activity;
    quiet = why === '' ? quiet + 1 : 0;
    if (why !== '' && Date.now() > end) return explain(why);
  }
  return '';
}

module.exports = { comeToRest, explain };
