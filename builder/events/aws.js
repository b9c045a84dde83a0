/* What Terraform and CloudFormation have in common: AWS's own objects, in the words that both of them are put into
 * here, to entries of the manifest's `events`. */
import { regionOf, targetOfArn } from '../discover/arn.js';
import { bounded, lambdaAsync, sqsQueue, tellError, tellWarning } from './found.js';
import { faultOfAws } from './cron.js';
import { isName } from './names.js';

const S3_EVENT = new RegExp(
  '^s3:(ObjectCreated|ObjectRemoved|ObjectRestore|ObjectTagging|ObjectAcl|LifecycleExpiration|LifecycleTransition|' +
    'IntelligentTiering|Replication|ReducedRedundancyLostObject)(:(\\*|[A-Za-z]+))?$',
);
const TARGETS = 'only Lambda functions and SQS queues of this project can be its target here';
const RULE_TARGETS = 'only Lambda functions, SQS queues, event buses and API destinations can be the target of a rule here';

/** @returns {{ function: string }|{ queue: string }|{ bus: string }|null} what an ARN leads to, in the manifest's words */
export function targetOf(arn) {
  const target = targetOfArn(arn);
  if (target?.function) {
    return { function: `lambda/${target.function}` };
  }
  return target?.queue || target?.bus ? target : null;
}

/** Where rules may lead, too: to an API destination. */
function ruleTargetOf(arn) {
  const target = targetOfArn(arn);
  return target?.endpoint ? target : targetOf(arn);
}

/** The services that schedules can call here, by their names in SDKs. */
const API = /^arn:[^:]+:scheduler:::aws-sdk:((?:sqs|lambda|eventbridge|s3):\w+)$/;

/** @returns {{ function: string }|{ queue: string }|{ bus: string }|{ api: string }|null} where a schedule may lead, too: a call of an API */
export function scheduleTargetOf(arn) {
  const api = API.exec(typeof arn === 'string' ? arn : '')?.[1];
  return api === undefined ? targetOf(arn) : { api };
}

/** A destination, a dead letter: null where none is said. An ARN that is not known or leads elsewhere is told. */
export function destinationOf({ diagnostics }, declared, name, arn, kinds = ['function', 'queue', 'bus']) {
  if (arn === undefined || arn === null) {
    return null;
  }
  const target = targetOf(arn);
  if (!target || !kinds.some((kind) => kind in target)) {
    tellError(diagnostics, declared, `${name}: ${JSON.stringify(arn)} cannot be used here: ${TARGETS}`);
    return null;
  }
  return target;
}

/** @param {{ id?: string, arn: unknown, events: unknown, prefix?: unknown, suffix?: unknown }} said */
export function notification({ diagnostics }, declared, { id, arn, events, prefix = '', suffix = '' }) {
  const target = targetOf(arn);
  const names = [events ?? []].flat();
  const wrong = names.find((name) => typeof name !== 'string' || !S3_EVENT.test(name));
  if (!target || target.bus) {
    tellError(
      diagnostics,
      declared,
      `its notifications go to ${JSON.stringify(arn) ?? 'something unknown'}: ${TARGETS}`,
    );
    return null;
  }
  if (names.length === 0 || wrong !== undefined) {
    tellError(
      diagnostics,
      declared,
      names.length === 0
        ? 'names no events, such as "s3:ObjectCreated:*"'
        : `there is no event ${JSON.stringify(wrong)} in S3; perhaps "s3:ObjectCreated:*" is meant`,
    );
    return null;
  }
  return { id, events: names, prefix: String(prefix ?? ''), suffix: String(suffix ?? ''), ...target };
}

/** One rule of CORS, in S3's words. */
export function corsRule({ id, headers, methods, origins, expose, maxAge }) {
  const list = (value) => [value ?? []].flat().map(String);
  return {
    ...(id ? { id: String(id) } : {}),
    allowed_headers: list(headers),
    allowed_methods: list(methods),
    allowed_origins: list(origins),
    expose_headers: list(expose),
    ...(Number.isInteger(Number(maxAge ?? NaN)) ? { max_age_s: Number(maxAge) } : {}),
  };
}

/** @param {object} said in the manifest's words; undefined: SQS's default */
export function queueOf({ diagnostics }, declared, name, said) {
  const at = (value, rule) => bounded(diagnostics, declared, value, rule);
  const queue = sqsQueue(name, {
    fifo: said.fifo === true || said.fifo === 'true',
    content_dedup: said.content_dedup === true || said.content_dedup === 'true',
    visibility_s: at(said.visibility_s, { name: 'the visibility time-out', min: 0, max: 43_200, otherwise: 30 }),
    retention_s: at(said.retention_s, { name: 'the retention', min: 60, max: 1_209_600, otherwise: 345_600 }),
    delay_s: at(said.delay_s, { name: 'the delay', min: 0, max: 900, otherwise: 0 }),
    wait_s: at(said.wait_s, { name: 'the waiting time', min: 0, max: 20, otherwise: 0 }),
    max_bytes: at(said.max_bytes, { name: 'the maximum size', min: 1024, max: 1_048_576, otherwise: 1_048_576 }),
  });
  const kind = queue.fifo ? 'a FIFO queue, which ends in .fifo' : 'a queue that is not FIFO';
  if (!isName(diagnostics, declared, kind, name)) {
    return null;
  }
  const redrive = redriveOf({ diagnostics }, declared, said.redrive);
  return { ...queue, ...(redrive ? { redrive } : {}), declared };
}

/** A redrive policy is JSON in a string, or the object itself. */
export function redriveOf({ diagnostics }, declared, policy) {
  const value = parsed(policy);
  if (value === undefined || value === null || value === '') {
    return null;
  }
  const target = targetOf(value.deadLetterTargetArn);
  if (!target?.queue) {
    tellError(diagnostics, declared, 'deadLetterTargetArn of its redrive policy is not the ARN of an SQS queue');
    return null;
  }
  const max = bounded(diagnostics, declared, value.maxReceiveCount, {
    name: 'maxReceiveCount',
    min: 1,
    max: 1_000,
    otherwise: 10,
  });
  return { queue: target.queue, max_receives: max };
}

/** JSON from text; what is no text stays; undefined when it does not parse. */
export function parsed(value) {
  if (typeof value !== 'string') {
    return value;
  }
  try {
    return value.trim() === '' ? null : JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** @param {object} said `arn`, `fn` (the manifest's name), and AWS's settings of an event source mapping */
export function consumerOf({ diagnostics }, declared, said) {
  const target = targetOf(said.arn);
  if (!target?.queue) {
    const kind = /^arn:[^:]+:([^:]+):/.exec(said.arn)?.[1];
    tellWarning(
      diagnostics,
      declared,
      kind && kind !== 'sqs'
        ? `${kind} is not available here: only SQS queues are`
        : 'the ARN of its queue is not known; refer to an SQS queue of this project',
    );
    return null;
  }
  const fifo = target.queue.endsWith('.fifo');
  const at = (value, rule) => bounded(diagnostics, declared, value, rule);
  const window = at(said.window_s, { name: 'the batching window', min: 0, max: fifo ? 0 : 300, otherwise: 0 });
  const filters = filtersOf({ diagnostics }, declared, said.filters);
  return {
    queue: target.queue,
    function: said.fn,
    platform: 'lambda',
    enabled: said.enabled !== false && said.enabled !== 'false',
    batch_size: at(said.batch_size, {
      name: window > 0 || fifo ? 'the batch size' : 'the batch size (without a batching window)',
      min: 1,
      max: window > 0 ? 10_000 : 10,
      otherwise: 10,
    }),
    window_ms: window * 1000,
    max_concurrency: at(said.max_concurrency, { name: 'the maximum concurrency', min: 2, max: 1_000, otherwise: 0 }),
    report_failures: [said.response_types ?? []].flat().includes('ReportBatchItemFailures'),
    filters,
    declared,
  };
}

/** Patterns, as JSON in strings. One that cannot be read lets nothing through, rather than everything. */
function filtersOf({ diagnostics }, declared, patterns) {
  return [patterns ?? []].flat().map((pattern) => {
    const value = parsed(pattern);
    if (typeof value !== 'object' || value === null) {
      tellError(diagnostics, declared, 'a filter pattern is not JSON: nothing passes it');
      return { mayfly: ['a pattern that cannot be read'] };
    }
    return value;
  });
}

/** Retries and destinations of asynchronous invocations. */
export function asyncOf(context, declared, fn, said) {
  const { diagnostics } = context;
  const at = (value, rule) => bounded(diagnostics, declared, value, rule);
  return lambdaAsync(fn, {
    max_age_s: at(said.max_age_s, { name: 'the maximum age of an event', min: 60, max: 21_600, otherwise: 21_600 }),
    max_retries: at(said.max_retries, { name: 'the number of retries', min: 0, max: 2, otherwise: 2 }),
    on_success: destinationOf(context, declared, 'on success', said.on_success),
    on_failure: destinationOf(context, declared, 'on failure', said.on_failure),
    dead_letter: destinationOf(context, declared, 'dead letters', said.dead_letter, ['queue']),
    declared,
  });
}

const isKnown = (value) => value !== undefined && value !== null && value !== '';

/**
 * A target of a rule or a schedule.
 * @param {{ id: string, arn: unknown, group?: unknown, detail_type?: unknown, source?: unknown, role?: unknown, input?: unknown,
 *   input_path?: unknown, input_transformer?: object, http?: object, dead_letter?: unknown, max_age_s?: unknown, max_retries?: unknown }} said
 */
export function ruleTarget(context, declared, said, target = ruleTargetOf(said.arn)) {
  if (!target) {
    tellWarning(context.diagnostics, declared, `its target${isKnown(said.arn) ? ` ${JSON.stringify(said.arn)}` : ', which the files do not say,'} is left out: ${RULE_TARGETS}`);
    return null;
  }
  const at = (value, rule) => bounded(context.diagnostics, declared, value, rule);
  return {
    id: String(said.id),
    ...target,
    ...(said.group ? { group: String(said.group) } : {}),
    ...(said.http ? { http_parameters: said.http } : {}),
    ...(said.detail_type ? { detail_type: String(said.detail_type) } : {}),
    ...(said.source ? { source: String(said.source) } : {}),
    ...(typeof said.role === 'string' ? { role_arn: said.role } : {}),
    input: textOf(said.input),
    input_path: textOf(said.input_path),
    input_transformer: said.input_transformer ?? null,
    dead_letter: destinationOf(context, declared, 'dead letters', said.dead_letter, ['queue']),
    max_age_s: at(said.max_age_s, { name: 'the maximum age of an event', min: 60, max: 86_400, otherwise: 86_400 }),
    max_retries: at(said.max_retries, { name: 'the number of retries', min: 0, max: 185, otherwise: 185 }),
  };
}

function textOf(value) {
  if (value === undefined || value === null) {
    return null;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * A rule with a pattern, a schedule, or both.
 * @param {{ name: string, bus: string, pattern?: unknown, schedule?: unknown, enabled: boolean, description?: unknown,
 *   role?: unknown, targets: object[] }} said
 * @param {import('./found.js').Events} events
 */
export function addRule(context, declared, said, events) {
  const { name, bus, enabled, targets, role, description } = said;
  const pattern = patternOf(context, declared, said);
  const schedule = ruleScheduleOf(context, declared, said);
  if (pattern || schedule) {
    events.rules.push({
      name, bus, ...pattern, ...schedule, enabled,
      region: regionOf(context.env),
      description: textOf(description),
      ...(typeof role === 'string' ? { role_arn: role } : {}),
      targets, declared,
    });
  }
}

/** Whether a part of a pattern depends on what has no value yet: a list that lost all that it had would match nothing. */
function isOpenIn(value) {
  const isNothing = value === undefined || (Array.isArray(value) && value.length === 0) || (typeof value === 'string' && value.includes('${'));
  return isNothing || (typeof value === 'object' && value !== null && Object.values(value).some(isOpenIn));
}

function patternOf({ diagnostics }, declared, said) {
  if (said.pattern === undefined || said.pattern === null) {
    return null;
  }
  const pattern = parsed(said.pattern);
  if (typeof pattern === 'object' && pattern !== null && !Array.isArray(pattern) && !isOpenIn(pattern)) {
    return { pattern };
  }
  tellError(diagnostics, declared, 'its event pattern is no JSON object, or not known before it is created');
  return null;
}

function ruleScheduleOf({ diagnostics }, declared, { schedule, bus }) {
  if (schedule === undefined || schedule === null) {
    return null;
  }
  const fault = bus === 'default' ? faultOfAws(schedule, true) : 'a rule has a schedule on the bus "default" only';
  if (fault) {
    tellError(diagnostics, declared, fault);
    return null;
  }
  return { schedule, timezone: 'UTC', catch_up: 'once' };
}

/** A schedule of EventBridge Scheduler.
 * @param {object} said in the manifest's words, without what most schedules leave out
 */
export function addSchedule(context, declared, said, events) {
  const { diagnostics } = context;
  const fault = faultOfAws(said.expression);
  if (fault) {
    tellError(diagnostics, declared, fault);
    return;
  }
  events.schedules.push({
    name: said.name,
    platform: 'aws',
    ...schedulerOf(context, declared, said),
    expression: said.expression,
    timezone: said.timezone ?? 'UTC',
    enabled: said.enabled,
    catch_up: 'once',
    start_ms: timeOf(said.start),
    end_ms: timeOf(said.end),
    target: said.target,
    declared,
  });
}

/** What EventBridge Scheduler's schedules have beside. A window of 0 is none. */
function schedulerOf({ diagnostics, env }, declared, { group, description, window, completion }) {
  const minutes = { name: 'the flexible time window', min: 1, max: 1_440, otherwise: 0 };
  return {
    group: String(group ?? 'default'),
    region: regionOf(env),
    description: textOf(description),
    window_minutes: window?.mode === 'FLEXIBLE' ? bounded(diagnostics, declared, window.minutes, minutes) : 0,
    after_completion: completion === 'DELETE' ? 'DELETE' : 'NONE',
  };
}

function timeOf(text) {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? 0 : time;
}
