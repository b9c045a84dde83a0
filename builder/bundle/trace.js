/* The project's own files that its code reads when it runs (data, templates), or loads by their place (workers, programs
 * to fork), with what those import. They go to the same place in the artifact. */
import path from 'node:path';
import { transform } from 'esbuild';
import picomatch from 'picomatch';
import { loaderOf } from '../source.js';

/** A file without one of these words cannot name another file that is read. */
const READS = /\b(readFile|readFileSync|createReadStream|readdir|readdirSync|openSync|open|opendir|stat|statSync|existsSync|sendFile|__dirname|__filename|cwd|import\.meta)\b/;
const ASSETS_MAX = 2_000;

const NOTHING = { assets: [], loose: [] };

const traced = new Map();

/**
 * @param {import('../files.js').Files} files
 * @param {import('../project.js').Draft} draft
 * @param {string[]} inputs absolute paths of the files in its bundle
 * @returns {Promise<{ assets: string[], hasCode: boolean }>} relative to the project; hasCode: it may import packages
 */
export async function traceAssets(files, draft, inputs) {
  const included = includedFiles(files, draft.include ?? []);
  if (draft.dialect === 'worker') {
    return { assets: included, hasCode: false }; /* a Worker has no files */
  }
  const readers = inputs.filter((file) => isInside(files.project, file) && READS.test(textOf(files, file)));
  const found = readers.length > 0 ? await assetsOf(files, draft, readers, inputs) : NOTHING;
  return { assets: [...new Set([...included, ...found.assets])].sort(), hasCode: found.loose.length > 0 };
}

/** `includeFiles` of Vercel, `included_files` of Netlify: globs, `!` takes away again. */
function includedFiles(files, globs) {
  const chosen = new Set();
  for (const glob of globs) {
    const negative = glob.startsWith('!');
    const matches = picomatch(glob.replace(/^!/, '').replace(/^\.\//, ''), { dot: true });
    for (const file of files.list()) {
      if (matches(file) || matches(path.posix.dirname(file))) {
        negative ? chosen.delete(file) : chosen.add(file);
      }
    }
  }
  return [...chosen];
}

async function assetsOf(files, { name, root }, readers, inputs) {
  const known = traced.get(name);
  const keyWith = (loose) =>
    [...readers, ...loose].map((file) => `${file}\0${textOf(files, file)}`).join('\0') + files.list().join('\0');
  if (known && known.key === keyWith(known.loose)) {
    return known;
  }
  const found = await trace(files, root ?? files.project, readers, inputs);
  traced.set(name, { key: keyWith(found.loose), ...found });
  return found;
}

/** @returns {Promise<{ assets: string[], loose: string[] }>} loose: code among them, absolute */
async function trace(files, root, readers, inputs) {
  const { nodeFileTrace } = await import('@vercel/nft'); /* most projects do not need it, and it takes long to load */
  const { reasons } = await nodeFileTrace(readers, {
    base: files.project,
    processCwd: root,
    ts: true,
    mixedModules: true,
    ignore: (file) => file.includes('node_modules/') || isSecret(file),
    readFile: (file) => readForTrace(files, file),
    log: false,
  }).catch(() => ({ reasons: new Map() }));
  const bundled = new Set(inputs.map((file) => path.relative(files.project, file)));
  const loose = looseOf(reasons, bundled);
  const isKept = (file, type) => (type.includes('asset') || loose.has(file)) && files.has(file) && !isSecret(file);
  const assets = [...reasons].filter(([file, { type }]) => isKept(file, type)).map(([file]) => file).slice(0, ASSETS_MAX);
  return { assets, loose: [...loose].map((file) => files.absolute(file)) };
}

/** Code that no import of the bundle leads to, and all that it imports itself. */
function looseOf(reasons, bundled) {
  const isCode = (type) => type.includes('dependency') || type.includes('resolve');
  const loose = new Set();
  for (let size = -1; size < loose.size;) {
    size = loose.size;
    for (const [file, { type, parents, ignored }] of reasons) {
      const isFirst = type.includes('dependency') && !bundled.has(file);
      if (!ignored && (isFirst || (isCode(type) && [...parents].some((parent) => loose.has(parent))))) {
        loose.add(file);
      }
    }
  }
  return loose;
}

/** Variables reach a function by its environment; the file has those of all others. */
function isSecret(file) {
  return /(^|\/)(\.env(\..*)?|\.dev\.vars(\..*)?|\.npmrc|\.git\/.*)$/.test(file);
}

/** nft reads JavaScript: types are taken away first. */
async function readForTrace(files, file) {
  const relative = path.relative(files.project, file);
  if (!isInside(files.project, file) || !files.has(relative)) {
    return null;
  }
  const text = files.read(relative);
  const loader = loaderOf(file);
  if (loader === 'js' || !loader) {
    return text;
  }
  try {
    return (await transform(text, { loader, jsx: 'automatic', logLevel: 'silent', target: 'esnext' })).code;
  } catch {
    return '';
  }
}

function textOf(files, file) {
  return files.read(path.relative(files.project, file));
}

function isInside(folder, file) {
  return file.startsWith(`${folder}/`);
}
