/* `builds` of older projects' vercel.json: each names files, and what builds them. */
import path from 'node:path';
import picomatch from 'picomatch';
import { escapePattern } from '../routes/order.js';
import { siteIn } from './site.js';

const NODE_BUILDERS = /^@(vercel|now)\/node(@|$)/;
const STATIC_BUILDERS = /^@(vercel|now)\/static(@|$)/;

/** @returns {{ glob: string, config: object }[]} of one kind of builder */
function buildsOf({ builds = [] }, builders) {
  const meant = builds.filter((build) => builders.test(build?.use ?? '')).map(({ src = '**', config }) => ({ src, config: config ?? {} }));
  return meant.filter(({ src }) => typeof src === 'string').map(({ src, config }) => ({ glob: src.replace(/^(\.?\/)+/, ''), config }));
}

/** An index is found at its folder, with a slash and without. */
function foldersOf(file) {
  const folder = path.posix.dirname(`/${file}`);
  return !/(^|\/)index\.[^./]+$/.test(file) ? [] : folder === '/' ? ['/'] : [folder, `${folder}/`];
}

/**
 * The function's URL is its file's name.
 * @param {(file: string) => boolean} isFunction what is a function without being named
 * @returns {{ file: string, url: string, build: { folders: string[], hasTwin: boolean, helpers?: false, include: string[] } }[]}
 */
export function builtFiles(files, config, isFunction) {
  const found = new Map();
  for (const { glob, config: own } of buildsOf(config, NODE_BUILDERS)) {
    const matching = files.list().filter((file) => path.matchesGlob(file, glob) && !isFunction(file) && !found.has(file));
    matching.forEach((file) => found.set(file, own));
  }
  const stem = (file) => file.replace(/\.[^.]+$/, '');
  const stems = Object.groupBy(found.keys(), stem);
  const isPlain = config.build?.env?.NODEJS_HELPERS === '0';
  return [...found].map(([file, own]) => ({
    file,
    url: `/${file}`,
    build: {
      folders: foldersOf(file),
      hasTwin: stems[stem(file)].length > 1,
      ...(own.helpers === false || isPlain ? { helpers: false } : {}),
      include: [own.includeFiles ?? []].flat().filter((pattern) => typeof pattern === 'string'),
    },
  }));
}

/** What `builds` names as files of the site, at the paths that they have in the project, and the folders that have a page; undefined: nothing. */
export function builtSite(context, config) {
  const globs = buildsOf(config, STATIC_BUILDERS).map(({ glob }) => glob);
  if (globs.length === 0) {
    return undefined;
  }
  const site = siteIn(context, '', 'vercel', false);
  const others = `^(?!(?:${globs.map((glob) => picomatch.makeRe(glob).source).join('|')}))`;
  const indexes = context.files.list().filter((file) => /(^|\/)index\.html$/.test(file) && globs.some((glob) => path.matchesGlob(file, glob)));
  const folders = indexes.map((file) => ({ static: true, dest: `/${file}`, src: `^${escapePattern(path.posix.dirname(`/${file}`)).replace(/\/$/, '')}/?$` }));
  return { site: { ...site, except: `${site.except}|${others}` }, indexes: folders };
}
