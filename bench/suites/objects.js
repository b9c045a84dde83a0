/* The S3 API against nginx on the same disk: a static file for get, WebDAV for put (which nginx does not sync; Mayfly does).
 * Large ones are curl's, which is not the slowest of the three, and each begins with nothing left to write for the other. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sign, wrkScript } from '../lib/aws_sign.js';
import { startMayfly } from '../lib/mayfly.js';
import { WORK } from '../lib/paths.js';
import { freePort, run, start } from '../lib/processes.js';
import { median } from '../lib/stats.js';
import { perSecond, printTable, times } from '../lib/table.js';
import { requestsPerSecond } from '../lib/wrk.js';

const KIB = 1024;
const SMALL = KIB;
const MIDDLE = KIB * KIB;
const PATIENCE_MS = 300_000;
const BUDGET = { small: 0.5, large: 0.9 };

export async function measure({ quick }) {
  const large = quick ? 256 * MIDDLE : 1024 * MIDDLE;
  const files = makeFiles([SMALL, MIDDLE, large]);
  const mayfly = await startMayfly('events');
  const nginx = await startNginx();
  try {
    await send(mayfly, 'PUT', '/bench');
    const rows = [];
    for (const [name, size] of [['1 KB', SMALL], ['1 MB', MIDDLE]]) {
      for (const method of ['PUT', 'GET']) {
        rows.push(await compare(mayfly, nginx, { name, method, file: files.get(size), size, quick }));
      }
    }
    for (const method of ['PUT', 'GET']) {
      rows.push(await compareLarge(mayfly, nginx, { method, file: files.get(large), size: large, quick }));
    }
    return report(rows);
  } finally {
    await Promise.all([mayfly.stop(), nginx.stop()]);
    files.forEach((file) => rmSync(file, { force: true }));
  }
}

function makeFiles(sizes) {
  const block = Buffer.from(Array.from({ length: MIDDLE }, (_, i) => (i * 7919) & 255));
  return new Map(sizes.map((size) => {
    const file = path.join(WORK, `object-${size}`);
    writeFileSync(file, size < MIDDLE ? block.subarray(0, size) : '');
    for (let written = 0; size >= MIDDLE && written < size; written += MIDDLE) {
      writeFileSync(file, block, { flag: 'a' });
    }
    return [size, file];
  }));
}

async function startNginx() {
  const folder = path.join(WORK, 'nginx-dav');
  mkdirSync(path.join(folder, 'data/bench'), { recursive: true });
  const port = await freePort();
  writeFileSync(path.join(folder, 'nginx.conf'), `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
user root;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; sendfile on; client_max_body_size 0;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; root ${folder}/data; location / { dav_methods PUT DELETE; } }
}
`);
  const server = start('nginx', '/usr/sbin/nginx', ['-c', path.join(folder, 'nginx.conf'), '-p', folder]);
  const nginx = { ...server, port, awsPort: port };
  for (let tries = 0; !(await isListening(port)); tries++) {
    if (tries === 100 || server.ended()) {
      throw new Error(`nginx does not listen: ${server.output()}`);
    }
    await sleep(50);
  }
  return nginx;
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

function signed(server, method, target) {
  return sign({ method, path: target, port: server.awsPort, service: 's3', unsigned: true });
}

/** One request; resolves to the seconds until its answer is complete. */
async function send(server, method, target, file) {
  await run('sync', [], PATIENCE_MS);
  const headers = Object.entries(signed(server, method, target)).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const body = file ? ['-H', 'Expect:', '-T', file] : ['-X', method];
  const output = await run('curl', ['-sS', '--fail-with-body', '-o', '/dev/null', '-w', '%{time_total}', ...headers, ...body, `http://127.0.0.1:${server.awsPort}${target}`], PATIENCE_MS);
  if (!(Number(output) > 0)) {
    throw new Error(`${server.name}: ${method} ${target}: ${output}`);
  }
  return Number(output);
}

async function compare(mayfly, nginx, { name, method, file, size, quick }) {
  const target = `/bench/object-${size}`;
  const rates = { mayfly: [], nginx: [] };
  await send(mayfly, 'PUT', target, file);
  await send(nginx, 'PUT', target, file);
  for (let round = 0; round < (quick ? 2 : 3); round++) {
    for (const server of [mayfly, nginx]) {
      rates[server.name].push(await load(server, method, target, size, quick));
    }
  }
  return { what: `${method} ${name}`, ...summary(rates), unit: perSecond, budget: BUDGET.small };
}

async function load(server, method, target, size, quick) {
  const script = path.join(WORK, `${server.name}-${method}.lua`);
  const body = method === 'PUT' ? Buffer.alloc(size, 120).toString() : '';
  writeFileSync(script, wrkScript({ method, headers: signed(server, method, target), body }));
  return requestsPerSecond({ ...server, port: server.awsPort }, { path: target, seconds: quick ? 3 : 6, threads: 1, connections: 32, script });
}

async function compareLarge(mayfly, nginx, { method, file, size, quick }) {
  const target = '/bench/large';
  const rates = { mayfly: [], nginx: [] };
  for (const server of [mayfly, nginx]) {
    await send(server, 'PUT', target, file);
  }
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const server of [mayfly, nginx]) {
      rates[server.name].push(size / (await send(server, method, target, method === 'PUT' ? file : undefined)) / 1e6);
    }
  }
  return { what: `${method} ${size / MIDDLE} MB`, ...summary(rates), unit: (rate) => `${Math.round(rate)} MB/s`, budget: BUDGET.large };
}

function summary({ mayfly, nginx }) {
  return { mayfly: median(mayfly), nginx: median(nginx), ratio: median(mayfly.map((rate, i) => rate / nginx[i])) };
}

function report(rows) {
  printTable('objects over the S3 API, against nginx (static get, WebDAV put) on the same disk', ['', 'mayfly', 'nginx', 'ratio'],
    rows.map((row) => [row.what, row.unit(row.mayfly), row.unit(row.nginx), times(row.ratio)]));
  return rows.map((row) => ({ what: `S3 ${row.what} against nginx`, mayfly: times(row.ratio), budget: times(row.budget), met: row.ratio >= row.budget }));
}
