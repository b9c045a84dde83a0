/* A module may ask the platform while it is being loaded, at the very first start too. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { lambda } from './aws_project.js';
import { ROOT, startPlatform } from './harness.js';

const DECLARED = `
resource "aws_s3_bucket" "photos" {
  bucket = "photos"
}
resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}
`;
const ASKS = `
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';

const sqs = new SQSClient();
const { KeyCount } = await new S3Client({ forcePathStyle: true }).send(new ListObjectsV2Command({ Bucket: 'photos' }));
const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'jobs' }));
await sqs.send(new CreateQueueCommand({ QueueName: 'made' }));
const { Payload } = await new LambdaClient().send(new InvokeCommand({ FunctionName: 'quick', Payload: '"here"' }));
export const handler = async () => ({ objects: KeyCount, queue: QueueUrl.split('/').at(-1), answer: Buffer.from(Payload).toString() });
`;

test('a module may await calls of the AWS port at its top level at the first start', async (t) => {
  const platform = await startPlatform(t, { files: {
    'main.tf': lambda('asks') + lambda('quick') + DECLARED,
    'asks.mjs': ASKS,
    'quick.js': 'exports.handler = async (event) => `quick: ${event}`;',
    'node_modules/@aws-sdk': { link: path.join(ROOT, 'node_modules/@aws-sdk') },
  } });
  const { json } = await platform.post('/2015-03-31/functions/asks/invocations', {});
  assert.deepEqual(json, { objects: 0, queue: 'jobs', answer: '"quick: here"' });
  const sqs = new SQSClient(platform.aws);
  t.after(() => sqs.destroy());
  assert.match((await sqs.send(new GetQueueUrlCommand({ QueueName: 'made' }))).QueueUrl, /\/made$/);
});

/* Each asks at its top level and in its handler, by a client that keeps its connections. */
const CLIENTS = {
  fetch: `
    const ask = async (what) => (await fetch(process.env.TEST_ORIGIN + what)).text();`,
  agent: `
    import http from 'node:http';
    const agent = new http.Agent({ keepAlive: true });
    const ask = (what) => new Promise((resolve, reject) => {
      http.get(process.env.TEST_ORIGIN + what, { agent }, (response) => response.setEncoding('utf8').on('data', resolve)).on('error', reject);
    });`,
};
const client = (name) => `${CLIENTS[name]}
const first = await ask('/first');
export const handler = async () => [first, await ask('/again')];
`;
const STILL_ASKS = `
const first = fetch(process.env.TEST_ORIGIN + '/late').then((response) => response.text());
export const handler = async () => [await first];
`;

test('what a module has asked for does not keep it from being forked; what it still asks for does', async (t) => {
  let hold;
  const held = new Promise((resolve) => { hold = resolve; });
  const server = http.createServer(({ url }, response) => {
    const answer = () => response.end(`answer to ${url}`);
    (url === '/late' ? hold : setImmediate)(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  const names = [...Object.keys(CLIENTS), 'late'];
  const platform = await startPlatform(t, { files: {
    'main.tf': names.map(lambda).join(''),
    ...Object.fromEntries(Object.keys(CLIENTS).map((name) => [`${name}.mjs`, client(name)])),
    'late.mjs': STILL_ASKS,
    '.env': `TEST_ORIGIN=http://127.0.0.1:${server.address().port}`,
  } });
  const loaded = (name) => platform.record((record) => record.type === 'function' && record.function === `lambda/${name}`);
  for (const name of Object.keys(CLIENTS)) {
    const { snapshot, reason } = await loaded(name);
    assert.equal(snapshot, true, `${name}: ${reason}`);
  }
  assert.match((await loaded('late')).reason, /^it holds an open connection to 127/);
  const invoke = async (name) => (await platform.post(`/2015-03-31/functions/${name}/invocations`, {})).json;
  for (const name of Object.keys(CLIENTS)) {
    assert.deepEqual(await invoke(name), ['answer to /first', 'answer to /again']);
  }
  const answerLate = await held;
  answerLate();
  assert.deepEqual(await invoke('late'), ['answer to /late']);
});
