'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const FILE = path.resolve(__dirname, '../../runtime/js/former_builtins.js');

/* In a process of its own: what is installed stays. */
function run(body) {
  const script = `require(${JSON.stringify(FILE)}).install();\n${body}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  return [stdout.trim(), stderr];
}

test('what buffer-equal-constant-time takes of node:buffer while it loads is there: jsonwebtoken needs it', () => {
  const script = `const { Buffer, SlowBuffer } = require('buffer');
    const before = SlowBuffer.prototype.equal;
    Buffer.prototype.equal = SlowBuffer.prototype.equal = function () { return true; };
    SlowBuffer.prototype.equal = before;
    const slow = SlowBuffer(3);
    console.log(Buffer.isBuffer(slow), slow.length, SlowBuffer('no').length);`;
  assert.deepEqual(run(script), ['true 3 0', '']);
});

test('node:util tells the kinds of values as it did', () => {
  const script = `const util = require('util');
    console.log(util.isString('a'), util.isNullOrUndefined(undefined), util.isObject(null), util.isPrimitive(() => 1), util.isError(new TypeError()),
      util.isDate(new Date()), util.isRegExp(/a/), util.isBuffer(Buffer.alloc(1)), util.isFunction(class {}), util.isNumber('1'));
    util.log('%s and %d', 'tea', 2);`;
  const [stdout, stderr] = run(script);
  assert.match(stdout, /^true true false false true true true true true false\n\d{1,2} [A-Z][a-z]{2} \d\d:\d\d:\d\d - tea and 2$/);
  assert.equal(stderr, '');
});

test('a file may be looked for by fs.F_OK, and an entry of a folder says its path', () => {
  const script = `const fs = require('fs');
    fs.accessSync('/', fs.F_OK | fs.R_OK);
    console.log(fs.X_OK, fs.W_OK, fs.readdirSync('/usr', { withFileTypes: true })[0].path);`;
  assert.deepEqual(run(script), ['1 2 /usr', '']);
});

test('a message shows its headers under the name of old, and takes them', () => {
  const script = `const http = require('http');
    const res = new http.ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 });
    res.setHeader('X-Tea', 'green');
    const seen = [{ ...res._headers }, { ...res._headerNames }];
    res._headers = { 'x-cup': '1' };
    res.writeHeader(404, { 'x-pot': '2' });
    console.log(JSON.stringify([...seen, res.getHeaders(), res.statusCode]));`;
  const [stdout, stderr] = run(script);
  assert.deepEqual(JSON.parse(stdout), [{ 'x-tea': 'green' }, { 'x-tea': 'X-Tea' }, { 'x-cup': '1', 'x-pot': '2' }, 404]);
  assert.equal(stderr, '');
});

test('what Node.js has is left as it is', () => {
  assert.deepEqual(run("const util = require('util'); console.log(Object.keys(util).includes('isString'), util.isArray([]))")[0], 'false true');
});
