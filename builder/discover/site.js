/* A site that is the project's own folder, as Vercel and Netlify have it of a project without a build.
 *
 * What lies there for the platform or for its tools is no page: Vercel's list is in its packages/fs-detectors
 * (VERCEL_PLATFORM_FILES). What is hidden is kept back, too, but .well-known: .env has secrets in it. */
import path from 'node:path';
import { escapePattern } from '../routes/order.js';
import { readJson } from './mayfly_json.js';

const HIDDEN = '(?:^|/)\\.(?!well-known(?:/|$))';
const PACKAGES = '(?:^|/)node_modules(?:/|$)';
const OF_PLATFORMS = '^(?:api|netlify)(?:/|$)';
const OF_TOOLS = '^(?:middleware\\.[jt]s|(?:package|package-lock|vercel|mayfly)\\.json|yarn\\.lock|pnpm-lock\\.yaml|bun\\.lockb?|netlify\\.toml|README\\.md)$';
const KEPT_BACK = [HIDDEN, PACKAGES, OF_PLATFORMS, OF_TOOLS];

/** Scripts that make a site elsewhere. */
const BUILD_SCRIPTS = ['vercel-build', 'now-build', 'build'];

/** @returns {{ prefix: string, directory: string, except?: string }} `folder`: relative to the project, '' for the project itself */
export function siteIn({ project, files }, folder) {
  const volumes = files.volumes.map((volume) => `^${escapePattern(volume)}(?:/|$)`); /* what functions keep is no page either */
  return { prefix: '/', directory: path.join(project, folder), ...(folder === '' ? { except: [...KEPT_BACK, ...volumes].join('|') } : {}) };
}

/** Whether a script of the project builds its site. */
export function hasBuildScript({ files, diagnostics }) {
  const { scripts } = (files.has('package.json') && readJson(files, 'package.json', diagnostics)) || {};
  return BUILD_SCRIPTS.some((name) => typeof scripts?.[name] === 'string');
}

/** A folder as it is configured, relative to the project: '' for the project itself, undefined when it leads out of it. */
export function folderInProject(folder, base = '') {
  if (typeof folder !== 'string') {
    return undefined;
  }
  const joined = path.posix.normalize(path.posix.join('.', base, folder.replace(/^\/+/, ''))).replace(/\/$/, '');
  return joined.startsWith('..') ? undefined : joined === '.' ? '' : joined;
}
