/* Listings of S3: prefixes, delimiters, pages, versions. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  DeleteObjectCommand, DeleteObjectsCommand, HeadBucketCommand, ListObjectVersionsCommand, ListObjectsCommand, ListObjectsV2Command, PutBucketVersioningCommand, PutObjectCommand,
} from '@aws-sdk/client-s3';
import { startS3 } from './s3_project.js';

const KEYS = ['a/1', 'a/2', 'b', 'b/x/1', 'b/x/2', 'b/y', 'c d', 'ü/ä'];
const objects = (keys) => Object.fromEntries(keys.map((key) => [key, key]));
const keysOf = (answer) => (answer.Contents ?? []).map((object) => object.Key);
const prefixesOf = (answer) => (answer.CommonPrefixes ?? []).map((common) => common.Prefix);

/** All pages of a listing, what they tell in order; each page has at most `most`. */
async function pages(s3, most, query) {
  const told = [];
  for (let token; ;) {
    const page = await s3.send(new ListObjectsV2Command({ ...query, MaxKeys: most, ContinuationToken: token }));
    const here = [...keysOf(page), ...prefixesOf(page)].sort();
    assert.ok(here.length <= most);
    assert.equal(page.KeyCount, here.length);
    told.push(...here);
    if (!page.IsTruncated) {
      return told;
    }
    token = page.NextContinuationToken;
  }
}

test('S3 lists', async (t) => {
  const { s3, bucket } = await startS3(t);

  await t.test('keys come in the order of their bytes', async () => {
    const Bucket = await bucket(objects([...KEYS].reverse()));
    assert.deepEqual(keysOf(await s3.send(new ListObjectsV2Command({ Bucket }))), KEYS);
    assert.deepEqual(keysOf(await s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }))).map(decodeURIComponent), KEYS);
  });

  await t.test('a delimiter folds what shares a part', async () => {
    const Bucket = await bucket(objects(KEYS));
    const top = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
    assert.deepEqual([keysOf(top), prefixesOf(top)], [['b', 'c d'], ['a/', 'b/', 'ü/']]);
    const below = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', Prefix: 'b/' }));
    assert.deepEqual([keysOf(below), prefixesOf(below)], [['b/y'], ['b/x/']]);
    const other = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: ' ' }));
    assert.deepEqual(prefixesOf(other), ['c ']);
  });

  await t.test('pages of any size tell everything once', async () => {
    const Bucket = await bucket(objects(KEYS));
    for (const most of [1, 2, 3, 7, 1000]) {
      assert.deepEqual(await pages(s3, most, { Bucket }), KEYS);
      assert.deepEqual((await pages(s3, most, { Bucket, Delimiter: '/' })).sort(), ['a/', 'b', 'b/', 'c d', 'ü/']);
      assert.deepEqual(await pages(s3, most, { Bucket, Delimiter: '/', Prefix: 'b/' }), ['b/x/', 'b/y']);
    }
  });

  await t.test('a listing begins behind a marker, be it a key or not', async () => {
    const Bucket = await bucket(objects(KEYS));
    const after = async (StartAfter, query) => keysOf(await s3.send(new ListObjectsV2Command({ Bucket, StartAfter, ...query })));
    assert.deepEqual(await after('b'), KEYS.slice(3));
    assert.deepEqual(await after('b/x'), KEYS.slice(3));
    assert.deepEqual(await after('zzz'), ['ü/ä']);
    assert.deepEqual(await after('z'.repeat(10_000)), ['ü/ä']);
    assert.deepEqual(await after('b', { Prefix: 'b/y' }), ['b/y']); /* there are others between them */
    const old = await s3.send(new ListObjectsCommand({ Bucket, Marker: 'a/', Delimiter: '/', MaxKeys: 1 }));
    assert.deepEqual([keysOf(old), prefixesOf(old), old.NextMarker], [['b'], [], 'b']);
  });

  await t.test('none are asked for, none are told', async () => {
    const Bucket = await bucket(objects(['a']));
    const answer = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }));
    assert.deepEqual([answer.KeyCount, answer.IsTruncated, answer.Contents], [0, false, undefined]);
  });

  await t.test('versions come newest first, and pages go on behind a version', async () => {
    const Bucket = await bucket();
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const ids = [];
    for (const Body of ['1', '2', '3']) {
      ids.unshift((await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }))).VersionId);
    }
    await s3.send(new PutObjectCommand({ Bucket, Key: 'l', Body: 'x' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'l' }));
    const all = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual(all.Versions.map((v) => [v.Key, v.IsLatest]), [['k', true], ['k', false], ['k', false], ['l', false]]);
    assert.deepEqual(all.DeleteMarkers.map((v) => [v.Key, v.IsLatest]), [['l', true]]);
    const told = [];
    for (let at = {}; at;) {
      const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, ...at }));
      told.push(...(page.Versions ?? []), ...(page.DeleteMarkers ?? []));
      at = page.IsTruncated && { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
    assert.deepEqual(told.map((v) => v.Key), ['k', 'k', 'k', 'l', 'l']);
    assert.deepEqual(told.map((v) => v.IsLatest), [true, false, false, true, false]);
    assert.deepEqual(told.slice(0, 3).map((v) => v.VersionId), ids);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: ids[0] }));
    const behind = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, KeyMarker: 'k', VersionIdMarker: ids[0] }));
    assert.deepEqual(behind.Versions.map((v) => [v.VersionId, v.IsLatest]), [[ids[1], true]], 'what was the latest is gone meanwhile');
    assert.deepEqual(keysOf(await s3.send(new ListObjectsV2Command({ Bucket }))), ['k']); /* what is deleted is not told */
  });

  await t.test('a listing that has many delete markers to pass over holds nobody up', async () => {
    const Bucket = await bucket({ last: 'x', 'z/last': 'x' });
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    for (let batch = 0; batch < 60; batch++) {
      const Objects = Array.from({ length: 1000 }, (_, i) => ({ Key: `gone/${batch}/${i}` }));
      await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    }
    let others = 0; /* requests that were answered before the listing that was there first */
    for (const query of [{}, { Delimiter: '/' }, { Delimiter: '/', MaxKeys: 1 }]) {
      for (const Command of [ListObjectsCommand, ListObjectsV2Command]) {
        let listed;
        const listing = s3.send(new Command({ Bucket, ...query })).then((page) => (listed = page));
        while (!listed) {
          await s3.send(new HeadBucketCommand({ Bucket }));
          others += listed ? 0 : 1;
        }
        await listing;
        assert.deepEqual([keysOf(listed), prefixesOf(listed)], query.Delimiter ? [['last'], query.MaxKeys ? [] : ['z/']] : [['last', 'z/last'], []]);
        assert.equal(listed.IsTruncated, query.MaxKeys === 1);
      }
    }
    assert.ok(others > 6, `${others} other requests were answered meanwhile`); /* one may overtake each listing */
  });
});
