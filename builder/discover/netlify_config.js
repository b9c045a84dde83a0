/* netlify.toml, _redirects and _headers. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import picomatch from 'picomatch';
import { isFolder, NETLIFY_BUILT } from '../files.js';
import { ruleRoutes } from '../routes/netlify.js';
import { escapePattern } from '../routes/order.js';
import { readJson, strings } from './mayfly_json.js';
import { hasSigns, isAlone } from './platforms.js';
import { folderInProject, hasBuildScript, hasPage } from './site.js';
import { readToml } from './toml.js';

const FILE = 'netlify.toml';
/** The same of a framework, which its build writes: https://docs.netlify.com/build/frameworks/frameworks-api/ */
const BUILT_FILE = '.netlify/v1/config.json';
/** Where frameworks' builds put the site: Netlify knows by the framework, React Router's before Astro's and SvelteKit's. */
const BUILT_SITES = ['build/client', 'dist/client', 'dist', 'build'];

/**
 * @param {import('./context.js').Context} context
 * @returns {{ functionsFolder?: string, publish?: string, isBuilt: boolean, environment: object, redirects: object[], headers: object[],
 *   functionRule: (name: string) => { included: string[], settings: object } }}
 */
export function readNetlifyToml(context) {
  const { files, diagnostics, development } = context;
  const config = files.has(FILE) ? readToml(files, FILE, diagnostics) ?? {} : {};
  const base = inProject(config.build?.base) ?? '';
  const functions = typeof config.functions === 'object' ? config.functions : {};
  const directory = typeof functions.directory === 'string' ? functions.directory : config.build?.functions;
  const section = config.context?.[development ? 'dev' : 'production'] ?? {};
  const built = (files.has(BUILT_FILE) && readJson(files, BUILT_FILE, diagnostics)) || {};
  const isBuilt = Boolean(config.build?.command) || hasBuildScript(context);
  const publish = folderInProject(config.build?.publish, base);
  tellAbsent(context, isBuilt ? {} : { publish, functions: inProject(directory, base) });
  const both = (member) => [config, built].flatMap((one) => (Array.isArray(one[member]) ? one[member] : []));
  return {
    functionsFolder: inProject(directory, base),
    isBuilt,
    publish: publishFolder(context, publish),
    edgeFunctionsFolder: inProject(config.build?.edge_functions, base),
    edgeFunctions: both('edge_functions'),
    environment: strings({ ...config.build?.environment, ...section.environment }),
    redirects: both('redirects'),
    headers: both('headers'),
    functionRule: (name) => functionRule(functions, name),
  };
}

/** Folders that are named and are not there, of a project without a build, which would make them. */
function tellAbsent({ files, diagnostics }, folders) {
  for (const [setting, folder] of Object.entries(folders)) {
    if (folder && !isFolder(files.absolute(folder))) {
      diagnostics.warn(`${FILE}: ${setting}: there is no folder ${folder}`, { file: FILE });
    }
  }
}

/** @returns {string|undefined} the folder of the site, when there is anything in it; '' is the project itself */
function publishFolder(context, configured) {
  const { files } = context;
  const hasFiles = (folder) => files.list().some((file) => folder === '' || file.startsWith(`${folder}/`));
  if (configured !== undefined) {
    return hasFiles(configured) ? configured : undefined;
  }
  if (NETLIFY_BUILT.some((name) => hasFiles(`.netlify/${name}`))) {
    return BUILT_SITES.find(hasFiles);
  }
  const isPages = hasPage(files) && hasSigns(files, 'netlify') && isAlone(files, 'netlify') && !hasBuildScript(context);
  return isPages ? '' : undefined;
}

/** One of the project's folders; the project itself is none. */
function inProject(folder, base = '') {
  return folderInProject(folder, base) || undefined;
}

/** [functions] for all, [functions."glob"] for some. */
function functionRule(functions, name) {
  const settings = {};
  const included = [];
  const sections = Object.entries(functions).filter(
    ([key, value]) => typeof value === 'object' && !Array.isArray(value) && (key === name || picomatch(key)(name)),
  );
  for (const section of [functions, ...sections.map(([, value]) => value)]) {
    included.push(...[section.included_files ?? []].flat().filter((glob) => typeof glob === 'string'));
    if (typeof section.schedule === 'string') {
      settings.schedule = section.schedule;
    }
  }
  return { included, settings };
}

/**
 * Rules of _redirects come before those of netlify.toml, as Netlify has it.
 * @returns {{ phase: string, route: object }[]}
 */
export function configuredRules(context, config) {
  const { files } = context;
  const folders = [...new Set([config.publish ?? '', ''])];
  const inFolder = (name) => folders.map((f) => (f ? `${f}/${name}` : name)).find((file) => files.has(file));
  const redirectsFile = inFolder('_redirects') ?? (files.has('public/_redirects') ? 'public/_redirects' : undefined);
  const headersFile = inFolder('_headers') ?? (files.has('public/_headers') ? 'public/_headers' : undefined);
  const rules = [
    ...(redirectsFile ? parseRedirects(context, redirectsFile) : []),
    ...config.redirects.map((entry, i) => tomlRule(entry, i, context.diagnostics)),
  ];
  const headers = [
    ...(headersFile ? parseHeaders(files.read(headersFile)) : []),
    ...config.headers.map((entry) => ({ path: entry?.for, values: headerValues(entry?.values) })),
  ];
  return [...headers.map(headerRoute).filter(Boolean), ...rules.filter(Boolean).flatMap((rule) => checkedRule(withPage(rule, context, config), context))];
}

/** Several values are a list, or a text of several lines with commas. */
function headerValues(values) {
  const joined = (value) => [value].flat().join(',').trim().split(/\s*,\s*/).join(', ');
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name.trim(), joined(value)]));
}

/** The page of a status is found as other pages are: /lost is lost.html. */
function withPage(rule, { files }, { publish = '' }) {
  const page = `${rule.to}.html`;
  const isPage = rule.status >= 400 && /^\/[^:]*[^/:]$/.test(rule.to) && existsSync(files.absolute(path.posix.join(publish, page)));
  return isPage && !existsSync(files.absolute(path.posix.join(publish, rule.to))) ? { ...rule, to: page } : rule;
}

function checkedRule(rule, { diagnostics }) {
  if (rule.conditions.Role) {
    diagnostics.warn(`the redirect from ${rule.from} depends on a role of Netlify Identity, which is not known here: left out`, {
      file: rule.file,
    });
    return [];
  }
  return ruleRoutes(rule);
}

function tomlRule(entry, i, diagnostics) {
  const { from, to, status = 301, force = false, query, conditions, headers } = entry ?? {};
  if (typeof from !== 'string' || (typeof to !== 'string' && status < 400) || !Number.isInteger(status)) {
    diagnostics.error(`${FILE}: redirects[${i}] needs "from", "to" and a whole number as status`, { file: FILE });
    return null;
  }
  if (entry.signed) {
    diagnostics.warn(`the redirect from ${from} is to be signed: Mayfly does not sign requests, they go on without x-nf-sign`, { file: FILE });
  }
  const named = Object.fromEntries(Object.entries(conditions ?? {}));
  return {
    from, to: to ?? '', status, force: force === true, query: strings(query), conditions: named, file: FILE,
    ...(headers ? { headers: headerValues(headers) } : {}),
  };
}

/** `from [name=value ...] to [status[!]] [Condition=...]`, one rule a line. */
function parseRedirects({ files, diagnostics }, file) {
  const source = files.read(file);
  return source.split('\n').flatMap((text, i) => {
    const words = text.replace(/\s#.*$|^#.*$/, '').trim().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      return [];
    }
    const rule = parseRedirect(words);
    if (!rule) {
      diagnostics.error(`${file}: a rule needs two paths`, { file, line: i + 1, column: 1, source });
      return [];
    }
    return [{ ...rule, file }];
  });
}

function parseRedirect([from, ...words]) {
  const isTarget = (word) => word.startsWith('/') || /^https?:\/\//.test(word);
  const at = words.findIndex(isTarget);
  if (at < 0) {
    return /^[1-5]\d\d!?$/.test(words[0] ?? '') ? finishRedirect(from, '', [], words) : null;
  }
  return finishRedirect(from, words[at], words.slice(0, at), words.slice(at + 1));
}

function finishRedirect(from, to, queryWords, rest) {
  const pairs = (list) => Object.fromEntries(list.map((word) => word.split('=')).filter(([, value]) => value));
  const status = rest.find((word) => /^\d{3}!?$/.test(word)) ?? '301';
  return {
    from, to, status: parseInt(status, 10), force: status.endsWith('!'), query: pairs(queryWords),
    conditions: pairs(rest.filter((word) => word.includes('='))),
  };
}

/** A path on a line of its own, its headers indented below. */
function parseHeaders(source) {
  const found = [];
  for (const line of source.split('\n')) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) {
      continue;
    }
    const header = /^([^:\s]+)\s*:\s*(.*)$/.exec(text);
    if (/^\s/.test(line) && header && found.length > 0) {
      const { values } = found.at(-1);
      const name = header[1].toLowerCase();
      values[name] = values[name] ? `${values[name]}, ${header[2]}` : header[2];
    } else if (text.startsWith('/')) {
      found.push({ path: text, values: {} });
    }
  }
  return found;
}

function headerRoute({ path: pattern, values }) {
  if (typeof pattern !== 'string' || Object.keys(values).length === 0) {
    return null;
  }
  const src = pattern
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.split('*').map(escapePattern).join('.*')))
    .join('/')
    .replace(/\/\.\*$/, '(?:/.*)?'); /* what is below a folder, and the folder itself */
  return { phase: 'first', route: { src: `^${src}$`, headers: values, continue: true, dialect: 'netlify' } };
}
