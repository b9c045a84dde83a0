'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const FILE = path.resolve(__dirname, '../../runtime/js/web_storage.js');

test('a function finds no storage of a browser\'s, and is not warned for looking; a plain server has its Node.js\'s', () => {
  const seen = (dialect) => {
    const script = `require(${JSON.stringify(FILE)}).removeFor('${dialect}'); console.log(typeof localStorage, typeof sessionStorage, typeof Storage)`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    return [stdout.trim(), stderr];
  };
  assert.deepEqual(seen('next'), ['undefined undefined undefined', '']);
  assert.match(seen('server')[0], /object function$/);
});
