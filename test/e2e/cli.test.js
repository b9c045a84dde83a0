/* The commands at their edges: folders, standard descriptors, signals and words that are not quite as they should be. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { lambda, TELLS } from './aws_project.js';
import { eventually, MAYFLY, runMayfly, startPlatform } from './harness.js';

const FILES = { 'api/hello.js': 'export const GET = () => new Response("hello");' };

function folderOf(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

test('a data folder may be given with a slash behind it', async (t) => {
  const data = path.join(folderOf(t), 'data');
  await startPlatform(t, { files: FILES, args: ['--data', `${data}///`] });
  assert.ok(existsSync(path.join(data, 'mayfly.db')));
});

test('a data folder whose name is too long is no other folder', async (t) => {
  const folder = folderOf(t);
  for (const data of [`${'./'.repeat(2100)}data`, `${'d'.repeat(300)}`]) {
    const { status, stderr } = await runMayfly(['dev', '.', '--port', '0', '--aws-port', '0', '--data', data], { cwd: folder, timeout: 10_000 });
    assert.equal(status, 1);
    assert.match(stderr, /--data .*File name too long/);
  }
  assert.deepEqual(readdirSync(folder), []);
});

test('a data folder on a disk that is read-only is named, with what helps', async (t) => {
  const disk = folderOf(t);
  for (const [older, told] of [['mkdir data', /\/data\/\.gitignore: Read-only file system; --data DIR/], ['mkdir data; echo "*" > data/.gitignore', /data folder is on a disk that is read-only.*--data/]]) {
    const script = `mount -t tmpfs none "$2" && cd "$2" && ${older} && mount -o remount,ro "$2" && exec "$0" dev "$1" --port 0 --aws-port 0 --data "$2/data"`;
    const { status, stderr } = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', script, MAYFLY, folderOf(t), disk], { encoding: 'utf8', timeout: 30_000 });
    assert.equal(status, 1, stderr);
    assert.match(stderr, told);
  }
});

test('a disk without room for a database is told to be full', async (t) => {
  const disk = folderOf(t);
  for (const size of ['4k', '20k', '64k']) {
    const script = `mount -t tmpfs -o size=${size} none "$2" && exec "$0" dev "$1" --port 0 --aws-port 0 --data "$2/data"`;
    const { status, stderr } = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', script, MAYFLY, folderOf(t), disk], { encoding: 'utf8', timeout: 30_000 });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /the disk of the data folder is full: free some space/, size);
  }
});

test('what is another user\'s in a data folder is named, with what helps', async (t) => {
  if (process.getuid() !== 0) {
    t.diagnostic('this user has no files of others: nothing was tested');
    return;
  }
  const user = 1900200006;
  for (const file of ['lock', 'mayfly.db', 'secret', 'objects']) {
    const folder = folderOf(t);
    const others = path.join(folder, 'data', file);
    mkdirSync(path.dirname(others));
    [folder, path.dirname(others)].forEach((one) => chownSync(one, user, user));
    file === 'objects' ? mkdirSync(others, { mode: 0o700 }) : writeFileSync(others, '', { mode: 0o600 });
    const args = ['dev', folder, '--port', '0', '--aws-port', '0', '--data', path.dirname(others)];
    const { status, stderr } = await runMayfly(args, { uid: user, gid: user, env: { ...process.env, HOME: folder, TMPDIR: folder }, timeout: 30_000 });
    assert.equal(status, 1, file);
    assert.match(stderr, new RegExp(`^mayfly control: error: .*${file} in the data folder may not be opened.*chown -R.*--data`));
    assert.doesNotMatch(stderr, /gateway/); /* it is not to blame */
  }
});

test('every command says what it does when asked with --help or -h', async () => {
  for (const command of ['dev', 'trigger', 'events', 'doctor', 'version', 'help']) {
    const { stdout: text } = await runMayfly(['help', command]);
    assert.match(text, new RegExp(`^usage: mayfly ${command}`));
    for (const option of ['--help', '-h']) {
      const { status, stdout } = await runMayfly([command, option]);
      assert.deepEqual([status, stdout], [0, text], `${command} ${option}`);
    }
  }
});

test('it serves also where standard input, output and errors are closed', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'package.json'), '{"scripts":{"start":"node server.js"}}');
  writeFileSync(path.join(folder, 'server.js'), 'require("node:http").createServer((rq, rs) => rs.end("hello")).listen(3000);');
  const port = await freePort();
  const command = ['-c', 'exec "$0" "$@" <&- >&- 2>&-', MAYFLY, 'dev', folder, '--port', `${port}`, '--aws-port', '0'];
  const child = spawn('sh', command, { stdio: 'ignore' });
  const exit = once(child, 'exit');
  const text = () => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text(), () => '');
  try {
    await eventually(async () => child.exitCode !== null || (await text()) === 'hello', 'it does not serve');
    assert.equal(child.exitCode, null);
  } finally {
    child.kill('SIGINT');
    await exit;
  }
});

test('a terminal that goes away does not stop what nohup has started', async (t) => {
  const platform = await startPlatform(t, { files: FILES, through: ['nohup'] });
  process.kill(platform.pid, 'SIGHUP');
  const { status } = await platform.stop('SIGINT'); /* signals are taken in the order of their numbers: hanging up comes first */
  assert.equal(status, 0);
  assert.doesNotMatch(platform.errors, /gave up/);
});

test('what cannot be printed is no success', async () => {
  const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'];
  for (const args of [['help'], ['version'], ['doctor', '--json']]) {
    const child = spawn(MAYFLY, args, { stdio });
    const [said, [status]] = await Promise.all([child.stderr.toArray(), once(child, 'exit')]);
    assert.equal(status, 1, args[0]);
    assert.match(Buffer.concat(said).toString(), /standard output cannot be written to/);
  }
});

test('a long word resembles no command', async () => {
  const { status, stderr } = await runMayfly(['x'.repeat(200)]);
  assert.equal(status, 2);
  assert.doesNotMatch(stderr, /did you mean/);
});

test('who has the port is named without moving the cursor', async (t) => {
  const program = 'fs.writeFileSync("/proc/self/comm", "\\x1b[2J\\u202e"); net.createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port); });';
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const [port] = await once(child.stdout, 'data');
  const { status, stderr } = await runMayfly(['dev', folderOf(t), '--host', '127.0.0.1', '--port', `${port}`.trim()]);
  assert.equal(status, 1);
  assert.match(stderr, /is taken by \\x1b\[2J\\u202e \(process \d+\)/);
});

test('a payload that is no text is not cut, but refused', async (t) => {
  const platform = await startPlatform(t, { files: { 'main.tf': lambda('tells'), 'tells.js': TELLS } });
  const payload = path.join(platform.scratch, 'payload');
  writeFileSync(payload, '{"n":1}\0more');
  const { status, stderr } = await runMayfly(['trigger', 'tells', '--payload', payload, '--project', platform.project]);
  rmSync(payload);
  assert.equal(status, 1);
  assert.match(stderr, /the payload is no text/);
});
