'use strict';

/* Web Storage is part of Node.js 25 and later, and of no version that the platforms of functions run
 * (nodejs.org/api/globals.html#localstorage). Packages that find it take a function for a browser, what they keep there is
 * every request's, and looking for it alone has Node.js print a warning. A plain server has the Node.js that it has. */

const NAMES = ['Storage', 'localStorage', 'sessionStorage'];

function removeFor(dialect) {
  if (dialect !== 'server') {
    NAMES.forEach((name) => delete globalThis[name]);
  }
}

module.exports = { removeFor };
