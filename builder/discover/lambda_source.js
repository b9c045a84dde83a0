/* From a handler's name to the source file that has it. */
import path from 'node:path';
import { inspect } from '../source.js';
import { byCompiler } from './compiled.js';
import { readPackage } from './server_main.js';

const EXTENSIONS = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx'];
const SOURCE = /\.[cm]?[jt]sx?$/;
const NOT_LAMBDA = /(^|\/)(app|pages|api|netlify|public|test|tests|__tests__|spec)\/|\.(test|spec|config|d)\.[^/]*$/;
/** Folders that people give to such code, the likeliest first. */
const HOMES = ['lambda', 'lambdas', 'functions', 'src', 'handlers'];

/** "dir/file.a.b" is the module "dir/file" and the export "a.b". */
export function splitHandler(handler) {
  const match = /^((?:[^/]+\/)*[^/.]+)\.([^/]+)$/.exec(String(handler).replace(/^\.\//, ''));
  return match && !handler.includes('..') ? { module: match[1], property: match[2].split('.')[0] } : null;
}

/**
 * @param {import('./context.js').Context} context
 * @param {import('./lambda.js').Declaration} declaration
 * @param {string} handler
 * @returns {Promise<{ file: string, root: string }|null>} root: the folder that stands for /var/task
 */
export async function findHandlerFile(context, declaration, handler) {
  const { module, property } = splitHandler(handler);
  const { folder, sourceFile, name, absent } = declaration;
  const { files } = context;
  if (sourceFile !== undefined) {
    const file = withExtension(files, sourceFile.replace(SOURCE, '')) ?? (files.has(sourceFile) ? sourceFile : null);
    if (file) {
      return { file, root: path.posix.dirname(file).replace(/^\.$/, '') };
    }
  }
  if (folder !== undefined) {
    const file = withExtension(files, path.posix.join(folder, module)) ?? sourceOfBuilt(files, path.posix.join(folder, module));
    if (file) {
      return { file: compiled(context, file), root: folder };
    }
  }
  const built = absent !== undefined && sourceOfBuilt(files, path.posix.join(absent, module));
  if (built) {
    return { file: compiled(context, built), root: path.posix.dirname(absent).replace(/^\.$/, '') };
  }
  const guess = fileOfPath(files, module) ?? await guessFile(files, name, module, property);
  if (guess) {
    context.log('info', `lambda ${name}: its code is taken from ${guess} (handler ${handler}${whyNotThere(declaration)})`);
  }
  return guess ? { file: guess, root: '' } : null;
}

/** A handler of NestJS and the like, whose decorators only the project's compiler understands. */
function compiled(context, file) {
  const manifest = context.files.has('package.json') ? readPackage(context) : null;
  return byCompiler(context, manifest ?? {}, file)?.file ?? file;
}

/** Whether the project has a folder of that path, which is empty for itself. */
export function hasFolder(files, folder) {
  return folder === '' || files.list().some((file) => file.startsWith(`${folder}/`));
}

/** Of the code that is named, for the end of a sentence. */
export function whyNotThere({ missing, archive }) {
  return archive ? `; ${archive} is not unpacked` : missing ? `; ${missing} does not exist` : '';
}

/**
 * The exports that a handler's file has in the place of the one that is wanted, null if it may have it: only a file that does
 * not know the word at all is sure to lack it.
 * @param {import('../files.js').Files} files
 * @returns {Promise<string[]|null>}
 */
export async function exportsInstead(files, file, handler) {
  const { property } = splitHandler(handler);
  const text = files.read(file);
  const facts = text.includes(property) ? null : await inspect(file, text);
  return facts && !facts.open ? [...facts.exports.keys()] : null;
}

/** What is not built yet has its source beside the folder that it is built into, mostly in one that says so. */
function sourceOfBuilt(files, stem) {
  const match = /^(?:(.*)\/)?(?:dist|build|out|lib|\.build)\/(.+)$/.exec(stem);
  if (!match) {
    return null;
  }
  const [, above = '', rest] = match;
  const stems = [path.posix.join(above, 'src', rest), path.posix.join(above, rest)];
  return stems.map((one) => withExtension(files, one)).find(Boolean) ?? null;
}

function withExtension(files, stem) {
  const found = EXTENSIONS.find((extension) => files.has(stem + extension));
  return found ? stem + found : null;
}

/** A handler that names a folder, too, means that of the project; "index" alone could be any function's. */
function fileOfPath(files, module) {
  return module.includes('/') ? withExtension(files, module) : null;
}

/** Named like the function, or in a folder named so, or like the handler in a usual place; and it exports it. */
async function guessFile(files, name, module, property) {
  const names = new Set([name, name.replaceAll('_', '-'), name.replaceAll('-', '_'), camel(name)]);
  const ranked = files
    .list()
    .filter((file) => SOURCE.test(file) && !NOT_LAMBDA.test(file))
    .map((file) => ({ file, rank: rankOf(file, names, module) }))
    .filter(({ rank }) => rank !== null)
    .sort((a, b) => a.rank - b.rank || a.file.length - b.file.length || (a.file < b.file ? -1 : 1));
  for (const { file } of ranked) {
    const facts = await inspect(file, files.read(file));
    if (!facts || facts.open || facts.exports.has(property)) {
      return file;
    }
  }
  return null;
}

function camel(name) {
  return name.replace(/[-_](.)/g, (_, letter) => letter.toUpperCase());
}

function rankOf(file, names, module) {
  const { dir, name } = path.posix.parse(file);
  const folders = dir.split('/');
  const home = HOMES.includes(folders[0]) ? HOMES.indexOf(folders[0]) : HOMES.length;
  if (names.has(name)) {
    return home;
  }
  if (folders.some((folder) => names.has(folder)) && [module, 'index', 'handler'].includes(name)) {
    return 10 + home;
  }
  const isUsual = dir === '' || (folders.length === 1 && HOMES.includes(dir));
  return isUsual && file.replace(SOURCE, '').endsWith(module) ? 20 + home : null;
}
