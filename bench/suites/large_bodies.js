/* One gigabyte up, counted by the function; one down, made by it; and how late server-sent events are. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startMayfly } from '../lib/mayfly.js';
import { residentBytes } from '../lib/memory.js';
import { startPeer } from '../lib/peers.js';
import { median, percentile } from '../lib/stats.js';
import { mib, ms, printTable, times } from '../lib/table.js';

const PEERS = ['deno', 'bun', 'node'];
const CHUNK = Buffer.alloc(64 * 1024, 120);
const GROWTH_BUDGET_BYTES = 50 * 2 ** 20;
const SAMPLE_MS = 50;

export async function measure({ quick }) {
  const bytes = quick ? 2 ** 28 : 2 ** 30;
  const servers = { mayfly: await startMayfly('web', { bodyMaxBytes: 2 ** 40 }) };
  try {
    for (const name of PEERS) {
      servers[name] = await startPeer(name);
    }
    const results = Object.fromEntries(Object.keys(servers).map((name) => [name, { up: [], down: [], events: [] }]));
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      for (const [name, server] of Object.entries(servers)) {
        results[name].up.push(bytes / (await uploadSeconds(server, bytes)));
        results[name].down.push(bytes / (await downloadSeconds(server, bytes)));
        results[name].events.push(...(await eventDelays(server, quick ? 50 : 200)));
      }
    }
    return report(results, await uploadGrowth(servers.mayfly, bytes), bytes);
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
}

async function exchange(server, head) {
  const socket = connect({ host: '127.0.0.1', port: server.port, noDelay: true });
  await once(socket, 'connect');
  socket.setTimeout(60_000, () => socket.destroy(new Error(`${server.name} is silent`)));
  socket.write(`${head}\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  return socket;
}

async function uploadSeconds(server, bytes) {
  const begin = performance.now();
  const socket = await exchange(server, `POST /api/upload HTTP/1.1\r\ncontent-type: application/octet-stream\r\ncontent-length: ${bytes}`);
  const answer = textOf(socket);
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    if (!socket.write(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK)) {
      await Promise.race([once(socket, 'drain'), answer]);
    }
  }
  const text = await answer;
  if (!text.includes(`{"bytes":${bytes}}`)) {
    throw new Error(`${server.name} did not count ${bytes} bytes: ${text}`);
  }
  return (performance.now() - begin) / 1000;
}

/** All of a small answer. */
async function textOf(socket) {
  let text = '';
  for await (const data of socket) {
    text += data;
  }
  return text;
}

async function downloadSeconds(server, bytes) {
  const begin = performance.now();
  const socket = await exchange(server, `GET /api/download?bytes=${bytes} HTTP/1.1`);
  let got = 0;
  let first = '';
  socket.on('data', (data) => {
    first ||= data.toString('latin1', 0, 15);
    got += data.length;
  });
  await once(socket, 'close');
  if (!first.startsWith('HTTP/1.1 200') || got < bytes) {
    throw new Error(`${server.name} sent ${got} of ${bytes} bytes: ${first}`);
  }
  return (performance.now() - begin) / 1000;
}

/** Each event says when it was made. */
async function eventDelays(server, count) {
  const socket = await exchange(server, `GET /api/events?count=${count} HTTP/1.1`);
  const delays = [];
  socket.on('data', (data) => {
    const now = performance.timeOrigin + performance.now();
    for (const [, sent] of data.toString('latin1').matchAll(/data: ([\d.]+)\n\n/g)) {
      delays.push(now - Number(sent));
    }
  });
  await once(socket, 'close');
  if (delays.length !== count) {
    throw new Error(`${server.name} sent ${delays.length} of ${count} events`);
  }
  return delays;
}

/** By how much the platform's memory grows while a function counts an upload. */
async function uploadGrowth(mayfly, bytes) {
  const resident = () => mayfly.processes().reduce((sum, { pid }) => sum + residentBytes(pid), 0);
  const before = resident();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, resident());
  }, SAMPLE_MS);
  await uploadSeconds(mayfly, bytes);
  clearInterval(timer);
  return most - before;
}

const rate = (value) => `${Math.round(value / 2 ** 20)} MB/s`;

function report(results, growth, bytes) {
  const { mayfly } = results;
  printTable(`bodies of ${Math.round(bytes / 2 ** 20)} MB, and server-sent events`,
    ['', 'upload', 'download', 'event p50', 'event p99', 'mayfly to it, up', 'down'],
    Object.entries(results).map(([name, { up, down, events }]) => [
      name, rate(median(up)), rate(median(down)), ms(median(events)), ms(percentile(events, 99)),
      times(median(mayfly.up) / median(up)), times(median(mayfly.down) / median(down)),
    ]));
  return [
    ...['up', 'down'].map((way) => {
      const best = PEERS.reduce((a, b) => (median(results[b][way]) > median(results[a][way]) ? b : a));
      return {
        what: way === 'up' ? 'upload counted by a function' : 'streamed download',
        mayfly: rate(median(mayfly[way])),
        peer: `${best} ${rate(median(results[best][way]))}`,
        ratio: median(mayfly[way]) / median(results[best][way]),
      };
    }),
    { what: 'delay of a server-sent event, p50', mayfly: ms(median(mayfly.events)) },
    { what: 'growth while counting an upload', mayfly: mib(growth), budget: mib(GROWTH_BUDGET_BYTES), met: growth <= GROWTH_BUDGET_BYTES },
  ];
}
