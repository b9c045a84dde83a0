/* Reads a CloudFormation template, short forms included (`!Ref x`), and resolves what can be known beforehand. */
import path from 'node:path';
import { andMore } from '../diagnostics.js';
import { apiAddress, bucketHost, functionAddress, isMadeByAws } from './addresses.js';
import { ACCOUNT, arnOf, nameFor, queueUrl, regionOf, stackFor, uuidFor } from './arn.js';
import { unrolled } from './sam_loops.js';
import { samResources } from './sam_transform.js';
import { parseYaml, yaml } from './yaml.js';

const FUNCTIONS = [
  'Ref', 'Condition', 'Fn::Sub', 'Fn::GetAtt', 'Fn::Join', 'Fn::If', 'Fn::Select', 'Fn::Split', 'Fn::FindInMap',
  'Fn::ImportValue', 'Fn::Base64', 'Fn::GetAZs', 'Fn::Equals', 'Fn::And', 'Fn::Or', 'Fn::Not', 'Fn::Transform', 'Fn::Cidr',
  'Fn::Length', 'Fn::ToJsonString',
];
const NAME_PROPERTIES = ['FunctionName', 'BucketName', 'TableName', 'QueueName', 'TopicName', 'RoleName', 'StateMachineName', 'Name'];
/** Services and resources of ARNs; `of` reads a property. */
const ARNS = {
  'AWS::S3::Bucket': ['s3', (name) => name],
  'AWS::SQS::Queue': ['sqs', (name) => name],
  'AWS::SNS::Topic': ['sns', (name) => name],
  'AWS::DynamoDB::Table': ['dynamodb', (name) => `table/${name}`],
  'AWS::Serverless::Function': ['lambda', (name) => `function:${name}`],
  'AWS::Lambda::Function': ['lambda', (name) => `function:${name}`],
  'AWS::Events::EventBus': ['events', (name) => `event-bus/${name}`],
  'AWS::Events::Rule': ['events', (name) => `rule/${name}`],
  'AWS::Events::Connection': ['events', (name) => `connection/${name}/${uuidFor(`connection/${name}`)}`],
  'AWS::Events::ApiDestination': ['events', (name) => `api-destination/${name}/${uuidFor(`api-destination/${name}`)}`],
  'AWS::Scheduler::Schedule': ['scheduler', (name) => `schedule/default/${name}`],
  'AWS::Scheduler::ScheduleGroup': ['scheduler', (name) => `schedule-group/${name}`],
  'AWS::IAM::Role': ['iam', (name, of) => `role${of('Path') ?? '/'}${name}`],
  'AWS::StepFunctions::StateMachine': ['states', (name) => `stateMachine:${name}`],
  'AWS::Serverless::StateMachine': ['states', (name) => `stateMachine:${name}`],
};
/** Whose reference is their ARN. */
const ARN_TO_REF = ['AWS::SNS::Topic', 'AWS::StepFunctions::StateMachine', 'AWS::Serverless::StateMachine'];
/** What a program says of while a stack is deployed. */
const CUSTOM = /^(Custom::|AWS::CloudFormation::CustomResource$)/;
/** What SAM and the Serverless Framework make of functions' events, if nobody says otherwise. */
const MADE = {
  ServerlessRestApi: { Type: 'AWS::ApiGateway::RestApi' }, ServerlessHttpApi: { Type: 'AWS::ApiGatewayV2::Api' },
  ApiGatewayRestApi: { Type: 'AWS::ApiGateway::RestApi' }, HttpApi: { Type: 'AWS::ApiGatewayV2::Api' },
};
const DEPTH_MAX = 20;
const NESTING_MAX = 100;
/** What SSM has under the name that the parameter's value is. */
const OF_SSM = /^AWS::SSM::Parameter::Value</;
/** Types of parameters whose text is a list. */
const LIST = /^(CommaDelimitedList$|List<)/;

const encoded = (text) => (typeof text === 'string' ? Buffer.from(text).toString('base64') : undefined);

/** The short forms, for the YAML parser. */
export const customTags = FUNCTIONS.flatMap((name) => {
  const tag = `!${name.replace(/^Fn::/, '')}`;
  const split = (text) => (name === 'Fn::GetAtt' ? [text.slice(0, text.indexOf('.')), text.slice(text.indexOf('.') + 1)] : text);
  return [
    { tag, resolve: (text) => ({ [name]: split(text) }) },
    { tag, collection: 'seq', resolve: (node) => ({ [name]: node.toJSON() }) },
    { tag, collection: 'map', resolve: (node) => ({ [name]: node.toJSON() }) },
  ];
});

/** What CloudFormation and `sam` read: `yes` is true, `<<` merges; but a date stays text, as the version of a policy. */
const YAML_1_1 = {
  version: '1.1',
  customTags: (tags) => [...tags.filter(({ tag }) => tag !== 'tag:yaml.org,2002:timestamp'), ...customTags],
};

/**
 * @typedef {object} Template a stack's
 * @property {string} file
 * @property {string} stack its name
 * @property {object} resources those whose conditions hold
 * @property {object} globals SAM's, which its own resources have already
 * @property {boolean} isSynthesized by the CDK
 * @property {(value: unknown) => any} resolve
 * @property {(id: string) => string} nameOf a resource
 * @property {(id: string) => string} arnOf a resource
 * @property {(id: string) => string} titleOf a resource, for people
 * @property {(id: string) => string} uniqueId what no other stack has for an id
 * @property {(location: unknown) => any} included a file of the project, or undefined
 * @property {Resolver} resolver
 */

/** @returns {object|null} with Resources; what is wrong with it is told */
export function parseTemplate({ files, diagnostics }, file) {
  const template = parsedFile({ files, diagnostics }, file);
  if (!isObject(template?.Resources)) {
    return null;
  }
  const nulls = nullsIn(template, []);
  if (nulls.length > 0) {
    diagnostics.warn(`${file}: ${andMore(nulls)}: nothing stands there, which AWS refuses ("null values are not allowed in templates")`, { file });
  }
  const sound = withoutNulls(template, 0);
  return { ...sound, Resources: samResources(unrolled(sound.Resources, sound.Parameters), sound.Globals) };
}

/** @returns {string[]} where they are, as "Resources/Fn/Properties" */
function nullsIn(value, at) {
  if (value === null) {
    return [at.join('/')];
  }
  const isNested = typeof value === 'object' && at.length < NESTING_MAX;
  return isNested ? Object.entries(value).flatMap(([key, one]) => nullsIn(one, [...at, key])) : [];
}

/** A template that is being written has them. */
function withoutNulls(value, depth) {
  if (typeof value !== 'object' || depth === NESTING_MAX) {
    return value;
  }
  const kept = Object.entries(value).filter(([, one]) => one !== null).map(([key, one]) => [key, withoutNulls(one, depth + 1)]);
  return Array.isArray(value) ? kept.map(([, one]) => one) : Object.fromEntries(kept);
}

function parsedFile({ files, diagnostics }, file) {
  const source = files.read(file);
  return parsedJson(file, source) ?? parsedYaml(diagnostics, file, source);
}

/** What the CDK writes is large, and read a hundred times as fast as by way of YAML, which tells faults better. */
function parsedJson(file, source) {
  try {
    return file.endsWith('.json') ? JSON.parse(source) : undefined;
  } catch {
    return undefined;
  }
}

function parsedYaml(diagnostics, file, source) {
  const lines = new (yaml().LineCounter)();
  try {
    /* CloudFormation takes a key that comes twice; the last counts. */
    const document = parseYaml(source, { ...YAML_1_1, lineCounter: lines, logLevel: 'silent', uniqueKeys: false });
    const [fault] = document.errors;
    if (fault) {
      const { line, col } = lines.linePos(fault.pos[0]);
      diagnostics.error(`${file}: ${fault.message.split('\n')[0].replace(/ at line.*$/, '')}`, {
        file, source, line, column: col,
      });
      return null;
    }
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    diagnostics.error(`${file}: ${error.message}`, { file });
    return null;
  }
}

/**
 * @param {object} template with Resources, and whatever else CloudFormation knows
 * @param {{ file?: string, stack?: string, parameters?: Record<string, string>, parameter?: (name: string, depth: number) => unknown,
 *   isSynthesized?: boolean }} [config] as it is deployed
 * @returns {Template}
 */
export function templateOf(template, context, { file = '', stack, parameters = {}, parameter, isSynthesized = false } = {}) {
  const name = stack ?? stackFor(path.join(context.project, path.dirname(file)));
  const resolver = new Resolver({ ...template, Resources: { ...MADE, ...template.Resources } }, {
    siblings: siblingsOf(context), stack: name, region: regionOf(context.env), parameter: parameter ?? ((key) => parameters[key]),
    include: (location) => includedFile(context, path.posix.dirname(file), location),
  });
  return {
    stack: name,
    resources: resolver.resources,
    globals: isObject(template.Globals) ? template.Globals : {},
    isSynthesized,
    resolve: (value) => resolver.resolve(value, 0),
    nameOf: (id) => resolver.nameOf(id, 0),
    arnOf: (id) => resolver.arnOf(id, 0),
    titleOf: (id) => id,
    uniqueId: (id) => resolver.uniqueId(id),
    included: (location) => resolver.include(location),
    resolver,
  };
}

/** Relative to the template. */
function includedFile(context, folder, location) {
  const file = typeof location === 'string' ? path.posix.join(folder, location) : '';
  return context.files.has(file) ? parsedFile(context, file) ?? undefined : undefined;
}

/* What the stacks of a project know of one another. */

class Siblings {
  #resolvers = new Set();
  #counts = null;
  #imports = new Map();

  add(resolver) {
    this.#resolvers.add(resolver);
    this.#counts = null;
    this.#imports.clear();
  }

  /** Whether several stacks have a resource of this kind and id. */
  isShared(type, id) {
    const keyOf = (kind, name) => `${String(kind).replace('::Serverless::', '::Lambda::')} ${name}`;
    if (!this.#counts) {
      const keys = [...this.#resolvers].flatMap(({ resources }) => Object.entries(resources).map(([name, resource]) => keyOf(resource?.Type, name)));
      this.#counts = Map.groupBy(keys, (key) => key);
    }
    return this.#counts.get(keyOf(type, id))?.length > 1;
  }

  /** One that leads back to itself is not known. */
  imported(name, depth) {
    if (!this.#imports.has(name)) {
      this.#imports.set(name, undefined);
      this.#imports.set(name, [...this.#resolvers].map((resolver) => resolver.exported(name, depth)).find((value) => value !== undefined));
    }
    return this.#imports.get(name);
  }
}

const kept = new WeakMap();

function siblingsOf(context) {
  if (!kept.has(context)) {
    kept.set(context, new Siblings());
  }
  return kept.get(context);
}

/** All templates of a project are known before anything in one is resolved that another may say. */
export function addSiblings(context, templates) {
  templates.forEach(({ resolver }) => siblingsOf(context).add(resolver));
  return templates;
}

/** Whether a text of Fn::Sub depends on what is not known before, as a parameter without a value. */
export function isOpen(value) {
  return typeof value === 'string' && value.includes('${');
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of an ARN, perhaps with a version or an alias, or the name itself. */
function functionNameIn(text) {
  return text.replace(/^arn:.*?:function:/, '').replace(/:.*$/, '');
}

/** An entry of a list that is AWS::NoValue is none. */
function withoutGaps(value) {
  return Array.isArray(value) ? value.filter((entry) => entry !== undefined) : value;
}

class Resolver {
  /** @type {Map<string, Resolver>} */
  nested = new Map();

  constructor(template, { siblings, stack, region, parameter, include }) {
    Object.assign(this, { template, siblings, stack, region, parameter, include });
    this.pseudo = {
      'AWS::Region': region, 'AWS::AccountId': ACCOUNT, 'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com', 'AWS::StackName': stack, 'AWS::NoValue': undefined,
    };
    this.resources = Object.fromEntries(Object.entries(template.Resources).filter(([, resource]) => !resource?.Condition || this.holds(resource.Condition)));
  }

  /** @returns {any} undefined when it cannot be known */
  resolve(value, depth) {
    if (depth > DEPTH_MAX) {
      return undefined;
    }
    if (Array.isArray(value)) {
      return value.map((entry) => this.resolve(entry, depth + 1));
    }
    if (!isObject(value)) {
      return value;
    }
    const keys = Object.keys(value);
    if (keys.length === 1 && FUNCTIONS.includes(keys[0])) {
      return this.#call(keys[0], value[keys[0]], depth + 1);
    }
    return Object.fromEntries(keys.filter((key) => !this.#isNoValue(value[key], depth + 1)).map((key) => [key, withoutGaps(this.resolve(value[key], depth + 1))]));
  }

  /** AWS::NoValue takes the member away that has it. */
  #isNoValue(value, depth) {
    const chosen = depth > DEPTH_MAX ? undefined : value?.['Fn::If'];
    return chosen ? this.#isNoValue(chosen[this.holds(chosen[0]) ? 1 : 2], depth + 1) : value?.Ref === 'AWS::NoValue';
  }

  /** Of a function that wants several arguments, or a list. */
  #list(argument, depth) {
    const list = this.resolve(argument, depth);
    return Array.isArray(list) ? list : [];
  }

  #call(name, argument, depth) {
    const handlers = {
      Ref: () => this.#ref(argument, depth),
      'Fn::GetAtt': () => this.#attribute([argument].flat().flatMap((part) => String(part).split('.')), depth),
      'Fn::Sub': () => this.#substitute(argument, depth),
      'Fn::Join': () => this.#join(argument, depth),
      'Fn::If': () => this.resolve(argument?.[this.holds(argument?.[0]) ? 1 : 2], depth),
      Condition: () => this.holds(argument),
      'Fn::Equals': () => this.#equal(this.#list(argument, depth)),
      'Fn::Not': () => !this.#list(argument, depth)[0],
      'Fn::And': () => this.#list(argument, depth).every(Boolean),
      'Fn::Or': () => this.#list(argument, depth).some(Boolean),
      'Fn::Select': () => this.resolve(argument?.[1], depth)?.[Number(this.resolve(argument?.[0], depth))],
      'Fn::Split': () => this.resolve(argument?.[1], depth)?.split?.(argument[0]),
      'Fn::Transform': () => (argument?.Name === 'AWS::Include' ? this.resolve(this.include(argument.Parameters?.Location), depth) : undefined),
      'Fn::ImportValue': () => this.siblings.imported(this.resolve(argument, depth), depth),
      'Fn::FindInMap': () => {
        const [map, first, second, { DefaultValue: otherwise } = {}] = this.#list(argument, depth);
        return this.resolve(this.template.Mappings?.[map]?.[first]?.[second], depth) ?? otherwise;
      },
      'Fn::Base64': () => encoded(this.resolve(argument, depth)),
      'Fn::Length': () => this.#list(argument, depth).length,
      'Fn::ToJsonString': () => JSON.stringify(this.resolve(argument, depth)),
    };
    return handlers[name]?.();
  }

  /** Whether a condition of the template does; one that cannot be known does. */
  holds(name) {
    const condition = this.template.Conditions?.[name];
    return condition === undefined ? true : this.resolve(condition, 1) ?? true;
  }

  #equal([left, right]) {
    return left === undefined || right === undefined ? undefined : String(left) === String(right);
  }

  #ref(name, depth) {
    if (name in this.pseudo) {
      return this.pseudo[name];
    }
    const parameter = this.template.Parameters?.[name];
    if (parameter) {
      if (OF_SSM.test(parameter.Type)) {
        return undefined;
      }
      const value = this.parameter(name, depth) ?? parameter.Default;
      return LIST.test(parameter.Type) && typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
    }
    const [id, made] = String(name).split('.');
    if (made) {
      return this.#made(id, made, depth);
    }
    const type = this.template.Resources[name]?.Type;
    if (type === 'AWS::Lambda::Alias' || type === 'AWS::Lambda::Version') {
      return this.#qualified(name, depth);
    }
    if (type === 'AWS::SQS::Queue') {
      return queueUrl(this.region, this.nameOf(name, depth));
    }
    if (ARN_TO_REF.includes(type)) {
      return this.arnOf(name, depth);
    }
    return type ? this.nameOf(name, depth) : undefined;
  }

  /** The ARN of a function with its version or alias. */
  #qualified(id, depth) {
    const { FunctionName: fn, Name: alias = '1' } = this.resolve(this.template.Resources[id].Properties ?? {}, depth) ?? {};
    return arnOf('lambda', this.region, `function:${functionNameIn(String(fn))}:${alias}`);
  }

  /** What SAM publishes of a function and calls so; undefined of all else. */
  #made(id, attribute, depth) {
    const { Type: type, Properties: properties = {} } = this.template.Resources[id] ?? {};
    const alias = type === 'AWS::Serverless::Function' ? this.resolve(properties.AutoPublishAlias, depth) : undefined;
    const qualifier = alias && { Alias: alias, Version: '1' }[attribute];
    return qualifier && `${this.arnOf(id, depth)}:${qualifier}`;
  }

  nameOf(id, depth) {
    const { Type: type, Properties: properties = {} } = this.template.Resources[id] ?? {};
    const key = NAME_PROPERTIES.find((name) => properties[name] !== undefined);
    const given = key && this.resolve(properties[key], depth);
    if (given !== undefined && !isOpen(given)) {
      return String(given);
    }
    const isFifo = type === 'AWS::SQS::Queue' && this.resolve(properties.FifoQueue, depth) === true;
    const name = nameFor(this.uniqueId(id));
    return type === 'AWS::S3::Bucket' ? name.toLowerCase() : `${name}${isFifo ? '.fifo' : ''}`;
  }

  uniqueId(id) {
    return this.siblings.isShared(this.template.Resources[id]?.Type, id) ? `${this.stack}-${id}` : id;
  }

  exported(name, depth) {
    const outputs = Object.values(this.template.Outputs ?? {});
    const found = outputs.find((output) => output?.Export && this.resolve(output.Export.Name, depth) === name);
    return found && this.resolve(found.Value, depth);
  }

  arnOf(id, depth) {
    const type = this.template.Resources[id]?.Type;
    const [service, resource] = ARNS[type] ?? [String(type).split('::')[1]?.toLowerCase() ?? '', (name) => name];
    const of = (property) => this.resolve(this.template.Resources[id]?.Properties?.[property], depth);
    return arnOf(service, this.region, resource(this.nameOf(id, depth), of));
  }

  #attribute([id, attribute, output], depth) {
    if (attribute === 'Outputs') {
      const inner = this.nested.get(id);
      return inner?.resolve(inner.template.Outputs?.[output]?.Value, depth);
    }
    if (attribute === 'FunctionUrl') {
      return this.#functionUrl(id, depth);
    }
    const type = this.template.Resources[id]?.Type;
    if (!type || (type === 'AWS::Serverless::Function' && attribute !== 'Arn')) {
      return type && this.#made(id, attribute, depth);
    }
    if (attribute === 'QueueUrl') {
      return this.#ref(id, depth);
    }
    if (attribute === 'ApiEndpoint') {
      return apiAddress(this.region, this.nameOf(id, depth));
    }
    if (type === 'AWS::S3::Bucket' && /^(Regional)?DomainName$/.test(attribute)) {
      return bucketHost(this.nameOf(id, depth), attribute === 'DomainName' ? undefined : this.region);
    }
    if (isMadeByAws(attribute) || CUSTOM.test(type)) {
      return undefined;
    }
    return /^(Stream)?Arn(ForPolicy)?$/.test(attribute) ? this.arnOf(id, depth) : this.nameOf(id, depth);
  }

  /** Of a resource, or of that which SAM and the Serverless Framework make of a function's property and call so. */
  #functionUrl(id, depth) {
    const target = this.resolve(this.template.Resources[id]?.Properties?.TargetFunctionArn, depth);
    const owner = id.replace(/Url$/, '');
    const name = typeof target === 'string' ? functionNameIn(target) : this.template.Resources[owner] && this.nameOf(owner, depth);
    return name && functionAddress(this.region, name);
  }

  #substitute(argument, depth) {
    const [text, own = {}] = [argument].flat();
    if (typeof text !== 'string') {
      return undefined;
    }
    return text.replace(/\$\{(!?)([^}]+)\}/g, (whole, literal, name) => {
      if (literal) {
        return `\${${name}}`;
      }
      const value = Object.hasOwn(own, name)
        ? this.resolve(own[name], depth)
        : name.includes('.') ? this.#attribute(name.split('.'), depth) : this.#ref(name, depth);
      return value ?? whole;
    });
  }

  #join(argument, depth) {
    const [separator, list] = this.#list(argument, depth);
    return Array.isArray(list) && !list.includes(undefined) ? list.join(separator) : undefined;
  }
}
