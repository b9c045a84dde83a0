/* What the kernel counts for a user is that of all functions together, where an ordinary user has started the platform. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { compile } from './faults_project.js';
import { startPlatform } from './harness.js';

const USER = 1900200003; /* nobody else's: what is taken here is missing to all of its processes */

/* Opens as many as it may, says how many these are, and keeps them. */
const OPENER = `
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>
int main(void)
{
    int count = 0;
    while (inotify_init() >= 0) {
        count++;
    }
    printf("%d", count);
    fflush(stdout);
    sleep(60);
    return 0;
}`;

test('a function that watches files as often as it may leaves that to the others', async (t) => {
  const platform = await startPlatform(t, {
    user: USER,
    files: {
      'mayfly.json': JSON.stringify({
        functions: {
          taker: { handler: 'taker.handler', runtime: 'nodejs24.x' },
          other: { handler: 'other.handler', runtime: 'nodejs24.x' },
        },
      }),
      'taker.js': `
        const { spawn } = require('node:child_process');
        exports.handler = () => new Promise((done) => spawn(require('opener')).stdout.on('data', (count) => done(Number(count))));`,
      'other.js': `
        const fs = require('node:fs');
        exports.handler = async () => fs.watch('/tmp').close() ?? 'watched';`,
      'package.json': '{ "name": "watchers", "type": "commonjs", "dependencies": { "opener": "1.0.0" } }',
      'node_modules/opener/package.json': '{ "name": "opener", "version": "1.0.0", "main": "index.js" }',
      'node_modules/opener/index.js': 'module.exports = `${__dirname}/opener`;\n',
      'node_modules/opener/opener': compile(OPENER, '-static'),
    },
  });
  const invoke = async (name) => (await platform.post(`/2015-03-31/functions/${name}/invocations`, {})).json;
  const taken = await invoke('taker');
  assert.ok(taken > 0, `it could open ${taken}`);
  assert.equal(await invoke('other'), 'watched');
});
