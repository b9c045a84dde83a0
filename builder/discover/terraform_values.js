/* The resources of a Terraform module, as far as they can be known before anything is created: variables by their
 * defaults (or terraform.tfvars), locals, every instance of `count` and `for_each`, and attributes that other resources
 * write down. Names and ARNs are those that the resources have here. */
import { apiAddress, bucketHost, functionAddress, isMadeByAws } from './addresses.js';
import { ACCOUNT, arnOf, queueUrl, uuidFor } from './arn.js';
import { entriesOf, evaluate, Steps } from './hcl.js';

const INSTANCES_MAX = 1_000; /* of one resource */
/** What is no attribute. */
const META = new Set(['count', 'for_each', 'dynamic', 'lifecycle', 'provider', 'depends_on', 'provisioner', 'connection']);

/** The attribute that holds a resource's name, where it is not `name`. */
const NAME_OF = { aws_s3_bucket: 'bucket', aws_lambda_function: 'function_name' };
/** Services and resources of ARNs; `of` reads another attribute. */
const ARN_OF = {
  aws_s3_bucket: ['s3', (name) => name],
  aws_sqs_queue: ['sqs', (name) => name],
  aws_sns_topic: ['sns', (name) => name],
  aws_dynamodb_table: ['dynamodb', (name) => `table/${name}`],
  aws_lambda_function: ['lambda', (name) => `function:${name}`],
  aws_lambda_alias: ['lambda', (name, of) => `function:${nameIn(of('function_name'))}:${name}`],
  aws_cloudwatch_event_bus: ['events', (name) => `event-bus/${name}`],
  aws_cloudwatch_event_rule: ['events', (name, of) => `rule/${busPath(of('event_bus_name'))}${name}`],
  aws_cloudwatch_event_connection: ['events', (name) => withUuid(`connection/${name}`)],
  aws_cloudwatch_event_api_destination: ['events', (name) => withUuid(`api-destination/${name}`)],
  aws_scheduler_schedule: ['scheduler', (name, of) => `schedule/${of('group_name') ?? 'default'}/${name}`],
  aws_scheduler_schedule_group: ['scheduler', (name) => `schedule-group/${name}`],
  aws_iam_role: ['iam', (name, of) => `role${of('path') ?? '/'}${name}`],
  aws_sfn_state_machine: ['states', (name) => `stateMachine:${name}`],
};

/** ARNs of what belongs to a resource. */
const ARN_WITH = { qualified_arn: ':$LATEST', stream_arn: '/stream/latest' };

/** What only its keeper knows, or is drawn by lot: no name stands for it. */
const SECRETS = {
  aws_secretsmanager_secret_version: 'secret_string', aws_ssm_parameter: 'value', random_password: 'result',
};

/** Where a function, an API or a bucket is reached at AWS. */
const ADDRESSES = {
  'aws_lambda_function_url.function_url': (region, of) => functionAddress(region, nameIn(of('function_name'))),
  'aws_apigatewayv2_api.api_endpoint': (region, of, name) => apiAddress(region, name),
  'aws_apigatewayv2_stage.invoke_url': (region, of, name) => `${apiAddress(region, of('api_id'))}/${name === '$default' ? '' : name}`,
  'aws_api_gateway_stage.invoke_url': (region, of) => `${apiAddress(region, of('rest_api_id'))}/${of('stage_name')}`,
  'aws_s3_bucket.bucket_domain_name': (region, of, name) => bucketHost(name),
  'aws_s3_bucket.bucket_regional_domain_name': (region, of, name) => bucketHost(name, region),
  'aws_api_gateway_deployment.invoke_url': (region, of) => `${apiAddress(region, of('rest_api_id'))}/${of('stage_name') ?? ''}`,
};

const withUuid = (resource) => `${resource}/${uuidFor(resource)}`;
const nameIn = (value) => String(value ?? '').split(':')[value?.startsWith('arn:') ? 6 : 0];
const busPath = (bus) => (bus && bus !== 'default' ? `${bus.replace(/^arn:.*event-bus\//, '')}/` : '');

/** What a name that nobody gave could be, within what its service accepts. */
function defaultName(type, id, key) {
  const plain = key === undefined ? id : `${id}-${key}`;
  return type === 'aws_s3_bucket' ? plain.toLowerCase().replace(/[^a-z0-9.-]/g, '-') : plain;
}

/** What has been worked out, by name. What refers to itself in a circle is unknown. */
class Known {
  #values = new Map();

  get(name, make) {
    if (!this.#values.has(name)) {
      this.#values.set(name, undefined);
      this.#values.set(name, make());
    }
    return this.#values.get(name);
  }
}

/** One instance of a resource. Its attributes are worked out when asked for. */
export class Resource extends Steps {
  #known = new Known();

  constructor(values, { type, id, key, block, file, isData }, scope) {
    super();
    Object.assign(this, { values, type, id, key, block, file, isData, scope });
  }

  /** As Terraform writes it: `aws_sqs_queue.jobs["mail"]`. */
  get address() {
    return `${this.values.within}${this.type}.${this.id}${this.key === undefined ? '' : `[${JSON.stringify(this.key)}]`}`;
  }

  get name() {
    const given = this.get(NAME_OF[this.type] ?? 'name');
    const prefix = this.get('bucket_prefix') ?? this.get('name_prefix');
    const made = defaultName(this.type, this.id, this.key);
    const name = typeof given === 'string' ? given : typeof prefix === 'string' ? `${prefix}${made}` : made;
    const isFifo = this.type === 'aws_sqs_queue' && this.get('fifo_queue') === true;
    return isFifo && !name.endsWith('.fifo') && typeof given !== 'string' ? `${name}.fifo` : name;
  }

  get arn() {
    const [service, resource] = ARN_OF[this.type] ?? [this.type.replace(/^aws_/, ''), (name) => name];
    return arnOf(service, this.values.region, resource(this.name, (attribute) => this.get(attribute)));
  }

  /** An attribute as it is written; undefined when it is not, or cannot be known. */
  get(attribute) {
    const written = META.has(attribute) ? undefined : this.block[attribute];
    return written === undefined ? undefined : this.#known.get(attribute, () => evaluate(written, this.scope));
  }

  /** Nested blocks of that name, `dynamic` ones too. */
  blocks(name) {
    const plain = [this.block[name] ?? []].flat().map((block) => evaluate(block, this.scope));
    const dynamic = [this.block.dynamic?.[name] ?? []].flat().flatMap((block) => this.#dynamic(name, block));
    return [...plain, ...dynamic].filter((block) => typeof block === 'object' && block !== null);
  }

  #dynamic(name, { for_each: source, iterator: said, content = [] }) {
    const iterator = said?.replace(/^\$\{|\}$/g, '') ?? name;
    return entriesOf(evaluate(source, this.scope)).slice(0, INSTANCES_MAX).map(([key, value]) => {
      const root = (asked) => (asked === iterator ? { key, value } : this.scope.root(asked));
      return evaluate(content[0] ?? {}, { ...this.scope, root });
    });
  }

  step(attribute) {
    const written = this.get(attribute);
    if (written !== undefined || attribute === '0') {
      return attribute === '0' ? this : written;
    }
    if (attribute === 'arn') {
      return this.arn;
    }
    if (ARN_WITH[attribute]) {
      return `${this.arn}${ARN_WITH[attribute]}`;
    }
    if (SECRETS[this.type] === attribute) {
      return undefined;
    }
    if (this.type === 'aws_sqs_queue' && (attribute === 'url' || attribute === 'id')) {
      return queueUrl(this.values.region, this.name);
    }
    const address = ADDRESSES[`${this.type}.${attribute}`];
    if (address) {
      return address(this.values.region, (name) => this.get(name), this.name);
    }
    return isMadeByAws(attribute) ? undefined : this.name;
  }
}

/** All instances of a resource: itself, if it is only one. */
class ResourceSet extends Steps {
  constructor(instances, isMany) {
    super();
    Object.assign(this, { instances, isMany });
  }

  step(key) {
    if (!this.isMany) {
      return this.instances[0]?.step(key);
    }
    return this.instances.find((instance) => String(instance.key) === String(key));
  }

  entries() {
    return this.instances.map((instance) => [instance.key, instance]);
  }
}

/** The resources of one type, by name. */
class TypeStep extends Steps {
  constructor(find) {
    super();
    this.find = find;
  }

  step(name) {
    return this.find(name);
  }
}

export class TerraformValues {
  #known = new Known();

  /**
   * @param {{ variable: object, locals: object, resource: object, data: object, module: object, output: object,
   *   origin: object }} blocks of one folder, learnt by hcl.js
   * @param {{ given: object, region: string, readFile: (name: string) => string|undefined, paths: object,
   *   call: (name: string, block: object, args: object) => ({ values: TerraformValues }|undefined), within: string }} place given: variables;
   *   paths: what `path` has; call: works a module out that a block calls; within: what is in front of its resources' addresses
   */
  constructor(blocks, { given, region, readFile, paths, call, within }) {
    Object.assign(this, { blocks, given, region, paths, call, within });
    this.scope = { root: (name) => this.#root(name), file: readFile };
  }

  /** @returns {any} undefined when it cannot be known */
  resolve(value) {
    return evaluate(value, this.scope);
  }

  /** @returns {Resource[]} every instance of every resource of a type, in the order of the files */
  all(type, kind = 'resource') {
    return Object.keys(this.blocks[kind][type] ?? {}).flatMap((id) => this.#of(kind, type, id).instances);
  }

  /** @returns {{ values: TerraformValues }[]} every instance of every module that this one calls and that is here */
  calls() {
    return Object.keys(this.blocks.module).flatMap((name) => this.#called(name).modules).filter(Boolean);
  }

  /** One of the values that a module hands out; undefined when it cannot be known. */
  output(name) {
    return this.#known.get(`output.${name}`, () => evaluate(this.blocks.output[name]?.[0]?.value, this.scope));
  }

  #root(name) {
    const roots = {
      var: () => new TypeStep((variable) => this.#known.get(`var.${variable}`, () => this.#variable(variable))),
      local: () => new TypeStep((local) => this.#known.get(`local.${local}`, () => evaluate(this.blocks.locals[local], this.scope))),
      path: () => this.paths,
      module: () => new TypeStep((module) => this.#calledStep(module)),
      terraform: () => ({ workspace: 'default' }),
      data: () => new TypeStep((type) => new TypeStep((id) => this.#data(type, id))),
    };
    return Object.hasOwn(roots, name) ? roots[name]() : new TypeStep((id) => this.#resource('resource', name, id));
  }

  #variable(name) {
    const { given, blocks: { variable } } = this;
    return Object.hasOwn(given, name) ? given[name] : evaluate(variable[name]?.[0]?.default, this.scope);
  }

  #called(name) {
    return this.#known.get(`module.${name}`, () => this.#callAll(name, this.blocks.module[name]?.[0])) ?? { modules: [], keys: [] };
  }

  #callAll(name, block) {
    if (!block) {
      return undefined;
    }
    const { source: _source, version: _version, count, for_each: forEach, providers: _providers, depends_on: _after, ...args } = block;
    const keys = instanceKeys(evaluate(count, this.scope), evaluate(forEach, this.scope));
    const instances = (keys ?? [[{}]]).slice(0, INSTANCES_MAX);
    const modules = instances.map(([names]) => this.call(name, block, knownOnly(evaluate(args, this.#scopeWith(names)))));
    return { modules, keys: instances.map(([, key]) => key), isMany: Boolean(keys) };
  }

  #calledStep(name) {
    const { modules, keys, isMany } = this.#called(name);
    const steps = modules.map((module) => new TypeStep((output) => module?.values.output(output)));
    return isMany ? Object.fromEntries(keys.map((key, i) => [key, steps[i]])) : steps[0];
  }

  #scopeWith(names) {
    return { ...this.scope, root: (name) => (Object.hasOwn(names, name) ? names[name] : this.#root(name)) };
  }

  #data(type, id) {
    if (type === 'aws_caller_identity') {
      return { account_id: ACCOUNT, id: ACCOUNT };
    }
    if (type === 'aws_partition') {
      return { partition: 'aws', id: 'aws' };
    }
    return type === 'aws_region' ? { name: this.region, region: this.region, id: this.region } : this.#resource('data', type, id);
  }

  /** One that is not declared is unknown, but for a bucket: the samples of this world leave them out. */
  #resource(kind, type, id) {
    if (this.blocks[kind][type]?.[id]) {
      const { instances, isMany } = this.#of(kind, type, id);
      return new ResourceSet(instances, isMany);
    }
    const isBucket = kind === 'resource' && type === 'aws_s3_bucket';
    return isBucket ? new ResourceSet([new Resource(this, { type, id, block: {} }, this.scope)], false) : undefined;
  }

  #of(kind, type, id) {
    return this.#known.get(`${kind}.${type}.${id}`, () => this.#expand(kind, type, id)) ?? { instances: [], isMany: true };
  }

  #expand(kind, type, id) {
    const block = this.blocks[kind][type][id][0];
    const file = this.blocks.origin[`${kind}.${type}.${id}`];
    const make = (names, key) => {
      return new Resource(this, { type, id, key, block, file, isData: kind === 'data' }, this.#scopeWith(names));
    };
    const keys = instanceKeys(evaluate(block.count, this.scope), evaluate(block.for_each, this.scope));
    if (!keys) {
      return { instances: [make({})], isMany: false };
    }
    return { instances: keys.slice(0, INSTANCES_MAX).map(([names, key]) => make(names, key)), isMany: true };
  }
}

/** A variable that is given but not known has its default rather than nothing. */
function knownOnly(args) {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}

/** @returns {[object, string|number][]|null} null: there is one, as far as is known */
function instanceKeys(count, forEach) {
  if (count !== undefined) {
    const length = Number.isInteger(Number(count)) ? Math.max(0, Number(count)) : 0;
    return Array.from({ length: Math.min(length, INSTANCES_MAX) }, (_, index) => [{ count: { index } }, index]);
  }
  if (forEach === undefined) {
    return null;
  }
  return entriesOf(forEach).map(([key, value]) => {
    const name = Array.isArray(forEach) ? value : key; /* a set's elements are their own keys */
    return [{ each: { key: name, value } }, name];
  });
}
