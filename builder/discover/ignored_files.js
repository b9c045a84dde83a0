/* What .gitignore (or Vercel's .vercelignore) keeps out of a deployed site, as patterns on paths: what is made later is
 * kept back, too, without a new build.
 *
 * The last line that matches decides (gitignore(5)). A line without a slash but at its end means names in any folder; what
 * is ignored of a folder is all in it. That a file in an ignored folder cannot be had back is not looked at: who writes
 * `!dist/a.css` wants it. */
import path from 'node:path';
import { escapePattern } from '../routes/order.js';

const IGNORE_FILE = '.gitignore';
const OF_VERCEL = '.vercelignore';

const GLOB = /\\(?<escaped>.)|\[(?<not>[!^]?)(?<members>\]?(?:\[:[a-z]+:\]|[^\]])+)\]|(?<first>^\*\*\/)|(?<between>\/\*\*(?=\/))|(?<last>\/\*\*$)|(?<any>\*+)|(?<one>\?)|(?<other>[^])/g;

function patternOf(glob) {
  return [...glob.matchAll(GLOB)].map(({ groups: { escaped, not, members, first, between, last, any, one, other } }) => {
    if (members) {
      return `[${not && '^/'}${members.replace(/\[(?!:)/g, '\\[')}]`;
    }
    return (first && '(?:.*/)?') ?? (between && '(?:/.*)?') ?? (last && '/.*') ?? (any && '[^/]*') ?? (one && '[^/]') ?? escapePattern(escaped ?? other);
  }).join('');
}

function isPattern(pattern) {
  try {
    return Boolean(new RegExp(pattern));
  } catch {
    return false; /* [z-a] matches nothing */
  }
}

/** @returns {{ isBack: boolean, isFolder: boolean, where: string, name: string }[]} of one file, lines in their order */
function rulesOf(text, folder) {
  const rules = text.split(/\r?\n/).map((line) => {
    const written = line.startsWith('#') ? '' : line.replace(/(?<!\\)[ \t]+$/, '');
    const isBack = written.startsWith('!');
    const glob = isBack ? written.slice(1) : written;
    const bare = glob.replace(/\/+$/, '');
    const where = `${folder === '.' ? '' : `${escapePattern(folder)}/`}${bare.includes('/') ? '' : '(?:.*/)?'}`;
    return { isBack, isFolder: glob.endsWith('/'), where, name: patternOf(bare.replace(/^\/+/, '')) };
  });
  return rules.filter(({ name }) => name !== '' && isPattern(name));
}

/** Rules of one kind in one pattern, which begins with each place once. */
function anyOf(rules) {
  const places = Object.entries(Object.groupBy(rules, ({ where }) => where));
  return places.map(([where, all]) => `${where}(?:${all.map(({ name }) => name).join('|')})`).join('|');
}

/** What is ignored and not had back behind that, of paths that end with `end`; the last rules outermost, each there once. */
function patternsUntil(end, rules) {
  let pattern = '(?!)'; /* nothing */
  rules.forEach((rule, i) => {
    if (i > 0 && rules[i - 1].isBack === rule.isBack) {
      return;
    }
    const next = rules.findIndex((one, n) => n > i && one.isBack !== rule.isBack);
    const all = anyOf(rules.slice(i, next < 0 ? undefined : next));
    pattern = rule.isBack ? `(?!(?:${all})${end})(?:${pattern})` : `(?:${all})${end}|${pattern}`;
  });
  return `^(?:${pattern})`;
}

/**
 * @param {import('../files.js').Files} files
 * @param {string} [platform] vercel: if there is a .vercelignore it counts, and .gitignore does not
 * @returns {string[]} patterns of PCRE on paths in the project
 */
export function ignoredFiles(files, platform) {
  const depth = (file) => file.split('/').length;
  const found = platform === 'vercel' && files.has(OF_VERCEL)
    ? [OF_VERCEL]
    : files.list().filter((file) => path.posix.basename(file) === IGNORE_FILE).sort((a, b) => depth(a) - depth(b));
  const rules = found.flatMap((file) => rulesOf(files.read(file), path.posix.dirname(file)));
  return rules.length === 0 ? [] : [patternsUntil('$', rules.filter(({ isFolder }) => !isFolder)), patternsUntil('/', rules)];
}
