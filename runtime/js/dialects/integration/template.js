'use strict';

/* Mapping templates: Velocity's language, with API Gateway's variables.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 *
 * Templates are written for Java, whose methods values have there: those of texts, lists and maps that JavaScript has not, or
 * has otherwise, are here. */

const { headerOf, jsonOf, own, select } = require('./message');

/* Java's methods */

/* A pattern of Java's, which is the same here for all that templates do with it. */
const every = (pattern) => new RegExp(pattern, 'g');
/* In Java's replacement \ escapes, and $1 is a group, as here. */
const replacement = (text) => text.replace(/\\(.)/gs, (_, character) => (character === '$' ? '$$$$' : character));
const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

function split(text, pattern, limit = 0) {
  const parts = text.split(new RegExp(pattern));
  while (limit === 0 && parts.length > 1 && parts.at(-1) === '') parts.pop();
  return limit > 0 && parts.length > limit ? [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(pattern)] : parts;
}

const TEXT = {
  length: (text) => text.length,
  isEmpty: (text) => text.length === 0,
  isBlank: (text) => text.trim().length === 0,
  equals: same,
  equalsIgnoreCase: (text, other) => text.toLowerCase() === String(other).toLowerCase(),
  contains: (text, part) => text.includes(part),
  matches: (text, pattern) => new RegExp(`^(?:${pattern})$`, 's').test(text),
  replace: (text, from, to) => text.split(from).join(to),
  replaceAll: (text, pattern, to) => text.replace(every(pattern), replacement(to)),
  replaceFirst: (text, pattern, to) => text.replace(new RegExp(pattern), replacement(to)),
  split,
  toString: (text) => text,
};

const LIST = {
  size: (list) => list.length,
  isEmpty: (list) => list.length === 0,
  contains: (list, value) => list.some((one) => same(one, value)),
  get: (list, index) => list[index],
  add: (list, value) => list.push(value) > 0,
  addAll: (list, values) => list.push(...values) > 0,
};

const MAP = {
  size: (map) => Object.keys(map).length,
  isEmpty: (map) => Object.keys(map).length === 0,
  keySet: (map) => Object.keys(map),
  values: (map) => Object.values(map),
  entrySet: (map) => Object.entries(map).map(([key, value]) => ({ key, value, getKey: () => key, getValue: () => value })),
  get: own,
  getOrDefault: (map, key, value) => own(map, key) ?? value,
  containsKey: (map, key) => Object.hasOwn(map, key),
  containsValue: (map, value) => Object.values(map).some((one) => same(one, value)),
  put: (map, key, value) => {
    const before = own(map, key);
    Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
    return before;
  },
  putAll: (map, other) => Object.entries(other).forEach(([key, value]) => MAP.put(map, key, value)),
  remove: (map, key) => {
    const before = own(map, key);
    delete map[key];
    return before;
  },
};

const VALUE = { equals: same, toString: String };

/* Variables of ours have methods of their own, of a class. */
function methodsOf(value) {
  if (typeof value === 'string') return TEXT;
  if (Array.isArray(value)) return LIST;
  if (typeof value !== 'object' || value === null) return VALUE;
  return [Object.prototype, null].includes(Object.getPrototypeOf(value)) ? MAP : null;
}

const methodOf = (value, name) => {
  const methods = methodsOf(value);
  return methods && Object.hasOwn(methods, name) ? methods[name] : undefined;
};

const JAVA = {
  uid: 'java',
  match: ({ context, property }) => methodOf(context, property) !== undefined,
  resolve: ({ context, property, params }) => methodOf(context, property)(context, ...params),
};

/* API Gateway's variables */

const NO_BODY = '{}';

class Input {
  #libraries;
  #message;
  #params;

  /* `params`: of the request, in templates of the answer, too. */
  constructor(libraries, message, params) {
    this.#libraries = libraries;
    this.#message = message;
    this.#params = params;
    this.body = message.text || NO_BODY;
  }

  path(path) {
    return select(this.#libraries, this.body, path);
  }

  json(path) {
    const value = this.path(path);
    return value === undefined ? '""' : JSON.stringify(value);
  }

  params(name) {
    const { path, querystring, header } = this.#params;
    return name === undefined ? this.#params : own(path, name) ?? own(querystring, name) ?? headerOf(header, name) ?? '';
  }
}

/* As java.net.URLEncoder has it. */
function urlEncode(text) {
  return encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

const textOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

class Util {
  escapeJavaScript = (value) => JSON.stringify(textOf(value)).slice(1, -1).replaceAll("'", "\\'");
  parseJson = (text) => jsonOf(text);
  urlEncode = (value) => urlEncode(textOf(value));
  urlDecode = (text) => decodeURIComponent(text.replaceAll('+', ' '));
  base64Encode = (value) => Buffer.from(textOf(value)).toString('base64');
  base64Decode = (text) => Buffer.from(text, 'base64').toString();
}

const parsed = new Map(); /* by their text: there are as many as the project says */
let Template = null; /* the library's class, with nulls that print nothing */

function compile({ parse, Compile }, source) {
  Template ??= class extends Compile {
    getReferences(ast, isVal) {
      return super.getReferences(ast, isVal) ?? (isVal ? '' : undefined);
    }
  };
  parsed.has(source) || parsed.set(source, parse(source.trim()));
  return new Template(parsed.get(source), { escape: false, customMethodHandlers: [JAVA] });
}

/**
 * @param {string} source
 * @param {object} scope as of message.js; a template may set members of `context.requestOverride` and `responseOverride`
 * @param {object} message whose body $input is
 * @returns {string}
 */
function render(source, { libraries, request, context, stageVariables }, message) {
  const input = new Input(libraries, message, request.params);
  return compile(libraries, source).render({ input, util: new Util(), context, stageVariables }, {}, true).trimStart();
}

module.exports = { render };
