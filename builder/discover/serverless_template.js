/* The CloudFormation template that the Serverless Framework would make of a service, as far as it counts here: its
 * resources, and its functions with their events in SAM's words, which builder/events/sam.js reads. */
import { templateOf } from './sam_template.js';

/** What API Gateway brings is read elsewhere: serverless.js. */
const HTTP = ['http', 'httpApi'];
const SECTIONS = ['Resources', 'Parameters', 'Conditions', 'Mappings', 'Outputs'];

/**
 * @param {import('./context.js').Context} context
 * @param {object} service serverless.yml with its variables resolved
 * @param {{ key: string, name: string, said: object }[]} functions
 */
export function templateOfService(context, service, functions) {
  const own = [service.resources ?? []].flat();
  const joined = (section) => Object.assign({}, ...own.map((part) => part?.[section]));
  const template = Object.fromEntries(SECTIONS.map((section) => [section, joined(section)]));
  const entries = functions.map((fn) => [logicalId(fn.key), functionOf(service, fn)]);
  const resources = { ...template.Resources, ...Object.fromEntries(entries) };
  const { provider } = service;
  const config = { stack: provider.stackName ?? `${service.service?.name ?? service.service}-${provider.stage}` };
  const buckets = bucketsOf(templateOf({ ...template, Resources: resources }, context, config));
  const keys = Object.fromEntries(functions.map(({ key }) => [logicalId(key), key]));
  return { ...templateOf({ ...template, Resources: { ...buckets, ...resources } }, context, config), titleOf: (id) => keys[id] ?? id };
}

/** `send-mail` is `SendDashmailLambdaFunction` to those who refer to it. */
export function logicalId(key, kind = 'LambdaFunction') {
  const named = key.replaceAll('-', 'Dash').replaceAll('_', 'Underscore');
  return `${named[0].toUpperCase()}${named.slice(1)}${kind}`;
}

function functionOf(service, { name, said }) {
  const isAsync = ['maximumRetryAttempts', 'maximumEventAge', 'destinations'].some((key) => said[key] !== undefined);
  return {
    Type: 'AWS::Serverless::Function',
    Properties: {
      FunctionName: name,
      ...(isAsync ? { EventInvokeConfig: invokeConfig(service, said) } : {}),
      ...(said.onError ? { DeadLetterQueue: { TargetArn: said.onError } } : {}),
      Events: eventsOf(service, name, said),
    },
  };
}

/** A destination is a function of the service by its key, or an ARN. */
function invokeConfig({ functions }, { maximumRetryAttempts, maximumEventAge, destinations = {} }) {
  const destination = (to) => ({ Destination: functions[to] ? { 'Fn::GetAtt': [logicalId(to), 'Arn'] } : to?.arn ?? to });
  return {
    MaximumRetryAttempts: maximumRetryAttempts,
    MaximumEventAgeInSeconds: maximumEventAge,
    DestinationConfig: { OnSuccess: destination(destinations.onSuccess), OnFailure: destination(destinations.onFailure) },
  };
}

/** By names that tell them apart: `sqs`, `sqs-2`. */
function eventsOf(service, name, { events }) {
  const made = [events ?? []].flat().flatMap((event) => {
    const [[kind, said] = []] = Object.entries(typeof event === 'object' && event ? event : { [event]: {} });
    const all = HTTP.includes(kind) ? [] : EVENTS[kind]?.(said ?? {}, { service }) ?? [{ Type: kind }];
    return all.map((one) => [kind, one]);
  });
  nameSchedules(name, made.map(([, one]) => one));
  return Object.fromEntries(made.map(([kind, one], i) => {
    const before = made.slice(0, i).filter(([other]) => other === kind).length;
    return [before === 0 ? kind : `${kind}-${before + 1}`, one];
  }));
}

/** Names of their own, by which `mayfly trigger` knows them: the framework leaves that to CloudFormation. */
function nameSchedules(fn, events) {
  const uses = new Map();
  for (const { Type: type, Properties: said } of events) {
    if (type === 'Schedule' || type === 'ScheduleV2') {
      const name = said.Name ?? `${fn}-schedule`;
      uses.set(name, (uses.get(name) ?? 0) + 1);
      said.Name = uses.get(name) === 1 ? name : `${name}-${uses.get(name)}`;
    }
  }
}

const EVENTS = {
  sqs(said) {
    const { arn, batchSize, maximumBatchingWindow, maximumConcurrency, functionResponseType, filterPatterns, enabled } =
      said.arn === undefined ? { arn: said } : said;
    return [{ Type: 'SQS', Properties: {
      Queue: arn, BatchSize: batchSize, MaximumBatchingWindowInSeconds: maximumBatchingWindow, Enabled: enabled,
      ScalingConfig: { MaximumConcurrency: maximumConcurrency }, FunctionResponseTypes: functionResponseType,
      FilterCriteria: { Filters: (filterPatterns ?? []).map((pattern) => ({ Pattern: pattern })) },
    } }];
  },

  s3(said, { service }) {
    const { bucket, event, rules } = typeof said === 'string' ? { bucket: said } : said;
    const keyRules = (rules ?? []).flatMap(Object.entries).map(([name, value]) => ({ Name: name, Value: value }));
    return [{ Type: 'S3', Properties: {
      Bucket: service.provider.s3?.[bucket]?.name ?? bucket, Events: event ?? 's3:ObjectCreated:*',
      Filter: { S3Key: { Rules: keyRules } },
    } }];
  },

  schedule(said) {
    const { rate, method, timezone, name, enabled, ...input } = typeof said === 'string' ? { rate: said } : said;
    const common = { Name: name, Enabled: enabled, ...inputOf(input) };
    const schedule = (expression) => method === 'scheduler'
      ? ['ScheduleV2', { ScheduleExpression: expression, ScheduleExpressionTimezone: timezone }]
      : ['Schedule', { Schedule: expression }];
    return [rate].flat().map(schedule).map(([type, own]) => ({ Type: type, Properties: { ...common, ...own } }));
  },

  eventBridge(said) {
    const { eventBus, pattern, schedule, enabled, retryPolicy, deadLetterQueueArn, ...input } = said;
    const rule = {
      EventBusName: eventBus, Enabled: enabled, ...inputOf(input),
      RetryPolicy: {
        MaximumEventAgeInSeconds: retryPolicy?.maximumEventAge, MaximumRetryAttempts: retryPolicy?.maximumRetryAttempts,
      },
      DeadLetterConfig: { Arn: deadLetterQueueArn },
    };
    return [
      ...(pattern === undefined ? [] : [{ Type: 'EventBridgeRule', Properties: { ...rule, Pattern: pattern } }]),
      ...(schedule === undefined ? [] : [{ Type: 'Schedule', Properties: { ...rule, Schedule: schedule } }]),
    ];
  },

  cloudwatchEvent({ event, name, enabled, ...input }) {
    return [{ Type: 'CloudWatchEvent', Properties: { RuleName: name, Pattern: event, Enabled: enabled, ...inputOf(input) } }];
  },
};

function inputOf({ input, inputPath, inputTransformer: transformer }) {
  return {
    Input: input, InputPath: inputPath,
    ...(transformer
      ? { InputTransformer: { InputPathsMap: transformer.inputPathsMap, InputTemplate: transformer.inputTemplate } }
      : {}),
  };
}

/** The framework makes each bucket of an event that no resource stands for. */
function bucketsOf({ resources, resolve, nameOf }) {
  const isBucket = ([, { Type: type } = {}]) => type === 'AWS::S3::Bucket';
  const declared = new Set(Object.entries(resources).filter(isBucket).map(([id]) => nameOf(id)));
  const wanted = Object.values(resources)
    .flatMap((resource) => Object.values(resource?.Properties?.Events ?? {}))
    .filter((event) => event?.Type === 'S3')
    .map((event) => resolve(event.Properties.Bucket))
    .filter((name) => typeof name === 'string' && !declared.has(name));
  return Object.fromEntries(wanted.map((name) => [`S3Bucket:${name}`, { Type: 'AWS::S3::Bucket', Properties: { BucketName: name } }]));
}
