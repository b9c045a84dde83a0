'use strict';

/* Which file of a folder of assets a path means, as Workers' html_handling has it: a page has one address, and the
 * others that lead to it are redirected there.
 *
 * For each form of a path there is a list of steps, tried in order: [file] is served if it is there; [file, address]
 * redirects to the address if the file is there and is what the address serves. */

const cut = (path, suffix) => path.slice(0, -suffix.length);

/* For each mode: what to try for paths with an ending, the first that fits, and then for all. `p`: the path. */
const MODES = {
  'auto-trailing-slash': {
    endings: [
      ['/index', (p, base) => [[p], [`${p}.html`, `${base}/`], [`${base}.html`, base]]],
      ['/index.html', (p, base) => [[p, `${base}/`], [`${base}.html`, base]]],
      ['/', (p, base) => [[`${p}index.html`], [`${base}.html`, base]]],
      ['.html', (p, base) => [[p, base], [`${base}/index.html`, `${base}/`]]],
    ],
    always: (p) => [[p], [`${p}.html`], [`${p}/index.html`, `${p}/`]],
  },
  'force-trailing-slash': {
    endings: [
      ['/index', (p, base) => [[p], [`${p}.html`, `${base}/`], [`${base}.html`, `${base}/`]]],
      ['/index.html', (p, base) => [[p, `${base}/`], [`${base}.html`, `${base}/`]]],
      ['/', (p, base) => [[`${p}index.html`], [`${base}.html`]]],
      ['.html', (p, base) => [[p, `${base}/`], [p], [`${base}/index.html`, `${base}/`]]],
    ],
    always: (p) => [[p], [`${p}.html`, `${p}/`], [`${p}/index.html`, `${p}/`]],
  },
  'drop-trailing-slash': {
    endings: [
      ['/index', (p, base) => (base === ''
        ? [[p], ['/index.html', '/']]
        : [[p], [`${base}.html`, base], [`${p}.html`, base]])],
      ['/index.html', (p, base) => (base === '' ? [[p, '/']] : [[p, base], [p], [`${base}.html`, base]])],
      ['/', (p, base) => (base === ''
        ? [['/index.html']]
        : [[`${base}.html`, base], [`${base}/index.html`, base]])],
      ['.html', (p, base) => [[p, base], [`${base}/index.html`, base]]],
    ],
    always: (p) => [[p], [`${p}.html`], [`${p}/index.html`]],
  },
  none: { endings: [], always: (p) => [[p]] },
};

function stepsFor(mode, path) {
  const { endings, always } = MODES[mode] ?? MODES['auto-trailing-slash'];
  const found = endings.find(([suffix]) => path.endsWith(suffix));
  return [...(found ? found[1](path, cut(path, found[0])) : []), ...always(path)];
}

/* The file that an address serves without a redirect, or undefined. */
function served(mode, path, exists) {
  return stepsFor(mode, path).find(([file, address]) => address === undefined && exists(file))?.[0];
}

/**
 * { file }, { redirect } or null.
 * @param {string} path decoded
 * @param {(path: string) => boolean} exists whether there is a file of that name
 */
function resolve(mode, path, exists) {
  for (const [file, address] of stepsFor(mode, path)) {
    if (!exists(file)) {
      continue;
    }
    if (address === undefined) {
      return { file };
    }
    if (!exists(address) && served(mode, address, exists) === file) {
      return { redirect: address };
    }
  }
  return null;
}

module.exports = { resolve };
