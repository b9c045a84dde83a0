/* What Terraform's expressions come to, as far as it can be known before anything is created: variables by their
 * defaults, locals, and attributes that other resources write down. The rest gets a name that says what it stands for. */

const REGION = 'us-east-1';
const ACCOUNT = '123456789012';
const DEPTH_MAX = 20;

/** The attribute that holds a resource's name, where it is not `name`. */
const NAME_OF = { aws_s3_bucket: 'bucket', aws_lambda_function: 'function_name' };
const ARN_OF = {
  aws_s3_bucket: (name) => `arn:aws:s3:::${name}`,
  aws_sqs_queue: (name) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
  aws_sns_topic: (name) => `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`,
  aws_dynamodb_table: (name) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`,
  aws_lambda_function: (name) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
};

export class TerraformValues {
  /**
   * @param {{ variable: object, locals: object, resource: object, data: object }} blocks of one folder
   * @param {string} folder
   * @param {string} workspace a name for what has none
   */
  constructor(blocks, folder, workspace) {
    this.blocks = blocks;
    this.folder = folder;
    this.workspace = workspace;
  }

  /** @returns {any} undefined when it cannot be known */
  resolve(value, depth = 0) {
    if (depth > DEPTH_MAX) {
      return undefined;
    }
    if (typeof value === 'string') {
      return this.#template(value, depth);
    }
    if (Array.isArray(value)) {
      return value.map((entry) => this.resolve(entry, depth + 1));
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.resolve(entry, depth + 1)]));
    }
    return value;
  }

  /** `${x}` alone keeps its type; within other text it becomes text. */
  #template(text, depth) {
    const parts = splitTemplate(text);
    if (parts.length === 1 && parts[0].expression !== undefined) {
      return this.#expression(parts[0].expression, depth);
    }
    const values = parts.map((part) => part.literal ?? this.#expression(part.expression, depth));
    return values.some((value) => value === undefined) ? undefined : values.map(asText).join('');
  }

  #expression(expression, depth) {
    const text = expression.trim();
    if (/^"(?:[^"\\]|\\.)*"$/.test(text)) {
      return this.#template(text.slice(1, -1).replace(/\\(["\\])/g, '$1'), depth + 1);
    }
    if (/^(true|false|null|-?\d+(\.\d+)?)$/.test(text)) {
      return JSON.parse(text);
    }
    const conditional = /^(.+?)\s*\?\s*(.+?)\s*:\s*(.+)$/.exec(text);
    if (conditional && !text.startsWith('"')) {
      return this.#conditional(conditional, depth);
    }
    const call = /^(\w+)\((.*)\)$/s.exec(text);
    if (call) {
      return this.#call(call[1], splitArguments(call[2]), depth);
    }
    return this.#reference(text, depth);
  }

  #conditional([, condition, yes, no], depth) {
    const equality = /^(.+?)\s*(==|!=)\s*(.+)$/.exec(condition);
    const truth = equality
      ? (this.#expression(equality[1], depth + 1) === this.#expression(equality[3], depth + 1)) === (equality[2] === '==')
      : this.#expression(condition, depth + 1);
    return truth === undefined ? undefined : this.#expression(truth ? yes : no, depth + 1);
  }

  #call(name, args, depth) {
    const values = args.map((argument) => this.#expression(argument, depth + 1));
    if (values.some((value) => value === undefined)) {
      return undefined;
    }
    const functions = {
      tostring: ([value]) => asText(value),
      tonumber: ([value]) => Number(value),
      lower: ([value]) => asText(value).toLowerCase(),
      upper: ([value]) => asText(value).toUpperCase(),
      trimspace: ([value]) => asText(value).trim(),
      join: ([separator, list]) => list.map(asText).join(separator),
      coalesce: (list) => list.find((value) => value !== null && value !== ''),
      format: ([pattern, ...rest]) => pattern.replace(/%[sd]/g, () => asText(rest.shift())),
      abspath: ([value]) => value,
      jsonencode: ([value]) => JSON.stringify(value),
    };
    return Object.hasOwn(functions, name) ? functions[name](values) : undefined;
  }

  #reference(text, depth) {
    const path = text.replace(/\[(\d+|\*|"[^"]*")\]/g, (_, key) => `.${key.replace(/"/g, '')}`).split('.');
    const [head, ...rest] = path;
    if (head === 'var') {
      return pick(this.resolve(this.blocks.variable[rest[0]]?.[0]?.default, depth + 1), rest.slice(1));
    }
    if (head === 'local') {
      return pick(this.resolve(this.blocks.locals[rest[0]], depth + 1), rest.slice(1));
    }
    if (head === 'path') {
      return rest[0] === 'module' || rest[0] === 'root' || rest[0] === 'cwd' ? '.' : undefined;
    }
    if (text === 'terraform.workspace') {
      return 'default';
    }
    return head === 'data' ? this.#data(rest, depth) : this.#attribute(path, depth);
  }

  #data([type, name, ...attributes], depth) {
    if (type === 'aws_caller_identity') {
      return attributes[0] === 'account_id' ? ACCOUNT : undefined;
    }
    if (type === 'aws_region') {
      return REGION;
    }
    const block = this.blocks.data[type]?.[name]?.[0];
    return block ? pick(this.resolve(block[attributes[0]], depth + 1), attributes.slice(1)) : undefined;
  }

  #attribute([type, name, ...rest], depth) {
    const attributes = rest[0] === '0' || rest[0] === '*' ? rest.slice(1) : rest;
    const block = this.blocks.resource[type]?.[name]?.[0];
    if (!block || attributes.length === 0) {
      return undefined;
    }
    const [attribute] = attributes;
    if (block[attribute] !== undefined) {
      return pick(this.resolve(block[attribute], depth + 1), attributes.slice(1));
    }
    const known = this.resolve(block[NAME_OF[type] ?? 'name'] ?? block.bucket_prefix, depth + 1) ?? name;
    if (attribute === 'arn') {
      return ARN_OF[type]?.(known) ?? `arn:aws:${type.replace(/^aws_/, '')}:${REGION}:${ACCOUNT}:${known}`;
    }
    if (type === 'aws_sqs_queue' && (attribute === 'url' || attribute === 'id')) {
      return `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${known}`;
    }
    return known;
  }
}

function pick(value, path) {
  return path.reduce((at, key) => (typeof at === 'object' && at !== null ? at[key] : undefined), value);
}

function asText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** @returns {({ literal: string } | { expression: string })[]} */
function splitTemplate(text) {
  const parts = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$${', at)) {
      literal += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const end = closingBrace(text, at + 2);
      if (literal) {
        parts.push({ literal });
        literal = '';
      }
      parts.push({ expression: text.slice(at + 2, end) });
      at = end + 1;
    } else {
      literal += text[at];
      at += 1;
    }
  }
  return literal || parts.length === 0 ? [...parts, { literal }] : parts;
}

function closingBrace(text, from) {
  let depth = 0;
  for (let i = from; i < text.length; i += 1) {
    if (text[i] === '{') {
      depth += 1;
    } else if (text[i] === '}') {
      if (depth === 0) {
        return i;
      }
      depth -= 1;
    }
  }
  return text.length;
}

function splitArguments(text) {
  const parts = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '"' && text[i - 1] !== '\\') {
      quoted = !quoted;
    } else if (!quoted && '([{'.includes(text[i])) {
      depth += 1;
    } else if (!quoted && ')]}'.includes(text[i])) {
      depth -= 1;
    } else if (!quoted && text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return text.trim() ? [...parts, text.slice(start)] : [];
}
