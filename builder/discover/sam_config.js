/* samconfig.toml beside a template: what `sam` would be told of the stack, of its default environment. */
import path from 'node:path';
import { readToml } from './toml.js';

/** Commands whose parameters count, the last first: those of running it here before those of its deployment. */
const COMMANDS = ['global', 'build', 'deploy', 'local_start_api', 'local_invoke'];

const NAME = 'samconfig.toml';

/**
 * @typedef {{ stack: string|undefined, parameters: Record<string, string> }} SamConfig
 * @returns {SamConfig} of a template with a usual name
 */
export function readSamConfig(context, template) {
  return configIn(saidIn(context, path.posix.join(path.posix.dirname(template), NAME)));
}

/** @returns {({ file: string } & SamConfig)[]} templates that such files name, as they would be on the command line */
export function namedTemplates(context) {
  const { files } = context;
  return files.list().filter((file) => path.posix.basename(file) === NAME).flatMap((file) => {
    const said = saidIn(context, file);
    const name = said.map(({ template_file: long, template }) => long ?? template).findLast((one) => typeof one === 'string');
    const place = name === undefined ? undefined : path.posix.join(path.posix.dirname(file), name);
    return files.has(place) ? [{ file: place, ...configIn(said) }] : [];
  });
}

/** @returns {object[]} the parameters of commands */
function saidIn({ files, diagnostics }, file) {
  const config = files.has(file) ? readToml(files, file, diagnostics)?.default : undefined;
  return COMMANDS.map((command) => config?.[command]?.parameters ?? {});
}

function configIn(said) {
  return {
    stack: said.map(({ stack_name: name }) => name).findLast((name) => typeof name === 'string'),
    parameters: Object.assign({}, ...said.map(({ parameter_overrides: overrides }) => overridesOf(overrides))),
  };
}

/** `A=1 B="two words"`, a list of such, or `ParameterKey=A,ParameterValue=1`. */
function overridesOf(said) {
  if (typeof said === 'object' && said !== null && !Array.isArray(said)) {
    return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, String(value)]));
  }
  const text = [said ?? []].flat().join(' ').replace(/ParameterKey=([^,\s]+),ParameterValue=/g, '$1=');
  const pairs = text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)/g);
  const unquoted = (value) => value.replace(/^(["'])(.*)\1$/s, '$2').replaceAll('\\"', '"');
  return Object.fromEntries([...pairs].map(([, name, value]) => [name, unquoted(value)]));
}
