/* Decorators whose metadata frameworks live by (NestJS, TypeORM): TypeScript and SWC make those, esbuild does not. Where a
 * project asks for them, what its own compiler has made is served in the place of the source. */
import path from 'node:path';
import { readJson } from './mayfly_json.js';

/**
 * @param {import('./context.js').Context} context
 * @param {object} manifest package.json
 * @param {string} file the program
 * @returns {string} the program that runs
 */
export function withDecorators({ files, diagnostics }, manifest, file) {
  const isTyped = /\.[cm]?tsx?$/.test(file) && files.has('tsconfig.json');
  const options = (isTyped && readJson(files, 'tsconfig.json', diagnostics)?.compilerOptions) || {};
  if (options.emitDecoratorMetadata !== true) {
    return file;
  }
  const compiled = compiledFrom(files, file, options);
  const command = manifest.scripts?.build ? 'npm run build' : 'npx tsc';
  const why = 'only the project\'s own compiler makes what its decorators need (emitDecoratorMetadata)';
  const text = compiled ? `${compiled} is served: ${why}. Run \`${command}\` again after changes` : `${why}: run \`${command}\`, and what that makes is served`;
  diagnostics.warn(text, { file });
  return compiled ?? file;
}

function compiledFrom(files, file, { outDir = 'dist' }) {
  const stem = file.replace(/\.([cm]?)tsx?$/, '.$1js');
  return [stem.replace(/^src\//, ''), stem].map((name) => path.posix.join(outDir, name)).find((name) => files.has(name));
}
