/* Who may do what in S3: owners, ACLs, policies, public access, presigned URLs, forms, both kinds of signatures. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test from 'node:test';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl, S3RequestPresigner } from '@aws-sdk/s3-request-presigner';
import {
  CreateBucketCommand, DeleteBucketOwnershipControlsCommand, DeleteBucketPolicyCommand, DeletePublicAccessBlockCommand, GetBucketAclCommand,
  GetBucketOwnershipControlsCommand, GetPublicAccessBlockCommand, GetBucketPolicyCommand, GetBucketPolicyStatusCommand, GetObjectAclCommand,
  GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutBucketAclCommand, PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand, PutObjectAclCommand, PutObjectCommand, PutObjectTaggingCommand, PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { ALICE, ALICE_ID, BOB, BOB_ID, refused, startS3, text } from './s3_project.js';

const DENIED = [403, 'AccessDenied'];

test('S3 lets in who may come in', async (t) => {
  const { s3, bucket, client, endpoint } = await startS3(t);
  const alice = client(ALICE), bob = client(BOB);
  const anonymous = (Bucket, Key, init) => fetch(`${endpoint}/${Bucket}/${Key}`, init);
  const policy = (Bucket, ...Statement) => s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }));
  const allow = (Bucket, more) => ({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*`, ...more });
  const get = (who, Bucket, Key = 'k') => who.send(new GetObjectCommand({ Bucket, Key }));
  const put = (who, Bucket, more) => who.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x', ...more }));

  await t.test("what is somebody's is nobody else's", async () => {
    const Bucket = await bucket({ k: 'x' });
    await refused(get(alice, Bucket), ...DENIED);
    await refused(get(alice, Bucket, 'none'), ...DENIED); /* who may not list is not told that there is none */
    await refused(put(alice, Bucket), ...DENIED);
    await refused(alice.send(new ListObjectsV2Command({ Bucket })), ...DENIED);
    assert.equal((await anonymous(Bucket, 'k')).status, 403);
    await refused(get(client({ ...ALICE, accessKeyId: 'NOBODY' }), Bucket), 403, 'InvalidAccessKeyId');
    await refused(get(client({ ...ALICE, secretAccessKey: 'wrong' }), Bucket), 403, 'SignatureDoesNotMatch');
  });

  await t.test('ACLs by name', async () => {
    const Bucket = await bucket({ k: 'x' }, { ACL: 'public-read' });
    assert.equal((await fetch(`${endpoint}/${Bucket}?list-type=2`)).status, 200);
    assert.equal((await anonymous(Bucket, 'k')).status, 403);
    const acl = (ACL) => s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL }));
    await acl('authenticated-read');
    assert.equal(await text(get(alice, Bucket)), 'x');
    assert.equal((await anonymous(Bucket, 'k')).status, 403);
    await acl('public-read');
    assert.equal(await (await anonymous(Bucket, 'k')).text(), 'x');
    await refused(acl('nonsense'), 400, 'InvalidArgument');
  });

  await t.test('ACLs by grant, and what they say', async () => {
    const Bucket = await bucket({ k: 'x' });
    await s3.send(new PutBucketAclCommand({ Bucket, GrantWrite: `id="${ALICE_ID}"`, GrantReadACP: 'emailAddress="bob@example.com"' }));
    await put(alice, Bucket);
    await refused(put(bob, Bucket), ...DENIED);
    const { Grants } = await bob.send(new GetBucketAclCommand({ Bucket }));
    assert.deepEqual(Grants.map((grant) => [grant.Grantee.ID, grant.Permission]), [[ALICE_ID, 'WRITE'], [BOB_ID, 'READ_ACP']]);
    await refused(get(s3, Bucket, 'new'), ...DENIED); /* it is alice's */
    assert.equal(await text(get(alice, Bucket, 'new')), 'x');
    const tag = (who) => who.send(new PutObjectTaggingCommand({ Bucket, Key: 'new', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }));
    await refused(tag(alice), ...DENIED); /* its tags are the bucket owner's */
    await tag(s3);
    await refused(s3.send(new PutBucketAclCommand({ Bucket, GrantRead: 'emailAddress="who@example.com"' })), 400, 'UnresolvableGrantByEmailAddress');
  });

  await t.test('a bucket can own all that is in it', async () => {
    const Bucket = await bucket();
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }));
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] } }));
    await policy(Bucket, allow(Bucket, { Action: ['s3:PutObject', 's3:GetObjectAcl'] }));
    await put(alice, Bucket);
    assert.equal(await text(get(s3, Bucket, 'new')), 'x');
    assert.notEqual((await alice.send(new GetObjectAclCommand({ Bucket, Key: 'new' }))).Owner.ID, ALICE_ID);
    await refused(put(alice, Bucket, { ACL: 'private' }), 400, 'AccessControlListNotSupported');
    await put(alice, Bucket, { ACL: 'bucket-owner-full-control' });
    const enforced = { Bucket: 'with-acl', ObjectOwnership: 'BucketOwnerEnforced', ACL: 'public-read' };
    await refused(s3.send(new CreateBucketCommand(enforced)), 400, 'InvalidBucketAclWithObjectOwnership');
  });

  await t.test("who owns what is in a new bucket is told as AWS's default, until somebody says it, or uses an ACL", async () => {
    const ownership = async (Bucket) => (await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls.Rules.map((rule) => rule.ObjectOwnership);
    const set = (Bucket, ...owners) => s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: owners.map((ObjectOwnership) => ({ ObjectOwnership })) } }));
    const Bucket = await bucket();
    assert.deepEqual(await ownership(Bucket), ['BucketOwnerEnforced']);
    assert.deepEqual(await ownership(await bucket({}, { ACL: 'public-read' })), ['ObjectWriter']);
    await refused(set(Bucket, 'ObjectWriter', 'BucketOwnerPreferred'), 400, 'MalformedXML');
    await set(Bucket, 'BucketOwnerPreferred');
    assert.deepEqual(await ownership(Bucket), ['BucketOwnerPreferred']);
    for (let i = 0; i < 2; i++) {
      await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
      await refused(ownership(Bucket), 404, 'OwnershipControlsNotFoundError');
    }
  });

  await t.test('what is blocked is told in full', async () => {
    const Bucket = await bucket();
    await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: { BlockPublicPolicy: true } }));
    assert.deepEqual((await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration,
      { BlockPublicAcls: false, IgnorePublicAcls: false, BlockPublicPolicy: true, RestrictPublicBuckets: false });
  });

  await t.test('a policy for nobody is none', async () => {
    const Bucket = await bucket();
    for (const Principal of ['', 'alice', {}, [], ['*'], 7, { AWS: '' }, { AWS: [] }, { AWS: ['*', 7] }, { Nobody: '*' }]) {
      const error = await refused(policy(Bucket, allow(Bucket, { Principal })), 400, 'MalformedPolicy');
      assert.equal(error.message, 'Invalid principal in policy');
    }
    for (const Principal of ['*', { AWS: '*' }, { AWS: ['*'] }, { CanonicalUser: ALICE_ID, Service: ['logging.s3.amazonaws.com'] }]) {
      await policy(Bucket, allow(Bucket, { Principal }));
    }
  });

  await t.test('policies allow, and deny first', async () => {
    const Bucket = await bucket({ 'in/k': 'x', k: 'x' });
    await policy(Bucket, allow(Bucket, { Resource: `arn:aws:s3:::${Bucket}/in/*` }), allow(Bucket, { Effect: 'Deny', Resource: `arn:aws:s3:::${Bucket}/in/secret*` }));
    assert.equal((await anonymous(Bucket, 'in/k')).status, 200);
    assert.equal((await anonymous(Bucket, 'k')).status, 403);
    await refused(get(s3, Bucket, 'in/secret'), ...DENIED); /* the owner, too */
    assert.equal(JSON.parse((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).Statement.length, 2);
    await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
    assert.equal((await anonymous(Bucket, 'in/k')).status, 403);
    await refused(s3.send(new GetBucketPolicyCommand({ Bucket })), 404, 'NoSuchBucketPolicy');
    await refused(s3.send(new PutBucketPolicyCommand({ Bucket, Policy: '{' })), 400, 'MalformedPolicy');
    await refused(policy(Bucket, allow('other')), 400, 'MalformedPolicy');
  });

  await t.test('policies speak of users, tags, prefixes and fields', async () => {
    const Bucket = await bucket({ k: 'x' });
    const user = (name) => ({ AWS: `arn:aws:iam::000000000000:user/${name}` });
    await policy(Bucket,
      allow(Bucket, { Principal: user('alice'), Condition: { StringEquals: { 's3:ExistingObjectTag/public': 'yes' } } }),
      allow(Bucket, { Principal: user('bob'), Action: 's3:PutObject', Condition: { StringEquals: { 's3:RequestObjectTag/from': 'bob' } } }),
      allow(Bucket, { Principal: user('bob'), Action: 's3:ListBucket', Resource: `arn:aws:s3:::${Bucket}`, Condition: { StringLike: { 's3:prefix': 'public/*' } } }),
      allow(Bucket, { Effect: 'Deny', Action: 's3:PutObject', Condition: { StringEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } } }));
    await refused(get(alice, Bucket), ...DENIED);
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [{ Key: 'public', Value: 'yes' }] } }));
    assert.equal(await text(get(alice, Bucket)), 'x');
    await refused(put(bob, Bucket), ...DENIED);
    await put(bob, Bucket, { Tagging: 'from=bob' });
    await refused(put(bob, Bucket, { Tagging: 'from=bob', ServerSideEncryption: 'aws:kms' }), ...DENIED);
    await bob.send(new ListObjectsV2Command({ Bucket, Prefix: 'public/' }));
    await refused(bob.send(new ListObjectsV2Command({ Bucket, Prefix: '' })), ...DENIED);
    const missing = (Key) => bob.send(new HeadObjectCommand({ Bucket, Key }));
    await refused(missing('public/none'), 404, 'NotFound');
    assert.equal((await missing('private/none').catch((error) => error)).$metadata.httpStatusCode, 403);
  });

  await t.test('public access can be shut off', async () => {
    const Bucket = await bucket({ k: 'x' });
    const block = (more) => s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: more }));
    const isPublic = async () => (await s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus.IsPublic;
    await policy(Bucket, allow(Bucket));
    assert.equal(await isPublic(), true);
    assert.equal((await anonymous(Bucket, 'k')).status, 200);
    await block({ RestrictPublicBuckets: true });
    assert.equal((await anonymous(Bucket, 'k')).status, 403);
    assert.equal(await text(get(s3, Bucket)), 'x');
    await block({ BlockPublicPolicy: true, BlockPublicAcls: true });
    await refused(policy(Bucket, allow(Bucket)), ...DENIED);
    await policy(Bucket, allow(Bucket, { Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }));
    assert.equal(await isPublic(), false);
    await refused(s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'public-read' })), ...DENIED);
    await refused(put(s3, Bucket, { ACL: 'public-read' }), ...DENIED);
  });

  await t.test('a presigned URL is a key to one thing', async () => {
    const Bucket = await bucket({ k: 'x' });
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'k', ResponseContentType: 'text/y' }), { expiresIn: 60 });
    const got = await fetch(url);
    assert.deepEqual([got.status, got.headers.get('content-type'), await got.text()], [200, 'text/y', 'x']);
    assert.equal((await fetch(url, { method: 'DELETE' })).status, 403);
    assert.equal((await fetch(url.replace('/k?', '/l?'))).status, 403);
    const upload = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'up' }), { expiresIn: 60 });
    assert.equal((await fetch(upload, { method: 'PUT', body: 'sent' })).status, 200);
    assert.equal(await text(get(s3, Bucket, 'up')), 'sent');
  });

  await t.test('a presigned URL has fields of the head in it, which its user need not send', async () => {
    const Bucket = await bucket({}, { ObjectOwnership: 'ObjectWriter' });
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    const put = new PutObjectCommand({ Bucket, Key: 'k', ACL: 'public-read', Metadata: { Who: 'me' }, Tagging: 'a=b', ContentType: 'text/x' });
    const url = await getSignedUrl(s3, put, { expiresIn: 60 });
    assert.equal((await fetch(url.replace('public-read', 'private'), { method: 'PUT', body: 'x' })).status, 403);
    assert.equal((await fetch(url, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/x' } })).status, 200);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }));
    assert.deepEqual([head.Metadata, head.TagCount, head.ContentType], [{ who: 'me' }, 1, 'text/x']);
    assert.equal((await anonymous(Bucket, 'k')).status, 200);
  });

  await t.test("what a presigned URL signs of the head and tells as well need not be sent: so AWS's second SDK for JavaScript makes them", async () => {
    const Bucket = await bucket();
    const { protocol, host, hostname, port } = new URL(endpoint);
    const fields = { 'x-amz-acl': 'public-read', 'x-amz-meta-who': 'b+c d' };
    const request = { method: 'PUT', protocol, hostname, port: Number(port), path: `/${Bucket}/k`, headers: { host, ...fields }, query: fields };
    const { query } = await new S3RequestPresigner(s3.config).presign(request, { expiresIn: 60, unhoistableHeaders: new Set(Object.keys(fields)) });
    assert.match(query['X-Amz-SignedHeaders'], /host;x-amz-acl;x-amz-meta-who/);
    const url = `${endpoint}/${Bucket}/k?${Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('=')).join('&')}`;
    const put = async (headers) => (await fetch(url, { method: 'PUT', body: 'x', headers })).status;
    assert.equal(await put({}), 200);
    assert.equal((await anonymous(Bucket, 'k')).status, 200);
    assert.deepEqual((await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).Metadata, { who: 'b+c d' });
    assert.equal(await put({ 'x-amz-acl': 'public-read' }), 200);
    assert.equal(await put({ 'x-amz-acl': 'private' }), 403);
    assert.equal((await fetch(url.replace('public-read', 'private'), { method: 'PUT', body: 'x' })).status, 403);
  });

  await t.test('a presigned URL may put its object only where none is', async () => {
    const Bucket = await bucket({});
    const { protocol, host, hostname, port } = new URL(endpoint);
    const request = { method: 'PUT', protocol, hostname, port: Number(port), path: `/${Bucket}/k`, headers: { host } };
    const url = async (wanted) => {
      const { query } = await new S3RequestPresigner(s3.config).presign({ ...request, query: wanted }, { expiresIn: 60 });
      return `${endpoint}/${Bucket}/k?${new URLSearchParams(query)}`;
    };
    const once = await url({ 'If-None-Match': '*' });
    const first = await fetch(once, { method: 'PUT', body: 'first' });
    assert.deepEqual([first.status, (await fetch(once, { method: 'PUT', body: 'second' })).status], [200, 412]);
    assert.equal((await fetch(await url({ 'If-Match': '"0123"' }), { method: 'PUT', body: 'third' })).status, 412);
    assert.equal(await text(get(s3, Bucket)), 'first');
    const change = await url({ 'If-Match': first.headers.get('etag') });
    assert.equal((await fetch(change, { method: 'PUT', body: 'third' })).status, 200);
  });

  await t.test('a presigned URL puts no line of its own into an answer', async () => {
    const Bucket = await bucket();
    const put = new PutObjectCommand({ Bucket, Key: 'k' });
    put.middlewareStack.add((next) => (args) => {
      args.request.query['x-amz-meta-a'] = '1\r\nset-cookie: 2';
      return next(args);
    }, { step: 'build' });
    assert.equal((await fetch(await getSignedUrl(s3, put, { expiresIn: 60 }), { method: 'PUT', body: 'x' })).status, 200);
    assert.deepEqual((await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).Metadata, {});
  });

  await t.test("a browser's form is held to its policy", async () => {
    const Bucket = await bucket();
    const send = async (Conditions, fields, file, Fields = {}) => {
      const form = await createPresignedPost(s3, { Bucket, Key: 'in/${filename}', Conditions, Fields, Expires: 60 });
      const data = new FormData();
      Object.entries({ ...form.fields, ...fields }).forEach(([name, value]) => data.append(name, value));
      data.append('file', new Blob([file]), 'name.txt');
      return (await fetch(form.url, { method: 'POST', body: data })).status;
    };
    assert.equal(await send([['content-length-range', 1, 10]], {}, 'hello'), 204);
    assert.equal(await text(get(s3, Bucket, 'in/name.txt')), 'hello');
    assert.equal(await send([['content-length-range', 1, 10]], {}, 'much too long'), 400);
    assert.equal(await send([], { 'x-amz-meta-extra': 'x' }, 'hello'), 403);
    assert.equal(await send([['starts-with', '$Content-Type', 'image/']], { 'Content-Type': 'text/plain' }, 'hello'), 403);
    assert.equal(await send([], {}, 'hello', { success_action_status: '201' }), 201);
  });

  await t.test('Signature Version 2 does, in fields and in URLs', async () => {
    const Bucket = await bucket({ k: 'x' });
    const { accessKeyId, secretAccessKey } = await s3.config.credentials();
    const sign = (lines) => createHmac('sha1', secretAccessKey).update(lines.join('\n')).digest('base64');
    const date = new Date().toUTCString();
    const header = (signature) => anonymous(Bucket, 'k', { headers: { 'x-amz-date': date, authorization: `AWS ${accessKeyId}:${signature}` } });
    assert.equal(await (await header(sign(['GET', '', '', '', `x-amz-date:${date}`, `/${Bucket}/k`]))).text(), 'x');
    assert.equal((await header(sign(['GET', '', '', '', `x-amz-date:${date}`, `/${Bucket}/l`]))).status, 403);
    const query = (expires, signature) => anonymous(Bucket, `k?AWSAccessKeyId=${accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`);
    const soon = Math.floor(Date.now() / 1000) + 600;
    assert.equal((await query(soon, sign(['GET', '', '', soon, `/${Bucket}/k`]))).status, 200);
    const withField = await fetch(`${endpoint}/${Bucket}/new?AWSAccessKeyId=${accessKeyId}&Expires=${soon}&content-type=text%2Fx&x-amz-meta-who=me&Signature=${
      encodeURIComponent(sign(['PUT', '', 'text/x', soon, 'x-amz-meta-who:me', `/${Bucket}/new`]))}`, { method: 'PUT', body: Buffer.from('x') });
    assert.equal(withField.status, 200);
    const { Metadata, ContentType } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'new' }));
    assert.deepEqual([Metadata, ContentType], [{ who: 'me' }, 'text/x']);
    assert.match(await (await query(1, sign(['GET', '', '', 1, `/${Bucket}/k`]))).text(), /Request has expired/);
  });

  await t.test('who is refused by the head is not asked for the body', async () => {
    const Bucket = await bucket();
    const answered = await new Promise((resolve, reject) => {
      import('node:http').then(({ default: http }) => {
        const request = http.request(`${endpoint}/${Bucket}/k`, { method: 'PUT', headers: { expect: '100-continue', 'content-length': 5 } });
        request.on('continue', () => resolve('continue')).on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
        request.flushHeaders();
      });
    });
    assert.equal(answered, 403);
  });
});
