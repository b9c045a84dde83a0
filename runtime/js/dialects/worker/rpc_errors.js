'use strict';

/* Errors on their way between workers. From a compatibility date on they keep their name and what they hold, as measured with
 * workerd 2026-11-17: { type, message, stack, fields }. Before it, and for what is thrown and is no object, only the
 * parts of an error of a built-in class travel, and other names become a part of its message. */

const ENHANCED_SINCE = '2026-04-21';
const BUILT_IN = { AggregateError, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

const rules = { enhanced: true };

/* What a worker's compatibility date and flags ask for. */
function configure({ compatibility_date: date, compatibility_flags: flags = [] } = {}) {
  rules.enhanced = !flags.includes('legacy_error_serialization') &&
    (!date || date >= ENHANCED_SINCE || flags.includes('enhanced_error_serialization'));
}

const isKnown = (name) => name === 'Error' || Object.hasOwn(BUILT_IN, name);
const make = (name, message) => (name === 'AggregateError' ? new AggregateError([], message) : new (BUILT_IN[name] ?? Error)(message));

function withStack(error, stack) {
  return Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
}

/** Whether what was thrown travels as a value. */
function isWhole(thrown) {
  const isData = Array.isArray(thrown) || [Object.prototype, null].includes(Object.getPrototypeOf(Object(thrown)));
  return rules.enhanced && typeof thrown === 'object' && thrown !== null && (isData || thrown instanceof Error);
}

/** The parts of anything that was thrown. */
function partsOf(thrown) {
  if (!(thrown instanceof Error)) {
    return { name: 'Error', message: String(thrown), stack: '' };
  }
  return { name: String(thrown.name), message: String(thrown.message), stack: String(thrown.stack) };
}

function ofParts({ name, message, stack }) {
  return withStack(make(name, isKnown(name) ? message : `${name}: ${message}`), stack);
}

/** An error without its fields. */
function describe(error) {
  const name = String(error.name);
  const type = error instanceof DOMException ? 'DOMException' : isKnown(name) ? name : 'Error';
  return { type, name, message: String(error.message), stack: String(error.stack) };
}

/** What describe(error) leaves out, each by pack(value): what that refuses stays behind. */
function fieldsOf(error, { type, name }, pack) {
  const fields = type === 'Error' && name !== 'Error' ? { name } : {};
  const own = Object.keys(error).concat(['cause', 'errors'].filter((key) => Object.hasOwn(error, key)));
  for (const key of own.filter((it) => it !== 'name' && it !== 'stack' && it !== 'message')) {
    try {
      if (typeof error[key] !== 'function') {
        fields[key] = pack(error[key]);
      }
    } catch {
      /* cannot be copied */
    }
  }
  return fields;
}

function remake({ type, name, message, stack }) {
  return type === 'DOMException' ? new DOMException(message, name) : withStack(make(type, message), stack);
}

function fill(error, fields) {
  for (const [key, value] of Object.entries(fields)) {
    Object.defineProperty(error, key, { value, enumerable: key !== 'cause', configurable: true, writable: true });
  }
  return error;
}

module.exports = { configure, describe, fieldsOf, fill, isEnhanced: () => rules.enhanced, isWhole, ofParts, partsOf, remake };
