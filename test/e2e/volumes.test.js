/* Volumes: folders of the project that its functions may write. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { eventually, readConsole, startPlatform } from './harness.js';

const NOTES = `
  import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
  export const GET = () => new Response(readFileSync('data/notes.txt'));
  export async function POST(request) {
    mkdirSync('data', { recursive: true });
    appendFileSync('data/notes.txt', await request.text());
    return new Response(null, { status: 204 });
  }
  export function PUT() {
    const refused = [];
    for (const file of ['other.txt', '___mayfly.cjs', '/var/task/data/../x', '/etc/passwd']) {
      try { writeFileSync(file, 'x'); } catch { refused.push(file); }
    }
    return Response.json(refused);
  }\n`;

const SQLITE = `
  const { readdirSync, writeFileSync } = require('node:fs');
  const { DatabaseSync } = require('node:sqlite');
  const here = () => readdirSync('data').filter((name) => name.startsWith('here-')).length;
  exports.handler = async ({ requestContext }) => {
    const db = new DatabaseSync('data/shop.db', { timeout: 10_000 });
    db.exec('pragma journal_mode = wal; create table if not exists orders (id integer primary key, pid integer)');
    if (requestContext.http.method === 'POST') {
      writeFileSync('data/here-' + process.pid, '');
      while (here() < 2) await new Promise((done) => setTimeout(done, 10)); /* another instance has it open */
      db.prepare('insert into orders (pid) values (?)').run(process.pid);
    }
    const { count } = db.prepare('select count(*) as count from orders').get();
    db.close();
    return { count };
  };\n`;

test('what a function writes to a volume is a file of the project\'s owner, and outlives the instance', async (t) => {
  const platform = await startPlatform(t, { files: { 'mayfly.json': '{ "volumes": ["data"] }', 'api/notes.js': NOTES } });
  assert.equal((await platform.post('/api/notes', 'one ')).status, 204);
  assert.equal(readFileSync(path.join(platform.project, 'data/notes.txt'), 'utf8'), 'one ');
  for (const name of ['.', 'data', 'data/notes.txt']) {
    const { uid, gid } = statSync(path.join(platform.project, name));
    assert.deepEqual([uid, gid], [process.getuid(), process.getgid()], name);
  }

  const first = (await platform.get('/api/notes')).instance;
  await platform.save('api/notes.js', `${NOTES}globalThis.version = 2;\n`);
  assert.equal((await platform.post('/api/notes', 'two')).status, 204);
  const read = await platform.get('/api/notes');
  assert.equal(read.text, 'one two');
  assert.notEqual(read.instance, first);
});

test('everything but the volume stays read-only', async (t) => {
  const platform = await startPlatform(t, { files: { 'mayfly.json': '{ "volumes": ["data"] }', 'api/notes.js': NOTES } });
  const refused = (await platform.request('PUT', '/api/notes')).json;
  assert.deepEqual(refused, ['other.txt', '___mayfly.cjs', '/var/task/data/../x', '/etc/passwd']);
  assert.deepEqual(readdirSync(platform.project).sort(), ['.mayfly', 'api', 'data', 'mayfly.json']);
});

test('instances share one SQLite database', async (t) => {
  const functions = { shop: { handler: 'shop.handler', runtime: 'nodejs24.x', url: true, timeout: 60 } };
  const platform = await startPlatform(t, {
    files: { 'mayfly.json': JSON.stringify({ volumes: ['data'], functions }), 'shop.js': SQLITE },
  });
  const host = 'shop.localhost';
  // Alone: of several that make a new database write-ahead at once, SQLite tells all but one that it is locked, with no
  // wait (an upgrade of a shared lock could be a deadlock). On plain Node.js, too.
  assert.equal((await platform.get('/', { host })).json.count, 0);
  const added = await Promise.all(Array.from({ length: 8 }, () => platform.post('/', '', { host })));
  assert.deepEqual(added.map(({ status, text }) => (status === 200 ? 200 : text)), Array(8).fill(200));
  assert.ok(new Set(added.map(({ instance }) => instance)).size > 1, 'only one instance wrote');
  assert.equal((await platform.get('/', { host })).json.count, 8);
});

/* Which a namespace of theirs does not know: a shared folder's, or that of files from an archive. */
test('a user may work in a folder of a group that is not theirs', { skip: process.getuid() !== 0 && 'only root can make one' }, async (t) => {
  const user = 65534;
  const project = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-group-'));
  t.after(() => rmSync(project, { recursive: true, force: true }));
  mkdirSync(path.join(project, 'api'));
  mkdirSync(path.join(project, 'data'));
  writeFileSync(path.join(project, 'mayfly.json'), '{ "volumes": ["data"] }');
  writeFileSync(path.join(project, 'api/notes.js'), NOTES);
  for (const name of ['', 'api', 'data', 'mayfly.json', 'api/notes.js']) {
    chownSync(path.join(project, name), user, 0);
  }
  chmodSync(project, 0o2750); /* what is made in it is the group's, too */

  const platform = await startPlatform(t, { project, user });
  assert.equal((await platform.post('/api/notes', 'one')).status, 204);
  assert.equal((await platform.get('/api/notes')).text, 'one');
  assert.equal(statSync(path.join(project, '.mayfly')).uid, user);
});

test('a volume that cannot be is told', async (t) => {
  const files = { 'mayfly.json': '{ "volumes": ["../elsewhere", "api"] }', 'api/notes.js': NOTES };
  const said = await readConsole(t, files, /error[^\n]*"api"[^\n]*holds code/);
  assert.match(said, /error[^\n]*"\.\.\/elsewhere" must be a folder inside of the project/);
});

test('a server that writes into the project while it loads is told what may be written', async (t) => {
  const server = (write) => `
    const fs = require('node:fs');
    ${write};
    require('node:http').createServer((req, res) => res.end('written')).listen(3000);`;
  const platform = await startPlatform(t, { files: { 'package.json': '{ "main": "server.js" }', 'server.js': server("fs.mkdirSync('uploads')") } });
  const volumes = "EROFS: read-only file system, mkdir 'uploads': the project is read-only for what it runs, but for the folders that \"volumes\" in mayfly.json names";
  assert.match((await platform.get('/')).text, new RegExp(volumes));

  await platform.save('server.js', server("fs.mkdirSync(require('node:path').resolve('.vite-temp'))"));
  await eventually(() => platform.transcript().includes("Vite's development server does not run here: build the project"), () => platform.transcript());

  await platform.save('mayfly.json', '{ "volumes": ["uploads"] }');
  await platform.save('server.js', server("fs.writeFileSync('uploads/a', 'x')"));
  await eventually(async () => (await platform.get('/')).text === 'written', () => platform.transcript());
});
