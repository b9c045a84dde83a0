import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compile } from './faults_project.js';
import { ROOT } from './harness.js';

/* A project with a function that has something to hide, and two that want it: one that is forked, and one that cannot
 * be, whose first instance is process 1 of its sandbox and whose others have one above them. */

const here = (file) => path.join(ROOT, 'test/e2e', file);

/** Every system call that the machine's headers know, by name. */
function calls() {
  const macros = execFileSync('cc', ['-E', '-dM', '-include', 'sys/syscall.h', '-x', 'c', '/dev/null'], { encoding: 'utf8' });
  return [...macros.matchAll(/^#define SYS_(\w+) /gm)].map(([, name]) => `CALL(${name}),`).join('\n');
}

const HEAD = `
const fs = require('node:fs');
const { setTimeout: wait } = require('node:timers/promises');
`;

/* It stays where it is for as long as data/over is not there, and says what it still has then. */
const HOLD = `
async function hold() {
  const me = process.env.AWS_LAMBDA_FUNCTION_NAME;
  const abstract = 'victim-' + me + Math.random(); /* such names are the machine's */
  fs.writeFileSync('/tmp/victim-file', 'victim');
  const servers = ['/tmp/victim.sock', '\\0' + abstract].map((name) => require('node:net').createServer((socket) => socket.on('error', () => {}).end('victim')).listen(name));
  const child = require('node:child_process').spawn('/bin/sleep', ['1000']);
  await Promise.all(servers.map((one) => one.listening || new Promise((done) => one.once('listening', done))));
  fs.writeFileSync('data/' + me + '.part', JSON.stringify({ pids: [process.pid, child.pid], abstract, tmp: fs.realpathSync('/tmp') }));
  fs.renameSync('data/' + me + '.part', 'data/' + me + '.json'); /* who sees it sees all of it */
  while (!fs.existsSync('data/over')) await wait(10);
  const alive = child.exitCode === null && child.signalCode === null;
  servers.forEach((one) => one.close());
  child.kill('SIGKILL');
  return { alive, file: fs.readFileSync('/tmp/victim-file', 'utf8'), files: fs.readdirSync('/tmp').sort(), secret: process.env.VICTIM_SECRET };
}
`;

const VICTIM = `${HEAD}${HOLD}
exports.handler = hold;
`;

const ATTACKER = `${HEAD}${HOLD}
const attack = require('attack');
exports.handler = (event) => (event.hold ? hold() : attack(event));
`;

/* A watcher cannot be forked. */
const LONER = `${ATTACKER}
fs.watch('/tmp');
`;

/* Daemons: away from the group and the session of who started them. Without control groups they end when no instance is
 * left, which is soon. */
const DAEMON = `${HEAD}
const commands = () => fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => {
  try { return fs.readFileSync('/proc/' + pid + '/cmdline', 'latin1'); } catch { return ''; }
});
exports.handler = async ({ exit }) => {
  const daemon = 'setsid sh -c "setsid sleep 1234 & exec sleep 1234" & exec sleep 1234';
  require('node:child_process').spawn('/bin/sh', ['-c', daemon], { detached: true, stdio: 'ignore' }).unref();
  while (commands().filter((command) => command.startsWith('sleep')).length < 3) await wait(10);
  if (exit !== undefined) process.exit(exit);
  return 'started';
};
`;

const PRINTER = `
exports.handler = async () => require('node:child_process').execFileSync('/bin/sh', ['-c', 'echo said > /dev/stdout; echo mistaken > /dev/stderr'], { stdio: 'inherit' });
`;

export function files({ secret }) {
  const settings = { runtime: 'nodejs24.x', timeout: 120, memory: 1024 };
  const functions = {
    victim: { ...settings, environment: { VICTIM_SECRET: secret } }, attacker: settings, loner: settings, daemon: { ...settings, idleSeconds: 10 }, printer: settings,
  };
  const include = `-I${path.join(ROOT, 'node_modules/node-api-headers/include')}`;
  return {
    'mayfly.json': JSON.stringify({
      volumes: ['data'],
      functions: Object.fromEntries(Object.entries(functions).map(([name, entry]) => [name, { handler: `${name}.handler`, ...entry }])),
    }),
    'victim.js': VICTIM, 'attacker.js': ATTACKER, 'loner.js': LONER, 'daemon.js': DAEMON, 'printer.js': PRINTER,
    'node_modules/attack/package.json': '{ "name": "attack", "version": "1.0.0", "main": "index.js" }',
    'node_modules/attack/index.js': readFileSync(here('breakout_inside.js')),
    'node_modules/attack/calls.node': compile(readFileSync(here('breakout_calls.c'), 'utf8').replace('@CALLS@', calls()), '-shared', '-fPIC', '-w', include),
  };
}
