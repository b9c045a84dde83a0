/* What the dialect of API Gateway's integrations needs of npm, as one module of its artifact (runtime/js/dialects/integration.js):
 * Velocity for mapping templates, JSONPath, and signatures. */
import path from 'node:path';
import * as esbuild from 'esbuild';

const FILE = '___libraries.cjs';
export const ENTRY = '___mayfly.cjs';
export const MODULE = 'libraries';

const SOURCE = `
export { Compile, parse } from 'velocityjs';
export { JSONPath } from 'jsonpath-plus';
export { default as aws4 } from 'aws4';
`;

let built = null;

async function libraries() {
  const { outputFiles: [{ contents }] } = await esbuild.build({
    stdin: { contents: SOURCE, resolveDir: path.dirname(import.meta.filename) },
    bundle: true, platform: 'node', format: 'cjs', minify: true, write: false, logLevel: 'silent',
  });
  return contents;
}

/** @returns {Promise<import('../artifact.js').ArtifactFiles>} */
export async function integrationFiles() {
  built ??= libraries();
  const entry = `exports.modules = { ${JSON.stringify(MODULE)}: () => require('./${FILE}') };\n`;
  return new Map([[ENTRY, Buffer.from(entry)], [FILE, await built]]);
}
