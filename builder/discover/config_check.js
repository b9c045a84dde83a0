/* mayfly.json against its schema: members that it does not have, and values of the wrong kind or out of range. Of what is
 * put together of alternatives (oneOf) only the members are looked at: who reads it has better words for the rest. */
import { readFileSync } from 'node:fs';

const SCHEMA = JSON.parse(readFileSync(new URL('../mayfly.schema.json', import.meta.url), 'utf8'));
const VALUE_SHOWN = 60;

/** JSON Schema's types: what is of one, and how it is called. */
export const KINDS = {
  object: { is: (value) => typeof value === 'object' && value !== null && !Array.isArray(value), words: 'an object' },
  array: { is: Array.isArray, words: 'a list' },
  string: { is: (value) => typeof value === 'string', words: 'text' },
  boolean: { is: (value) => typeof value === 'boolean', words: 'true or false' },
  integer: { is: Number.isInteger, words: 'a whole number' },
  number: { is: (value) => typeof value === 'number', words: 'a number' },
};

const resolve = (schema) => (schema.$ref ? SCHEMA.$defs[schema.$ref.slice('#/$defs/'.length)] : schema);

/** The schema and all that it is put together of. */
function partsOf(schema) {
  const own = resolve(schema);
  return [own, ...[...(own.allOf ?? []), ...(own.oneOf ?? [])].flatMap(partsOf)];
}

function fits(value, { type, enum: values, minimum = -Infinity, maximum = Infinity }) {
  const isKind = type === undefined || [type].flat().some((kind) => KINDS[kind].is(value));
  const isInRange = typeof value !== 'number' || (value >= minimum && value <= maximum);
  return isKind && isInRange && (values === undefined || values.includes(value));
}

function wordsOf({ type, enum: values, minimum, maximum }) {
  const range = minimum === undefined ? '' : maximum === undefined ? ` from ${minimum} on` : ` from ${minimum} to ${maximum}`;
  return values?.map((one) => JSON.stringify(one)).join(' or ') ?? [type].flat().map((kind) => KINDS[kind].words).join(', or ') + range;
}

function shown(value) {
  const text = JSON.stringify(value);
  return text.length > VALUE_SHOWN ? `${text.slice(0, VALUE_SHOWN)}...` : text;
}

/**
 * Takes what is wrong out of `value`, with the objects that need it, and leaves what is unknown in it.
 * @param {any} value
 * @param {{ wrong: (path: (string|number)[], words: string) => void, unknown: (path: string[], known: string[]) => void }} tell
 * @returns {boolean} whether it may stay
 */
export function checkConfig(value, tell, schema = SCHEMA, path = [], isAlternative = false) {
  const own = resolve(schema);
  if (!isAlternative && !fits(value, own)) {
    tell.wrong(path, `must be ${wordsOf(own)}, not ${shown(value)}`);
    return false;
  }
  const isBelow = isAlternative || own.oneOf !== undefined;
  if (Array.isArray(value)) {
    const items = partsOf(schema).find((part) => part.items)?.items ?? {};
    const good = value.filter((item, i) => checkConfig(item, tell, items, [...path, i], isBelow));
    value.splice(0, value.length, ...good);
    return true;
  }
  const removed = KINDS.object.is(value) ? checkMembers(value, tell, partsOf(schema), path, isBelow) : [];
  return !removed.some((name) => own.required?.includes(name));
}

/** @returns {string[]} the members that were taken out */
function checkMembers(value, tell, parts, path, isAlternative) {
  const known = [...new Set(parts.flatMap(({ properties = {} }) => Object.keys(properties)))].filter((name) => name !== '$schema');
  const others = parts.find(({ additionalProperties: more }) => typeof more === 'object')?.additionalProperties;
  const removed = [];
  for (const [name, member] of Object.entries(value)) {
    const own = parts.map(({ properties }) => properties?.[name]).filter(Boolean);
    const schema = own.length > 1 ? { oneOf: own } : own[0] ?? others;
    if (schema && !checkConfig(member, tell, schema, [...path, name], isAlternative)) {
      delete value[name];
      removed.push(name);
    } else if (!schema && known.length > 0) {
      tell.unknown([...path, name], known);
    }
  }
  return removed;
}
