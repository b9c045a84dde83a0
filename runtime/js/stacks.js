'use strict';
/* Stack traces as the author of a function wants them: places in the bundle become places in the files it was made
 * of, and the frames of the platform, of which every stack ends in a dozen, are left out.
 *
 * Node.js can map places itself (--enable-source-maps), but reads and keeps each map when the bundle loads. Here a map
 * is read by the first stack that wants it, and searched without being unfolded: nothing is paid before. */

const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');

const RUNTIME_INSIDE = '/var/runtime/js/';
const GLUE = 'mayfly:'; /* the scheme of what the builder adds to a bundle */
const BUNDLE = /^___mayfly\w*\.[cm]?js$/;

/* Base 64 digits of a source map (https://tc39.es/ecma426/#sec-base64-vlq) by their character code. */
const DIGITS = new Int8Array(128);
[...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].forEach((digit, value) => {
  DIGITS[digit.charCodeAt(0)] = value;
});

const SEMICOLON = 59;
const COMMA = 44;

/* Fields of a segment: each is the difference to the one before, the column's within its line. */
const COLUMN = 0;
const SOURCE = 1;
const SOURCE_LINE = 2;
const SOURCE_COLUMN = 3;

/* The last segment at or before a place, or null; lines and columns count from 0. */
function findSegment(mappings, line, column) {
  const at = new Int32Array(5);
  let found = null;
  let currentLine = 0;
  let field = 0;
  let value = 0;
  let shift = 0;
  for (let i = 0; i <= mappings.length; i += 1) {
    const code = i < mappings.length ? mappings.charCodeAt(i) : SEMICOLON;
    if (code === SEMICOLON || code === COMMA) {
      if (currentLine === line && field > 0) {
        if (at[COLUMN] > column) return found;
        found = field > SOURCE_COLUMN ? { source: at[SOURCE], line: at[SOURCE_LINE], column: at[SOURCE_COLUMN] } : null;
      }
      field = 0;
      if (code === COMMA) continue;
      if (currentLine === line) return found;
      currentLine += 1;
      at[COLUMN] = 0;
      continue;
    }
    const digit = DIGITS[code];
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    at[field] += value & 1 ? -(value >>> 1) : value >>> 1;
    field = Math.min(field + 1, at.length - 1);
    value = 0;
    shift = 0;
  }
  return found;
}

/* Sources are URLs: `[id].js` is `%5Bid%5D.js` there. */
function asWritten(source) {
  try {
    return decodeURIComponent(source);
  } catch {
    return source;
  }
}

/* The map of one file of the bundle, and what was asked of it. */
class BundleMap {
  #sources = [];
  #mappings = '';
  #known = new Map();

  constructor(file) {
    try {
      const { sources, mappings } = JSON.parse(fs.readFileSync(`${file}.map`, 'utf8'));
      this.#sources = sources.map((source) => (source.startsWith(GLUE) ? null : path.resolve(path.dirname(file), asWritten(source))));
      this.#mappings = mappings;
    } catch {
      /* without a map, places are those in the bundle */
    }
  }

  get isKnown() {
    return this.#mappings !== '';
  }

  /** 'file:line:column' of the source for a place that counts from 1, or null. */
  find(line, column) {
    const key = `${line}:${column}`;
    let place = this.#known.get(key);
    if (place === undefined) {
      const segment = findSegment(this.#mappings, line - 1, column - 1);
      const source = segment && this.#sources[segment.source];
      place = source ? `${source}:${segment.line + 1}:${segment.column + 1}` : null;
      this.#known.set(key, place);
    }
    return place;
  }
}

const maps = new Map();

function mapOf(file) {
  let map = maps.get(file);
  if (map === undefined) {
    map = BUNDLE.test(path.basename(file)) ? new BundleMap(file) : null;
    maps.set(file, map);
  }
  return map;
}

function runtimePart(file) {
  for (const folder of [`${__dirname}/`, RUNTIME_INSIDE]) {
    if (file.startsWith(folder)) return file.slice(folder.length);
  }
  return null;
}

/* One frame as text, and whether it is in the function's own code. */
function describeFrame(frame) {
  const text = String(frame);
  const name = frame.getFileName?.();
  if (typeof name !== 'string' || name.startsWith('node:')) return { text, own: false };
  const file = name.startsWith('file:') ? fileURLToPath(name) : name;
  const place = `${name}:${frame.getLineNumber()}:${frame.getColumnNumber()}`;
  const ours = runtimePart(file);
  if (ours !== null) return { text: text.replace(name, () => `mayfly:${ours}`), own: false };
  const map = mapOf(file);
  const mapped = map?.find(frame.getLineNumber(), frame.getColumnNumber());
  return mapped ? { text: text.replace(place, () => mapped), own: true } : { text, own: !map?.isKnown };
}

/* What comes after the function's outermost frame is the way in which it was called. */
function describeFrames(frames) {
  const described = frames.map(describeFrame);
  const last = described.findLastIndex(({ own }) => own);
  return (last < 0 ? described : described.slice(0, last + 1)).map(({ text }) => text);
}

/** In the base zygote. Packages that read call sites put their own function in this place, as they do elsewhere. */
function install() {
  const format = Error.prepareStackTrace;
  Error.prepareStackTrace = function ErrorPrepareStackTrace(error, trace) {
    let frames = trace;
    try {
      frames = describeFrames(trace);
    } catch {
      /* then as Node.js has them: an error must not become another one */
    }
    return format(error, frames);
  };
}

/* What Node.js writes above the stack of an import that does not link:
 * https://github.com/nodejs/node/blob/main/lib/internal/modules/esm/module_job.js */
const UNLINKED = /^(file:\S+):(\d+)(?=\n)/;

/** The error of a bundle whose import did not link names the import's place in the source, too. Takes whatever was thrown. */
function placeImport(error) {
  const [head, url, line] = UNLINKED.exec(error instanceof SyntaxError ? error.stack : '') ?? [];
  const place = head && mapOf(fileURLToPath(url))?.find(Number(line), 1);
  if (place) error.stack = place.replace(/:\d+$/, '') + error.stack.slice(head.length); /* the caret below says where in the line */
}

module.exports = { install, findSegment, placeImport };
