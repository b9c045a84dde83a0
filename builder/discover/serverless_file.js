/* Files of the Serverless Framework: YAML, JSON, or programs that export the same (serverless.ts). Those are evaluated, not
 * run: see builder/evaluate/interpret.js. */
import path from 'node:path';
import { Unfinished, isObject, objectOf } from '../evaluate/interpret.js';
import { evaluateModule } from '../evaluate/modules.js';
import { customTags } from './sam_template.js';
import { parseYaml } from './yaml.js';

const DEPTH_MAX = 50;

export const isProgram = (file) => /\.[cm]?[jt]s$/.test(file);

/**
 * @param {import('./context.js').Context} context
 * @param {string} file
 * @param {string} folder that the framework is run in
 * @returns {Promise<any>} what it says; undefined when that is not known
 * @throws when it does not parse
 */
export async function readServerlessFile(context, file, folder) {
  if (!isProgram(file)) {
    return parse(context.files.read(file));
  }
  return evaluateFile(context, file, folder).catch((error) => {
    if (error instanceof Unfinished || error instanceof RangeError) return undefined;
    throw error;
  });
}

function parse(text) {
  const document = parseYaml(text, { customTags, logLevel: 'silent', merge: true, uniqueKeys: false });
  if (document.errors.length > 0) {
    throw document.errors[0];
  }
  return document.toJS();
}

async function evaluateFile({ files, env, project }, file, folder) {
  const process = objectOf([['env', objectOf(Object.entries(env))], ['cwd', () => path.join(project, folder)]]);
  const { interpreter, exports } = (await evaluateModule(files, file, { names: { process }, modules: {} })) ?? {};
  const value = exports?.default ?? exports;
  const call = (fn) => interpreter.call(fn, [objectOf([['options', objectOf([])]])]);
  return plain(value, call, 0);
}

/** Functions are called for what they give; what is not known is undefined. */
function plain(value, call, depth) {
  if (typeof value === 'function') {
    return depth > DEPTH_MAX ? undefined : plain(call(value), call, depth + 1);
  }
  if (Array.isArray(value)) {
    return value.map((entry) => plain(entry, call, depth + 1));
  }
  if (isObject(value)) {
    return depth > DEPTH_MAX ? undefined : Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry, call, depth + 1)]));
  }
  return ['string', 'number', 'boolean'].includes(typeof value) || value === null ? value : undefined;
}
