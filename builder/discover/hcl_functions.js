/* Terraform's functions, those that names, patterns and lists of resources are made with. Each gets the list of its
 * arguments, all of them known; what throws is unknown. */

import { createHash } from 'node:crypto';
import { yaml } from './yaml.js';

const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const list = (value) => (Array.isArray(value) ? value : Object.values(value));
const unique = (values) => [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
const bare = (key) => key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const digest = (algorithm, value) => createHash(algorithm).update(value).digest('hex');

/** All groups, or the named ones, or the whole: what a pattern has. */
function matched(match) {
  const [whole, ...groups] = match;
  return match.groups ? { ...match.groups } : groups.length > 0 ? groups : whole;
}

/** A document that lost a part would mean something else. */
function known(_key, value) {
  if (value === undefined) {
    throw new Error('a part of it is not known');
  }
  return value;
}

/** `%s`, `%d`, `%02d`, `%q`, `%v`, `%%`. */
function format(pattern, values) {
  const rest = [...values];
  return pattern.replace(/%(0?)(\d*)([sdvqt%])/g, (_, zero, width, verb) => {
    if (verb === '%') {
      return '%';
    }
    const value = rest.shift();
    const shown = verb === 'q' ? JSON.stringify(text(value)) : text(value);
    return shown.padStart(Number(width || 0), zero ? '0' : ' ');
  });
}

/** `/x/` is a regular expression. */
function replace([value, what, by]) {
  const pattern = /^\/(.*)\/$/s.exec(what);
  return pattern ? value.replace(new RegExp(pattern[1], 'g'), by) : value.replaceAll(what, by);
}

function trimmed(value, start, end) {
  const before = start ? value.replace(new RegExp(`^${start}`), '') : value;
  return end ? before.replace(new RegExp(`${end}$`), '') : before;
}

export const FUNCTIONS = {
  tostring: ([value]) => text(value),
  tonumber: ([value]) => Number(value),
  tobool: ([value]) => value === true || value === 'true',
  toset: ([value]) => unique(list(value)).sort(),
  tolist: ([value]) => list(value),
  tomap: ([value]) => value,
  lower: ([value]) => text(value).toLowerCase(),
  upper: ([value]) => text(value).toUpperCase(),
  title: ([value]) => value.replace(/\b\w/g, (letter) => letter.toUpperCase()),
  trimspace: ([value]) => text(value).trim(),
  trim: ([value, set]) => trimmed(value, `[${bare(set)}]+`, `[${bare(set)}]+`),
  trimprefix: ([value, prefix]) => trimmed(value, bare(prefix)),
  trimsuffix: ([value, suffix]) => trimmed(value, null, bare(suffix)),
  substr: ([value, at, count]) => [...value].slice(at, count < 0 ? undefined : at + count).join(''),
  replace,
  split: ([separator, value]) => value.split(separator),
  join: ([separator, ...lists]) => lists.flat().map(text).join(separator),
  format: ([pattern, ...values]) => format(pattern, values),
  startswith: ([value, prefix]) => value.startsWith(prefix),
  endswith: ([value, suffix]) => value.endsWith(suffix),
  coalesce: (values) => values.find((value) => value !== null && value !== ''),
  coalescelist: (lists) => lists.find((one) => one.length > 0),
  compact: ([values]) => values.filter((value) => value !== null && value !== ''),
  concat: (lists) => lists.flat(),
  distinct: ([values]) => unique(values),
  flatten: ([values]) => values.flat(Infinity),
  sort: ([values]) => [...values].sort(),
  reverse: ([values]) => [...values].reverse(),
  slice: ([values, from, to]) => values.slice(from, to),
  range: ([from, to]) => (to === undefined ? Array.from({ length: from }, (_, i) => i)
    : Array.from({ length: to - from }, (_, i) => from + i)),
  element: ([values, at]) => values[at % values.length],
  length: ([value]) => (typeof value === 'string' ? [...value].length : Object.keys(value).length),
  contains: ([values, value]) => list(values).some((one) => JSON.stringify(one) === JSON.stringify(value)),
  index: ([values, value]) => list(values).findIndex((one) => JSON.stringify(one) === JSON.stringify(value)),
  keys: ([map]) => Object.keys(map).sort(),
  values: ([map]) => Object.keys(map).sort().map((key) => map[key]),
  lookup: ([map, key, otherwise]) => (Object.hasOwn(map, key) ? map[key] : otherwise),
  merge: (maps) => Object.assign({}, ...maps),
  zipmap: ([keys, values]) => Object.fromEntries(keys.map((key, i) => [key, values[i]])),
  setunion: (sets) => unique(sets.flat()),
  setsubtract: ([all, some]) => all.filter((value) => !some.includes(value)),
  setproduct: (sets) => sets.reduce((made, set) => made.flatMap((row) => set.map((value) => [...row, value])), [[]]),
  one: ([values]) => values[0] ?? null,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  abs: ([value]) => Math.abs(value),
  ceil: ([value]) => Math.ceil(value),
  floor: ([value]) => Math.floor(value),
  jsonencode: ([value]) => JSON.stringify(value, known),
  jsondecode: ([value]) => JSON.parse(value),
  abspath: ([value]) => value,
  basename: ([value]) => value.split('/').at(-1),
  dirname: ([value]) => value.split('/').slice(0, -1).join('/'),
  file: ([name], { file }) => file?.(name),
  fileexists: ([name], { file }) => file?.(name) !== undefined,
  templatefile: ([name, variables], { file, render }) => render(file(name), variables),
  yamldecode: ([value]) => yaml().parse(value),
  yamlencode: ([value]) => yaml().stringify(value),
  base64encode: ([value]) => Buffer.from(value).toString('base64'),
  base64decode: ([value]) => Buffer.from(value, 'base64').toString(),
  urlencode: ([value]) => encodeURIComponent(value),
  md5: ([value]) => digest('md5', value),
  sha1: ([value]) => digest('sha1', value),
  sha256: ([value]) => digest('sha256', value),
  regex: ([pattern, value]) => matched(new RegExp(pattern).exec(value)),
  regexall: ([pattern, value]) => [...value.matchAll(new RegExp(pattern, 'g'))].map(matched),
  formatlist: ([pattern, ...lists]) => list(lists[0]).map((_, i) => format(pattern, lists.map((one) => (Array.isArray(one) ? one[i] : one)))),
  chunklist: ([values, size]) => Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size)),
  alltrue: ([values]) => values.every((value) => value === true || value === 'true'),
  anytrue: ([values]) => values.some((value) => value === true || value === 'true'),
  setintersection: (sets) => sets.reduce((left, right) => left.filter((value) => right.includes(value))),
  sum: ([values]) => values.reduce((total, value) => total + Number(value), 0),
  parseint: ([value, base]) => parseInt(value, base),
  pow: ([value, exponent]) => value ** exponent,
  strrev: ([value]) => [...value].reverse().join(''),
  chomp: ([value]) => value.replace(/(\r?\n)+$/, ''),
  indent: ([spaces, value]) => value.replaceAll('\n', `\n${' '.repeat(spaces)}`),
  sensitive: ([value]) => value,
  nonsensitive: ([value]) => value,
};
