/* mayfly.json: what none of the platforms' files can say. Its schema is builder/mayfly.schema.json. */
import { parse, printParseErrorCode } from 'jsonc-parser';
import { positionOf } from '../diagnostics.js';
import { findUnknown } from './unknown_members.js';

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
    const text = `${file} is not valid JSON: ${printParseErrorCode(faults[0].error)}`;
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
  idleSeconds: { field: 'idle_s', min: 0, max: 86_400 },
  minInstances: { field: 'min_instances', min: 0, max: 1000, integer: true },
  maxInstances: { field: 'max_instances', min: 1, max: 10_000, integer: true },
  concurrency: { field: 'concurrency', min: 1, max: 10_000, integer: true },
  memory: { field: 'memory_mb', min: 32, max: 65_536, integer: true },
  timeout: { field: 'timeout_ms', min: 0.001, max: 86_400, scale: 1000 },
  cpuMs: { field: 'cpu_ms', min: 0, max: 86_400_000, integer: true },
  tmp: { field: 'tmp_mb', min: 1, max: 10_240, integer: true },
  bodyMaxBytes: { field: 'body_max_bytes', min: 0, max: 2 ** 40, integer: true },
  responseMaxBytes: { field: 'response_max_bytes', min: 0, max: 2 ** 40, integer: true },
};

/** @returns {object} the configuration; wrong members are reported and left out */
export function readConfig(files, diagnostics) {
  const config = files.has('mayfly.json') ? readJson(files, 'mayfly.json', diagnostics) ?? {} : {};
  const where = { file: 'mayfly.json' };
  findUnknown(config, (member, name, known) => {
    diagnostics.warn(`mayfly.json: ${member ? `${member}: ` : ''}there is no "${name}"; there are ${known.join(', ')}`, where);
  });
  const functions = isObject(config.functions) ? config.functions : {};
  if (config.functions !== undefined && !isObject(config.functions)) {
    diagnostics.error('mayfly.json: "functions" must be an object of name to settings', where);
  }
  const limits = readLimits(config, 'mayfly.json', diagnostics);
  const checked = Object.entries(functions).filter(([name, entry]) => {
    if (!isObject(entry)) {
      diagnostics.error(`mayfly.json: functions.${name} must be an object`, where);
    }
    return isObject(entry);
  });
  const env = checkedSchema(config.env, diagnostics);
  return { ...config, env, limits, functions: Object.fromEntries(checked) };
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A pattern that is no regular expression is the schema's fault, not the variable's. */
function checkedSchema(schema, diagnostics) {
  if (schema !== undefined && !isObject(schema) && !Array.isArray(schema)) {
    diagnostics.error('mayfly.json: "env" must be an object of name to rule, or a list of names', { file: 'mayfly.json' });
    return {};
  }
  for (const [name, rule] of Object.entries(schema ?? {})) {
    try {
      if (rule?.pattern !== undefined) {
        new RegExp(rule.pattern, 'u');
      }
    } catch (error) {
      diagnostics.error(`mayfly.json: env.${name}.pattern: ${error.message}`, { file: 'mayfly.json' });
      delete rule.pattern;
    }
  }
  return schema ?? {};
}

function readLimits(entry, where, diagnostics) {
  const limits = {};
  for (const [name, rule] of Object.entries(LIMITS)) {
    const value = entry[name];
    if (value === undefined) {
      continue;
    }
    const valid = typeof value === 'number' && value >= rule.min && value <= rule.max;
    if (!valid || (rule.integer && !Number.isInteger(value))) {
      const kind = rule.integer ? 'a whole number' : 'a number';
      diagnostics.error(`${where}: ${name} must be ${kind} from ${rule.min} to ${rule.max}`, { file: 'mayfly.json' });
    } else {
      limits[rule.field] = rule.scale ? value * rule.scale : value;
    }
  }
  return limits;
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
    const limits = readLimits(entry, `mayfly.json: functions.${name}`, diagnostics);
    const draft = findDraft(drafts, name);
    const endpoint = drafts.flatMap((d) => d.endpoints).find((e) => [e.name, e.file, e.module].includes(name));
    if (draft) {
      Object.assign(draft, limits);
      if (isObject(entry.environment)) {
        Object.assign(draft.env, strings(entry.environment));
      }
    } else if (endpoint) {
      endpoint.timeout_ms = limits.timeout_ms ?? endpoint.timeout_ms;
    } else {
      diagnostics.warn(`mayfly.json: there is no function "${name}"`, { file: 'mayfly.json' });
    }
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
