'use strict';
/* Runs what every function will need once in the base zygote, so that no instance pays for compiling
 * or loading it lazily. Only our own code and Node's: a user's handler is not ours to call. */

const ROUNDS = 20; /* one call is almost enough; thousands would make Node's code slower to fork */

async function warmFetch() {
  const http = require('node:http');
  const server = http.createServer((request, response) => response.end('warm'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  await response.text();
  await new Promise((resolve) => server.close(resolve));
}

async function warmWeb() {
  const request = new Request('http://localhost/a?b=c', { method: 'POST', body: '{"a":1}', headers: { a: 'b' } });
  await request.json();
  const response = Response.json({ hello: 'world' }, { headers: { 'x-a': 'b' } });
  await response.text();
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('warm'));
      controller.close();
    },
  });
  await new Response(stream).text();
  new Headers([['a', 'b']]).get('a');
  new URL('http://localhost/a?b=c').searchParams.get('b');
  new TextDecoder().decode(new Uint8Array([65]));
  new AbortController().signal.addEventListener('abort', () => {});
  structuredClone({ a: [1, new Date()] });
}

async function warmCrypto() {
  const crypto = require('node:crypto');
  crypto.createHash('sha256').update('warm').digest('hex');
  crypto.createHmac('sha256', 'key').update('warm').digest('hex');
  crypto.randomUUID();
  await globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(8));
}

function warmText() {
  new Intl.DateTimeFormat('en-US').format(new Date());
  new Date().toLocaleString('en-US', { timeZone: 'Europe/Berlin' });
  require('node:util').inspect({ a: [1, { b: new Map([[1, 2]]) }], e: new Error('warm') });
  Buffer.from('warm').toString('base64');
}

/** Resolves when everything has been run and closed again. */
async function warm() {
  for (const name of ['node:fs', 'node:path', 'node:os', 'node:zlib', 'node:https', 'node:dns', 'node:net',
    'node:tls', 'node:stream', 'node:events', 'node:querystring', 'node:string_decoder', 'node:child_process',
    'node:worker_threads', 'node:diagnostics_channel', 'node:perf_hooks', 'node:timers/promises', 'node:fs/promises']) {
    require(name);
  }
  await warmFetch();
  for (let i = 0; i < ROUNDS; i++) {
    await warmWeb();
    await warmCrypto();
    warmText();
  }
}

module.exports = { warm };
