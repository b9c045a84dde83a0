/* A site that is the project's own folder, as Vercel and Netlify have it of a project without a build.
 *
 * What lies there for the platform or for its tools is no page: Vercel's list is in its packages/fs-detectors
 * (VERCEL_PLATFORM_FILES). What git ignores is not deployed, nor served by `vercel dev`. What is hidden is kept back, too,
 * but .well-known: .env has secrets in it. */
import path from 'node:path';
import { escapePattern } from '../routes/order.js';
import { ignoredFiles } from './ignored_files.js';
import { readJson } from './mayfly_json.js';

const HIDDEN = '(?:^|/)\\.(?!well-known(?:/|$))';
const PACKAGES = '(?:^|/)node_modules(?:/|$)';
const OF_PLATFORMS = '^(?:api|netlify)(?:/|$)';
const OF_TOOLS = '^(?:middleware\\.[jt]s|(?:package|package-lock|vercel|mayfly)\\.json|yarn\\.lock|pnpm-lock\\.yaml|bun\\.lockb?|netlify\\.toml|README\\.md)$';
const KEPT_BACK = [HIDDEN, PACKAGES, OF_PLATFORMS, OF_TOOLS];

const IGNORED_MAX = 16_000; /* so that classes of characters, of which each takes twice its text, stay in the 64 KB of a pattern */

/** Scripts that make a site elsewhere. */
const BUILD_SCRIPTS = ['vercel-build', 'now-build', 'build'];

/**
 * @param {string} folder relative to the project, '' for the project itself
 * @param {string} platform
 * @param {boolean} isBuilt what a build makes is ignored by git, and is the site
 * @returns {{ prefix: string, directory: string, except?: string }}
 */
export function siteIn({ project, files, diagnostics }, folder, platform, isBuilt) {
  const site = { prefix: '/', directory: path.join(project, folder) };
  if (folder !== '') {
    return site;
  }
  const volumes = files.volumes.map((volume) => `^${escapePattern(volume)}(?:/|$)`); /* what functions keep is no page either */
  const ignored = isBuilt ? [] : ignoredFiles(files, platform);
  if (ignored.join('|').length > IGNORED_MAX) {
    diagnostics.warn('.gitignore has more rules than can be looked at for each request: what it ignores is served');
    ignored.length = 0;
  }
  return { ...site, except: [...KEPT_BACK, ...volumes, ...ignored].join('|') };
}

/** Whether the project's own folder is a site: it need not have an index. */
export const hasPage = (files) => files.list().some((file) => /^[^/]+\.html$/.test(file));

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
