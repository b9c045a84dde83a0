'use strict';

/* _headers, _redirects and .assetsignore of a folder of assets, as wrangler reads them. Each parser returns what it
 * understood and, for the developer, what it did not: { rules, faults: ["line 3: ..."] }. */

const LIMITS = { headers: 100, staticRedirects: 2000, dynamicRedirects: 100, line: 2000 };
const STATUSES = new Set([200, 301, 302, 303, 307, 308]);
const SPECIAL = /[-/\\^$*+?.()|[\]{}]/g;
const PLACEHOLDER = /:([A-Za-z]\w*)/g;
const IS_EXTERNAL = /^(?:\w+:\/\/|\/\/[^/\\\s?#])/;

const escaped = (text) => text.replace(SPECIAL, '\\$&');

/* A rule's path as a pattern: a star is `splat`, `:name` a part of a path, or of a host. */
function patternOf(path) {
  let inHost = path.startsWith('https://');
  const parts = path.split(/(\/|\*|:[A-Za-z]\w*)/);
  let slashes = 0;
  const source = parts.map((part) => {
    if (part === '/') {
      slashes += 1;
      inHost &&= slashes < 3;
    }
    if (part === '*') return '(?<splat>.*)';
    return /^:[A-Za-z]/.test(part) && !(inHost && slashes < 2) ? `(?<${part.slice(1)}>${inHost ? '[^/.]+' : '[^/]+'})` : escaped(part);
  });
  return new RegExp(`^${source.join('')}$`);
}

/* The captures of a request's URL, or null. */
function match({ path, pattern }, url) {
  const text = path.startsWith('https://') ? `https://${url.hostname}${url.pathname}` : url.pathname;
  const found = pattern.exec(text);
  return found && (found.groups ?? {});
}

function filled(text, captures) {
  return text.replace(PLACEHOLDER, (whole, name) => captures[name] ?? whole);
}

function lines(text) {
  return text.split('\n')
    .map((line, i) => ({ text: line.trim(), number: i + 1 }))
    .filter(({ text: line }) => line !== '' && !line.startsWith('#') && line.length <= LIMITS.line);
}

/* An absolute URL of https or a path, with what a browser makes of it; or why it is neither. */
function urlOf(text, { keepsSearch }) {
  if (/^https:\/\/+(?=[^/])/.test(text)) {
    const { groups: { host, rest } } = /^(?:https:\/\/+)(?<host>[^/]+)(?<rest>.*)$/.exec(text);
    return { url: `https://${host}${rest === '' ? '/' : rest}` };
  }
  if (/^\w+:\/\//.test(text) && !keepsSearch) {
    return { fault: `URLs should begin with https or be relative. Got ${text}` };
  }
  if (!text.startsWith('/') && !/^\w+:\/\//.test(text)) {
    return { fault: 'Expected a path beginning with at least one forward-slash' };
  }
  const url = URL.parse(text, 'https://relative.invalid');
  if (!url) {
    return { fault: `Invalid URL: ${text}` };
  }
  return { url: url.host === 'relative.invalid' ? url.pathname + (keepsSearch ? url.search + url.hash : '') : url.href };
}

function compiled(path, rule) {
  try {
    return { ...rule, path, pattern: patternOf(path) };
  } catch {
    return null; /* a name twice */
  }
}

/* Headers: a path, and below it the headers to set (`name: value`) or to take off (`! name`). */

function parseHeaders(text) {
  const rules = [];
  const faults = [];
  for (const { text: line, number } of lines(text)) {
    const isPath = /^([^\s]+:\/\/|^\/)/.test(line);
    const rule = rules.at(-1);
    const fault = isPath ? beginRule(rules, line) : addHeader(rule, line);
    if (fault) {
      faults.push(`line ${number}: ${fault}`);
    }
  }
  return { rules: rules.filter((rule) => rule && (rule.set.size > 0 || rule.unset.length > 0)), faults };
}

/* A path that is none leaves its headers without a rule. */
function beginRule(rules, line) {
  const { url, fault } = urlOf(line, { keepsSearch: false });
  const tooMany = rules.length >= LIMITS.headers && `at most ${LIMITS.headers} rules are supported`;
  const rule = fault || tooMany ? null : compiled(url, { set: new Map(), unset: [] });
  rules.push(rule);
  return fault || tooMany || (rule ? null : 'a path may have one star, and each name once');
}

function addHeader(rule, line) {
  const colon = line.indexOf(':');
  if (colon < 0) {
    return unsetHeader(rule, line);
  }
  const name = line.slice(0, colon).trim().toLowerCase();
  const value = line.slice(colon + 1).trim();
  if (name === '' || value === '' || /\s/.test(name)) {
    return name === '' ? 'No header name specified' : value === '' ? 'No header value specified' : 'Header name cannot include spaces';
  }
  if (rule === undefined) {
    return `Path should come before header (${name}: ${value})`;
  }
  rule?.set.set(name, rule.set.has(name) ? `${rule.set.get(name)}, ${value}` : value);
  return null;
}

function unsetHeader(rule, line) {
  if (rule === undefined) {
    return 'Expected a path beginning with at least one forward-slash';
  }
  if (!line.startsWith('! ')) {
    return 'Expected a colon-separated header pair (e.g. name: value)';
  }
  rule?.unset.push(line.slice(2).trim());
  return null;
}

/* Changes the headers of an answer to `url` by every rule that fits: what two of them set is set twice. */
function applyHeaders(rules, url, headers) {
  const set = new Set();
  for (const rule of rules) {
    const captures = match(rule, url);
    if (!captures) {
      continue;
    }
    rule.unset.forEach((name) => headers.delete(name));
    for (const [name, value] of rule.set) {
      headers[set.has(name) ? 'append' : 'set'](name, filled(value, captures));
      set.add(name);
    }
  }
}

/* Redirects: `from to [status]`. */

function parseRedirects(text, htmlHandling) {
  const rules = [];
  const faults = [];
  const seen = new Set();
  let isDynamic = false;
  for (const { text: line, number } of lines(text)) {
    const { rule, fault } = redirectOf(line.replace(/\s+#.*$/, '').split(/\s+/), htmlHandling, seen);
    if (!rule) {
      faults.push(`line ${number}: ${fault}`);
      continue;
    }
    seen.add(rule.path);
    isDynamic ||= /\*|:[A-Za-z]\w*/.test(rule.path.replace(/^https:\/\//, ''));
    rules.push({ ...rule, isStatic: !isDynamic });
  }
  return { rules: withinLimits(rules, faults), faults };
}

function redirectOf(words, htmlHandling, seen) {
  if (words.length < 2 || words.length > 3) {
    return { fault: `Expected exactly 2 or 3 whitespace-separated tokens. Got ${words.length}.` };
  }
  const [from, to, status = '302'] = words;
  const source = urlOf(from, { keepsSearch: false });
  const target = urlOf(to, { keepsSearch: true });
  const code = Number(status);
  const isHere = !IS_EXTERNAL.test(to);
  if (source.fault || target.fault) {
    return { fault: source.fault ?? target.fault };
  }
  if (!STATUSES.has(code)) {
    return { fault: `Valid status codes are 200, 301, 302 (default), 303, 307, or 308. Got ${status}.` };
  }
  const leadsToIndex = /\/index(\.html)?$/.test(target.url);
  if (isHere && leadsToIndex && (from.endsWith('/*') || (from.endsWith('/') && htmlHandling !== 'none'))) {
    return { fault: 'Infinite loop detected in this rule and has been ignored.' };
  }
  if (seen.has(source.url)) {
    return { fault: `Ignoring duplicate rule for path ${source.url}.` };
  }
  if (code === 200 && !isHere) {
    return { fault: `Proxy (200) redirects can only point to relative paths. Got ${to}` };
  }
  const rule = compiled(source.url, { to: target.url, status: code });
  return rule ? { rule } : { fault: 'a path may have one star, and each name once' };
}

function withinLimits(rules, faults) {
  const kept = [];
  for (const [isStatic, limit] of [[true, LIMITS.staticRedirects], [false, LIMITS.dynamicRedirects]]) {
    const all = rules.filter((rule) => rule.isStatic === isStatic);
    if (all.length > limit) {
      faults.push(`at most ${limit} ${isStatic ? 'static' : 'dynamic'} rules are supported: the others are left out`);
    }
    kept.push(...all.slice(0, limit));
  }
  return kept;
}

/* { status, to }, or null. Rules without names and stars come first. */
function findRedirect(rules, url) {
  for (const rule of rules) {
    const captures = match(rule, url);
    if (captures) {
      return { status: rule.status, to: targetOf(rule.to, captures) };
    }
  }
  return null;
}

/* What is captured may not make another site of a path. */
function targetOf(to, captures) {
  const target = filled(to, captures).trim();
  if (IS_EXTERNAL.test(to)) {
    return target;
  }
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  return path.replace(/[/\\]+/g, '/') + (end < 0 ? '' : target.slice(end));
}

/* Files that are no assets, in the format of .gitignore. The last line that fits decides. */

function parseIgnore(text) {
  return lines(text).map(({ text: line }) => {
    const isBack = line.startsWith('!');
    const glob = (isBack ? line.slice(1) : line).replace(/\/$/, '');
    const isAnchored = glob.replace(/^\*\*\//, '').includes('/');
    const source = glob.replace(/^\//, '').split(/(\*\*\/|\/\*\*|\*|\?)/)
      .map((part) => ({ '**/': '(?:.*/)?', '/**': '/.*', '*': '[^/]*', '?': '[^/]' })[part] ?? escaped(part)).join('');
    return { isBack, pattern: new RegExp(`${isAnchored ? '^' : '^(?:.*/)?'}${source}(?:/.*)?$`) };
  });
}

const isIgnored = (rules, path) => rules.findLast(({ pattern }) => pattern.test(path))?.isBack === false;

module.exports = { applyHeaders, findRedirect, isIgnored, parseHeaders, parseIgnore, parseRedirects };
