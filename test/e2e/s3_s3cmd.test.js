/* S3 as s3cmd uses it, which is not of AWS and signs, splits and lists by itself. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { startPlatform } from './harness.js';

const MIB = 1024 * 1024;
const FILES = { 'api/hello.js': 'export const GET = () => new Response("hello");' };

/** `s3cmd(...args)` resolves to what it prints. It is told of the endpoint by a file of its own and reads no other. */
function connect(platform, folder) {
  const { host } = new URL(platform.aws.endpoint);
  const { accessKeyId, secretAccessKey } = platform.aws.credentials;
  const settings = path.join(folder, 's3cfg');
  writeFileSync(settings, `[default]
access_key = ${accessKeyId}
secret_key = ${secretAccessKey}
host_base = ${host}
host_bucket = ${host}
bucket_location = US
use_https = False
multipart_chunk_size_mb = 5
`);
  return async (...args) => (await promisify(execFile)('s3cmd', ['-c', settings, '--no-progress', ...args], { env: { PATH: process.env.PATH, HOME: folder } })).stdout;
}

test('s3cmd', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-s3cmd-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, 'tree/below'), { recursive: true });
  const s3cmd = connect(platform, folder);
  const file = (name, bytes) => {
    writeFileSync(path.join(folder, name), bytes);
    return path.join(folder, name);
  };
  const fetched = async (url, ...more) => {
    const to = path.join(folder, 'fetched');
    await s3cmd('get', '--force', ...more, url, to);
    return readFileSync(to);
  };
  const keys = async (url) => (await s3cmd('ls', '--recursive', url)).trim().split('\n').map((line) => line.slice(line.indexOf('s3://')));
  await s3cmd('mb', 's3://cmd');

  await t.test('a file comes back as it was, with what is told of it', async () => {
    const bytes = randomBytes(70_000);
    await s3cmd('put', '--mime-type=text/x-odd', '--add-header=x-amz-meta-color:blue', file('a b+\u00fc.txt', bytes), 's3://cmd/in/');
    assert.ok(bytes.equals(await fetched('s3://cmd/in/a b+\u00fc.txt')));
    assert.match(await s3cmd('info', 's3://cmd/in/a b+\u00fc.txt'), /File size: 70000[^]*MIME type: text\/x-odd[^]*x-amz-meta-color: blue/);
  });

  await t.test('a large one goes in parts', async () => {
    const bytes = randomBytes(12 * MIB + 1);
    await s3cmd('put', file('large', bytes), 's3://cmd/large');
    assert.ok(bytes.equals(await fetched('s3://cmd/large')));
    assert.match(await s3cmd('info', 's3://cmd/large'), /MD5 sum: +[0-9a-f]{32}/); /* which it keeps itself: the ETag is none */
    assert.equal((await s3cmd('multipart', 's3://cmd')).match(/large/), null, 'nothing is left of the upload');
  });

  await t.test('a folder is synchronized up and down, and what is gone goes', async () => {
    const tree = path.join(folder, 'tree');
    file('tree/one', '1');
    file('tree/below/two', '2');
    await s3cmd('sync', `${tree}/`, 's3://cmd/tree/');
    assert.deepEqual(await keys('s3://cmd/tree/'), ['s3://cmd/tree/below/two', 's3://cmd/tree/one']);
    await s3cmd('del', 's3://cmd/tree/one');
    await s3cmd('sync', '--delete-removed', 's3://cmd/tree/', `${tree}/`);
    assert.throws(() => readFileSync(path.join(tree, 'one')), { code: 'ENOENT' });
    assert.equal(readFileSync(path.join(tree, 'below/two'), 'utf8'), '2');
  });

  await t.test('copies, moves, and links that are signed', async () => {
    await s3cmd('put', file('x', 'moved'), 's3://cmd/x');
    await s3cmd('cp', 's3://cmd/x', 's3://cmd/y');
    await s3cmd('mv', 's3://cmd/y', 's3://cmd/z');
    assert.deepEqual((await keys('s3://cmd')).filter((key) => /[xyz]$/.test(key)), ['s3://cmd/x', 's3://cmd/z']);
    const answer = await fetch((await s3cmd('signurl', 's3://cmd/z', '+60')).trim());
    assert.equal(await answer.text(), 'moved');
    assert.equal((await fetched('s3://cmd/z', '--signature-v2')).toString(), 'moved');
  });

  await t.test('a bucket goes with all that is in it', async () => {
    await s3cmd('rb', '--recursive', '--force', 's3://cmd');
    assert.equal(await s3cmd('ls'), '');
  });
});
