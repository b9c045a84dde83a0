/* Programs in TypeScript that the project's own compiler has made JavaScript of: which of the two is served.
 *
 * esbuild makes what tsc would, so the source is, where it is newer. But for decorators whose metadata frameworks live by
 * (NestJS, TypeORM): only TypeScript and SWC make those. There the compiled program is, and what it lacks is told. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { readJson } from './mayfly_json.js';

const TYPED = /\.[cm]?tsx?$/;
const TESTED = /\.(spec|test|d)\.[cm]?tsx?$/;
const COMPILED = /^(?:dist|build|lib|out)\/(.*?)(?:\.([cm]?)js)?$/;
const DECORATOR = /^\s*@[A-Za-z_$][\w$.]*\s*\(/m;
const WATCHING = /(^|\s)(nest build|tsc|tsup|swc)(\s[^&|;]*)?$/;

/** The source that a compiled file is of, by where compilers put it. */
export function sourcesOf(file) {
  const [, stem, kind = ''] = COMPILED.exec(file) ?? [];
  return stem ? [`src/${stem}.${kind}ts`, `${stem}.${kind}ts`] : [];
}

/**
 * @param {import('./context.js').Context} context
 * @param {object} manifest package.json
 * @param {string} file the program, either of the two
 * @returns {{ file: string, source?: string, fault?: string }} the program that runs; source: what it was compiled of; fault:
 *   why it cannot run
 */
export function newestProgram(context, manifest, file) {
  const { files } = context;
  const source = sourceFor(files, file);
  if (!source) {
    return { file };
  }
  const isNewest = file !== source && !newerThan(files, file, programOf(files, source));
  return byCompiler(context, manifest, file) ?? (isNewest ? { file, source } : { file: source });
}

/** The same where only the project's compiler makes what the program needs; else null: esbuild does as well. */
export function byCompiler(context, manifest, file) {
  const { files, diagnostics } = context;
  const source = sourceFor(files, file);
  const options = (source && files.has('tsconfig.json') && readJson(files, 'tsconfig.json', diagnostics)?.compilerOptions) || {};
  if (options.emitDecoratorMetadata !== true) {
    return null;
  }
  const typed = programOf(files, source);
  if (!typed.some((name) => DECORATOR.test(files.read(name)))) {
    return null;
  }
  const compiled = file === source ? compiledFrom(files, file, options) : file;
  const newer = compiled && newerThan(files, compiled, typed);
  const fault = told(manifest, compiled, newer);
  diagnostics[compiled ? 'warn' : 'error'](fault, { file: newer || source });
  return compiled ? { file: compiled, source } : { file: source, fault };
}

const sourceFor = (files, file) => (TYPED.test(file) ? file : sourcesOf(file).find((name) => files.has(name)));
const programOf = (files, source) => typedBeside(files, source).filter((name) => !TESTED.test(name));

/** @returns {string[]} what is TypeScript in the folder of the program and below */
export function typedBeside(files, source) {
  const folder = path.posix.dirname(source);
  return files.list().filter((name) => TYPED.test(name) && (folder === '.' || name.startsWith(`${folder}/`)));
}

function compiledFrom(files, file, { outDir = 'dist' }) {
  const stem = file.replace(/\.([cm]?)tsx?$/, '.$1js');
  return [stem.replace(/^src\//, ''), stem].map((name) => path.posix.join(outDir, name)).find((name) => files.has(name));
}

/** A source that changed after the last compilation, which may have left alone what did not. */
function newerThan(files, compiled, typed) {
  const [folder] = compiled.split('/');
  const timeOf = (name) => statSync(files.absolute(name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const made = Math.max(...files.list().filter((name) => name.startsWith(`${folder}/`)).map(timeOf));
  return typed.find((name) => timeOf(name) > made);
}

function told({ scripts }, compiled, newer) {
  const command = scripts?.build ? 'npm run build' : 'npx tsc';
  const why = 'only the project\'s own compiler makes what its decorators need (emitDecoratorMetadata)';
  if (!compiled) {
    return `${why}: run \`${command}\`, and what that makes is served`;
  }
  const again = WATCHING.test(scripts?.build ?? 'tsc') ? `\`${command}${scripts?.build ? ' --' : ''} --watch\` beside this` : `\`${command}\` again after changes`;
  return newer ? `it has changed since ${compiled} was made, which is served: run ${again}` : `${compiled} is served: ${why}. Run ${again}`;
}
