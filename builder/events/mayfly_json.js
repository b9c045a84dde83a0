/* What mayfly.json says of events: what no platform's own file can say, and triggers of functions that only mayfly.json
 * declares. Kinds and ranges are as its schema says (config_check.js); what else is wrong is told here and left out. */
import { findDraft, nameOf } from '../discover/mayfly_json.js';
import { notification, consumerOf, queueOf, ruleTarget, addSchedule } from './aws.js';
import { arnOf } from '../discover/arn.js';
import { isUrl, setSecret } from './endpoints.js';
import { bounded, lambdaAsync, tellError, tellWarning } from './found.js';

const FILE = 'mayfly.json';
const DAY_S = 86_400;
const YEAR_S = 365 * DAY_S;
const DURABLE = { max_retries: 5, retry_delays_s: [5, 60, 300], max_age_s: DAY_S };
const JSON_PATH = /^\$(?:\.[A-Za-z_][\w-]*|\[\d+\])+$/;
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const ROUTES_SHOWN = 12;
const ASYNC_MEMBERS = ['retries', 'retryDelays', 'maxAge', 'onSuccess', 'onFailure'];

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
/** Where an entry stands, for what is told of it. */
const place = ({ config }, ...path) => ({ file: FILE, what: nameOf(path), at: config.locate(path) });

/** @param {object} scene see finish.js */
export function applyMayflyJson(scene) {
  const { functions, routes = {}, events = {} } = scene.config;
  for (const [name, entry] of Object.entries(functions)) {
    applyFunction(scene, name, entry);
  }
  for (const [name, entry] of Object.entries(routes)) {
    applyRoute(scene, name, entry);
  }
  Object.entries(events.buckets ?? {}).forEach(([name, entry]) => addBucket(scene, name, entry));
  Object.entries(events.queues ?? {}).forEach(([name, entry]) => addQueue(scene, name, entry));
  applySchedules(scene, events);
  applyEndpoints(scene, events);
  scene.found.users = users(scene, events.users);
  scene.found.minio = minio(scene, events.minio);
  scene.found.lifecycleDay = events.lifecycleDay;
}

/* Functions: how their asynchronous invocations are tried again */

function applyFunction(scene, name, entry) {
  const { diagnostics, drafts, found } = scene;
  const draft = findDraft(drafts, name);
  if (!draft) {
    return; /* told by those who look for its limits */
  }
  const declared = place(scene, 'functions', name);
  const isLambda = draft.dialect === 'lambda' || draft.dialect === 'bootstrap';
  if (entry.schedule !== undefined && isLambda) {
    const target = ruleTarget(scene, declared, {
      id: 'schedule',
      arn: arnOf('lambda', '', `function:${draft.name.slice('lambda/'.length)}`),
    });
    addSchedule(
      scene,
      declared,
      {
        name: draft.name.slice('lambda/'.length),
        expression: String(entry.schedule),
        enabled: true,
        target: { function: target.function, input: null },
      },
      found,
    );
  }
  if (!ASYNC_MEMBERS.some((member) => entry[member] !== undefined)) {
    return;
  }
  if (!isLambda) {
    tellError(
      diagnostics,
      declared,
      `${ASYNC_MEMBERS.join(', ')} are of Lambda functions; a path of another function can be "durable" in "routes"`,
    );
    return;
  }
  const before = found.async.find((one) => one.function === draft.name);
  const settings = {
    ...(before ?? lambdaAsync(draft.name)),
    ...retrySettings(scene, declared, entry, 'retries'),
    declared,
  };
  found.async = [...found.async.filter((one) => one !== before), settings];
}

/** In the manifest's words, only what is said. */
function retrySettings(scene, declared, entry, retries) {
  const at = (name, min, max) =>
    bounded(scene.diagnostics, declared, entry[name], { name, min, max, otherwise: undefined });
  const delays = entry.delays ?? entry.retryDelays;
  const said = {
    max_retries: at(retries, 0, 1_000),
    max_age_s: at('maxAge', 1, YEAR_S),
    retry_delays_s: delaysOf(scene, declared, delays),
    on_success: destination(scene, declared, 'onSuccess', entry.onSuccess),
    on_failure: destination(scene, declared, 'onFailure', entry.onFailure),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function delaysOf({ diagnostics }, declared, value) {
  if (value === undefined) {
    return undefined;
  }
  const isList = Array.isArray(value) && value.length > 0 && value.length <= 100;
  if (!isList || !value.every((delay) => Number.isInteger(delay) && delay >= 0 && delay <= YEAR_S)) {
    tellError(
      diagnostics,
      declared,
      'delays must be a list of seconds, such as [5, 60, 300]; the last one is repeated',
    );
    return undefined;
  }
  return value;
}

/** { url, secret }, { queue } or { function }. A secret may be "$NAME", a variable of the environment. */
function destination(scene, declared, name, value) {
  if (value === undefined) {
    return undefined;
  }
  const { diagnostics, drafts } = scene;
  if (
    isObject(value) &&
    typeof value.url === 'string' &&
    /^https?:\/\/[^/]/.test(value.url) &&
    URL.canParse(value.url)
  ) {
    const secret = value.secret === undefined ? null : webhookSecret(scene, declared, `${name}.secret`, value.secret);
    return { url: value.url, ...(secret ? { secret } : {}) };
  }
  if (isObject(value) && typeof value.queue === 'string') {
    return { queue: value.queue };
  }
  const draft = isObject(value) && typeof value.function === 'string' && findDraft(drafts, value.function);
  if (draft) {
    return { function: draft.name };
  }
  tellError(
    diagnostics,
    declared,
    `${name} must be { "url": "https://...", "secret": "$NAME" }, { "queue": "..." } or a { "function": "..." } of this project`,
  );
  return undefined;
}

function webhookSecret(scene, declared, name, value) {
  const secret = variable(scene, declared, name, value);
  if (secret?.startsWith('whsec_') && !/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) {
    tellError(scene.diagnostics, declared, `${name}: what follows whsec_ must be base64`);
    return null;
  }
  return secret;
}

function variable({ diagnostics, env }, declared, name, value) {
  if (typeof value !== 'string' || value === '') {
    tellError(diagnostics, declared, `${name} must be text, or "$NAME" for a variable of the environment`);
    return null;
  }
  if (!value.startsWith('$')) {
    return value;
  }
  if (!env[value.slice(1)]) {
    tellError(
      diagnostics,
      declared,
      `${name}: the variable ${value.slice(1)} is not set; set it in .env.local or in the shell`,
    );
    return null;
  }
  return env[value.slice(1)];
}

/* Routes: requests that are answered once, or kept until they are done */

function applyRoute(scene, name, entry) {
  const { diagnostics, drafts, found } = scene;
  const declared = place(scene, 'routes', name);
  const target = findEndpoint(drafts, name);
  if (!target) {
    const names = [...new Set(drafts.flatMap(routeNames))].slice(0, ROUTES_SHOWN);
    tellError(diagnostics, declared, `no function answers that path; there are ${names.join(', ')}`);
    return;
  }
  const idempotent = idempotentOf(scene, declared, entry);
  const durable = durableOf(scene, declared, entry.durable);
  const { on_success: good, on_failure: bad } = retrySettings(scene, declared, {
    onSuccess: entry.onSuccess,
    onFailure: entry.onFailure,
  });
  if (!idempotent && !durable) {
    if (!entry.idempotent && !entry.durable) {
      tellError(diagnostics, declared, 'needs "idempotent" or "durable"');
    }
    return;
  }
  tellOnlyAsked(scene, declared, target);
  found.routes.push({
    ...target,
    declared,
    ...(idempotent ? { idempotent } : {}),
    ...(durable ? { durable } : {}),
    ...(good ? { on_success: good } : {}),
    ...(bad ? { on_failure: bad } : {}),
  });
}

/** What an entry of `routes` may be called by: paths, or the function's name where it has none. */
function routeNames({ name, endpoints }) {
  const paths = endpoints.map((endpoint) => endpoint.name).filter((one) => one.startsWith('/'));
  return paths.length > 0 ? paths : [name];
}

/** GET, HEAD and OPTIONS change nothing, and are the function's own (doc/events.md). */
function tellOnlyAsked({ diagnostics, drafts }, declared, { function: fn, endpoint }) {
  const { methods } = drafts.find(({ name }) => name === fn).endpoints[endpoint];
  if (methods?.length > 0 && methods.every((method) => ['GET', 'HEAD', 'OPTIONS'].includes(method))) {
    const text = `answers ${methods.join(' and ')} alone, which is never kept or answered again: let it be POST`;
    tellWarning(diagnostics, declared, text);
  }
}

function findEndpoint(drafts, name) {
  for (const draft of drafts) {
    const endpoint = draft.endpoints.findIndex((one) => [one.name, one.file, one.module].includes(name));
    if (endpoint >= 0) {
      return { function: draft.name, endpoint };
    }
  }
  const draft = findDraft(drafts, name);
  return draft?.endpoints.length > 0 ? { function: draft.name, endpoint: 0 } : null;
}

function idempotentOf({ diagnostics }, declared, { idempotent, idempotentSeconds: seconds }) {
  if (idempotent === undefined || idempotent === false) {
    return null;
  }
  const header =
    isObject(idempotent) &&
    typeof idempotent.header === 'string' &&
    HEADER.test(idempotent.header) &&
    idempotent.header;
  const isPath = typeof idempotent === 'string' && JSON_PATH.test(idempotent);
  if (!header && !isPath && idempotent !== 'standard-webhooks') {
    tellError(
      diagnostics,
      declared,
      '"idempotent" must be a path in the JSON body such as "$.id", { "header": "Idempotency-Key" }, or "standard-webhooks"',
    );
    return null;
  }
  const key = header ? `header:${header.toLowerCase()}` : isPath ? `json:${idempotent}` : idempotent;
  return {
    key,
    ttl_s: bounded(diagnostics, declared, seconds, {
      name: 'idempotentSeconds',
      min: 1,
      max: YEAR_S,
      otherwise: DAY_S,
    }),
  };
}

function durableOf(scene, declared, value) {
  if (value === undefined || value === false) {
    return null;
  }
  if (value !== true && !isObject(value)) {
    tellError(
      scene.diagnostics,
      declared,
      '"durable" must be true or { "retries": 5, "delays": [5, 60, 300], "maxAge": 86400 }',
    );
    return null;
  }
  return { ...DURABLE, ...retrySettings(scene, declared, value === true ? {} : value, 'retries') };
}

/* Buckets, queues and schedules of projects without a file that declares them */

function lambdaArn(drafts, name) {
  const draft = typeof name === 'string' ? findDraft(drafts, name) : undefined;
  return arnOf('lambda', '', `function:${draft ? draft.name.replace(/^lambda\//, '') : name}`);
}

const targetArn = (drafts, { function: fn, queue }) =>
  queue !== undefined ? arnOf('sqs', '', queue) : lambdaArn(drafts, fn);

function addBucket(scene, name, entry) {
  const { drafts, found, diagnostics } = scene;
  const declared = place(scene, 'events', 'buckets', name);
  const isLed = (one, i) => {
    const leads = (one.function === undefined) !== (one.queue === undefined);
    leads || tellError(diagnostics, declared, `notifications[${i}] needs "function" or "queue", one of them`);
    return leads;
  };
  const notifications = (entry.notifications ?? []).filter(isLed).map((one, i) =>
    notification(scene, declared, {
      id: one.id ?? `mayfly-${i + 1}`,
      arn: targetArn(drafts, one),
      events: one.events,
      prefix: one.prefix,
      suffix: one.suffix,
    }),
  );
  found.buckets.push({
    name,
    versioning: entry.versioning === true,
    cors: [],
    eventbridge: entry.eventbridge === true,
    declared,
    notifications: notifications.filter(Boolean).map((one) => ({ ...one, declared })),
  });
}

function addQueue(scene, name, entry) {
  const { drafts, found } = scene;
  const declared = place(scene, 'events', 'queues', name);
  const redrive =
    entry.deadLetter === undefined
      ? undefined
      : { deadLetterTargetArn: arnOf('sqs', '', entry.deadLetter), maxReceiveCount: entry.maxReceives };
  const queue = queueOf(scene, declared, name, {
    fifo: name.endsWith('.fifo'),
    content_dedup: entry.contentDeduplication,
    visibility_s: entry.visibility,
    retention_s: entry.retention,
    delay_s: entry.delay,
    wait_s: entry.wait,
    max_bytes: entry.maxBytes,
    redrive,
  });
  if (!queue) {
    return;
  }
  found.queues.push(queue);
  if (entry.function !== undefined) {
    const draft = findDraft(drafts, entry.function);
    const consumer = consumerOf(scene, declared, {
      arn: arnOf('sqs', '', name),
      fn: draft?.name ?? `lambda/${entry.function}`,
      batch_size: entry.batchSize,
      window_s: entry.window,
      max_concurrency: entry.maxConcurrency,
      response_types: entry.reportFailures ? ['ReportBatchItemFailures'] : [],
      filters: entry.filters,
    });
    consumer && found.consumers.push(consumer);
  }
}

function applySchedules(scene, { catchUp, schedules = {} }) {
  const { found } = scene;
  const ticking = [...found.schedules, ...found.rules.filter(({ schedule }) => schedule !== undefined)];
  ticking.forEach((one) => (one.catch_up = catchUp ?? one.catch_up));
  for (const [name, entry] of Object.entries(schedules)) {
    applySchedule(scene, ticking, name, entry);
  }
}

/** Entries of a list that the platforms' files declare; that there is none of that name is told. */
function declaredAs({ diagnostics }, declared, list, name, kind) {
  const named = list.filter((entry) => entry.name === name);
  if (named.length === 0) {
    const names = list.map((entry) => entry.name).join(', ');
    tellError(diagnostics, declared, `there is no such ${kind}; ${names ? `there are ${names}` : 'no file declares one'}`);
  }
  return named;
}

/** Changes those that the platforms' files declare. */
function applySchedule(scene, ticking, name, entry) {
  const { diagnostics } = scene;
  const declared = place(scene, 'events', 'schedules', name);
  const named = declaredAs(scene, declared, ticking, name, 'schedule');
  const zone = entry.timezone;
  if (zone !== undefined && !isZone(zone)) {
    tellError(diagnostics, declared, `"${zone}" is no time zone, such as "Europe/Berlin"`);
  }
  for (const schedule of named) {
    schedule.catch_up = entry.catchUp ?? schedule.catch_up;
    schedule.timezone = zone !== undefined && isZone(zone) ? zone : schedule.timezone;
    schedule.enabled = entry.enabled ?? schedule.enabled;
  }
}

function isZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}

/* Hosts outside: what is kept elsewhere at AWS, and where events go while one tries things out */

function applyEndpoints(scene, { connections = {}, endpoints = {} }) {
  const { diagnostics, found } = scene;
  for (const [name, entry] of Object.entries(connections)) {
    const declared = place(scene, 'events', 'connections', name);
    const secret = variable(scene, declared, 'secret', entry.secret);
    declaredAs(scene, declared, found.connections, name, 'connection').forEach((one) => secret && setSecret(one, secret));
  }
  for (const [name, { url }] of Object.entries(endpoints)) {
    const declared = place(scene, 'events', 'endpoints', name);
    if (!isUrl(url)) {
      tellError(diagnostics, declared, 'must be { "url": "http://..." }');
    }
    declaredAs(scene, declared, found.endpoints, name, 'API destination').forEach((one) => (one.url = isUrl(url) ? url : one.url));
  }
}

/* A MinIO outside, whose events come to /minio/webhook when it shows the token */

function minio(scene, value) {
  if (value === undefined) {
    return null;
  }
  const declared = place(scene, 'events', 'minio');
  const token = variable(scene, declared, 'token', value.token);
  return token ? { token } : null;
}

/* Who may use the AWS port, beside the functions and the developer */

function users(scene, value = {}) {
  const list = Object.entries(value).map(([name, entry]) => {
    const declared = place(scene, 'events', 'users', name);
    const key = variable(scene, declared, 'accessKeyId', entry.accessKeyId);
    const secret = variable(scene, declared, 'secretAccessKey', entry.secretAccessKey);
    if (!key || !secret || !/^[\w-]{3,128}$/.test(key)) {
      key && secret && tellError(scene.diagnostics, declared, 'accessKeyId has letters, digits, - and _, 3 to 128');
      return null;
    }
    return {
      name,
      display_name: entry.displayName ?? name,
      email: entry.email ?? '',
      access_key: key,
      secret_key: secret,
      ...(entry.canonicalId ? { canonical_id: entry.canonicalId } : {}),
    };
  });
  return list.filter(Boolean);
}
