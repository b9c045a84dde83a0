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

const REASONS = {
  TCPSocketWrap: 'it holds an open connection',
  TLSWrap: 'it holds an open connection',
  TCPServerWrap: 'it listens on a socket',
  UDPWrap: 'it holds a UDP socket',
  ProcessWrap: 'it runs a child process',
  MessagePort: 'it runs a worker thread',
  Worker: 'it runs a worker thread',
  FSEventWrap: 'it watches files',
  StatWatcher: 'it watches files',
};

function lastingResource() {
  const kind = process.getActiveResourcesInfo().find((name) => !HARMLESS.has(name));
  return kind === undefined ? '' : (REASONS[kind] ?? `it holds a resource (${kind})`);
}

function turn() {
  return new Promise((resolve) => {
    setTimeout(() => setImmediate(resolve), PAUSE_MS);
  });
}

/**
 * Resolves to '' when the process is at rest, else to the reason, in words that follow "because".
 * @param {{ restScan(linkFd?: number): { activity: number, busy: string, reason: string } }} native
 * @param {number} [linkFd] the base zygote's connection, which may stay open
 */
async function comeToRest(native, linkFd) {
  const end = Date.now() + PATIENCE_MS;
  let quiet = 0;
  let why = '';
  let before = native.restScan(linkFd).activity;
  while (quiet < LOOKS) {
    await turn();
    const { activity, busy, reason } = native.restScan(linkFd);
    why = reason || busy || lastingResource() || (activity !== before ? 'its threads are still busy' : '');
    before = activity;
    quiet = why === '' ? quiet + 1 : 0;
    if (why !== '' && Date.now() > end) return why;
  }
  return '';
}

module.exports = { comeToRest };
