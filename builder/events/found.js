/* Events as the platforms' files declare them, before it is known whether what they name exists: entries of the
 * manifest's `events` (doc/events.md), each with `declared`, which says where it stands. */

/**
 * @typedef {{ file: string, what: string, at?: { line: number, column: number } }} Declared the file, the thing in it as its
 *   author calls it, and where that stands, if it is known
 *
 * @typedef {object} Events lists of the manifest's entries, by their kind
 */

const KINDS = ['buckets', 'queues', 'consumers', 'schedules', 'schedule_groups', 'buses', 'rules', 'connections', 'endpoints', 'async', 'routes', 'users'];

/** @returns {Events} */
export function emptyEvents() {
  return Object.fromEntries(KINDS.map((kind) => [kind, []]));
}

/** @param {Events} target */
export function addEvents(target, source) {
  for (const kind of KINDS) {
    target[kind].push(...(source[kind] ?? []));
  }
}

/** @param {import('../diagnostics.js').Diagnostics} diagnostics */
export function tellError(diagnostics, { file, what, at }, text) {
  diagnostics.error(`${file}: ${what}: ${text}`, { file, ...at });
}

export function tellWarning(diagnostics, { file, what, at }, text) {
  diagnostics.warn(`${file}: ${what}: ${text}`, { file, ...at });
}

/**
 * A whole number as its platform allows it.
 * @param {unknown} value undefined or null: `otherwise`
 * @param {{ name: string, min: number, max: number, otherwise: any }} rule
 */
export function bounded(diagnostics, declared, value, { name, min, max, otherwise }) {
  if (value === undefined || value === null) {
    return otherwise;
  }
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (!Number.isInteger(number) || number < min || number > max) {
    tellError(
      diagnostics,
      declared,
      `${name} must be ${min === max ? min : `a whole number from ${min} to ${max}`}, not ${JSON.stringify(value)}`,
    );
    return otherwise;
  }
  return number;
}

/** An SQS queue with AWS's defaults for what is not said. */
export function sqsQueue(name, said = {}) {
  return {
    name,
    platform: 'sqs',
    fifo: name.endsWith('.fifo'),
    content_dedup: false,
    visibility_s: 30,
    retention_s: 345_600,
    delay_s: 0,
    wait_s: 0,
    max_bytes: 1_048_576,
    ...said,
  };
}

/** Cloudflare's limits. */
export function workerQueue(name, said = {}) {
  return {
    name,
    platform: 'worker',
    fifo: false,
    content_dedup: false,
    visibility_s: 30,
    retention_s: 345_600,
    delay_s: 0,
    wait_s: 0,
    max_bytes: 131_072,
    ...said,
  };
}

/** How Lambda treats an asynchronous invocation that fails, for what is not said. */
export function lambdaAsync(fn, said = {}) {
  return {
    function: fn,
    max_age_s: 21_600,
    max_retries: 2,
    retry_delays_s: [60, 120],
    on_success: null,
    on_failure: null,
    dead_letter: null,
    ...said,
  };
}
