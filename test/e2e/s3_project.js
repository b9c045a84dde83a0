/* A platform for tests of S3, with two users beside the developer, and AWS's own clients of it. */
import assert from 'node:assert/strict';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startPlatform } from './harness.js';

export const ALICE = { accessKeyId: 'ALICEALICEALICEALICE', secretAccessKey: 'alice-secret' };
export const BOB = { accessKeyId: 'BOBBOBBOBBOBBOBBOBBO', secretAccessKey: 'bob-secret' };
/** What S3 calls its users: mayfly.json can say it. */
export const ALICE_ID = 'a'.repeat(64);
export const BOB_ID = 'b'.repeat(64);

export const FILES = {
  'api/hello.js': 'export const GET = () => new Response("hello");',
  'mayfly.json': JSON.stringify({
    events: {
      users: {
        alice: { ...ALICE, canonicalId: ALICE_ID, email: 'alice@example.com' },
        bob: { ...BOB, canonicalId: BOB_ID, email: 'bob@example.com' },
      },
    },
  }),
};

/** A platform for all the tests of a file: each works in buckets of its own. */
export async function startS3(t) {
  const platform = await startPlatform(t, { files: FILES });
  const client = (credentials, more = {}) => {
    const made = new S3Client({ ...platform.aws, credentials: credentials ?? platform.aws.credentials, forcePathStyle: true, ...more });
    t.after(() => made.destroy());
    return made;
  };
  const s3 = client();
  let buckets = 0;
  return {
    platform,
    s3,
    endpoint: platform.aws.endpoint,
    client,
    /** A new bucket, with objects: { key: body }. */
    async bucket(objects = {}, more = {}, owner = s3) {
      const Bucket = `bucket-${++buckets}`;
      await owner.send(new CreateBucketCommand({ Bucket, ...more }));
      for (const [Key, Body] of Object.entries(objects)) {
        await owner.send(new PutObjectCommand({ Bucket, Key, Body }));
      }
      return Bucket;
    },
  };
}

/** That a call is refused so: { status, code }. Returns the error. */
export async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail('was not refused'), (reason) => reason);
  assert.equal(`${error.$metadata?.httpStatusCode} ${error.name}`, `${status} ${code}`, error.message);
  return error;
}

/** What an error says beside what every error has. */
export function details(error) {
  const usual = ['name', 'message', 'stack', 'Code', 'RequestId', 'HostId', '$fault', '$metadata', '$response', '$service', '$retryable'];
  return Object.fromEntries(Object.entries(error).filter(([name]) => !usual.includes(name)));
}

/** The body of an answer, as a text. */
export const text = async (answer) => (await answer).Body.transformToString();
