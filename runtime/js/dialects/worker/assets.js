'use strict';

/* Static assets of a worker: files that are served before it runs, or when it asks for them (env.ASSETS), with their
 * _headers and _redirects. The folder is bound read-only into the sandbox; what is in it is looked at for each request,
 * so a file that is saved is served without a deployment. */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Readable } = require('node:stream');
const paths = require('./asset_paths');
const rules = require('./asset_rules');
const { typeOf } = require('./asset_types');
const origin = require('./origin');
const responses = require('./response');

const WHOLE_BYTES = 64 * 1024; /* larger files stream */
const BROWSER_CACHE = 'public, max-age=0, must-revalidate';
/* From this day on a browser that navigates gets what not_found_handling says, and the worker is not asked. */
const NAVIGATE_SINCE = '2025-04-01';
/* What stands among the files and is no asset: rules, and of Cloudflare Pages the program. */
const NO_ASSETS = '/_headers\n/_redirects\n/.assetsignore\n/_worker.js\n/_routes.json\n';

/* What parse() makes of a file, made anew when the file has changed. */
function fileOf(name, parse) {
  let stamp = '';
  let value = parse('');
  return () => {
    const stat = fs.statSync(name, { throwIfNoEntry: false });
    const now = stat ? `${stat.mtimeMs}:${stat.size}` : '';
    if (now !== stamp) {
      stamp = now;
      value = parse(stat ? fs.readFileSync(name, 'utf8') : '');
    }
    return value;
  };
}

/* Faults are told once, where the file is read. */
function tellingFaults(name, parse) {
  return (text) => {
    const { rules: parsed, faults } = parse(text);
    faults.forEach((fault) => console.warn(`${name}: ${fault}`));
    return parsed;
  };
}

/* Slashes that follow each other are one, and the address with more of them redirects. */
function decodePath(pathname) {
  return pathname.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  }).join('/').replace(/\/+/g, '/');
}

const encodePath = (pathname) => pathname.split('/').map(encodeURIComponent).join('/');

/* As a pattern of run_worker_first: a star is anything. */
function globOf(text) {
  return new RegExp(`^${text.split('*').map((part) => part.replace(/[-/\\^$+?.()|[\]{}]/g, '\\$&')).join('.*')}$`);
}

function redirectTo(location, status) {
  return new Response(null, { status, headers: { location } });
}

class Assets {
  #root;
  #settings;
  #headers;
  #redirects;
  #ignored;
  #first;
  #prefersAssets;

  /** `settings`: directory, html_handling, not_found_handling, run_worker_first, has_worker; `date`: compatibility_date */
  constructor({ assets, compatibility_date: date, compatibility_flags: flags = [] }) {
    this.#root = path.resolve(assets.directory);
    this.#settings = { html_handling: 'auto-trailing-slash', not_found_handling: 'none', ...assets };
    const file = (name, parse) => fileOf(path.join(this.#root, name), parse);
    this.#headers = file('_headers', tellingFaults('_headers', rules.parseHeaders));
    this.#redirects = file('_redirects', tellingFaults('_redirects',
      (text) => rules.parseRedirects(text, this.#settings.html_handling)));
    this.#ignored = file('.assetsignore', (text) => rules.parseIgnore(`${text}\n${NO_ASSETS}`));
    this.#first = this.#readFirst(assets.run_worker_first);
    this.#prefersAssets = flags.includes('assets_navigation_prefers_asset_serving') ||
      ((date ?? NAVIGATE_SINCE) >= NAVIGATE_SINCE && !flags.includes('assets_navigation_has_no_effect'));
  }

  #readFirst(first) {
    if (!Array.isArray(first)) {
      return { always: first === true };
    }
    const patterns = first.filter((pattern) => typeof pattern === 'string');
    return {
      assets: patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => globOf(pattern.slice(1))),
      worker: patterns.filter((pattern) => !pattern.startsWith('!')).map(globOf),
    };
  }

  /** The answer to a request from outside, or null where the worker is to give it. */
  route(request) {
    const { pathname } = new URL(request.url);
    if (!this.#settings.has_worker || this.#first.assets?.some((pattern) => pattern.test(pathname))) {
      return this.serve(request);
    }
    if (this.#first.always || this.#first.worker?.some((pattern) => pattern.test(pathname))) {
      return null;
    }
    const isNavigation = this.#prefersAssets && request.headers.get('sec-fetch-mode') === 'navigate';
    const answer = this.#find(request, this.#first.worker || isNavigation ? this.#settings.not_found_handling : 'none');
    return answer && this.#finish(answer, request);
  }

  /** The answer to a request, whatever it is. */
  serve(request) {
    const answer = this.#find(request, this.#settings.not_found_handling) ?? new Response(null, { status: 404 });
    return this.#finish(answer, request);
  }

  #finish(answer, request) {
    rules.applyHeaders(this.#headers(), new URL(request.url), answer.headers);
    return answer;
  }

  #find(request, notFoundHandling) {
    const url = new URL(request.url);
    const rule = rules.findRedirect(this.#redirects(), url);
    if (rule && rule.status !== 200) {
      return redirectTo(locationOf(new URL(rule.to, url), url), rule.status);
    }
    const pathname = rule ? new URL(rule.to, url).pathname : url.pathname;
    const decoded = decodePath(pathname);
    const found = paths.resolve(this.#settings.html_handling, decoded, this.#exists) ?? this.#notFound(decoded, notFoundHandling);
    if (!found) {
      return rule ? new Response(null, { status: 404 }) : null;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return new Response(null, { status: 405 });
    }
    const address = encodePath(found.redirect ?? decoded);
    if (found.redirect !== undefined || address !== pathname) {
      return redirectTo(address + url.search, 307);
    }
    return this.#send(found.file, found.status ?? 200, request);
  }

  #notFound(decoded, handling) {
    if (handling === 'single-page-application') {
      return this.#exists('/index.html') ? { file: '/index.html' } : null;
    }
    for (let folder = decoded; handling === '404-page' && folder !== '';) {
      folder = folder.slice(0, folder.lastIndexOf('/'));
      if (this.#exists(`${folder}/404.html`)) {
        return { file: `${folder}/404.html`, status: 404 };
      }
    }
    return null;
  }

  /* By its name and no other: the file system would take several for one. */
  #exists = (name) => {
    const parts = name.split('/').slice(1);
    if (parts.length === 0 || parts.some((part) => part === '' || part === '.' || part === '..' || /[\0/]/.test(part))) {
      return false;
    }
    const stat = fs.statSync(this.#root + name, { throwIfNoEntry: false });
    return stat?.isFile() === true && !rules.isIgnored(this.#ignored(), name.slice(1));
  };

  #send(name, status, request) {
    const file = this.#root + name;
    const stat = fs.statSync(file);
    const etag = crypto.createHash('md5').update(`${name}\0${stat.mtimeMs}\0${stat.size}`).digest('hex');
    const headers = new Headers({ etag: `"${etag}"`, 'cf-cache-status': 'HIT' });
    const type = typeOf(name);
    if (type) {
      headers.set('content-type', type);
    }
    if (!request.headers.has('authorization') && !request.headers.has('range')) {
      headers.set('cache-control', BROWSER_CACHE);
    }
    if ([`"${etag}"`, `W/"${etag}"`].includes(request.headers.get('if-none-match'))) {
      return new Response(null, { status: 304, headers });
    }
    if (request.method === 'HEAD') {
      headers.set('content-length', String(stat.size));
      return new Response(null, { status, headers });
    }
    return this.#withBody(file, stat.size, { status, headers });
  }

  #withBody(file, size, init) {
    if (size <= WHOLE_BYTES) {
      return new Response(fs.readFileSync(file), init);
    }
    const response = new Response(Readable.toWeb(fs.createReadStream(file), { type: 'bytes' }), init);
    responses.noteLength(response.body, size);
    return response;
  }
}

/* On this site a path; the query of the request where the target has none. */
function locationOf(target, url) {
  const search = target.search || url.search;
  return target.origin === url.origin
    ? `${target.pathname}${search}${target.hash}`
    : `${target.href.slice(0, target.href.length - target.search.length - target.hash.length)}${search}${target.hash}`;
}

/* fetch() of the binding: redirects are followed as they are elsewhere. */
function assetFetch(assets) {
  const ask = async (request) => {
    const response = assets.serve(request);
    return Object.defineProperty(response, 'url', { value: request.url, configurable: true, enumerable: true });
  };
  return async (input, init) => origin.followed(new Request(input, init), ask);
}

/** { route(request), fetch(input, init) } of a worker with assets, or null. */
function makeAssets(spec) {
  if (!spec.settings?.assets) {
    return null;
  }
  const assets = new Assets(spec.settings);
  return { route: (request) => assets.route(request), fetch: assetFetch(assets) };
}

module.exports = { makeAssets };
