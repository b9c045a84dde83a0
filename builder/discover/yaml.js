/* YAML as the tools of AWS and the Serverless Framework read it: lines within brackets may begin anywhere. */
import { createRequire } from 'node:module';

/** What the parser says at, or just before, a line that it wants to be indented further. */
const OUTDENTED = /^Flow (map|sequence) in block collection must be sufficiently indented/;
const INDENT = ' '.repeat(64);
/** A bracket that is never closed would take in the rest of the file, line by line. */
const LINES_MAX = 200;

const require = createRequire(import.meta.url);

/** The package `yaml`, loaded by the first file that has some: its seventy modules are a sixth of the builder's start. */
export function yaml() {
  return require('yaml');
}

/**
 * @param {import('yaml').ParseOptions & import('yaml').DocumentOptions & import('yaml').SchemaOptions} options
 * @returns {import('yaml').Document.Parsed} with `errors` of the text as it is written
 */
export function parseYaml(text, options) {
  const { parseDocument } = yaml();
  const first = parseDocument(text, options);
  const again = { ...options, lineCounter: undefined }; /* it counts those of the text as it is written */
  const lines = text.split('\n');
  let document = first;
  for (let last = -1, tries = 0; document.errors.length > 0 && tries < LINES_MAX; tries += 1) {
    const fault = document.errors.find(({ message }) => OUTDENTED.test(message));
    const line = fault && Math.max(last + 1, lines.join('\n').slice(0, fault.pos[0]).split('\n').length - 1);
    if (!fault || line >= lines.length) {
      return first;
    }
    lines[line] = INDENT + lines[line];
    last = line;
    document = parseDocument(lines.join('\n'), again);
  }
  return document.errors.length > 0 ? first : document;
}
