/* Server access logs of S3: what is asked of a bucket becomes lines of objects in another. */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { connect } from 'node:net';
import test from 'node:test';
import {
  CopyObjectCommand, CreateBucketCommand, DeleteObjectsCommand, GetBucketLoggingCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command,
  PutBucketAclCommand, PutBucketLoggingCommand, PutBucketOwnershipControlsCommand, PutBucketPolicyCommand, PutBucketWebsiteCommand, PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { eventually } from './harness.js';
import { ALICE, ALICE_ID, refused, startS3, text } from './s3_project.js';

const FIELDS = [
  'owner', 'bucket', 'time', 'remote', 'requester', 'id', 'operation', 'key', 'uri', 'status', 'error', 'sent', 'size', 'total', 'turn',
  'referrer', 'agent', 'version', 'host', 'signature', 'cipher', 'auth', 'header', 'tls', 'point', 'acl',
];

/** A line by the pattern that AWS gives for it: words, texts in quotes, a time in brackets. */
function parse(line) {
  const values = [...line.matchAll(/\[([^\]]*)\]|"([^"]*)"|(\S+)/g)].map(([, time, quoted, word]) => time ?? quoted ?? word);
  assert.equal(values.length, FIELDS.length, line);
  return Object.fromEntries(FIELDS.map((name, i) => [name, values[i]]));
}

const allow = (Bucket, source, account = '000000000000') => JSON.stringify({
  Version: '2012-10-17',
  Statement: [{
    Effect: 'Allow', Principal: { Service: 'logging.s3.amazonaws.com' }, Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/*`,
    Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${source}` }, StringEquals: { 'aws:SourceAccount': account } },
  }],
});

test('S3 delivers access logs', async (t) => {
  const { s3, bucket, client, endpoint } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));
  const configure = (Bucket, TargetBucket, more = {}) =>
    send(PutBucketLoggingCommand, { Bucket, BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: 'log/', ...more } } });
  const keys = async (Bucket) => ((await send(ListObjectsV2Command, { Bucket })).Contents ?? []).map(({ Key }) => Key);
  /** All lines in a bucket, when `wanted` are there. */
  const lines = async (Bucket, wanted) => {
    let found;
    await eventually(async () => {
      const texts = await Promise.all((await keys(Bucket)).map(async (Key) => text(send(GetObjectCommand, { Bucket, Key }))));
      found = texts.join('').split('\n').filter(Boolean).map(parse);
      return wanted.every((operation) => found.some((line) => line.operation === operation));
    }, () => `lines are missing: ${JSON.stringify(found)}`);
    return found;
  };

  await t.test('a line says who asked for what, and what came of it', async () => {
    const [target, Bucket] = [await bucket(), await bucket()];
    await send(PutBucketPolicyCommand, { Bucket: target, Policy: allow(target, Bucket) });
    await configure(Bucket, target);
    const logging = (await send(GetBucketLoggingCommand, { Bucket })).LoggingEnabled;
    assert.deepEqual([logging.TargetBucket, logging.TargetPrefix], [target, 'log/']);

    const put = await send(PutObjectCommand, { Bucket, Key: 'a b/ü.txt', Body: 'hello' });
    await send(HeadObjectCommand, { Bucket, Key: 'a b/ü.txt' });
    await send(CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent('a b/ü.txt')}` });
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'copy' }));
    assert.equal(await (await fetch(url, { headers: { 'user-agent': 'a "quoted" one', referer: 'https://shop.example/' } })).text(), 'hello');
    await refused(send(GetObjectCommand, { Bucket, Key: 'none' }), 404, 'NoSuchKey');
    assert.equal((await fetch(`${endpoint}/${Bucket}/copy`)).status, 403);
    await send(DeleteObjectsCommand, { Bucket, Delete: { Objects: [{ Key: 'copy' }, { Key: 'other' }] } });

    const all = await lines(target, ['REST.POST.MULTI_OBJECT_DELETE']);
    const of = (operation, key) => all.find((line) => line.operation === operation && line.key === key) ?? assert.fail(`${operation} ${key}`);
    const written = of('REST.PUT.OBJECT', 'a%20b/%C3%BC.txt');
    assert.equal(written.id, put.$metadata.requestId);
    assert.match(written.time, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
    assert.deepEqual(
      [written.bucket, written.status, written.error, written.size, written.signature, written.auth, written.acl, written.owner],
      [Bucket, '200', '-', '5', 'SigV4', 'AuthHeader', '-', written.requester],
    );
    assert.match(written.uri, /^PUT \/\S+ HTTP\/1\.1$/);
    assert.equal(of('REST.HEAD.OBJECT', 'a%20b/%C3%BC.txt').sent, '-');
    assert.equal(of('REST.COPY.OBJECT', 'copy').status, '200');
    const read = all.find(({ auth, operation }) => auth === 'QueryString' && operation === 'REST.GET.OBJECT');
    assert.deepEqual([read.sent, read.size, read.agent, read.referrer], ['5', '5', 'a %22quoted%22 one', 'https://shop.example/']);
    assert.deepEqual(
      (({ status, error }) => [status, error])(of('REST.GET.OBJECT', 'none')),
      ['404', 'NoSuchKey'],
    );
    const stranger = all.find(({ requester }) => requester === '-');
    assert.deepEqual([stranger.status, stranger.error, stranger.auth, stranger.signature], ['403', 'AccessDenied', '-', '-']);
    assert.deepEqual(all.filter(({ operation }) => operation === 'BATCH.DELETE.OBJECT').map(({ key, status }) => [key, status]), [['copy', '204'], ['other', '204']]);
    assert.match((await keys(target))[0], /^log\/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}$/);
  });

  await t.test('keys are partitioned by source and day', async () => {
    const [target, Bucket] = [await bucket(), await bucket()];
    await send(PutBucketPolicyCommand, { Bucket: target, Policy: allow(target, Bucket) });
    await configure(Bucket, target, { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'EventTime' } } });
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    await lines(target, ['REST.PUT.OBJECT']);
    assert.match(
      (await keys(target))[0],
      new RegExp(`^log/000000000000/us-east-1/${Bucket}/(\\d{4})/(\\d\\d)/(\\d\\d)/\\1-\\2-\\3-00-00-00-[0-9A-F]{16}$`),
    );
  });

  await t.test('an ACL that was needed is told; a target may let in by its ACL, and of others nothing comes', async () => {
    const alice = client(ALICE);
    const [target, closed, Bucket] = [await bucket(), await bucket(), await bucket()];
    await send(PutBucketOwnershipControlsCommand, { Bucket: target, OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] } });
    await send(PutBucketAclCommand, { Bucket: target, ACL: 'log-delivery-write' });
    await configure(Bucket, target);
    const other = await bucket();
    await configure(other, closed);
    await send(PutObjectCommand, { Bucket: other, Key: 'k', Body: 'x' });
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    await send(PutObjectAclCommand, { Bucket, Key: 'k', ACL: 'public-read' });
    await alice.send(new GetObjectCommand({ Bucket, Key: 'k' }));
    const [{ requester, acl }] = (await lines(target, ['REST.GET.OBJECT'])).filter(({ operation }) => operation === 'REST.GET.OBJECT');
    assert.deepEqual([requester, acl], [ALICE_ID, 'Yes']);
    assert.deepEqual(await keys(closed), []);
  });

  await t.test('what a website serves has operations of its own', async () => {
    const [target, Bucket] = [await bucket(), await bucket({ 'index.html': 'page' })];
    await send(PutBucketPolicyCommand, { Bucket: target, Policy: allow(target, Bucket) });
    await configure(Bucket, target);
    await send(PutBucketWebsiteCommand, { Bucket, WebsiteConfiguration: { IndexDocument: { Suffix: 'index.html' } } });
    await new Promise((resolve) => get(endpoint, { headers: { host: `${Bucket}.s3-website.localhost` } }, (answer) => answer.resume().on('end', resolve)));
    const { status, error, key } = (await lines(target, ['WEBSITE.GET.OBJECT'])).find(({ operation }) => operation === 'WEBSITE.GET.OBJECT');
    assert.deepEqual([status, error, key], ['403', 'AccessDenied', 'index.html']);
  });

  await t.test('a form whose sender leaves is over', async () => {
    const [target, Bucket] = [await bucket(), await bucket()];
    await send(PutBucketPolicyCommand, { Bucket: target, Policy: allow(target, Bucket) });
    await configure(Bucket, target);
    const { hostname, port } = new URL(endpoint);
    const socket = connect(Number(port), hostname);
    socket.write(`POST /${Bucket} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n`);
    await new Promise((resolve) => socket.write('--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx', resolve));
    socket.end();
    const line = (await lines(target, ['REST.POST.BUCKET'])).find(({ operation }) => operation === 'REST.POST.BUCKET');
    assert.equal(line.error, 'IncompleteBody');
  });

  await t.test('what cannot be is refused as by S3', async () => {
    const [target, Bucket] = [await bucket(), await bucket()];
    await refused(configure(Bucket, 'not-there'), 400, 'InvalidTargetBucketForLogging');
    await client(ALICE).send(new CreateBucketCommand({ Bucket: 'logs-of-alice' }));
    await refused(configure(Bucket, 'logs-of-alice'), 400, 'InvalidTargetBucketForLogging');
    const far = await bucket({}, { CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } });
    await refused(configure(Bucket, far), 403, 'CrossLocationLoggingProhibitted');
    await refused(configure(Bucket, target, { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'Never' } } }), 400, 'MalformedXML');
    const TargetGrants = [
      { Grantee: { Type: 'Group', URI: 'http://acs.amazonaws.com/groups/global/AllUsers' }, Permission: 'READ' },
      { Grantee: { Type: 'CanonicalUser', ID: ALICE_ID }, Permission: 'READ' },
    ];
    await configure(Bucket, target, { TargetGrants });
    assert.deepEqual((await send(GetBucketLoggingCommand, { Bucket })).LoggingEnabled.TargetGrants, TargetGrants, 'they are given back');
    await send(PutBucketLoggingCommand, { Bucket, BucketLoggingStatus: {} });
    assert.equal((await send(GetBucketLoggingCommand, { Bucket })).LoggingEnabled, undefined);
  });
});
