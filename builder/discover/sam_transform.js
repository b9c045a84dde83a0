/* What SAM makes of a template before CloudFormation reads it, as far as it matters here: globals are part of the resources that
 * they are for, and queues that events and destinations leave to it are resources. */

/** Whose events may have a queue made for what could not be delivered, and how SAM calls that of an event. */
const DESTINATIONS = ['OnSuccess', 'OnFailure'];
/** Of what SAM makes itself: its type, the end of its id, and what has its ARN. */
const MADE = { SQS: { type: 'AWS::SQS::Queue', end: 'Queue' }, SNS: { type: 'AWS::SNS::Topic', end: 'Topic' } };

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
/** A function of templates has a value: nothing is put beside it. */
const isCall = (value) => Object.keys(value).length === 1 && /^(Ref|Condition|Fn::.*)$/.test(Object.keys(value)[0]);
const isMap = (value) => isObject(value) && !isCall(value);

/** @param {Record<string, object>} resources @param {object} [globals] by kinds of resources: Function, Api... */
export function samResources(resources, globals) {
  const made = {};
  const own = Object.entries(resources).map(([id, resource]) => {
    const common = globals?.[/^AWS::Serverless::(\w+)$/.exec(resource?.Type)?.[1]];
    const merged = isObject(common) ? { ...resource, Properties: mergedWith(common, resource.Properties ?? {}) } : resource;
    return [id, merged?.Type === 'AWS::Serverless::Function' ? withMade(id, merged, made) : merged];
  });
  return { ...made, ...Object.fromEntries(own) };
}

/** Members of objects come together, lists one after the other; of all else the resource's own counts. */
export function mergedWith(common, own) {
  if (Array.isArray(common) && Array.isArray(own)) {
    return [...common, ...own];
  }
  if (!isMap(common) || !isMap(own)) {
    return own;
  }
  const both = Object.keys(own).filter((key) => Object.hasOwn(common, key));
  return { ...common, ...own, ...Object.fromEntries(both.map((key) => [key, mergedWith(common[key], own[key])])) };
}

/** @param {Record<string, object>} made what has been made, by ids; more is added */
function withMade(id, resource, made) {
  const { EventInvokeConfig: invoke, Events: events, ...properties } = resource.Properties ?? {};
  return {
    ...resource,
    Properties: {
      ...properties,
      ...(invoke === undefined ? {} : { EventInvokeConfig: withDestinations(id, invoke, made) }),
      ...(events === undefined ? {} : { Events: withDeadLetters(id, events, made) }),
    },
  };
}

function withDestinations(id, invoke, made) {
  const said = invoke?.DestinationConfig;
  const open = DESTINATIONS.filter((name) => MADE[said?.[name]?.Type] && said[name].Destination === undefined);
  const found = open.map((name) => {
    const { type, end } = MADE[said[name].Type];
    return [name, { ...said[name], Destination: make(made, `${id}EventInvokeConfig${name}${end}`, type) }];
  });
  return found.length > 0 ? { ...invoke, DestinationConfig: { ...said, ...Object.fromEntries(found) } } : invoke;
}

/** Of rules and schedules. */
function withDeadLetters(id, events, made) {
  return !isObject(events) ? events : Object.fromEntries(Object.entries(events).map(([name, event]) => {
    const dead = event?.Properties?.DeadLetterConfig;
    if (dead?.Type !== 'SQS' || dead.Arn !== undefined) {
      return [name, event];
    }
    const named = typeof dead.QueueLogicalId === 'string' ? dead.QueueLogicalId : `${id}${name}Queue`;
    return [name, { ...event, Properties: { ...event.Properties, DeadLetterConfig: { ...dead, Arn: make(made, named, MADE.SQS.type) } } }];
  }));
}

/** @returns {object} its ARN */
function make(made, id, type) {
  made[id] = { Type: type };
  return { 'Fn::GetAtt': [id, 'Arn'] };
}
