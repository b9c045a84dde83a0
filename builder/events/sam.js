/* Events in SAM and CloudFormation templates, and in what serverless.yml comes to: those of functions, and the resources that AWS itself knows. */
import { API_EVENTS, isFunction, samTemplates } from '../discover/sam.js';
import { tellDefinitions } from '../discover/sam_api.js';
import { serverlessTemplates } from '../discover/serverless.js';
import { nameFor, parseArn } from '../discover/arn.js';
import { ABSENT, Absences, NO_TOPICS } from './absent.js';
import { addRule, addSchedule, asyncOf, consumerOf, corsRule, notification, queueOf, ruleTarget, scheduleTargetOf } from './aws.js';
import { connectionOf, endpointOf, httpParametersOf } from './endpoints.js';
import { emptyEvents, tellError, tellWarning } from './found.js';

/**
 * @param {import('../discover/context.js').Context} context
 * @returns {import('./found.js').Events}
 */
export function samEvents(context) {
  const events = emptyEvents();
  const templates = [...samTemplates(context), ...serverlessTemplates(context)];
  const buckets = new Map();
  const scenes = templates.map((template) => ({ context, template, events, buckets, absences: new Absences() }));
  scenes.forEach((scene) => addResources(scene, RESOURCES));
  for (const scene of scenes) {
    addResources(scene, OF_RESOURCES);
    for (const [id, resource] of Object.entries(scene.template.resources).filter(([, one]) => isFunction(one))) {
      addFunction(scene, id, resource);
    }
    addResources(scene, INVOKERS);
    scene.absences.tell(context.diagnostics, scene.template.file);
    tellDefinitions(context, scene.template);
  }
  return events;
}

function addResources(scene, kinds) {
  const { template } = scene;
  for (const [id, resource] of Object.entries(template.resources)) {
    const properties = template.resolve(resource?.Properties ?? {}) ?? {};
    kinds[resource?.Type]?.(scene, { id, properties, declared: { file: template.file, what: id } });
  }
}

const asList = (value) => [value ?? []].flat();
const isOff = (properties) => properties.State === 'DISABLED' || properties.Enabled === false;

/* Resources of CloudFormation */

const RESOURCES = {
  'AWS::S3::Bucket': addBucket,
  'AWS::SQS::Queue': addQueue,
  'AWS::Events::EventBus': ({ template, events }, { id, declared }) =>
    events.buses.push({ name: template.nameOf(id), declared }),
  'AWS::Events::Rule': addEventsRule,
  'AWS::Events::Connection': addConnection,
  'AWS::Events::ApiDestination': addEndpoint,
  'AWS::Scheduler::Schedule': addSchedulerSchedule,
  'AWS::Scheduler::ScheduleGroup': ({ template, events }, { id, declared }) =>
    events.schedule_groups.push({ name: template.nameOf(id), declared }),
  'AWS::Lambda::EventSourceMapping': ({ context, events }, { properties, declared }) =>
    addConsumer(
      context,
      events,
      declared,
      properties.EventSourceArn,
      functionNamed(properties.FunctionName),
      properties,
    ),
  'AWS::Lambda::EventInvokeConfig': ({ context, events }, { properties, declared }) =>
    events.async.push(asyncOf(context, declared, functionNamed(properties.FunctionName), invokeSettings(properties))),
};

for (const [type, why] of Object.entries(ABSENT)) {
  RESOURCES[type] = ({ absences }, { declared }) => absences.add(why, declared.what);
}

/** What is added to other resources. */
const OF_RESOURCES = { 'Custom::S3BucketNotifications': addBucketNotifications };
/** What is told if nothing else tells it. */
const INVOKERS = {
  'AWS::Lambda::Permission': ({ absences }, { properties: { Principal: principal, FunctionName: name } }) =>
    absences.addInvoker(principal, functionNamed(name).replace('lambda/', '')),
};

function functionNamed(said) {
  return `lambda/${/(?:^|function:)([^:]+)(?::[^:]*)?$/.exec(String(said))?.[1]}`;
}

function addBucket({ template, events, buckets, ...scene }, { id, properties, declared }) {
  const { NotificationConfiguration: said = {}, VersioningConfiguration: versioning, CorsConfiguration: cors } = properties;
  const bucket = {
    name: template.nameOf(id),
    versioning: versioning?.Status === 'Enabled',
    declared,
    notifications: notificationsOf(scene, declared, id, said),
    cors: asList(cors?.CorsRules).map((rule) =>
      corsRule({
        id: rule.Id,
        headers: rule.AllowedHeaders,
        methods: rule.AllowedMethods,
        origins: rule.AllowedOrigins,
        expose: rule.ExposedHeaders,
        maxAge: rule.MaxAge,
      }),
    ),
    eventbridge: goesToEventBridge(said),
  };
  buckets.set(bucket.name, bucket);
  events.buckets.push(bucket);
}

const goesToEventBridge = ({ EventBridgeConfiguration: said }) => said !== undefined && said?.EventBridgeEnabled !== false;

function notificationsOf({ context, absences }, declared, id, said) {
  if (asList(said.TopicConfigurations).length > 0) {
    absences.add(NO_TOPICS, declared.what);
  }
  const add = (entry, arn, kind, i) =>
    notification(context, declared, {
      id: `${id}-${kind}-${i + 1}`,
      arn,
      events: entry.Event,
      ...keyRules(entry.Filter?.S3Key),
    });
  return [
    ...asList(said.LambdaConfigurations).map((entry, i) => add(entry, entry.Function, 'lambda', i)),
    ...asList(said.QueueConfigurations).map((entry, i) => add(entry, entry.Queue, 'queue', i)),
  ]
    .filter(Boolean)
    .map((one) => ({ ...one, declared }));
}

/** The CDK's way around the order of CloudFormation's resources: in the words of S3's API, and of any bucket. */
function addBucketNotifications({ context, events, buckets, absences }, { id, properties, declared }) {
  const { BucketName: name, NotificationConfiguration: said = {} } = properties;
  if (typeof name !== 'string') {
    tellError(context.diagnostics, declared, 'the name of its bucket is not known before it is created');
    return;
  }
  if (!buckets.has(name)) {
    tellWarning(context.diagnostics, declared, `the bucket "${name}" is not declared in this project: it is made`);
    buckets.set(name, { name, versioning: false, declared, notifications: [], cors: [], eventbridge: false });
    events.buckets.push(buckets.get(name));
  }
  const inWords = (key) => (entry) => ({ Event: entry.Events, [key]: entry[`${key}Arn`] ?? entry[`Lambda${key}Arn`], Filter: { S3Key: { Rules: entry.Filter?.Key?.FilterRules } } });
  const bucket = buckets.get(name);
  bucket.notifications.push(
    ...notificationsOf({ context, absences }, declared, id, {
      LambdaConfigurations: asList(said.LambdaFunctionConfigurations).map(inWords('Function')),
      QueueConfigurations: asList(said.QueueConfigurations).map(inWords('Queue')),
      TopicConfigurations: said.TopicConfigurations,
    }),
  );
  bucket.eventbridge ||= goesToEventBridge(said);
}

/** `Rules: [{ Name: prefix, Value: uploads/ }]` */
function keyRules(said) {
  const valueOf = (name) => asList(said?.Rules).find((rule) => String(rule?.Name).toLowerCase() === name)?.Value;
  return { prefix: valueOf('prefix'), suffix: valueOf('suffix') };
}

function addQueue({ context, template, events }, { id, properties, declared }) {
  const queue = queueOf(context, declared, template.nameOf(id), {
    fifo: properties.FifoQueue,
    content_dedup: properties.ContentBasedDeduplication,
    visibility_s: properties.VisibilityTimeout,
    retention_s: properties.MessageRetentionPeriod,
    delay_s: properties.DelaySeconds,
    wait_s: properties.ReceiveMessageWaitTimeSeconds,
    max_bytes: properties.MaximumMessageSize,
    redrive: properties.RedrivePolicy,
  });
  queue && events.queues.push(queue);
}

function cloudFormationTarget(context, declared, target, leads) {
  const { InputTransformer: transformer, HttpParameters: http = {} } = target;
  return ruleTarget(context, declared, {
    id: target.Id ?? 'target',
    arn: target.Arn,
    role: target.RoleArn,
    group: target.SqsParameters?.MessageGroupId,
    detail_type: target.EventBridgeParameters?.DetailType,
    source: target.EventBridgeParameters?.Source,
    input: target.Input,
    input_path: target.InputPath,
    input_transformer: transformer && {
      paths: transformer.InputPathsMap ?? {},
      template: String(transformer.InputTemplate ?? ''),
    },
    http: httpParametersOf({ headers: http.HeaderParameters, path: http.PathParameterValues, query: http.QueryStringParameters }),
    dead_letter: target.DeadLetterConfig?.Arn,
    max_age_s: target.RetryPolicy?.MaximumEventAgeInSeconds,
    max_retries: target.RetryPolicy?.MaximumRetryAttempts,
  }, leads);
}

const busName = (value) => (typeof value === 'string' ? value.replace(/^arn:[^/]*event-bus\//, '') : 'default');

function addEventsRule({ context, template, events }, { id, properties, declared }) {
  addRule(
    context,
    declared,
    {
      name: template.nameOf(id),
      bus: busName(properties.EventBusName),
      description: properties.Description,
      role: properties.RoleArn,
      pattern: properties.EventPattern,
      schedule: properties.ScheduleExpression,
      enabled: !isOff(properties),
      targets: asList(properties.Targets)
        .map((target) => cloudFormationTarget(context, declared, target))
        .filter(Boolean),
    },
    events,
  );
}

function addConnection({ context, template, events }, { id, properties, declared }) {
  const connection = connectionOf(context, declared, template.nameOf(id), {
    type: properties.AuthorizationType, description: properties.Description, auth: properties.AuthParameters,
  });
  connection && events.connections.push(connection);
}

function addEndpoint({ context, template, events }, { id, properties, declared }) {
  const endpoint = endpointOf(context, declared, template.nameOf(id), {
    description: properties.Description,
    connection: properties.ConnectionArn,
    url: properties.InvocationEndpoint,
    method: properties.HttpMethod,
    rate: properties.InvocationRateLimitPerSecond,
  });
  endpoint && events.endpoints.push(endpoint);
}

function addSchedulerSchedule({ context, template, events }, { id, properties, declared }) {
  const { Target = {} } = properties;
  const target = cloudFormationTarget(context, declared, Target, scheduleTargetOf(Target.Arn));
  if (target) {
    schedulerSchedule({ context, events }, declared, properties, template.nameOf(id), target);
  }
}

function schedulerSchedule({ context, events }, declared, properties, name, target) {
  const { id: _id, input_path: _path, input_transformer: _transformer, ...rest } = target;
  const { FlexibleTimeWindow: window } = properties;
  addSchedule(
    context,
    declared,
    {
      name,
      group: properties.GroupName,
      description: properties.Description,
      window: { mode: window?.Mode, minutes: window?.MaximumWindowInMinutes },
      completion: properties.ActionAfterCompletion,
      expression: String(properties.ScheduleExpression ?? ''),
      timezone: properties.ScheduleExpressionTimezone,
      enabled: !isOff(properties),
      start: properties.StartDate,
      end: properties.EndDate,
      target: rest,
    },
    events,
  );
}

/* Functions and their events */

function addFunction(scene, id, resource) {
  const { context, template, events } = scene;
  const properties = template.resolve(resource.Properties ?? {}) ?? {};
  const fn = { name: `lambda/${template.nameOf(id)}`, arn: template.arnOf(id), id };
  for (const [name, event] of Object.entries(properties.Events ?? {})) {
    const declared = { file: template.file, what: `${template.titleOf(id)}.${name}` };
    const add = FUNCTION_EVENTS[event?.Type] ?? noteOther;
    add(scene, { fn, declared, name: nameFor(`${template.uniqueId(id)}${name}`), said: event?.Properties ?? {}, kind: event?.Type });
  }
  const dead = properties.DeadLetterQueue?.TargetArn ?? properties.DeadLetterConfig?.TargetArn;
  if (properties.EventInvokeConfig || dead !== undefined) {
    const said = { ...invokeSettings(properties.EventInvokeConfig ?? {}), dead_letter: dead };
    events.async.push(asyncOf(context, { file: template.file, what: template.titleOf(id) }, fn.name, said));
  }
}

function invokeSettings({ MaximumEventAgeInSeconds: age, MaximumRetryAttempts: retries, DestinationConfig: to = {} }) {
  return {
    max_age_s: age,
    max_retries: retries,
    on_success: to.OnSuccess?.Destination,
    on_failure: to.OnFailure?.Destination,
  };
}

const FUNCTION_EVENTS = {
  S3: addS3Event,
  SQS: ({ context, events }, { fn, declared, said }) =>
    addConsumer(context, events, declared, said.Queue, fn.name, said),
  Schedule: addRuleEvent,
  EventBridgeRule: addRuleEvent,
  CloudWatchEvent: addRuleEvent,
  ScheduleV2({ context, events }, { fn, declared, name, said }) {
    const target = samTarget(context, declared, fn, said);
    target && schedulerSchedule({ context, events }, declared, said, said.Name ?? name, target);
  },
};

function noteOther({ absences }, { declared, kind }) {
  if (!Object.hasOwn(API_EVENTS, kind)) {
    absences.addKind(kind, declared.what);
  }
}

/** The bucket is one of the same template. */
function addS3Event({ context, buckets }, { fn, declared, name, said }) {
  const bucket = buckets.get(parseArn(said.Bucket)?.resource ?? said.Bucket);
  if (!bucket) {
    const text =
      said.Bucket === undefined
        ? 'the name of its bucket is not known before it is created'
        : 'Bucket must be a reference to an AWS::S3::Bucket of this template, as in !Ref Bucket';
    tellError(context.diagnostics, declared, text);
    return;
  }
  const made = notification(context, declared, {
    id: name,
    arn: fn.arn,
    events: said.Events,
    ...keyRules(said.Filter?.S3Key),
  });
  made && bucket.notifications.push({ ...made, declared });
}

function addConsumer(context, events, declared, arn, fn, said) {
  const consumer = consumerOf(context, declared, {
    arn,
    fn,
    enabled: said.Enabled,
    batch_size: said.BatchSize,
    window_s: said.MaximumBatchingWindowInSeconds,
    max_concurrency: said.ScalingConfig?.MaximumConcurrency,
    response_types: said.FunctionResponseTypes,
    filters: asList(said.FilterCriteria?.Filters).map((filter) => filter?.Pattern),
  });
  consumer && events.consumers.push(consumer);
}

/** Schedules of the first kind and patterns both become a rule with this function as its target. */
function addRuleEvent({ context, events }, { fn, declared, name, said }) {
  const target = samTarget(context, declared, fn, said);
  target &&
    addRule(
      context,
      declared,
      {
        name: said.RuleName ?? said.Name ?? name,
        bus: busName(said.EventBusName),
        description: said.Description,
        pattern: said.Pattern,
        schedule: said.Schedule,
        enabled: !isOff(said),
        targets: [target],
      },
      events,
    );
}

function samTarget(context, declared, fn, said) {
  return cloudFormationTarget(context, declared, { ...said, Id: said.Target?.Id ?? fn.id, Arn: fn.arn });
}
