/* The peers: how each is started. Each serves Mayfly's own paths on 127.0.0.1. */
import { build } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { firstAnswer } from './client.js';
import { BENCH, BUN, DENO, NODE, WORK, WORKERD } from './paths.js';
import { freePort, start } from './processes.js';

const PROGRAMS = { deno: DENO, bun: BUN, node: NODE };
const script = (name) => path.join(BENCH, 'peers', `${name}.js`);

/** A peer's kind is `all` (every path) or `hello` (nothing else, and nothing else loaded). */
const commands = {
  deno: (kind) => [DENO, ['run', '--allow-all', '--quiet', script(`deno_${kind}`)]],
  bun: (kind) => [BUN, ['run', script(`bun_${kind}`)]],
  node: (kind) => [NODE, [kind === 'packages_bundled' ? path.join(WORK, 'node_packages_bundled.cjs') : script(`node_${kind}`)]],
  workerd: (kind, port) => [WORKERD, ['serve', workerdConfig(kind, port)]],
  nginx: (kind, port) => ['nginx', ['-p', WORK, '-c', nginxConfig(port), '-e', '/dev/null']],
};

export const PEERS = Object.keys(commands);

function workerdConfig(kind, port) {
  const text = readFileSync(path.join(BENCH, 'peers/workerd.capnp'), 'utf8');
  const file = path.join(WORK, `workerd-${port}.capnp`);
  writeFileSync(file, text.replaceAll('PORT', port).replaceAll('WORKER', `workerd_${kind}.js`));
  return file;
}

function nginxConfig(port) {
  const text = readFileSync(path.join(BENCH, 'peers/nginx.conf'), 'utf8');
  const file = path.join(WORK, `nginx-${port}.conf`);
  writeFileSync(file, text.replaceAll('PORT', port));
  return file;
}

/** workerd takes no packages, only modules: bundle its workers once. */
export async function preparePeers() {
  await build({
    entryPoints: [script('workerd_all'), script('workerd_hello')],
    outdir: WORK,
    bundle: true,
    format: 'esm',
    logLevel: 'error',
  });
}

function startListening(name, command, args, port) {
  /* Debian keeps nginx where only root looks. */
  const env = { PATH: `${process.env.PATH}:/usr/sbin`, PORT: String(port), NODE_ENV: 'production', DENO_NO_UPDATE_CHECK: '1' };
  return { ...start(name, command, args, { env, cwd: BENCH }), port };
}

/** Starts a peer without waiting for it. */
export function spawnPeer(name, kind, port) {
  const [command, args] = commands[name](kind, port);
  return startListening(name, command, args, port);
}

/** Starts a peer that watches its files. */
export function spawnWatching(name, file, port) {
  const args = { deno: ['run', '--allow-all', '--quiet', '--watch', file], bun: ['--watch', file], node: ['--watch', file] }[name];
  return startListening(name, PROGRAMS[name], args, port);
}

/** Starts a peer and waits until it answers. */
export async function startPeer(name, kind = 'all') {
  const peer = spawnPeer(name, kind, await freePort());
  await firstAnswer(peer.port, '/api/hello', { server: peer });
  return peer;
}
