/* Members of mayfly.json that mean nothing, being misspelt: what its schema does not have. */
import { readFileSync } from 'node:fs';

const SCHEMA = JSON.parse(readFileSync(new URL('../mayfly.schema.json', import.meta.url), 'utf8'));

/** The schema and all that it is put together of. */
function partsOf(schema) {
  const own = schema.$ref ? SCHEMA.$defs[schema.$ref.slice('#/$defs/'.length)] : schema;
  return [own, ...[...(own.allOf ?? []), ...(own.oneOf ?? [])].flatMap(partsOf)];
}

/** Each is told by `tell(where, name, known)`; `where` is "" or "functions.a". */
export function findUnknown(value, tell, schema = SCHEMA, where = '') {
  const parts = partsOf(schema);
  if (Array.isArray(value)) {
    const items = parts.find((part) => part.items)?.items ?? {};
    value.forEach((item, i) => findUnknown(item, tell, items, `${where}[${i}]`));
    return;
  }
  if (typeof value !== 'object' || value === null) {
    return;
  }
  const known = [...new Set(parts.flatMap(({ properties = {} }) => Object.keys(properties)))].filter((name) => name !== '$schema');
  const others = parts.find(({ additionalProperties: more }) => typeof more === 'object')?.additionalProperties;
  for (const [name, member] of Object.entries(value)) {
    const own = parts.map(({ properties }) => properties?.[name]).filter(Boolean);
    if (own.length > 0 || others) {
      findUnknown(member, tell, own.length > 0 ? { oneOf: own } : others, where ? `${where}.${name}` : name);
    } else if (known.length > 0) {
      tell(where, name, known);
    }
  }
}
