/* Static files of a project that the gateway's user cannot reach: root alone may enter what is around it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, startPlatform } from './harness.js';

const settings = (publish) => `[build]\npublish = "${publish}"\n`;

test('a project in a folder of root\'s own has its static files served', async (t) => {
  const around = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-private-')); /* 0700 */
  const project = path.join(around, 'project');
  const save = (file, text) => {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), text);
  };
  t.after(() => rmSync(around, { recursive: true }));
  save('netlify.toml', settings('one'));
  save('netlify/functions/hello.js', 'export default () => new Response("hello");');
  save('one/name.txt', 'one');
  save('sites/two/name.txt', 'two');
  const platform = await startPlatform(t, { project });
  const serves = (text) => eventually(async () => (await platform.get('/name.txt')).text === text, `${text} is not served`);

  await t.test('from its first build on', () => serves('one'));

  await t.test('and those of the next', async () => {
    await platform.save('netlify.toml', settings('sites/two'));
    await serves('two');
  });
});
