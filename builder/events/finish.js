/* The manifest's `events`: what the platforms' files say, after mayfly.json has had its word and all names in it have
 * been looked up. What leads nowhere is told with its place and left out. */
import { finishConnections, finishEndpoints } from './endpoints.js';
import { sqsQueue, tellError, tellWarning, workerQueue } from './found.js';
import { applyMayflyJson } from './mayfly_json.js';
import { isName } from './names.js';

/**
 * @param {import('./found.js').Events} found
 * @param {import('../discover/context.js').Found} all what is found of the project: endpoints of its drafts get `via: "events"` where
 *   control has requests first
 * @param {import('../discover/context.js').Context} context
 * @returns {object} for the manifest
 */
export function finishEvents(found, { drafts, notRun }, context) {
  const scene = {
    ...context, drafts, functions: new Map(drafts.map((draft) => [draft.name, draft])), found, notRun: new Set(notRun.map((name) => `lambda/${name}`)),
  };
  applyMayflyJson(scene);
  leaveOutUnnamed(scene);
  found.buckets = unique(scene, found.buckets, 'bucket', ({ name }) => name);
  found.queues = unique(scene, found.queues, 'queue', ({ name, platform }) => `${platform}:${name}`);
  addWantedQueues(scene);
  addWantedBuses(scene);
  addWantedGroups(scene);
  found.queues = found.queues.map(({ redrive, ...queue }) => (kept(scene, redrive, queue) ? { ...queue, redrive } : queue));
  found.consumers = consumers(scene);
  found.buckets.forEach(
    (bucket) => (bucket.notifications = bucket.notifications.filter((one) => leadsSomewhere(scene, one))),
  );
  found.connections = unique(scene, found.connections, 'connection', ({ name }) => name);
  found.endpoints = unique(scene, found.endpoints, 'API destination', ({ name }) => name);
  finishConnections(scene);
  scene.endpointsLeft = finishEndpoints(scene);
  found.rules = found.rules
    .filter(({ bus }) => isDeclared(found, 'buses', bus))
    .map((rule) => ({
      ...rule,
      targets: rule.targets
        .filter((one) => leadsSomewhere(scene, one, rule))
        .map((one) => withDestinations(scene, one, rule)),
    }));
  found.rules = unique(scene, found.rules, 'rule', ({ name, bus }) => `${bus}/${name}`);
  found.schedules = withNames(
    found.schedules
      .filter(({ group }) => group === undefined || isDeclared(found, 'schedule_groups', group))
      .filter((schedule) => leadsSomewhere(scene, schedule.target, schedule))
      .map((schedule) => ({ ...schedule, target: withDestinations(scene, schedule.target, schedule) })),
  );
  found.async = found.async.filter((one) => leadsSomewhere(scene, one, one)).map((one) => withDestinations(scene, one));
  found.routes = routes(scene).map((one) => withDestinations(scene, one));
  return withoutPlaces(found);
}

function unique({ diagnostics }, entries, kind, keyOf) {
  const taken = new Map();
  for (const entry of entries) {
    const key = keyOf(entry);
    const other = taken.get(key);
    if (!other) {
      taken.set(key, entry);
    } else if (entry.platform !== 'worker') {
      tellError(
        diagnostics,
        entry.declared,
        `there is another ${kind} "${entry.name}" in ${other.declared.file}: this one is left out`,
      );
    } else {
      other.delay_s = Math.max(other.delay_s, entry.delay_s); /* named by several workers */
    }
  }
  return [...taken.values()];
}

/** Control insists on the names, too: one that is none would have the whole project refused. */
function leaveOutUnnamed({ diagnostics, found }) {
  const named = (list, kind) => list.filter(({ name, declared }) => isName(diagnostics, declared, kind, name));
  found.buckets = named(found.buckets, 'a bucket');
  found.buses = named(found.buses, 'an event bus');
  found.rules = named(found.rules, 'a rule');
  found.schedule_groups = named(found.schedule_groups, 'a schedule group');
  found.schedules = found.schedules.filter(
    ({ name, group, declared }) => group === undefined || isName(diagnostics, declared, 'a schedule', name),
  );
}

/** Queues that something leads to and nobody declares: they are made, and that is told. */
function addWantedQueues(scene) {
  const { found, diagnostics } = scene;
  const known = new Set(found.queues.map(({ name, platform }) => `${platform}:${name}`));
  for (const { name, platform, declared, role } of wantedQueues(found)) {
    if (known.has(`${platform}:${name}`)) {
      continue;
    }
    known.add(`${platform}:${name}`);
    if (platform === 'sqs' && !isName(diagnostics, declared, 'a queue', name)) {
      continue;
    }
    found.queues.push(platform === 'sqs' ? sqsQueue(name) : workerQueue(name));
    if (platform === 'sqs') {
      tellWarning(
        diagnostics,
        declared,
        `the queue "${name}"${role} is not declared in this project: an empty one is made`,
      );
    }
  }
}

function* wantedQueues({ queues, consumers: list, buckets, rules, schedules, async: invocations, routes: paths }) {
  for (const { redrive, declared } of queues) {
    if (redrive) yield { name: redrive.queue, platform: 'sqs', declared, role: ' of its redrive policy' };
  }
  for (const { queue, platform, declared } of list) {
    yield { name: queue, platform: platform === 'worker' ? 'worker' : 'sqs', declared, role: '' };
  }
  const targets = [
    ...buckets.flatMap(({ notifications }) => notifications),
    ...rules.flatMap((rule) =>
      rule.targets.flatMap((one) => [
        { ...one, declared: rule.declared },
        { ...one.dead_letter, declared: rule.declared },
      ]),
    ),
    ...schedules.flatMap(({ target, declared }) => [
      { ...target, declared },
      { ...target.dead_letter, declared },
    ]),
    ...[...invocations, ...paths].flatMap(({ on_success: good, on_failure: bad, dead_letter: dead, declared }) =>
      [good, bad, dead].map((one) => ({ ...one, declared })),
    ),
  ];
  for (const { queue, declared } of targets) {
    if (queue) yield { name: queue, platform: 'sqs', declared, role: '' };
  }
}

/** Those that are named anywhere have been added, but for what is no name; "default" is there from the start. */
const isDeclared = (found, kind, name) => name === 'default' || found[kind].some((one) => one.name === name);

/** A function or an API destination that a trigger names must be one of the project. */
function leadsSomewhere({ functions, found, endpointsLeft, notRun, diagnostics }, target, { declared } = target) {
  if (target.endpoint && !found.endpoints.some(({ name }) => name === target.endpoint)) {
    endpointsLeft.has(target.endpoint) ||
      tellError(diagnostics, declared, `there is no API destination "${target.endpoint}" in this project`);
    return false;
  }
  if ((target.queue && !isDeclared(found, 'queues', target.queue)) || (target.bus && !isDeclared(found, 'buses', target.bus))) {
    return false;
  }
  if (!target.function || functions.has(target.function)) {
    return true;
  }
  if (notRun.has(target.function)) {
    return false;
  }
  const name = target.function.replace(/^lambda\//, '');
  const others = [...functions.keys()]
    .filter((one) => one.startsWith('lambda/'))
    .map((one) => one.replace('lambda/', ''));
  const which = others.length > 0 ? `; there are ${others.join(', ')}` : '';
  tellError(diagnostics, declared, `there is no function "${name}" in this project that runs here${which}`);
  return false;
}

/** A destination, or null: that it leads nowhere has been told. */
const kept = (scene, to, entry) => (to && leadsSomewhere(scene, to, entry) ? to : null);

/** @param {object} [entry] where the destinations are told of */
function withDestinations(scene, one, entry = one) {
  const said = ['on_success', 'on_failure', 'dead_letter'].filter((name) => one[name]);
  return { ...one, ...Object.fromEntries(said.map((name) => [name, kept(scene, one[name], entry)])) };
}

/** Buses are there by being named, as queues are; AWS has one from the start. */
function addWantedBuses(scene) {
  const { found, diagnostics } = scene;
  const known = new Set(['default', ...found.buses.map(({ name }) => name)]);
  const wanted = [
    ...found.rules.flatMap(({ bus, targets, declared }) => [
      { bus, declared },
      ...targets.map((one) => ({ ...one, declared })),
    ]),
    ...[...found.async, ...found.routes].flatMap(({ on_success: good, on_failure: bad, declared }) => [
      { ...good, declared },
      { ...bad, declared },
    ]),
  ];
  for (const { bus, declared } of wanted) {
    if (bus && !known.has(bus)) {
      known.add(bus);
      if (!isName(diagnostics, declared, 'an event bus', bus)) {
        continue;
      }
      found.buses.push({ name: bus });
      tellWarning(diagnostics, declared, `the event bus "${bus}" is not declared in this project: it is made`);
    }
  }
}

/** So are the groups of schedules. */
function addWantedGroups({ found, diagnostics }) {
  const known = new Set(['default', ...found.schedule_groups.map(({ name }) => name)]);
  for (const { group, declared } of found.schedules) {
    if (group !== undefined && !known.has(group)) {
      known.add(group);
      if (!isName(diagnostics, declared, 'a schedule group', group)) {
        continue;
      }
      found.schedule_groups.push({ name: group });
      tellWarning(diagnostics, declared, `the schedule group "${group}" is not declared in this project: it is made`);
    }
  }
}

/** One Worker a queue, as Cloudflare has it; several Lambda functions may share one. */
function consumers(scene) {
  const { found, diagnostics, functions } = scene;
  const taken = new Map();
  return found.consumers.filter((consumer) => {
    if (!leadsSomewhere(scene, { function: consumer.function, queue: consumer.queue }, consumer)) {
      return false;
    }
    const key = consumer.platform === 'worker' ? consumer.queue : `${consumer.queue}\0${consumer.function}`;
    if (taken.has(`${consumer.platform}:${key}`)) {
      tellError(
        diagnostics,
        consumer.declared,
        `the queue "${consumer.queue}" has a consumer already: this one is left out`,
      );
      return false;
    }
    taken.set(`${consumer.platform}:${key}`, consumer);
    const queue = found.queues.find(({ name, platform }) => platform === 'sqs' && name === consumer.queue);
    const seconds = functions.get(consumer.function).timeout_ms / 1000;
    if (consumer.platform === 'lambda' && queue.visibility_s < seconds) {
      tellWarning(
        diagnostics,
        consumer.declared,
        `the queue's visibility time-out of ${queue.visibility_s} s is less than the ` +
          `function's time-out of ${seconds} s, which AWS refuses: set it to at least ${seconds} (AWS advises ${seconds * 6})`,
      );
    }
    return true;
  });
}

/** Names are what `mayfly trigger` takes: the second of a name gets its expression, the third a number. */
function withNames(schedules) {
  const taken = new Set();
  return schedules.map((schedule) => {
    const isTaken = (name) => taken.has(`${schedule.group ?? ''}\0${name}`);
    const candidates = [schedule.name, `${schedule.name} ${schedule.expression}`];
    let name = candidates.find((one) => !isTaken(one));
    for (let i = 2; name === undefined; i += 1) {
      name = isTaken(`${candidates[1]} #${i}`) ? undefined : `${candidates[1]} #${i}`;
    }
    taken.add(`${schedule.group ?? ''}\0${name}`);
    return { ...schedule, name };
  });
}

/** Settings of one endpoint from several sides are one entry. */
function routes({ found, functions }) {
  const merged = new Map();
  for (const { module, declared, ...said } of found.routes) {
    const endpoints = functions.get(said.function)?.endpoints ?? [];
    const index = said.endpoint ?? endpoints.findIndex((endpoint) => endpoint.module === module);
    const key = `${said.function}\0${index}`;
    const before = merged.get(key);
    const empty = { idempotent: null, durable: null, background: null, on_success: null, on_failure: null };
    merged.set(key, { ...(before ?? empty), ...said, endpoint: index, declared });
    endpoints[index].via = merged.get(key).background ? 'events' : 'events-unless-safe';
  }
  return [...merged.values()];
}

/** Where things are declared was for people. */
function withoutPlaces(found) {
  const bare = ({ declared: _declared, ...entry }) => entry;
  const { minio, lifecycleDay, ...lists } = found;
  const kinds = Object.fromEntries(Object.entries(lists).map(([kind, entries]) => [kind, entries.map(bare)]));
  return {
    ...kinds,
    ...(minio ? { minio } : {}),
    ...(lifecycleDay ? { lifecycle_day_s: lifecycleDay } : {}),
    buckets: kinds.buckets.map((bucket) => ({ ...bucket, notifications: bucket.notifications.map(bare) })),
  };
}
