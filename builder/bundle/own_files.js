/* Each ES module of the project in a file of its own, as Node.js would load it. In one file, the imports of all would stand at its
 * top: one that does not link, or a package that throws, would fail every endpoint, and packages would run before the modules that
 * prepare them (`import './env.js'`).
 *
 * esbuild's splitting puts what the same entry points lead to into one file, so every module is an entry point. It keeps no order
 * between files (https://github.com/evanw/esbuild/issues/399): what a file imports, it imports once more at its top, in the order of
 * the source. */

/** The entry point of the modules that no endpoint is. What it makes itself is no part of the artifact. */
export const PARTS = 'mayfly:parts';
const PART = 'mayfly:part:';
export const CHUNK_NAMES = '___mayfly_[hash]';

const VIRTUAL = /^(?:[a-z-]+|\(disabled\)):/;
const CODE = /\.[cm]?[jt]sx?$/;

/**
 * Not the modules themselves are entry points: of those esbuild keeps `export *` of a package for who imports the file, and then finds
 * nothing of it for other modules.
 * @param {string} name PARTS, or what it imports
 * @param {string[]} parts
 */
export function partsSource(name, parts) {
  if (name.startsWith(PART)) {
    return `import ${JSON.stringify(`./${name.slice(PART.length)}`)};`;
  }
  return parts.map((part) => `import(${JSON.stringify(PART + part)});`).join('\n');
}

/**
 * @param {import('esbuild').Metafile} metafile
 * @param {string} entry the input that imports all endpoints
 * @returns {string[]} inputs that are to be files of their own, sorted; of modules that import each other the one that is reached
 *   first: the others are in its file, in the order in which they run
 */
export function partsOf({ inputs }, entry) {
  const walk = { inputs, number: new Map(), low: new Map(), stack: [], first: new Set(), later: [entry] };
  while (walk.later.length > 0) {
    const input = walk.later.pop();
    if (!walk.number.has(input)) {
      visit(walk, input);
    }
  }
  return [...walk.first].filter((input) => isPart(inputs, input)).sort();
}

function isPart(inputs, input) {
  return !VIRTUAL.test(input) && CODE.test(input) && !input.includes('node_modules/') && inputs[input].format !== 'cjs';
}

/** Tarjan's algorithm: the first of each strongly connected component. */
function visit(walk, input) {
  const own = walk.number.size;
  walk.number.set(input, own);
  walk.low.set(input, own);
  walk.stack.push(input);
  for (const { path, kind, external } of walk.inputs[input]?.imports ?? []) {
    if (external) {
      continue;
    }
    if (kind === 'dynamic-import') {
      walk.later.push(path);
    } else if (!walk.number.has(path)) {
      visit(walk, path);
      walk.low.set(input, Math.min(walk.low.get(input), walk.low.get(path)));
    } else if (walk.stack.includes(path)) {
      walk.low.set(input, Math.min(walk.low.get(input), walk.number.get(path)));
    }
  }
  if (walk.low.get(input) === own) {
    walk.first.add(input);
    walk.stack.length = walk.stack.indexOf(input);
  }
}

/**
 * @param {import('esbuild').BuildResult} result
 * @param {string} main the name of the output that imports all endpoints
 * @returns {{ path: string, contents: Uint8Array }[]} its files, each with its imports in the order of the source
 */
export function filesInOrder({ metafile: { inputs, outputs }, outputFiles }, main) {
  const places = Object.keys(outputs);
  const folder = places.find((place) => baseOf(place) === main).slice(0, -main.length);
  const files = new Map(outputFiles.map((file) => [baseOf(file.path), file]));
  const homes = new Map(places.flatMap((place) => contentsOf(outputs[place]).map((input) => [input, place])));
  const used = [...usedOf(outputs, folder + main)];
  const maps = used.map((place) => files.get(`${baseOf(place)}.map`)).filter(Boolean);
  return [...maps, ...used.map((place) => {
    const { path, contents } = files.get(baseOf(place));
    const imports = importsOf({ inputs, homes, place, output: outputs[place] });
    const pins = imports.map((it) => `import${JSON.stringify(outputs[it] ? `./${baseOf(it)}` : it)};`).join('');
    return { path, contents: Buffer.concat([Buffer.from(pins), contents]) };
  })];
}

/** What the main file leads to, and what is no code. */
function usedOf(outputs, main) {
  const used = new Set([main, ...Object.keys(outputs).filter((place) => !/\.mjs(\.map)?$/.test(place))]);
  for (const place of used) {
    outputs[place].imports.filter(({ path }) => outputs[path]).forEach(({ path }) => used.add(path));
  }
  return used;
}

/** Inputs of which something is in the file. */
function contentsOf({ inputs }) {
  return Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0);
}

/** @returns {string[]} outputs, and modules that stay outside, in the order in which Node.js would run them */
function importsOf({ inputs, homes, place, output }) {
  const outside = new Set(output.imports.filter(({ external }) => external).map(({ path }) => path));
  const found = new Set();
  const seen = new Set();
  const enter = (input) => {
    const home = homes.get(input);
    if (home && home !== place) {
      found.add(home);
    } else if (!seen.has(input)) {
      seen.add(input);
      inputs[input].imports.filter(({ kind }) => kind === 'import-statement').forEach(follow);
    }
  };
  const follow = ({ path, external, with: attributes }) => {
    if (!external) {
      enter(path);
    } else if (outside.has(path) && !attributes) {
      found.add(path);
    }
  };
  [...(output.entryPoint ? [output.entryPoint] : []), ...contentsOf(output)].forEach(enter);
  return [...found];
}

function baseOf(place) {
  return place.slice(place.lastIndexOf('/') + 1);
}
