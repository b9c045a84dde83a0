/* What expressions and statements of a configuration file come to, without running them.
 *
 * An interpreter of the part of JavaScript that such files are written in: literals, templates, conditions, loops, the
 * file's own functions, and the methods of arrays, texts and Object that have no effects. It reaches nothing outside: no
 * global but those of `GLOBALS`, no prototype, no file. Whatever else comes up is UNKNOWN, and so is what is made of it.
 * A function that is UNKNOWN (a plugin's) is taken to hand on the first object it is given. */
import { UNKNOWN } from '../source.js';

const STEPS_MAX = 200_000;
const TEXT_MAX = 1_000_000;

const ARRAY_METHODS = new Set([
  'map', 'filter', 'flatMap', 'forEach', 'some', 'every', 'find', 'reduce', 'concat', 'join', 'includes', 'indexOf', 'slice', 'flat',
  'push', 'unshift', 'reverse', 'at',
]);
const TEXT_METHODS = new Set([
  'concat', 'endsWith', 'includes', 'indexOf', 'lastIndexOf', 'replace', 'replaceAll', 'slice', 'split', 'startsWith', 'substring', 'toLowerCase',
  'toUpperCase', 'toString', 'trim', 'trimEnd', 'trimStart', 'at',
]);

/** Objects have no prototype: a key is a key. */
function objectOf(entries) {
  const object = Object.create(null);
  entries.forEach(([key, value]) => setMember(object, key, value));
  return object;
}

function setMember(object, key, value) {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RegExp);

const GLOBALS = {
  undefined,
  Object: objectOf([
    ['keys', (value) => Object.keys(value ?? {})], ['values', (value) => Object.values(value ?? {})],
    ['entries', (value) => Object.entries(value ?? {})], ['fromEntries', (value) => objectOf(value)],
    ['assign', (...all) => objectOf(all.flatMap((value) => Object.entries(value ?? {})))], ['freeze', (value) => value],
  ]),
  Array: objectOf([['isArray', (value) => Array.isArray(value)], ['from', (value, fn) => Array.from(value, fn)]]),
  JSON: objectOf([['stringify', (value) => JSON.stringify(value)], ['parse', (text) => JSON.parse(text)]]),
  String: (value) => String(value),
  Number: (value) => Number(value),
  Boolean: (value) => Boolean(value),
  parseInt: (text) => Number.parseInt(text, 10),
  encodeURIComponent: (text) => encodeURIComponent(text),
};

class Scope {
  #names = new Map();

  constructor(parent = null) {
    this.parent = parent;
  }

  declare(name, value) {
    this.#names.set(name, value);
  }

  #holder(name) {
    for (let scope = this; scope; scope = scope.parent) {
      if (scope.#names.has(name)) {
        return scope;
      }
    }
    return null;
  }

  get(name) {
    const holder = this.#holder(name);
    if (holder) {
      return holder.#names.get(name);
    }
    return Object.hasOwn(GLOBALS, name) ? GLOBALS[name] : UNKNOWN;
  }

  set(name, value) {
    this.#holder(name)?.#names.set(name, value);
  }
}

/** How a statement ends: what a function returns, or the end of a loop's turn. */
class Completion {
  constructor(kind, value) {
    this.kind = kind;
    this.value = value;
  }
}

/** Too many steps: nothing is known then. */
export class Unfinished extends Error {}

export class Interpreter {
  #steps = 0;

  /** @param {(specifier: string) => unknown} require what a module of that name exports */
  constructor(require) {
    this.require = require;
  }

  /** Runs a module and returns its scope. `names`: what it is given, e.g. `module`, `process`. */
  run(program, names) {
    const scope = new Scope();
    Object.entries(names).forEach(([name, value]) => scope.declare(name, value));
    this.#hoist(program.body, scope);
    program.body.forEach((node) => this.#statement(node, scope)); /* also past a `throw` at the top */
    return scope;
  }

  /** Calls a function of the file. */
  call(fn, args) {
    if (typeof fn === 'function') {
      try {
        return fn(...args);
      } catch (error) {
        if (error instanceof Unfinished || error instanceof RangeError) throw error;
        return UNKNOWN;
      }
    }
    /* A plugin, or what it made of its options: `withAnalyzer({ enabled })(config)`. */
    return args.find(isObject) ?? args.find((arg) => typeof arg === 'function') ?? UNKNOWN;
  }

  #tick() {
    this.#steps += 1;
    if (this.#steps > STEPS_MAX) {
      throw new Unfinished('it takes too many steps');
    }
  }

  /* ---- statements ---- */

  /** Functions are there before the first statement, as hoisting has it. */
  #hoist(body, scope) {
    body.map((node) => node.declaration ?? node).filter((node) => node.type === 'FunctionDeclaration' && node.id)
      .forEach((node) => scope.declare(node.id.name, this.#closure(node, scope)));
  }

  #block(body, scope) {
    this.#hoist(body, scope);
    for (const node of body) {
      const ended = this.#statement(node, scope);
      if (ended) {
        return ended;
      }
    }
    return null;
  }

  #statement(node, scope) {
    this.#tick();
    switch (node.type) {
      case 'ExportNamedDeclaration':
        return node.declaration ? this.#statement(node.declaration, scope) : null;
      case 'ExportDefaultDeclaration':
        scope.declare('*default*', this.#exported(node.declaration, scope));
        return null;
      case 'ImportDeclaration':
        this.#import(node, scope);
        return null;
      case 'VariableDeclaration':
        node.declarations.forEach(({ id, init }) => this.#bind(id, init ? this.value(init, scope) : undefined, scope));
        return null;
      case 'ExpressionStatement':
        this.value(node.expression, scope);
        return null;
      case 'ReturnStatement':
        return new Completion('return', node.argument ? this.value(node.argument, scope) : undefined);
      case 'BreakStatement':
        return new Completion('break');
      case 'ContinueStatement':
        return new Completion('continue');
      case 'ThrowStatement':
        return new Completion('return', UNKNOWN);
      case 'BlockStatement':
        return this.#block(node.body, new Scope(scope));
      case 'TryStatement':
        return this.#statement(node.block, scope);
      case 'IfStatement':
        return this.#if(node, scope);
      case 'ForOfStatement':
        return this.#forOf(node, scope);
      default:
        return null;
    }
  }

  #exported(node, scope) {
    const isNamed = node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration';
    return isNamed ? this.#closure(node, scope) : this.value(node, scope);
  }

  #import(node, scope) {
    const exports = this.require(node.source.value);
    for (const { type, local, imported } of node.specifiers) {
      const name = type === 'ImportDefaultSpecifier' ? 'default' : imported?.name ?? imported?.value;
      scope.declare(local.name, type === 'ImportNamespaceSpecifier' ? exports : this.#member(exports, name));
    }
  }

  #if(node, scope) {
    const test = this.value(node.test, scope);
    if (test === UNKNOWN) {
      return null;
    }
    const branch = test ? node.consequent : node.alternate;
    return branch ? this.#statement(branch, scope) : null;
  }

  #forOf(node, scope) {
    const list = this.value(node.right, scope);
    for (const item of Array.isArray(list) ? list : []) {
      const turn = new Scope(scope);
      this.#bind(node.left.type === 'VariableDeclaration' ? node.left.declarations[0].id : node.left, item, turn);
      const ended = this.#statement(node.body, turn);
      if (ended?.kind === 'return') {
        return ended;
      }
      if (ended?.kind === 'break') {
        break;
      }
    }
    return null;
  }

  /** Declares the names of a pattern. */
  #bind(pattern, value, scope) {
    switch (pattern.type) {
      case 'Identifier':
        scope.declare(pattern.name, value);
        break;
      case 'AssignmentPattern':
        this.#bind(pattern.left, value === undefined ? this.value(pattern.right, scope) : value, scope);
        break;
      case 'ObjectPattern':
        this.#bindObject(pattern, value, scope);
        break;
      case 'ArrayPattern':
        pattern.elements.forEach((element, i) => element && this.#bind(element, this.#member(value, i), scope));
        break;
      default:
        break;
    }
  }

  #bindObject(pattern, value, scope) {
    const taken = [];
    for (const property of pattern.properties) {
      if (property.type === 'RestElement') {
        const rest = isObject(value) ? Object.entries(value).filter(([key]) => !taken.includes(key)) : [];
        this.#bind(property.argument, objectOf(rest), scope);
      } else {
        const key = this.#key(property, scope);
        taken.push(key);
        this.#bind(property.value, this.#member(value, key), scope);
      }
    }
  }

  /* ---- expressions ---- */

  value(node, scope) {
    this.#tick();
    const evaluate = EXPRESSIONS[node.type];
    const value = evaluate ? evaluate.call(this, node, scope) : UNKNOWN;
    if (typeof value === 'string' && value.length > TEXT_MAX) {
      throw new Unfinished('a text grows too long');
    }
    return value;
  }

  values(nodes, scope) {
    return nodes.flatMap((node) => {
      if (node?.type !== 'SpreadElement') {
        return [node ? this.value(node, scope) : undefined];
      }
      const list = this.value(node.argument, scope);
      return Array.isArray(list) ? list : [];
    });
  }

  object(node, scope) {
    const object = Object.create(null);
    for (const property of node.properties) {
      if (property.type === 'SpreadElement') {
        const spread = this.value(property.argument, scope);
        Object.entries(isObject(spread) ? spread : {}).forEach(([key, value]) => setMember(object, key, value));
      } else if (property.kind === 'init') {
        setMember(object, this.#key(property, scope), this.value(property.value, scope));
      }
    }
    return object;
  }

  #key({ key, computed }, scope) {
    return computed ? String(this.value(key, scope)) : key.name ?? String(key.value);
  }

  #member(object, key) {
    if (Array.isArray(object) || typeof object === 'string') {
      const isPlace = key === 'length' || /^\d+$/.test(String(key));
      return isPlace ? object[key] : UNKNOWN;
    }
    if (!isObject(object)) {
      return UNKNOWN;
    }
    return Object.hasOwn(object, key) ? object[key] : undefined;
  }

  member(node, scope) {
    const object = this.value(node.object, scope);
    if (node.optional && (object === undefined || object === null)) {
      return undefined;
    }
    return this.#member(object, this.#propertyOf(node, scope));
  }

  #propertyOf({ property, computed }, scope) {
    return computed ? this.value(property, scope) : property.name;
  }

  callExpression(node, scope) {
    const { callee } = node;
    const args = this.values(node.arguments, scope);
    if (callee.type === 'Identifier' && callee.name === 'require' && typeof args[0] === 'string') {
      return this.require(args[0]);
    }
    if (callee.type !== 'MemberExpression') {
      return this.call(this.value(callee, scope), args);
    }
    const object = this.value(callee.object, scope);
    const name = this.#propertyOf(callee, scope);
    const methods = Array.isArray(object) ? ARRAY_METHODS : typeof object === 'string' ? TEXT_METHODS : null;
    if (methods) {
      return methods.has(name) ? this.call((...all) => object[name](...all), args) : UNKNOWN;
    }
    if ((object === undefined || object === null) && node.type === 'ChainExpression') {
      return undefined;
    }
    return this.call(this.#member(object, name), args);
  }

  closure(node, scope) {
    return this.#closure(node, scope);
  }

  /** A promise is what it would give: nothing here waits. */
  #closure(node, scope) {
    return (...args) => {
      this.#tick();
      const inner = new Scope(scope);
      node.params.forEach((param, i) => {
        const isRest = param.type === 'RestElement';
        this.#bind(isRest ? param.argument : param, isRest ? args.slice(i) : args[i], inner);
      });
      return node.body.type === 'BlockStatement' ? this.#block(node.body.body, inner)?.value : this.value(node.body, inner);
    };
  }

  assign(node, scope) {
    const { left, operator } = node;
    let value = this.value(node.right, scope);
    if (operator !== '=') {
      value = operate(operator.slice(0, -1), this.value(left, scope), value);
    }
    if (left.type === 'Identifier') {
      scope.set(left.name, value);
    } else if (left.type === 'MemberExpression') {
      const object = this.value(left.object, scope);
      if (isObject(object)) {
        setMember(object, String(this.#propertyOf(left, scope)), value);
      }
    }
    return value;
  }

  logical({ left, right, operator }, scope) {
    const value = this.value(left, scope);
    if (value === UNKNOWN) {
      return operator === '&&' ? UNKNOWN : this.value(right, scope);
    }
    const isDecided = operator === '&&' ? !value : operator === '||' ? Boolean(value) : value !== null && value !== undefined;
    return isDecided ? value : this.value(right, scope);
  }

  conditional({ test, consequent, alternate }, scope) {
    const value = this.value(test, scope);
    return value === UNKNOWN ? UNKNOWN : this.value(value ? consequent : alternate, scope);
  }

  template({ quasis, expressions }, scope) {
    const values = expressions.map((expression) => this.value(expression, scope));
    const isText = (value) => ['string', 'number', 'boolean', 'undefined'].includes(typeof value) || value === null;
    if (!values.every(isText)) {
      return UNKNOWN;
    }
    return quasis.map((quasi, i) => quasi.value.cooked + (i < values.length ? String(values[i]) : '')).join('');
  }
}

function operate(operator, left, right) {
  const isPlain = (value) => value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value);
  if (!isPlain(left) || !isPlain(right)) {
    return UNKNOWN;
  }
  const operation = OPERATIONS[operator];
  return operation ? operation(left, right) : UNKNOWN;
}

const OPERATIONS = {
  '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b,
  '===': (a, b) => a === b, '!==': (a, b) => a !== b, '<': (a, b) => a < b, '>': (a, b) => a > b, '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b, '==': (a, b) => a == b, '!=': (a, b) => a != b, /* eslint-disable-line eqeqeq */
  '||': (a, b) => a || b, '&&': (a, b) => a && b, '??': (a, b) => a ?? b,
};

const UNARY = { '!': (value) => !value, '-': (value) => -value, '+': (value) => +value, typeof: (value) => typeof value };

/** Each is called with the interpreter as its `this`. */
const EXPRESSIONS = {
  Literal: ({ value }) => value,
  Identifier: ({ name }, scope) => scope.get(name),
  TemplateLiteral(node, scope) {
    return this.template(node, scope);
  },
  ArrayExpression({ elements }, scope) {
    return this.values(elements, scope);
  },
  ObjectExpression(node, scope) {
    return this.object(node, scope);
  },
  MemberExpression(node, scope) {
    return this.member(node, scope);
  },
  ChainExpression({ expression }, scope) {
    return this.value(expression, scope);
  },
  CallExpression(node, scope) {
    return this.callExpression(node, scope);
  },
  AwaitExpression({ argument }, scope) {
    return this.value(argument, scope);
  },
  ArrowFunctionExpression(node, scope) {
    return this.closure(node, scope);
  },
  FunctionExpression(node, scope) {
    return this.closure(node, scope);
  },
  AssignmentExpression(node, scope) {
    return this.assign(node, scope);
  },
  ConditionalExpression(node, scope) {
    return this.conditional(node, scope);
  },
  LogicalExpression(node, scope) {
    return this.logical(node, scope);
  },
  BinaryExpression({ operator, left, right }, scope) {
    return operate(operator, this.value(left, scope), this.value(right, scope));
  },
  UnaryExpression({ operator, argument }, scope) {
    const value = this.value(argument, scope);
    return value === UNKNOWN || !UNARY[operator] ? UNKNOWN : UNARY[operator](value);
  },
  SequenceExpression({ expressions }, scope) {
    return expressions.map((expression) => this.value(expression, scope)).at(-1);
  },
};

export { isObject, objectOf };
