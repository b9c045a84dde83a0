/* mayfly.json: what none of the platforms' files can say. Its schema is builder/mayfly.schema.json. */
import { findNodeAtLocation, parse, parseTree, printParseErrorCode } from 'jsonc-parser';
import { positionOf } from '../diagnostics.js';
import { checkConfig } from './config_check.js';

const FILE = 'mayfly.json';

/**
 * @typedef {object} JsonFile
 * @property {any} value undefined when the file does not parse
 */

/** Reads JSON with comments; a mistake is one diagnostic with its place. */
export function readJson(files, file, diagnostics) {
  const source = files.read(file);
  const faults = [];
  const value = parse(source, faults, { allowTrailingComma: true });
  if (faults.length > 0) {
    const what = printParseErrorCode(faults[0].error).replace(/(?<=[a-z])[A-Z]/g, ' $&').toLowerCase(); /* ValueExpected */
    const text = `${file} is not valid JSON: ${what}`;
    diagnostics.error(text, { file, source, ...positionOf(source, faults[0].offset) });
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    diagnostics.error(`${file} must hold a JSON object`, { file, line: 1, column: 1, source });
    return undefined;
  }
  return value;
}

/** Limits as users write them, and as the manifest has them. */
const LIMITS = {
  idleSeconds: { field: 'idle_s' },
  minInstances: { field: 'min_instances' },
  maxInstances: { field: 'max_instances' },
  concurrency: { field: 'concurrency' },
  memory: { field: 'memory_mb' },
  timeout: { field: 'timeout_ms', scale: 1000 },
  cpuMs: { field: 'cpu_ms' },
  tmp: { field: 'tmp_mb' },
  bodyMaxBytes: { field: 'body_max_bytes' },
  responseMaxBytes: { field: 'response_max_bytes' },
};

/**
 * @returns {object} the configuration; wrong members are reported and left out. `locate(path)` is where a member stands:
 *   `{ line, column }`, or `{}`
 */
export function readConfig(files, diagnostics) {
  const config = files.has(FILE) ? readJson(files, FILE, diagnostics) ?? {} : {};
  const locate = files.has(FILE) ? locator(files.read(FILE)) : () => ({});
  checkConfig(config, {
    wrong: (path, words) => diagnostics.error(`${FILE}: ${nameOf(path)}: ${words}`, { file: FILE, ...locate(path) }),
    unknown(path, known) {
      const within = path.length > 1 ? `${nameOf(path.slice(0, -1))}: ` : '';
      diagnostics.warn(`${FILE}: ${within}there is no "${path.at(-1)}"; there are ${known.join(', ')}`, { file: FILE, ...locate(path) });
    },
  });
  checkPatterns(config.env, locate, diagnostics);
  const { functions = {} } = config;
  return { ...config, limits: limitsOf(config), functions, locate };
}

/** As in `events.buckets.photos.notifications[0]`, `routes["/api/orders"]`. */
export function nameOf([first, ...others]) {
  const isPlain = (name) => /^[\w-]+$/.test(name) && typeof name === 'string';
  return [first, ...others.map((name) => (isPlain(name) ? `.${name}` : `[${JSON.stringify(name)}]`))].join('');
}

function locator(source) {
  let tree; /* only made when something is to be told */
  return (path) => {
    tree ??= parseTree(source, [], { allowTrailingComma: true }) ?? {};
    const node = tree.type && findNodeAtLocation(tree, path);
    return node ? positionOf(source, node.parent?.type === 'property' ? node.parent.offset : node.offset) : {};
  };
}

/** A pattern that is no regular expression is the schema's fault, not the variable's. */
function checkPatterns(env = {}, locate, diagnostics) {
  for (const [name, rule] of Object.entries(env)) {
    try {
      new RegExp(rule.pattern ?? '', 'u');
    } catch (error) {
      diagnostics.error(`${FILE}: env.${name}.pattern: ${error.message}`, { file: FILE, ...locate(['env', name, 'pattern']) });
      delete rule.pattern;
    }
  }
}

function limitsOf(entry) {
  const said = Object.entries(LIMITS).filter(([name]) => entry[name] !== undefined);
  return Object.fromEntries(said.map(([name, { field, scale = 1 }]) => [field, entry[name] * scale]));
}

/**
 * Limits of mayfly.json over what the platforms said: those for all, then those for one function. An entry names a
 * function ("lambda/thumbnail", or its last part if that is unique), or one endpoint's file or path, of which only
 * the time-out can differ from its group's.
 * @param {import('../project.js').Draft[]} drafts
 */
export function applyOverrides(drafts, { config, diagnostics }) {
  for (const draft of drafts) {
    Object.assign(draft, config.limits);
  }
  for (const [name, entry] of Object.entries(config.functions)) {
    const limits = limitsOf(entry);
    const draft = findDraft(drafts, name);
    const endpoint = drafts.flatMap((d) => d.endpoints).find((e) => [e.name, e.file, e.module].includes(name));
    if (draft) {
      Object.assign(draft, limits);
      Object.assign(draft.env, strings(entry.environment));
    } else if (entry.handler !== undefined) {
      continue; /* one that cannot be made, which has been told */
    } else if (endpoint) {
      endpoint.timeout_ms = limits.timeout_ms ?? endpoint.timeout_ms;
      warnOfMore(drafts, { config, diagnostics }, name, entry);
    } else {
      diagnostics.warn(`${FILE}: there is no function "${name}"`, { file: FILE, ...config.locate(['functions', name]) });
    }
  }
}

/** The other limits are those of a process, and so of all that it serves. */
function warnOfMore(drafts, { config, diagnostics }, name, entry) {
  const more = Object.keys(entry).filter((member) => member !== 'timeout');
  if (more.length > 0) {
    const { name: fn } = drafts.find(({ endpoints }) => endpoints.some((e) => [e.name, e.file, e.module].includes(name)));
    const text = `${FILE}: ${nameOf(['functions', name])}: of a route only "timeout" can be set; ${more.join(', ')} can be set of its function, "${fn}"`;
    diagnostics.warn(text, { file: FILE, ...config.locate(['functions', name]) });
  }
}

/** By its name, or its last part if that is unique. */
export function findDraft(drafts, name) {
  const byEnd = drafts.filter((draft) => draft.name.endsWith(`/${name}`));
  return drafts.find((draft) => draft.name === name) ?? (byEnd.length === 1 ? byEnd[0] : undefined);
}

export function strings(object) {
  return Object.fromEntries(
    Object.entries(object ?? {}).filter(([, value]) => value != null)
      .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  );
}
