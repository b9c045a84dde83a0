/* What is wrong in the user's files, collected while the build goes on. */
import path from 'node:path';
import { codeFrame } from './frame.js';

const NAMED_MAX = 20;

/**
 * @typedef {object} Diagnostic
 * @property {'error'|'warning'} severity
 * @property {string} text
 * @property {string} [file] relative to the project
 * @property {number} [line] from 1
 * @property {number} [column] from 1
 * @property {string} [frame]
 * @property {true} [told] a warning that the build before had, too
 */

export class Diagnostics {
  /** @type {Diagnostic[]} */
  list = [];

  /** @param {{ file?: string, line?: number, column?: number, source?: string }} [where] source: the file's text */
  error(text, where = {}) {
    this.#add('error', text, where);
  }

  warn(text, where = {}) {
    this.#add('warning', text, where);
  }

  #add(severity, text, { file, line, column, source }) {
    const frame = source && line ? codeFrame(source, line, column) : undefined;
    this.list.push(withoutUndefined({ severity, text, file, line, column, frame }));
  }
}

/** What one command installs, and what stands in a file that several functions have, is told once. */
export function withoutRepeats(diagnostics) {
  const keyOf = ({ severity, text, file, line, column }) => {
    const [, command] = /^Package .* is not installed\. Install it with: (.*)$/.exec(text) ?? [];
    return JSON.stringify(command ? [severity, command] : [severity, text, file, line, column]);
  };
  return [...Map.groupBy(diagnostics, keyOf).values()].map(([first]) => first);
}

function withoutUndefined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** "a.ts", or "a.ts and 2 more pages". */
export function andMore([first, ...others], what = '') {
  const plural = `${what ? ` ${what}` : ''}${what && others.length > 1 ? 's' : ''}`;
  return others.length === 0 ? first : `${first} and ${others.length} more${plural}`;
}

/** All of them, since something is to be done about each; of very many the first. */
export function allNamed(names, what) {
  const more = names.length - NAMED_MAX;
  const list = `${names.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return `${what}${names.length > 1 ? 's' : ''} ${list}`;
}

/** Line and column (from 1) of an offset in a text. */
export function positionOf(text, offset) {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

/* What esbuild tells its own users to do, and a project's cannot. */
const NO_ADVICE = /^(The plugin "mayfly-|You can mark the path )/;
const MADE_BY_PLUGIN = /^Could not resolve "virtual:[^"]*"$/;

/**
 * @param {import('esbuild').Message} message
 * @param {'error'|'warning'} severity
 * @param {string} project its absolute folder
 * @returns {Diagnostic}
 */
export function fromEsbuild(message, severity, project) {
  const { location } = message;
  const notes = message.notes.map((note) => note.text).filter((note) => note && !NO_ADVICE.test(note));
  if (MADE_BY_PLUGIN.test(message.text)) {
    notes.push('A plugin of the project\'s bundler makes it: build the project first, and what that makes is served.');
  }
  const text = [message.text, ...notes].join('\n');
  if (!location) {
    return { severity, text };
  }
  const absolute = path.resolve(project, location.file.replace(/^[a-z-]+:/, ''));
  return {
    severity,
    text,
    file: path.relative(project, absolute),
    line: location.line,
    column: location.column + 1,
    frame: lineFrame(location),
  };
}

/** esbuild gives one line of the file, which may be a copy from memory: it is the one that failed. */
function lineFrame({ line, column, length, lineText }) {
  const padded = '\n'.repeat(line - 1) + lineText;
  const frame = codeFrame(padded, line, column + 1, length);
  return frame.split('\n').slice(-2).join('\n');
}
