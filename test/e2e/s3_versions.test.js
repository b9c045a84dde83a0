/* Versions of objects, and locks on them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand, GetObjectLegalHoldCommand, GetObjectLockConfigurationCommand,
  GetBucketVersioningCommand, GetObjectRetentionCommand, HeadObjectCommand, ListObjectVersionsCommand, PutBucketVersioningCommand, PutObjectCommand,
  PutObjectLegalHoldCommand, PutObjectLockConfigurationCommand, PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { refused, startS3, text } from './s3_project.js';

const DAY_MS = 86_400_000;
const inDays = (days) => new Date(Date.now() + days * DAY_MS);

test('S3 keeps versions', async (t) => {
  const { s3, bucket } = await startS3(t);
  const versioned = async () => {
    const Bucket = await bucket();
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    return Bucket;
  };

  await t.test('an object that is deleted comes back when its delete marker goes', async () => {
    const Bucket = await versioned();
    const { VersionId: first } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'first' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'second' }));
    const gone = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    assert.equal(gone.DeleteMarker, true);
    const error = await refused(s3.send(new GetObjectCommand({ Bucket, Key: 'k' })), 404, 'NoSuchKey');
    assert.equal(error.$response.headers['x-amz-delete-marker'], 'true');
    await refused(s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: gone.VersionId })), 405, 'MethodNotAllowed');
    assert.equal(await text(s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: first }))), 'first');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: gone.VersionId }));
    assert.equal(await text(s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))), 'second');
  });

  await t.test('what was there before versioning is the null version, and is written over when it is suspended', async () => {
    const Bucket = await bucket({ k: 'before' });
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'version' }));
    assert.equal(await text(s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: 'null' }))), 'before');
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k?versionId=null` }));
    assert.equal(copied.CopySourceVersionId, 'null');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'copy', VersionId: copied.VersionId }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }));
    const written = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'after' }));
    assert.equal(written.VersionId, undefined);
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual(Versions.map((v) => v.VersionId === 'null'), [true, false]);
    assert.equal(await text(s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))), 'after');
  });

  await t.test('who names a version by an empty id deletes nothing', async () => {
    const Bucket = await bucket({ k: 'x' });
    await refused(s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: '' })), 400, 'InvalidArgument');
    assert.equal(await text(s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))), 'x');
  });

  await t.test('a locked version stays until its time, but for whoever may bypass governance', async () => {
    const Bucket = await bucket({}, { ObjectLockEnabledForBucket: true });
    const lock = (Mode) => ({ ObjectLockMode: Mode, ObjectLockRetainUntilDate: inDays(2) });
    const governed = await s3.send(new PutObjectCommand({ Bucket, Key: 'g', Body: 'x', ...lock('GOVERNANCE') }));
    const strict = await s3.send(new PutObjectCommand({ Bucket, Key: 's', Body: 'x', ...lock('COMPLIANCE') }));
    const remove = (Key, VersionId, more) => s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId, ...more }));
    await refused(remove('g', governed.VersionId), 403, 'AccessDenied');
    await refused(remove('s', strict.VersionId, { BypassGovernanceRetention: true }), 403, 'AccessDenied');
    assert.equal((await remove('s')).DeleteMarker, true); /* hides it, and removes nothing */
    await remove('g', governed.VersionId, { BypassGovernanceRetention: true });
    await refused(s3.send(new HeadObjectCommand({ Bucket, Key: 'g' })), 404, 'NotFound');
    const many = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 's', VersionId: strict.VersionId }] } }));
    assert.equal(many.Errors[0].Code, 'AccessDenied');
  });

  await t.test('compliance can be prolonged and nothing else', async () => {
    const Bucket = await bucket({}, { ObjectLockEnabledForBucket: true });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await refused(s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'k' })), 404, 'NoSuchObjectLockConfiguration');
    const put = (Mode, days) => s3.send(new PutObjectRetentionCommand({
      Bucket, Key: 'k', BypassGovernanceRetention: true, Retention: { Mode, RetainUntilDate: inDays(days) },
    }));
    await put('COMPLIANCE', 2);
    await refused(put('COMPLIANCE', 1), 403, 'AccessDenied');
    await refused(put('GOVERNANCE', 3), 403, 'AccessDenied');
    await put('COMPLIANCE', 3);
    const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'k' }));
    assert.ok(Retention.RetainUntilDate > inDays(2.5));
  });

  await t.test('a retention of nothing lifts governance for who may bypass it', async () => {
    const Bucket = await bucket({}, { ObjectLockEnabledForBucket: true });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    for (const nothing of [{}, { Mode: '' }]) { // the second of the SDK for Go
      const put = (Retention, bypass) => s3.send(new PutObjectRetentionCommand({ Bucket, Key: 'k', BypassGovernanceRetention: bypass, Retention }));
      await put({ Mode: 'GOVERNANCE', RetainUntilDate: inDays(1) });
      await refused(put(nothing), 403, 'AccessDenied');
      await put(nothing, true);
      await refused(s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'k' })), 404, 'NoSuchObjectLockConfiguration');
    }
  });

  await t.test('a legal hold holds until it is lifted', async () => {
    const Bucket = await bucket({}, { ObjectLockEnabledForBucket: true });
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const hold = (Status) => s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'k', LegalHold: { Status } }));
    await hold('ON');
    assert.equal((await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key: 'k' }))).LegalHold.Status, 'ON');
    const remove = () => s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId, BypassGovernanceRetention: true }));
    await refused(remove(), 403, 'AccessDenied');
    await hold('OFF');
    await remove();
  });

  await t.test('changes of a lock that come at once do not undo each other', async () => {
    const Bucket = await bucket({}, { ObjectLockEnabledForBucket: true });
    for (let round = 0; round < 10; round++) {
      const Key = `k${round}`;
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
      const retain = (days) => s3.send(new PutObjectRetentionCommand({ Bucket, Key, Retention: { Mode: 'COMPLIANCE', RetainUntilDate: inDays(days) } }));
      const [long] = await Promise.allSettled([
        retain(30),
        s3.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status: 'ON' } })),
        retain(1),
      ]);
      const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key }));
      assert.equal(long.status, 'fulfilled');
      assert.ok(Retention.RetainUntilDate > inDays(29), `until ${Retention.RetainUntilDate.toISOString()}`);
      assert.equal((await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key }))).LegalHold.Status, 'ON');
    }
  });

  await t.test('versioning cannot be suspended while locks are enabled', async () => {
    for (let round = 0; round < 10; round++) {
      const Bucket = await versioned();
      const [enabled] = await Promise.allSettled([
        s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } })),
        s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } })),
      ]);
      const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
      const has = await s3.send(new GetObjectLockConfigurationCommand({ Bucket })).then(() => true, () => false);
      assert.equal(has, enabled.status === 'fulfilled');
      assert.ok(!has || Status === 'Enabled', Status);
    }
  });

  await t.test('a bucket can lock what is written into it', async () => {
    const Bucket = await bucket({}, { ObjectLockEnabledForBucket: true });
    const DefaultRetention = { Mode: 'GOVERNANCE', Days: 3 };
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } } }));
    const { ObjectLockConfiguration: kept } = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    assert.deepEqual(kept.Rule.DefaultRetention, DefaultRetention);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    assert.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).ObjectLockMode, 'GOVERNANCE');
    const longest = (period) => s3.send(new PutObjectLockConfigurationCommand({
      Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', ...period } } },
    }));
    await longest({ Years: 100 });
    await longest({ Days: 36500 });
    for (const period of [{ Years: 101 }, { Days: 36501 }]) {
      await refused(longest(period), 400, 'InvalidRetentionPeriod');
    }
    const plain = await bucket();
    await refused(s3.send(new PutObjectLegalHoldCommand({ Bucket: plain, Key: 'k', LegalHold: { Status: 'ON' } })), 400, 'InvalidRequest');
  });
});
