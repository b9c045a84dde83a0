/* Values of HCL templates and expressions. Terraform's own parser makes the trees; here they are worked out. What
 * cannot be known before something is created is undefined, and so is all that depends on it. */
import { getExpressionAst } from './hcl2json.js';
import { FUNCTIONS } from './hcl_functions.js';

/** Most expressions are a plain reference, which needs no parser (2 ms an expression). */
const REFERENCE = /^[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+$/;
const REFERENCE_PART = /^\s*[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*\s*$/;
const CACHE_MAX = 20_000;

/** Trees by their text, null for what does not parse. */
const trees = new Map();

/** Parses every expression in a value that hcl2json has made, so that evaluation need not wait. */
export async function learn(value) {
  if (trees.size > CACHE_MAX) {
    trees.clear();
  }
  await learnDeep(value);
}

async function learnDeep(value) {
  if (typeof value === 'string' && value.includes('${')) {
    for (const { expression } of splitTemplate(value)) {
      if (expression !== undefined && !trees.has(expression)) {
        trees.set(expression, await treeOf(expression));
      }
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) {
      await learnDeep(member);
    }
  }
}

async function treeOf(text) {
  const trimmed = text.trim();
  if (REFERENCE.test(trimmed)) {
    const traversal = trimmed.split('.').map((segment) => ({ segment }));
    return { ast: { type: 'scopeTraversal', meta: { traversal } }, source: text };
  }
  try {
    return { ast: await getExpressionAst('expression', text), source: text };
  } catch {
    return null;
  }
}

/** Something with steps of its own: a resource, of which an attribute is worked out when it is asked for. */
export class Steps {
  /** Whether there are several of it, by key. */
  isMany = false;

  /** @returns {any} */
  step(_key) {
    return undefined;
  }

  /** @returns {[string|number, any][]} for splats and `for` */
  entries() {
    return [];
  }
}

/**
 * @param {unknown} value as hcl2json gives it: text is a template
 * @param {{ root: (name: string) => any, file?: (name: string) => string|undefined }} scope what names stand for;
 *   the text of a file
 */
export function evaluate(value, scope) {
  if (typeof value === 'string') {
    return template(value, scope);
  }
  if (Array.isArray(value)) {
    return value.map((entry) => evaluate(entry, scope));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, evaluate(entry, scope)]));
  }
  return value;
}

/** `${x}` alone keeps its type; within other text it becomes text. */
function template(text, scope) {
  const parts = splitTemplate(text);
  if (parts.length === 1 && parts[0].expression !== undefined) {
    return expression(parts[0].expression, scope);
  }
  return joined(parts.map((part) => part.literal ?? expression(part.expression, scope)));
}

function joined(values) {
  return values.some(isUnknown) ? undefined : values.map(asText).join('');
}

function expression(text, scope) {
  const tree = trees.get(text);
  return tree ? visit(tree.ast, { ...scope, source: tree.source }) : undefined;
}

/** A list or an object is unknown when a part of it is: a pattern that lost a part would mean something else. */
export function isUnknown(value) {
  if (value === undefined || value instanceof Steps) {
    return true;
  }
  return typeof value === 'object' && value !== null && Object.values(value).some(isUnknown);
}

export function asText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function visit(node, scope) {
  const visitor = VISITORS[node?.type];
  return visitor?.(node, scope);
}

const VISITORS = {
  '': ({ children }, scope) => visit(children[0], scope) /* in parentheses */,
  templateWrap: ({ children }, scope) => visit(children[0], scope),
  template: quoted,
  literalValue: ({ meta: { type, value } }) => (type === 'string' ? value : JSON.parse(value)),
  tuple: ({ children }, scope) => children.map((child) => visit(child, scope)),
  object,
  function: call,
  scopeTraversal: ({ meta: { traversal } }, scope) => walk(scope.root(traversal[0].segment), traversal.slice(1)),
  relativeTraversal: ({ children, meta: { traversal } }, scope) => walk(visit(children[0], scope), traversal),
  index: ({ children: [collection, key] }, scope) => step(visit(collection, scope), visit(key, scope)),
  splat,
  conditional,
  unaryOp: ({ children: [operand], meta: { operator } }, scope) => unary(operator, visit(operand, scope)),
  binaryOp: ({ children: [left, right], meta: { operator } }, scope) =>
    binary(operator, visit(left, scope), visit(right, scope)),
  for: comprehension,
};

function quoted({ children, meta }, scope) {
  const isHeredoc = meta?.value?.startsWith('<<');
  const text = (value) =>
    unescaped(isHeredoc ? value : value.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, code) => escape(code)));
  return joined(
    children.map((child) =>
      child.type === 'literalValue' && child.meta.type === 'string' ? text(child.meta.value) : visit(child, scope),
    ),
  );
}

function escape(code) {
  return (
    { n: '\n', r: '\r', t: '\t' }[code] ?? (code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : code)
  );
}

function unescaped(text) {
  return text.replaceAll('$${', '${').replaceAll('%%{', '%{');
}

/** Children are keys and values in turn. A bare key is in no node: it is cut out of the source. */
function object({ children }, scope) {
  const result = {};
  for (let i = 0; i + 1 < children.length; i += 2) {
    const key = children[i].children.length > 0 ? visit(children[i], scope) : bareKey(children[i], scope.source);
    if (isUnknown(key)) {
      return undefined;
    }
    result[asText(key)] = visit(children[i + 1], scope);
  }
  return result;
}

function bareKey({ range: { start, end } }, source) {
  return Buffer.from(source).subarray(start.byte, end.byte).toString('utf8');
}

/** The two that look at what is unknown come before the others, which are unknown then. */
function call({ children, meta }, scope) {
  if (meta.name === 'try') {
    return children.map((child) => visit(child, scope)).find((value) => value !== undefined);
  }
  const values = children.map((child) => visit(child, scope));
  if (meta.name === 'can') {
    return values[0] !== undefined;
  }
  const args = meta.expandedFinalArgument ? [...values.slice(0, -1), ...(values.at(-1) ?? [undefined])] : values;
  if (!Object.hasOwn(FUNCTIONS, meta.name) || args.some((value) => value === undefined)) {
    return undefined;
  }
  try {
    return FUNCTIONS[meta.name](args.map(plain), { ...scope, render });
  } catch {
    return undefined; /* of the wrong type: terraform would say so */
  }
}

/** A file's template. Its expressions have not been learnt: references are all that is understood in them. */
function render(text, variables) {
  const parts = splitTemplate(text).map(({ literal, expression: source }) => {
    const [name, ...rest] = (source ?? '').trim().split('.');
    return literal ?? (REFERENCE_PART.test(source) ? rest.reduce((at, key) => at?.[key], variables[name]) : undefined);
  });
  return /%\{/.test(text) ? undefined : joined(parts);
}

/** Resources as the map or list that they are to functions. */
function plain(value) {
  if (!(value instanceof Steps)) {
    return value;
  }
  return value.isMany ? Object.fromEntries(value.entries()) : value;
}

function walk(value, traversal) {
  return traversal.reduce((at, { segment }) => step(at, /^"/.test(segment) ? JSON.parse(segment) : segment), value);
}

function step(value, key) {
  if (value instanceof Steps) {
    return value.step(key);
  }
  const isIndexed = typeof value === 'object' && value !== null && key !== undefined && key !== null;
  return isIndexed && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** What follows the star is a traversal of each element; nothing may follow. */
function splat({ children: [source, each] }, scope) {
  const value = visit(source, scope);
  if (value === undefined) {
    return undefined;
  }
  const list =
    value instanceof Steps && value.isMany ? value.entries().map(([, entry]) => entry) : [value ?? []].flat();
  const steps = each.type === 'relativeTraversal' ? each.meta.traversal : [];
  return list.map((entry) => walk(entry, steps));
}

function conditional({ children: [condition, yes, no] }, scope) {
  const truth = visit(condition, scope);
  return truth === undefined ? undefined : visit(truth === true || truth === 'true' ? yes : no, scope);
}

function unary(operator, value) {
  if (value === undefined) {
    return undefined;
  }
  return operator === 'negate' ? -value : !(value === true || value === 'true');
}

const OPERATORS = {
  equal: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  notEqual: (a, b) => JSON.stringify(a) !== JSON.stringify(b),
  logicalAnd: (a, b) => a === true && b === true,
  logicalOr: (a, b) => a === true || b === true,
  add: (a, b) => Number(a) + Number(b),
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  modulo: (a, b) => a % b,
  greaterThan: (a, b) => Number(a) > Number(b),
  greaterThanOrEqual: (a, b) => Number(a) >= Number(b),
  lessThan: (a, b) => Number(a) < Number(b),
  lessThanOrEqual: (a, b) => Number(a) <= Number(b),
};

function binary(operator, left, right) {
  return isUnknown(left) || isUnknown(right) ? undefined : OPERATORS[operator]?.(left, right);
}

/** Keys and values of what can be gone through. */
export function entriesOf(value) {
  if (value instanceof Steps) {
    return value.isMany ? value.entries() : [];
  }
  if (Array.isArray(value)) {
    return value.map((entry, i) => [i, entry]);
  }
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Children: the collection, the key (of an object), the value, the condition (if there is one). */
function comprehension({ children, meta }, scope) {
  const collection = visit(children[0], scope);
  if (collection === undefined) {
    return undefined;
  }
  const isObject = meta.openRangeValue === '{';
  const [keyNode, valueNode, condition] = isObject ? children.slice(1) : [null, ...children.slice(1)];
  const made = [];
  for (const [key, value] of entriesOf(collection)) {
    const names = { [meta.valVar]: value, ...(meta.keyVar ? { [meta.keyVar]: key } : {}) };
    const inner = { ...scope, root: (name) => (Object.hasOwn(names, name) ? names[name] : scope.root(name)) };
    if (!condition || visit(condition, inner) === true) {
      made.push([keyNode && visit(keyNode, inner), visit(valueNode, inner)]);
    }
  }
  if (!isObject) {
    return made.map(([, value]) => value);
  }
  return meta.groupedValue ? grouped(made) : Object.fromEntries(made);
}

function grouped(pairs) {
  const result = {};
  for (const [key, value] of pairs) {
    (result[key] ??= []).push(value);
  }
  return result;
}

/** @returns {({ literal: string } | { expression: string })[]} */
export function splitTemplate(text) {
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

/** Braces in quoted text do not count, but those of a template in it do. */
function closingBrace(text, from) {
  const open = [];
  for (let i = from; i < text.length; i += 1) {
    const isQuoted = open.at(-1) === '"';
    if (isQuoted && text[i] === '\\') {
      i += 1;
    } else if (text[i] === '"') {
      isQuoted ? open.pop() : open.push('"');
    } else if (text[i] === '{' && (!isQuoted || text[i - 1] === '$')) {
      open.push('{');
    } else if (text[i] === '}' && !isQuoted) {
      if (open.length === 0) {
        return i;
      }
      open.pop();
    }
  }
  return text.length;
}
