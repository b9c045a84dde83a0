'use strict';
/* A Content-Type field taken apart, RFC 9110 8.3. */

const MEDIA_TYPE = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;|$)/;
const PARAMETER = /;\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g;

/** 'text/html' of 'Text/HTML; charset=utf-8', or null. */
function parseMediaType(field) {
  const match = MEDIA_TYPE.exec(field);
  return match === null ? null : match[1].toLowerCase();
}

/** A Map of the parameters by their names in lower case. */
function parseParameters(field) {
  const parameters = new Map();
  for (const [, name, quoted, plain] of field.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1'));
  }
  return parameters;
}

module.exports = { parseMediaType, parseParameters };
