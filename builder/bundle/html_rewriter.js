/* HTMLRewriter is a global of Workers that Node.js lacks: a worker that names it gets the package that is it. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const PACKAGE = 'html-rewriter-wasm';
const TARGET = '___modules/html-rewriter';

/**
 * @param {import('../artifact.js').ArtifactFiles} files of a worker's artifact; the package's are added if needed
 * @returns {object} settings for the runtime
 */
export function addHtmlRewriter(files) {
  const isNamed = [...files].some(([name, entry]) => /\.[cm]js$/.test(name) && mentions(entry));
  if (!isNamed) {
    return {};
  }
  const main = createRequire(import.meta.url).resolve(PACKAGE);
  const folder = path.dirname(main);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isFile()) {
      files.set(`${TARGET}/${entry.name}`, { copy: path.join(folder, entry.name) });
    }
  }
  return { html_rewriter: `/var/task/${TARGET}/${path.basename(main)}` };
}

function mentions(entry) {
  return entry instanceof Uint8Array && Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).includes('HTMLRewriter');
}
