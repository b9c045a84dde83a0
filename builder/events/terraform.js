/* Events in Terraform's files: buckets and their notifications, queues and what consumes them, rules, schedules,
 * retries and destinations. */
import { terraformModules } from '../discover/terraform.js';
import { parseArn } from '../discover/arn.js';
import { ABSENT, Absences, NO_TOPICS } from './absent.js';
import { addRule, addSchedule, asyncOf, consumerOf, corsRule, notification, queueOf, ruleTarget, scheduleTargetOf } from './aws.js';
import { connectionOf, endpointOf, httpParametersOf } from './endpoints.js';
import { emptyEvents, tellError, tellWarning } from './found.js';

/**
 * @param {import('../discover/context.js').Context} context
 * @returns {Promise<import('./found.js').Events>}
 */
export async function terraformEvents(context) {
  const events = emptyEvents();
  for (const [, modules] of Map.groupBy(await terraformModules(context), ({ root }) => root)) {
    /* What one module declares another one adds to, as notifications to a bucket. */
    const values = { all: (type) => modules.flatMap((module) => module.values.all(type)) };
    addBuckets(context, values, events);
    addQueues(context, values, events);
    addConsumers(context, values, events);
    addAsync(context, values, events);
    addRules(context, values, events);
    addEndpoints(context, values, events);
    addSchedules(context, values, events);
    tellAbsent(context, values);
  }
  return events;
}

const declaredOf = (resource) => ({ file: resource.file, what: resource.address });
const isOn = (value) => value === true || value === 'true';

function tellAbsent({ diagnostics }, values) {
  const absences = new Map();
  const of = ({ file }) => absences.get(file) ?? absences.set(file, new Absences()).get(file);
  for (const [type, why] of Object.entries(ABSENT)) {
    values.all(type).forEach((resource) => of(resource).add(why, resource.address));
  }
  for (const resource of values.all('aws_lambda_permission')) {
    const fn = values.all('aws_lambda_function').find(({ name, arn }) => [name, arn].includes(resource.get('function_name')));
    of(resource).addInvoker(resource.get('principal'), fn?.address ?? resource.address);
  }
  absences.forEach((some, file) => some.tell(diagnostics, file));
}

/* Buckets */

function addBuckets(context, values, events) {
  const buckets = new Map();
  const twins = []; /* which are told */
  for (const resource of values.all('aws_s3_bucket')) {
    const bucket = bucketOf(resource.name, declaredOf(resource));
    bucket.versioning = isOn(resource.blocks('versioning')[0]?.enabled);
    bucket.cors = resource.blocks('cors_rule').map(terraformCors);
    buckets.has(bucket.name) ? twins.push(bucket) : buckets.set(bucket.name, bucket);
  }
  const named = (resource) => bucketFor(context, buckets, resource);
  for (const resource of values.all('aws_s3_bucket_versioning')) {
    const bucket = named(resource);
    bucket && (bucket.versioning = resource.blocks('versioning_configuration')[0]?.status === 'Enabled');
  }
  for (const resource of values.all('aws_s3_bucket_cors_configuration')) {
    named(resource)?.cors.push(...resource.blocks('cors_rule').map(terraformCors));
  }
  for (const resource of values.all('aws_s3_bucket_notification')) {
    const bucket = named(resource);
    bucket && addNotifications(context, resource, bucket);
  }
  events.buckets.push(...buckets.values(), ...twins);
}

function bucketOf(name, declared) {
  return { name, versioning: false, notifications: [], cors: [], eventbridge: false, declared };
}

/** The bucket that a resource is about. One that nobody declares is made, and that is told. */
function bucketFor({ diagnostics }, buckets, resource) {
  const said = resource.get('bucket');
  const name = parseArn(said)?.resource ?? said;
  if (typeof name !== 'string') {
    tellError(diagnostics, declaredOf(resource), 'the name of its bucket is not known before it is created');
    return null;
  }
  if (!buckets.has(name)) {
    tellWarning(
      diagnostics,
      declaredOf(resource),
      `the bucket "${name}" is not declared (aws_s3_bucket): an empty one is made`,
    );
    buckets.set(name, bucketOf(name, declaredOf(resource)));
  }
  return buckets.get(name);
}

function terraformCors(rule) {
  return corsRule({
    id: rule.id,
    headers: rule.allowed_headers,
    methods: rule.allowed_methods,
    origins: rule.allowed_origins,
    expose: rule.expose_headers,
    maxAge: rule.max_age_seconds,
  });
}

function addNotifications(context, resource, bucket) {
  const declared = declaredOf(resource);
  const add = (block, arn, kind, i) =>
    notification(context, declared, {
      id: block.id ?? `tf-${kind}-${i + 1}`,
      arn,
      events: block.events,
      prefix: block.filter_prefix,
      suffix: block.filter_suffix,
    });
  const made = [
    ...resource.blocks('lambda_function').map((block, i) => add(block, block.lambda_function_arn, 'lambda', i)),
    ...resource.blocks('queue').map((block, i) => add(block, block.queue_arn, 'queue', i)),
  ];
  bucket.notifications.push(...made.filter(Boolean).map((one) => ({ ...one, declared })));
  bucket.eventbridge ||= isOn(resource.get('eventbridge'));
  if (resource.blocks('topic').length > 0) {
    tellWarning(context.diagnostics, declared, NO_TOPICS);
  }
}

/* Queues */

function addQueues(context, values, events) {
  const redrives = values.all('aws_sqs_queue_redrive_policy');
  for (const resource of values.all('aws_sqs_queue')) {
    const apart = redrives.find((policy) => policy.get('queue_url') === resource.step('url'));
    const queue = queueOf(context, declaredOf(resource), resource.name, {
      fifo: resource.get('fifo_queue'),
      content_dedup: resource.get('content_based_deduplication'),
      visibility_s: resource.get('visibility_timeout_seconds'),
      retention_s: resource.get('message_retention_seconds'),
      delay_s: resource.get('delay_seconds'),
      wait_s: resource.get('receive_wait_time_seconds'),
      max_bytes: resource.get('max_message_size'),
      redrive: redriveText(resource) ?? redriveText(apart),
    });
    queue && events.queues.push(queue);
  }
  const urls = values.all('aws_sqs_queue').map((queue) => queue.step('url'));
  for (const policy of redrives.filter((one) => !urls.includes(one.get('queue_url')))) {
    tellError(context.diagnostics, declaredOf(policy), 'its queue_url is not that of an aws_sqs_queue of this module');
  }
}

/** What is written but not known is told as one that cannot be read. */
function redriveText(resource) {
  return resource?.block.redrive_policy === undefined ? undefined : (resource.get('redrive_policy') ?? '{}');
}

function addConsumers(context, values, events) {
  for (const resource of values.all('aws_lambda_event_source_mapping')) {
    const fn = functionOf(context, resource, 'function_name');
    const consumer =
      fn &&
      consumerOf(context, declaredOf(resource), {
        arn: resource.get('event_source_arn'),
        fn,
        enabled: resource.get('enabled'),
        batch_size: resource.get('batch_size'),
        window_s: resource.get('maximum_batching_window_in_seconds'),
        max_concurrency: resource.blocks('scaling_config')[0]?.maximum_concurrency,
        response_types: resource.get('function_response_types'),
        filters: resource
          .blocks('filter_criteria')
          .flatMap(({ filter }) => [filter ?? []].flat().map((one) => one?.pattern)),
      });
    consumer && events.consumers.push(consumer);
  }
}

/** By its name, its ARN, or a part of that. */
function functionOf({ diagnostics }, resource, attribute) {
  const said = resource.get(attribute);
  const name = typeof said === 'string' ? /(?:^|function:)([A-Za-z0-9_-]+)(?::[^:]*)?$/.exec(said)?.[1] : undefined;
  if (!name) {
    tellError(
      diagnostics,
      declaredOf(resource),
      `${attribute} is not known before it is created; refer to an aws_lambda_function`,
    );
    return null;
  }
  return `lambda/${name}`;
}

/* Asynchronous invocations */

/** Here one counts for all versions and aliases: that of the function itself, else what its last qualifier has. */
function invokeConfigs({ diagnostics }, values) {
  const all = values.all('aws_lambda_function_event_invoke_config');
  const isOwn = (resource) => ['', '$LATEST'].includes(resource.get('qualifier') ?? '');
  const passedOver = (resource) => !isOwn(resource) && all.some((one) => isOwn(one) && one.get('function_name') === resource.get('function_name'));
  all.filter(passedOver).forEach((resource) =>
    tellWarning(diagnostics, declaredOf(resource), 'it is passed over: what the function itself has counts for all its versions and aliases here'),
  );
  return all.filter((resource) => !passedOver(resource));
}

function addAsync(context, values, events) {
  const configured = new Map();
  for (const resource of values.all('aws_lambda_function')) {
    const [dead] = resource.blocks('dead_letter_config');
    if (dead) {
      configured.set(`lambda/${resource.name}`, {
        declared: declaredOf(resource),
        said: { dead_letter: dead.target_arn ?? '' },
      });
    }
  }
  for (const resource of invokeConfigs(context, values)) {
    const fn = functionOf(context, resource, 'function_name');
    const [destinations = {}] = resource.blocks('destination_config');
    const destination = (kind) => destinations[kind]?.[0] && (destinations[kind][0].destination ?? '');
    fn &&
      configured.set(fn, {
        declared: declaredOf(resource),
        said: {
          ...configured.get(fn)?.said,
          max_age_s: resource.get('maximum_event_age_in_seconds'),
          max_retries: resource.get('maximum_retry_attempts'),
          on_success: destination('on_success'),
          on_failure: destination('on_failure'),
        },
      });
  }
  for (const [fn, { declared, said }] of configured) {
    events.async.push(asyncOf(context, declared, fn, said));
  }
}

/* EventBridge */

function busName(value) {
  return typeof value === 'string' ? value.replace(/^arn:[^/]*event-bus\//, '') : 'default';
}

function addRules(context, values, events) {
  events.buses.push(
    ...values.all('aws_cloudwatch_event_bus').map((bus) => ({ name: bus.name, declared: declaredOf(bus) })),
  );
  const targets = values.all('aws_cloudwatch_event_target');
  const used = new Set();
  for (const rule of values.all('aws_cloudwatch_event_rule')) {
    const bus = busName(rule.get('event_bus_name'));
    const own = targets.filter((one) => one.get('rule') === rule.name && busName(one.get('event_bus_name')) === bus);
    own.forEach((one) => used.add(one));
    const said = {
      name: rule.name,
      bus,
      description: rule.get('description'),
      role: rule.get('role_arn'),
      pattern: unknownIfWritten(rule, 'event_pattern'),
      schedule: unknownIfWritten(rule, 'schedule_expression'),
      enabled: rule.get('is_enabled') !== false && rule.get('state') !== 'DISABLED',
      targets: own.map((one) => terraformTarget(context, one)).filter(Boolean),
    };
    addRule(context, declaredOf(rule), said, events);
  }
  for (const target of targets.filter((one) => !used.has(one))) {
    tellError(
      context.diagnostics,
      declaredOf(target),
      'there is no aws_cloudwatch_event_rule of that name on that bus in this module',
    );
  }
}

/** Written but not known: text that is neither a pattern nor a schedule. */
function unknownIfWritten(resource, attribute) {
  if (resource.block[attribute] === undefined) {
    return undefined;
  }
  const value = resource.get(attribute);
  return value === undefined ? `\${${attribute}}` : value;
}

function terraformTarget(context, resource) {
  const [transformer] = resource.blocks('input_transformer');
  const [retry = {}] = resource.blocks('retry_policy');
  const [http = {}] = resource.blocks('http_target');
  return ruleTarget(context, declaredOf(resource), {
    id: resource.get('target_id') ?? resource.id,
    arn: resource.get('arn'),
    role: resource.get('role_arn'),
    group: resource.blocks('sqs_target')[0]?.message_group_id,
    input: resource.get('input'),
    input_path: resource.get('input_path'),
    input_transformer: transformer && {
      paths: transformer.input_paths ?? {},
      template: String(transformer.input_template ?? ''),
    },
    http: httpParametersOf({ headers: http.header_parameters, path: http.path_parameter_values, query: http.query_string_parameters }),
    dead_letter: resource.blocks('dead_letter_config')[0]?.arn,
    max_age_s: retry.maximum_event_age_in_seconds,
    max_retries: retry.maximum_retry_attempts,
  });
}

/* API destinations */

function addEndpoints(context, values, events) {
  const connections = values.all('aws_cloudwatch_event_connection').map((resource) =>
    connectionOf(context, declaredOf(resource), resource.name, {
      type: resource.get('authorization_type'),
      description: resource.get('description'),
      auth: authParameters(resource.blocks('auth_parameters')[0] ?? {}),
    }));
  const endpoints = values.all('aws_cloudwatch_event_api_destination').map((resource) =>
    endpointOf(context, declaredOf(resource), resource.name, {
      description: resource.get('description'),
      connection: resource.get('connection_arn'),
      url: resource.get('invocation_endpoint'),
      method: resource.get('http_method'),
      rate: resource.get('invocation_rate_limit_per_second'),
    }));
  events.connections.push(...connections.filter(Boolean));
  events.endpoints.push(...endpoints.filter(Boolean));
}

const inner = (block, name) => [block?.[name] ?? []].flat()[0];

/** In the words of AWS's API. */
function authParameters(block) {
  const [key, basic, oauth] = ['api_key', 'basic', 'oauth'].map((name) => inner(block, name));
  const client = inner(oauth, 'client_parameters');
  return {
    ApiKeyAuthParameters: key && { ApiKeyName: key.key, ApiKeyValue: key.value },
    BasicAuthParameters: basic && { Username: basic.username, Password: basic.password },
    OAuthParameters: oauth && {
      AuthorizationEndpoint: oauth.authorization_endpoint,
      HttpMethod: oauth.http_method,
      ClientParameters: { ClientID: client?.client_id, ClientSecret: client?.client_secret },
      ...withHttp('OAuthHttpParameters', inner(oauth, 'oauth_http_parameters')),
    },
    ...withHttp('InvocationHttpParameters', inner(block, 'invocation_http_parameters')),
  };
}

function withHttp(name, block) {
  const list = (kind) => [block[kind] ?? []].flat().map(({ key, value, is_value_secret: secret }) => ({ Key: key, Value: value, IsValueSecret: secret }));
  return block ? { [name]: { HeaderParameters: list('header'), QueryStringParameters: list('query_string'), BodyParameters: list('body') } } : {};
}

/* EventBridge Scheduler */

function addSchedules(context, values, events) {
  events.schedule_groups.push(
    ...values.all('aws_scheduler_schedule_group').map((group) => ({ name: group.name, declared: declaredOf(group) })),
  );
  for (const resource of values.all('aws_scheduler_schedule')) {
    const declared = declaredOf(resource);
    const [said = {}] = resource.blocks('target');
    const nested = (block) => [said[block] ?? []].flat()[0] ?? {};
    const target = ruleTarget(context, declared, {
      id: resource.id,
      arn: said.arn,
      role: said.role_arn,
      group: nested('sqs_parameters').message_group_id,
      detail_type: nested('eventbridge_parameters').detail_type,
      source: nested('eventbridge_parameters').source,
      input: said.input,
      dead_letter: nested('dead_letter_config').arn,
      max_age_s: nested('retry_policy').maximum_event_age_in_seconds,
      max_retries: nested('retry_policy').maximum_retry_attempts,
    }, scheduleTargetOf(said.arn));
    if (target) {
      const { id: _id, input_path: _path, input_transformer: _transformer, ...rest } = target;
      const [window = {}] = resource.blocks('flexible_time_window');
      addSchedule(
        context,
        declared,
        {
          name: resource.name,
          group: resource.get('group_name'),
          description: resource.get('description'),
          window: { mode: window.mode, minutes: window.maximum_window_in_minutes },
          completion: resource.get('action_after_completion'),
          expression: String(unknownIfWritten(resource, 'schedule_expression') ?? ''),
          timezone: resource.get('schedule_expression_timezone'),
          enabled: resource.get('state') !== 'DISABLED',
          start: resource.get('start_date'),
          end: resource.get('end_date'),
          target: rest,
        },
        events,
      );
    }
  }
}
