'use strict';

/* A process for tests of bootstraps, since the end of an executable is the end of its instance.
 *
 * Arguments: the executable, the endpoint's settings as JSON. In: { id, line, options } by IPC. Out:
 * JSON lines on fd 1, an answer each: { id, status, headers, body, failure, logs }. */

const fs = require('node:fs');
const { startInstance } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const bootstrap = require('../../runtime/js/dialects/bootstrap');

const [executable, settings] = process.argv.slice(2);

function report(id, reply) {
  const answer = {
    id, status: reply.status, headers: reply.headers, body: reply.bytes.toString('latin1'),
    failure: reply.failure, logs: reply.logs.map(({ text }) => text),
  };
  fs.writeSync(1, `${JSON.stringify(answer)}\n`);
}

async function main() {
  consoles.install();
  const gateway = await startInstance({
    adapter: bootstrap,
    settings: { function_name: 'custom', handler: 'my.handler' },
    endpoints: [{ name: '/', file: 'bootstrap', module: 'bootstrap', settings: JSON.parse(settings) }],
    spec: { entry: executable, timeout_ms: JSON.parse(settings).timeoutMs },
  });
  process.on('message', async ({ id, line, options }) => {
    const body = options.base64 === undefined ? options.body : Buffer.from(options.base64, 'base64');
    const reply = gateway.start(line, { ...options, body });
    await reply.until((it) => it.complete);
    /* What it printed comes by another way than its answer. */
    if (options.untilLog) {
      while (!reply.logs.some(({ text }) => text.includes(options.untilLog))) await new Promise(setImmediate);
    }
    report(id, reply);
  });
  process.send('ready');
}

main();
