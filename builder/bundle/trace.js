/* The project's own files that its code reads when it runs: data, templates. They go to the same place in the artifact. */
import path from 'node:path';
import { nodeFileTrace } from '@vercel/nft';
import { transform } from 'esbuild';
import picomatch from 'picomatch';
import { loaderOf } from '../source.js';

/** A file without one of these words cannot name another file that is read. */
const READS = /\b(readFile|readFileSync|createReadStream|readdir|readdirSync|openSync|open|opendir|stat|statSync|existsSync|sendFile|__dirname|__filename|cwd|import\.meta)\b/;
const ASSETS_MAX = 2_000;

const traced = new Map();

/**
 * @param {import('../files.js').Files} files
 * @param {import('../project.js').Draft} draft
 * @param {string[]} inputs absolute paths of the files in its bundle
 * @returns {Promise<string[]>} relative to the project
 */
export async function traceAssets(files, draft, inputs) {
  const included = includedFiles(files, draft.include ?? []);
  if (draft.dialect === 'worker') {
    return included; /* a Worker has no files */
  }
  const readers = inputs.filter((file) => isInside(files.project, file) && READS.test(textOf(files, file)));
  const found = readers.length > 0 ? await assetsOf(files, draft, readers) : [];
  return [...new Set([...included, ...found])].sort();
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

async function assetsOf(files, { name, root }, readers) {
  const key = readers.map((file) => `${file}\0${textOf(files, file)}`).join('\0') + files.list().join('\0');
  const known = traced.get(name);
  if (known?.key === key) {
    return known.assets;
  }
  const assets = await trace(files, root ?? files.project, readers);
  traced.set(name, { key, assets });
  return assets;
}

async function trace(files, root, readers) {
  const { reasons } = await nodeFileTrace(readers, {
    base: files.project,
    processCwd: root,
    ts: true,
    mixedModules: true,
    ignore: (file) => file.includes('node_modules/') || isSecret(file),
    readFile: (file) => readForTrace(files, file),
    log: false,
  }).catch(() => ({ reasons: new Map() }));
  const assets = [];
  for (const [file, { type }] of reasons) {
    if (type.includes('asset') && files.has(file) && !isSecret(file) && assets.length < ASSETS_MAX) {
      assets.push(file);
    }
  }
  return assets;
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
