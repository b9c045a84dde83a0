/* What an idle warm instance costs: its private data, the page tables that map it, and its channel's pages. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../lib/client.js';
import { startMayfly } from '../lib/mayfly.js';
import { channelBytes, privateBytes } from '../lib/memory.js';
import { startPeer } from '../lib/peers.js';
import { median } from '../lib/stats.js';
import { mib, printTable, times } from '../lib/table.js';

const PEERS = ['node', 'deno', 'bun', 'workerd'];
const BUDGET_BYTES = 3 * 2 ** 20;
const SETTLE_MS = 1000;

export async function measure({ quick }) {
  const instances = await mayflyInstances(quick ? 20 : 50);
  const peers = {};
  for (const name of PEERS) {
    peers[name] = await peerMemory(name);
  }
  return [report(instances, peers)];
}

/** As many instances as connections: with a concurrency of 1, each that is held open keeps one busy. */
async function mayflyInstances(count) {
  const mayfly = await startMayfly('web', { concurrency: 1, idleSeconds: 60 });
  const connections = [];
  try {
    for (let i = 0; i < count; i++) {
      connections.push(await Connection.open(mayfly.port));
      await connections[i].request('/api/hold', { firstByte: true });
    }
    connections.forEach((connection) => connection.close());
    await sleep(SETTLE_MS);
    const all = mayfly.instances().map(({ pid }) => ({ ...privateBytes(pid), channel: channelBytes(pid) }));
    /* Some more are spares that have served nobody; they hold less. */
    return all.sort((a, b) => b.total - a.total).slice(0, count);
  } finally {
    await mayfly.stop();
  }
}

async function peerMemory(name) {
  const peer = await startPeer(name, 'hello');
  try {
    await sleep(SETTLE_MS);
    return privateBytes(peer.pid);
  } finally {
    await peer.stop();
  }
}

function report(instances, peers) {
  const of = (member) => median(instances.map((instance) => instance[member]));
  const total = of('total') + of('channel');
  const row = (name, { data, tables, channel }, sum) => [name, mib(data), mib(tables), channel === undefined ? '' : mib(channel), mib(sum), times(sum / total)];
  printTable(`memory of an idle warm instance, median of ${instances.length}`,
    ['', 'private data', 'page tables', 'channel', 'together', 'to mayfly'],
    [
      row('mayfly, an instance', { data: of('data'), tables: of('tables'), channel: of('channel') }, total),
      ...PEERS.map((name) => row(`${name}, a process`, peers[name], peers[name].total)),
    ]);
  const best = PEERS.reduce((a, b) => (peers[b].total < peers[a].total ? b : a));
  return {
    what: 'memory of an idle warm instance',
    mayfly: mib(total),
    peer: `${best} ${mib(peers[best].total)}`,
    ratio: peers[best].total / total,
    budget: mib(BUDGET_BYTES),
    met: total <= BUDGET_BYTES,
  };
}
