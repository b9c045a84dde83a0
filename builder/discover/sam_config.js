/* samconfig.toml beside a template: what `sam` would be told of the stack, of its default environment. */
import path from 'node:path';
import { readToml } from './toml.js';

/** Commands whose parameters count, the last first: those of running it here before those of its deployment. */
const COMMANDS = ['global', 'deploy', 'local_start_api', 'local_invoke'];

/** @returns {{ stack: string|undefined, parameters: Record<string, string> }} */
export function readSamConfig({ files, diagnostics }, template) {
  const file = path.posix.join(path.posix.dirname(template), 'samconfig.toml');
  const config = files.has(file) ? readToml(files, file, diagnostics)?.default : undefined;
  const said = COMMANDS.map((command) => config?.[command]?.parameters ?? {});
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
