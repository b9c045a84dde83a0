/* The rules of vercel.json, held against the schemas of Vercel's own library: of a rule that Vercel would refuse a router could make anything. */
import { headersSchema, redirectsSchema, rewritesSchema, routesSchema } from '@vercel/routing-utils';
import { KINDS } from './config_check.js';

const SCHEMAS = { redirects: redirectsSchema, rewrites: rewritesSchema, headers: headersSchema, routes: routesSchema };

const TYPE_NAMES = { string: 'a text', boolean: 'true or false', integer: 'a whole number', number: 'a number', array: 'an array', object: 'an object' };

/** @returns {string|null} what is wrong of a value, with the place of it; of what these schemas say that which a router relies on */
function faultOf(schema, value, place) {
  if (schema.anyOf && !schema.type) {
    const faults = schema.anyOf.map((one) => faultOf(one, value, place));
    return faults.includes(null) ? null : faults.find((fault) => !fault.startsWith(`${place} must`)) ?? faults[0];
  }
  if (schema.type && !KINDS[schema.type]?.is(value)) {
    return `${place} must be ${TYPE_NAMES[schema.type]}`;
  }
  if (value < schema.minimum || value > schema.maximum) {
    return `${place} must be from ${schema.minimum} to ${schema.maximum}`;
  }
  const missing = (schema.required ?? []).find((name) => value[name] === undefined);
  if (missing) {
    return `${place} needs "${missing}"`;
  }
  const inside = schema.items ? value.map((one, i) => [schema.items, one, `${place}[${i}]`])
    : Object.entries(schema.properties ?? {}).filter(([name]) => value[name] !== undefined).map(([name, one]) => [one, value[name], `${place}.${name}`]);
  return inside.map((one) => faultOf(...one)).find(Boolean) ?? null;
}

/**
 * @param {object} config its lists are arrays
 * @param {(text: string) => void} fault
 * @returns {object} with the rules that are right
 */
export function withRightRules(config, fault) {
  const right = { ...config };
  for (const [name, { items }] of Object.entries(SCHEMAS)) {
    right[name] = config[name]?.filter((rule, i) => {
      const text = faultOf(items, rule, `${name}[${i}]`);
      if (text) {
        fault(text);
      }
      return !text;
    });
  }
  return right;
}
