'use strict';
/* Clients of SQS send where a queue's URL leads, and handlers make such URLs themselves. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { install } = require('../../runtime/js/aws_queue_urls');

const KEY = 'ASIAOFTHISFUNCTION';

/* A function's folder with a client of SQS, its environment, and the port that it should reach. */
async function makeScene(t, client = '@aws-sdk/client-sqs') {
  const task = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-queues-')));
  fs.mkdirSync(path.join(task, 'node_modules', client), { recursive: true });
  const seen = [];
  const port = http.createServer((request, response) => {
    seen.push([request.method, request.headers.host, request.url]);
    request.resume().on('end', () => response.end('stored'));
  });
  await new Promise((resolve) => port.listen(0, '127.0.0.1', resolve));
  const { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: key } = process.env;
  const before = https.request;
  Object.assign(process.env, { AWS_ENDPOINT_URL: `http://127.0.0.1:${port.address().port}`, AWS_ACCESS_KEY_ID: KEY });
  t.after(() => {
    fs.rmSync(task, { recursive: true });
    port.close();
    https.request = before;
    for (const [name, value] of Object.entries({ AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: key })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  return { task, seen };
}

/* As both SDKs call it; who would go to the network is told where. */
function send(host, key, name = 'authorization') {
  const { promise, resolve } = Promise.withResolvers();
  const lookup = (wanted, _options, callback) => callback(new Error(`looked for ${wanted}`));
  const headers = { host, [name]: `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0` };
  const request = https.request({ host, path: '/000000000000/jobs', method: 'POST', headers, lookup, agent: new https.Agent() });
  request.on('response', (response) => response.setEncoding('utf8').on('data', resolve));
  request.on('error', (error) => resolve(error.message));
  request.end('Action=SendMessage');
  return promise;
}

test('what is signed with the function\'s own credentials for SQS goes to its endpoint, as it was signed', async (t) => {
  const { task, seen } = await makeScene(t);
  install(task);
  assert.equal(await send('sqs.eu-west-1.amazonaws.com', KEY), 'stored');
  assert.equal(await send('sqs.us-east-1.amazonaws.com', KEY, 'Authorization'), 'stored');
  assert.deepEqual(seen, [
    ['POST', 'sqs.eu-west-1.amazonaws.com', '/000000000000/jobs'], ['POST', 'sqs.us-east-1.amazonaws.com', '/000000000000/jobs'],
  ]);
});

test('what is signed with other credentials, or for another host, goes where it should', async (t) => {
  const { task, seen } = await makeScene(t, 'aws-sdk');
  install(task);
  assert.equal(await send('sqs.eu-west-1.amazonaws.com', 'AKIAOFANACCOUNT'), 'looked for sqs.eu-west-1.amazonaws.com');
  assert.equal(await send('sqs.eu-west-1.amazonaws.com.example', KEY), 'looked for sqs.eu-west-1.amazonaws.com.example');
  assert.deepEqual(seen, []);
});

test('nothing is changed without a client of SQS, or without an endpoint', async (t) => {
  const { task } = await makeScene(t, 'left-pad');
  const { request } = https;
  install(task);
  delete process.env.AWS_ENDPOINT_URL;
  fs.mkdirSync(path.join(task, 'node_modules/aws-sdk'));
  install(task);
  assert.equal(https.request, request);
});
