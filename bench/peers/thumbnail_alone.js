/* The thumbnail function's work in plain Node.js, against a store that keeps nothing and answers at once: what the AWS SDK and
 * sharp take by themselves. Prints the milliseconds of each round. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';

async function serve(image) {
  const server = http.createServer((request, answer) => {
    request.resume().on('end', () => answer.writeHead(200, { etag: '"0"' }).end(request.method === 'GET' ? image : ''));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  parentPort.postMessage(server.address().port);
}

async function round(s3) {
  const begin = performance.now();
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'thumbnails', Key: 'in' }));
  const image = await Body.transformToByteArray();
  const thumbnail = await sharp(image).resize(200).jpeg().toBuffer();
  await s3.send(new PutObjectCommand({ Bucket: 'thumbnails', Key: 'out', Body: thumbnail }));
  return performance.now() - begin;
}

async function measure(file, warmUp, rounds) {
  const store = new Worker(new URL(import.meta.url), { workerData: readFileSync(file) });
  const [port] = await once(store, 'message');
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${port}`, forcePathStyle: true, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  const times = [];
  for (let i = 0; i < warmUp + rounds; i++) {
    times.push(await round(s3));
  }
  console.log(JSON.stringify(times.slice(warmUp)));
  await store.terminate();
  s3.destroy();
}

if (isMainThread) {
  await measure(process.argv[2], Number(process.argv[3]), Number(process.argv[4]));
} else {
  await serve(Buffer.from(workerData));
}
