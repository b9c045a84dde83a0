/* From an upload to its thumbnail: a JPEG of 1 MB is put, a Lambda function makes a thumbnail with sharp and puts that. Beside
 * it, in turns, what sharp alone takes in plain Node.js for the same image, and what the function's work does there with a
 * store that keeps nothing. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import sharp from 'sharp';
import { sign } from '../lib/aws_sign.js';
import { startMayfly } from '../lib/mayfly.js';
import { BENCH, NODE, WORK } from '../lib/paths.js';
import { run } from '../lib/processes.js';
import { median, percentile } from '../lib/stats.js';
import { ms, printTable, times } from '../lib/table.js';

const BUDGET = 1.3;
const ROUND = 15; /* uploads between two looks at sharp alone */
const WARM_UP = 40; /* rounds: by then V8 has compiled the AWS SDK, which checks a megabyte's sum in JavaScript */
const PATIENCE_MS = 60_000;

export async function measure({ quick }) {
  const image = path.join(WORK, 'image.jpg');
  await makeImage(image);
  const mayfly = await startMayfly('thumbnail');
  const told = await listen();
  try {
    const upload = uploader(mayfly, told, readFileSync(image));
    for (let i = 0; i < WARM_UP; i++) {
      await upload();
    }
    const all = { upload: [], stored: [], inside: [], alone: [], plain: [] };
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      all.alone.push(...(await peer('sharp_alone.js', image)));
      all.plain.push(...(await peer('thumbnail_alone.js', image)));
      for (let i = 0; i < ROUND; i++) {
        const one = await upload();
        all.upload.push(one.ms);
        all.stored.push(one.storedMs);
        all.inside.push(one.sharpMs);
      }
    }
    return report(all);
  } finally {
    told.server.close();
    await mayfly.stop();
  }
}

async function peer(script, image) {
  return JSON.parse(await run(NODE, [path.join(BENCH, 'peers', script), image, String(WARM_UP), String(ROUND)], PATIENCE_MS));
}

/** Six megapixels with a little noise: a megabyte, as a photograph of that size has. */
async function makeImage(file) {
  await sharp({ create: { width: 3000, height: 2000, channels: 3, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 12 } } })
    .jpeg({ quality: 80 }).toFile(file);
}

/** Where the function says that a thumbnail is stored. */
async function listen() {
  const waiting = new Map();
  const server = http.createServer((request, answer) => {
    const url = new URL(request.url, 'http://localhost');
    waiting.get(url.pathname.slice(1))?.(Number(url.searchParams.get('sharp')));
    request.resume();
    answer.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port, waiting };
}

function put(mayfly, target, body) {
  return new Promise((resolve, reject) => {
    const headers = sign({ method: 'PUT', path: target, port: mayfly.awsPort, service: 's3', unsigned: true });
    const request = http.request({ host: '127.0.0.1', port: mayfly.awsPort, method: 'PUT', path: target, headers }, (answer) => {
      answer.resume().on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`PUT ${target}: ${answer.statusCode}`))));
    });
    request.on('error', reject);
    request.end(body);
  });
}

function uploader(mayfly, told, image) {
  let count = 0;
  return async () => {
    const name = `${count++}.jpg`;
    let late;
    const made = new Promise((resolve, reject) => {
      told.waiting.set(name, resolve);
      late = setTimeout(() => reject(new Error(`no thumbnail of ${name}: ${mayfly.output()}`)), PATIENCE_MS);
    });
    const bytes = Buffer.concat([image, Buffer.from(name)]); /* else they are one content, stored once */
    const begin = performance.now();
    const [, storedMs, { sharpMs, took }] = await Promise.all([
      made,
      put(mayfly, `/thumbnails/in/${told.port}/${name}`, bytes).then(() => performance.now() - begin),
      made.then((sharpMs) => ({ sharpMs, took: performance.now() - begin })),
    ]);
    clearTimeout(late);
    told.waiting.delete(name);
    return { ms: took, storedMs, sharpMs };
  };
}

function report({ upload, stored, inside, alone, plain }) {
  const rows = [['sharp alone, plain Node.js', alone], ['the function in plain Node.js, nothing stored', plain], ['sharp in the function', inside], ['upload acknowledged', stored], ['upload to thumbnail', upload]];
  printTable('a thumbnail of an uploaded JPEG of 1 MB, warm', ['', 'p50', 'p95'],
    rows.map(([what, values]) => [what, ms(median(values)), ms(percentile(values, 95))]));
  const ratio = median(upload) / median(alone);
  return [{ what: 'upload to thumbnail against sharp alone, p50', mayfly: ms(median(upload)), peer: ms(median(alone)), ratio, budget: times(BUDGET), met: ratio <= BUDGET }];
}
