/* Reads a CloudFormation template, short forms included (`!Ref x`), and resolves what can be known beforehand. */
import path from 'node:path';
import { LineCounter, parseDocument } from 'yaml';

const FUNCTIONS = [
  'Ref', 'Condition', 'Fn::Sub', 'Fn::GetAtt', 'Fn::Join', 'Fn::If', 'Fn::Select', 'Fn::Split', 'Fn::FindInMap',
  'Fn::ImportValue', 'Fn::Base64', 'Fn::GetAZs', 'Fn::Equals', 'Fn::And', 'Fn::Or', 'Fn::Not', 'Fn::Transform', 'Fn::Cidr',
];
const NAME_PROPERTIES = ['FunctionName', 'BucketName', 'TableName', 'QueueName', 'TopicName', 'Name'];
const ARNS = {
  'AWS::S3::Bucket': (name) => `arn:aws:s3:::${name}`,
  'AWS::SQS::Queue': (name) => `arn:aws:sqs:us-east-1:123456789012:${name}`,
  'AWS::SNS::Topic': (name) => `arn:aws:sns:us-east-1:123456789012:${name}`,
  'AWS::DynamoDB::Table': (name) => `arn:aws:dynamodb:us-east-1:123456789012:table/${name}`,
  'AWS::Serverless::Function': (name) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
};
const DEPTH_MAX = 20;

const customTags = FUNCTIONS.flatMap((name) => {
  const tag = `!${name.replace(/^Fn::/, '')}`;
  const split = (text) => (name === 'Fn::GetAtt' ? [text.slice(0, text.indexOf('.')), text.slice(text.indexOf('.') + 1)] : text);
  return [
    { tag, resolve: (text) => ({ [name]: split(text) }) },
    { tag, collection: 'seq', resolve: (node) => ({ [name]: node.toJSON() }) },
    { tag, collection: 'map', resolve: (node) => ({ [name]: node.toJSON() }) },
  ];
});

/**
 * @returns {{ resources: object, globals: object, resolve: (value: unknown) => any }|null}
 */
export function readTemplate({ files, diagnostics, project }, file) {
  const source = files.read(file);
  const lines = new LineCounter();
  let template;
  try {
    const document = parseDocument(source, { customTags, lineCounter: lines, logLevel: 'silent' });
    const [fault] = document.errors;
    if (fault) {
      const { line, col } = lines.linePos(fault.pos[0]);
      diagnostics.error(`${file}: ${fault.message.split('\n')[0].replace(/ at line.*$/, '')}`, {
        file, source, line, column: col,
      });
      return null;
    }
    template = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    diagnostics.error(`${file}: ${error.message}`, { file });
    return null;
  }
  if (!isObject(template?.Resources)) {
    return null;
  }
  const resolver = new Resolver(template, path.basename(project));
  return {
    resources: template.Resources,
    globals: isObject(template.Globals) ? template.Globals : {},
    resolve: (value) => resolver.resolve(value, 0),
  };
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Resolver {
  constructor(template, stack) {
    this.template = template;
    this.pseudo = {
      'AWS::Region': 'us-east-1', 'AWS::AccountId': '123456789012', 'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com', 'AWS::StackName': stack, 'AWS::NoValue': undefined,
    };
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
    return Object.fromEntries(keys.map((key) => [key, this.resolve(value[key], depth + 1)]));
  }

  #call(name, argument, depth) {
    const handlers = {
      Ref: () => this.#ref(argument, depth),
      'Fn::GetAtt': () => this.#attribute([argument].flat().flatMap((part) => String(part).split('.')), depth),
      'Fn::Sub': () => this.#substitute(argument, depth),
      'Fn::Join': () => this.#join(argument, depth),
      'Fn::If': () => this.resolve(argument?.[1], depth),
      'Fn::Select': () => this.resolve(argument?.[1], depth)?.[Number(this.resolve(argument?.[0], depth))],
      'Fn::Split': () => this.resolve(argument?.[1], depth)?.split?.(argument[0]),
      'Fn::FindInMap': () => {
        const [map, first, second] = this.resolve(argument, depth) ?? [];
        return this.resolve(this.template.Mappings?.[map]?.[first]?.[second], depth);
      },
    };
    return handlers[name]?.();
  }

  #ref(name, depth) {
    if (name in this.pseudo) {
      return this.pseudo[name];
    }
    const parameter = this.template.Parameters?.[name];
    if (parameter) {
      return parameter.Default;
    }
    return this.template.Resources[name] ? this.#nameOf(name, depth) : undefined;
  }

  #nameOf(id, depth) {
    const properties = this.template.Resources[id]?.Properties ?? {};
    const key = NAME_PROPERTIES.find((name) => properties[name] !== undefined);
    return (key && this.resolve(properties[key], depth)) ?? id;
  }

  #attribute([id, attribute], depth) {
    const resource = this.template.Resources[id];
    if (!resource) {
      return undefined;
    }
    const name = this.#nameOf(id, depth);
    return attribute === 'Arn' ? ARNS[resource.Type]?.(name) ?? `arn:aws:::${name}` : name;
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
    const [separator, list] = this.resolve(argument, depth) ?? [];
    return Array.isArray(list) && !list.includes(undefined) ? list.join(separator) : undefined;
  }
}
