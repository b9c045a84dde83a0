/* The pathname syntax of URLPattern (`/a/:id/*`, `{...}?`, `(regex)`) as a PCRE pattern with the names of its captures.
 *
 * A group right after a slash takes that slash along when it is optional or repeated: `/a/:id?` matches /a. */

const MODIFIERS = { '?': '?', '+': '+', '*': '*' };
const LITERAL = /[.^$|\\+?*(){}[\]]/g;

/**
 * @param {string} pattern
 * @returns {{ src: string, params: string[] }} src without anchors; throws on a malformed pattern
 */
export function compileUrlPattern(pattern) {
  const state = { text: pattern, at: 0, params: [], unnamed: 0 };
  const src = compileUntil(state, null);
  return { src, params: state.params };
}

/** @returns {boolean} whether it needs matching at all */
export function isLiteralPattern(pattern) {
  return !/[*:{}()[\]\\?+]/.test(pattern);
}

function compileUntil(state, closing) {
  let out = '';
  while (state.at < state.text.length) {
    const character = state.text[state.at];
    if (character === closing) {
      state.at += 1;
      return out;
    }
    const group = readGroup(state, character);
    if (group === null) {
      out += character.replace(LITERAL, '\\$&');
      state.at += 1;
    } else {
      out = appendGroup(out, group, state);
    }
  }
  if (closing) {
    throw new Error(`"${closing}" is missing in "${state.text}"`);
  }
  return out;
}

/** @returns {{ src: string, plain?: boolean }|null} null: the character stands for itself */
function readGroup(state, character) {
  if (character === '\\' && state.at + 1 < state.text.length) {
    state.at += 2;
    return { src: state.text[state.at - 1].replace(LITERAL, '\\$&'), plain: true };
  }
  if (character === '{') {
    state.at += 1;
    return { src: `(?:${compileUntil(state, '}')})`, braces: true };
  }
  if (character === '*') {
    state.at += 1;
    return capture(state, null, '.*');
  }
  const name = /^:([\p{ID_Start}_$][\p{ID_Continue}$]*)/u.exec(state.text.slice(state.at));
  if (name) {
    state.at += name[0].length;
    return capture(state, name[1], state.text[state.at] === '(' ? readRegex(state) : '[^/]+?');
  }
  return character === '(' ? capture(state, null, readRegex(state)) : null;
}

function capture(state, name, src) {
  if (name === null) {
    state.params.push(String(state.unnamed));
    state.unnamed += 1;
  } else {
    state.params.push(name);
  }
  return { src: `(${src})` };
}

/** The user's own expression: its groups must not count as captures. */
function readRegex(state) {
  let depth = 0;
  for (let i = state.at; i < state.text.length; i += 1) {
    if (state.text[i] === '\\') {
      i += 1;
    } else if (state.text[i] === '(') {
      depth += 1;
    } else if (state.text[i] === ')' && (depth -= 1) === 0) {
      const inner = state.text.slice(state.at + 1, i);
      state.at = i + 1;
      new RegExp(inner, 'u');
      return inner.replace(/(\\.)|\((?!\?)/g, (_, escaped) => escaped ?? '(?:');
    }
  }
  throw new Error(`")" is missing in "${state.text}"`);
}

function appendGroup(out, { src, plain, braces }, state) {
  const modifier = plain ? undefined : MODIFIERS[state.text[state.at]];
  if (!modifier) {
    return out + src;
  }
  state.at += 1;
  const slash = !braces && out.endsWith('/') ? '/' : '';
  const before = slash ? out.slice(0, -1) : out;
  const inner = braces ? src : src.slice(1, -1);
  if (modifier === '?') {
    return braces ? `${before}${src}?` : `${before}(?:${slash}${src})?`;
  }
  const repeated = `(${inner}(?:${slash}${inner})*)`;
  if (braces) {
    return `${before}${src}${modifier}`;
  }
  return modifier === '+' ? `${before}${slash}${repeated}` : `${before}(?:${slash}${repeated})?`;
}
