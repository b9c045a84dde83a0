'use strict';
/* What is kept for requests in flight, and that nothing else is when they are over. */

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { promisify } = require('node:util');

const { InFlight } = require('../../runtime/js/in_flight');
const { CASES } = require('./kept_requests');

const SLOT_BITS = 12;
const streamOf = (generation, slot) => generation * 2 ** SLOT_BITS + slot;

test('a value is found by its stream until it is deleted', () => {
  const all = new InFlight();
  const [a, b] = [streamOf(1, 0), streamOf(1048575, 4095)];
  all.set(a, 'a');
  all.set(b, 'b');
  assert.deepEqual([all.get(a), all.get(b), all.size, all.values()], ['a', 'b', 2, ['a', 'b']]);
  all.delete(a);
  all.delete(a);
  assert.deepEqual([all.get(a), all.get(b), all.size, all.values()], [undefined, 'b', 1, ['b']]);
});

test('one whose slot is given to another is found as before', () => {
  const all = new InFlight();
  const [late, next] = [streamOf(1, 7), streamOf(2, 7)];
  all.set(late, 'late');
  all.set(next, 'next');
  assert.deepEqual([all.get(late), all.get(next), all.size], ['late', 'next', 2]);
  assert.deepEqual(all.values().sort(), ['late', 'next']);
  all.delete(next);
  assert.deepEqual([all.get(late), all.get(next), all.size], ['late', undefined, 1]);
  all.delete(late);
  assert.deepEqual([all.get(late), all.size, all.values()], [undefined, 0, []]);
});

/* A request of these has 4 to 15 KB of objects. What is left here is Node's, some hundred bytes. */
const MOST_BYTES = 600;
const OPTIONS = ['--expose-gc', '--single-threaded', '--initial-old-space-size=1000'];

for (const name of Object.keys(CASES)) {
  test(`what a request leaves behind goes with the young generation: ${name}`, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [...OPTIONS, path.join(__dirname, 'kept_requests.js'), name]);
    assert.ok(Number(stdout) < MOST_BYTES, `${stdout} bytes of each are kept`);
  });
}
