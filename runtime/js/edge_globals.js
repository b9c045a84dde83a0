'use strict';
/* The scope of an edge function, as `next start` and `vercel dev` make it: packages ask it where they are. Only what
 * they can tell apart is different; the function runs in Node.js all the same. builder/bundle/edge.js has the bundle
 * use what is made here. */

const LEARN_MORE = 'Learn more: https://nextjs.org/docs/api-reference/edge-runtime';

const { guardCodeFromText } = require('./code_from_text');

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

/* Its environment is all there is of a process: the rest has names, and functions that say so. */
function makeProcess() {
  const made = { env: process.env };
  for (const name of Object.keys(process)) {
    if (name === 'env') continue;
    const isFunction = typeof process[name] === 'function';
    let own;
    Object.defineProperty(made, name, {
      configurable: true,
      get: () => own ?? (isFunction ? () => refuse(`process.${name}`) : undefined),
      set(value) {
        own = value;
      },
    });
  }
  return made;
}

function refuse(name) {
  throw new Error(`A Node.js API is used (${name}) which is not supported in the Edge Runtime.\n${LEARN_MORE}`);
}

/* A module of Node.js that is not there, with all its names, fails when it is used, not when it is imported. */
function unsupportedModule(name, members) {
  const unsupported = function unsupported() {
    throw new Error(`The edge runtime does not support Node.js '${name}' module.\n`
      + 'Learn More: https://nextjs.org/docs/messages/node-module-in-edge-runtime');
  };
  return Object.assign(unsupported, Object.fromEntries(members.map((member) => [member, unsupported])));
}

/**
 * In the function's zygote, before its modules load. `bare`: without what Next.js lets pass, names of Node.js and, while
 * one develops, code from texts.
 */
function install({ bare = false } = {}) {
  define('EdgeRuntime', 'edge-runtime');
  define('self', globalThis);
  delete globalThis.navigator;
  globalThis[Symbol.for('mayfly.edge.process')] = bare ? { env: process.env } : makeProcess();
  globalThis[Symbol.for('mayfly.edge.unsupported')] = unsupportedModule;
  if (bare || process.env.NODE_ENV === 'production') guardCodeFromText(() => true);
}

module.exports = { install };
