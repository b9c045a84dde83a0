'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { explain } = require('../../runtime/js/native_modules');

const [major] = process.versions.node.split('.');

/* An error as it comes of a package's code. */
function errorOf(message, frames) {
  return Object.assign(new Error(message), { stack: [`Error: ${message}`, ...frames.map((file) => `    at f (${file}:1:1)`)].join('\n') });
}

test('a native module that was not compiled is told with what compiles it', () => {
  const says = (name) => new RegExp(`: ${name} was installed without being compiled\\. Compile it: npx -p node@${major} npm rebuild ${name}$`);
  const sqlite = '/var/task/node_modules/.pnpm/better-sqlite3@12.0.0/node_modules/better-sqlite3';
  const tried = errorOf(`Could not locate the bindings file. Tried:\n → ${sqlite}/build/better_sqlite3.node`, ['/var/task/node_modules/bindings/bindings.js']);
  assert.match(explain(tried), says('better-sqlite3'));
  assert.equal(explain(tried).split('\n').length, 1);
  const loaded = errorOf('No native build was found for platform=linux arch=x64\n    loaded from: /var/task/node_modules/@parcel/watcher\n',
    ['/var/task/node_modules/node-gyp-build/node-gyp-build.js', '/var/task/node_modules/@parcel/watcher/index.js']);
  assert.match(explain(loaded), says('@parcel/watcher'));
  const own = errorOf("Cannot find module '../build/Release/canvas.node'\nRequire stack:\n- /var/task/node_modules/canvas/lib/bindings.js", []);
  assert.match(explain(own), says('canvas'));
  assert.equal(explain(errorOf("Cannot find module './a.js'", ['/var/task/node_modules/x/i.js'])), null);
  assert.equal(explain('text'), null);
});
