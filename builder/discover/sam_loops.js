/* Fn::ForEach of AWS::LanguageExtensions: resources that a template makes one like the other. */

const LOOP = /^Fn::ForEach::/;
const TURNS_MAX = 1000; /* of all loops of a template, whose resources are 500 at AWS */

/**
 * @param {Record<string, any>} members resources, as they are written
 * @param {Record<string, any>} parameters those of the template
 * @returns {Record<string, any>} with what loops make in their place; one that is none is left out
 */
export function unrolled(members, parameters, turns = { left: TURNS_MAX }) {
  const made = {};
  for (const [key, value] of Object.entries(members)) {
    const [id, values, body] = LOOP.test(key) && Array.isArray(value) ? value : [];
    if (!LOOP.test(key)) {
      made[key] = value;
    } else if (typeof id === 'string' && typeof body === 'object') {
      for (const one of valuesOf(values, parameters).slice(0, turns.left)) {
        turns.left -= 1;
        Object.assign(made, unrolled(withValue(body, id, one), parameters, turns));
      }
    }
  }
  return made;
}

/** A list, or a parameter that is one. */
function valuesOf(values, parameters) {
  const { Default: text = '' } = parameters?.[values?.Ref] ?? {};
  const list = Array.isArray(values) ? values : String(text).split(',');
  return list.filter((one) => typeof one === 'string' && one !== '').map((one) => one.trim());
}

/** `${Name}`, `&{Name}` and `!Ref Name` are the value; it becomes a part of texts, of names too. */
function withValue(body, id, value) {
  const inText = JSON.stringify(value).slice(1, -1);
  const text = JSON.stringify(body).replaceAll(JSON.stringify({ Ref: id }), () => JSON.stringify(value));
  return JSON.parse(text.replaceAll(`\${${id}}`, () => inText).replaceAll(`&{${id}}`, () => inText));
}
