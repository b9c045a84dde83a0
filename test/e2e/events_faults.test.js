/* Events and crashes: processes are killed at random while events come in, then every event is accounted for by its id. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startPlatform } from './harness.js';
import { processTree, titleOf } from './machine.js';

const EVENTS = 300;
const SENDERS = 6;
const KILLS = 6;

/* Writes the id of each event that it has handled into a volume: a line a time, so that none is lost with its process. */
const HANDLER = `
const { appendFileSync } = require('node:fs');
exports.handler = async ({ id }) => {
  appendFileSync('data/handled', id + '\\n');
  return { id };
};`;

const FILES = {
  'mayfly.json': JSON.stringify({
    volumes: ['data'],
    functions: { keep: { handler: 'lambda/keep.handler', timeout: 10, maxInstances: 8 } },
  }),
  'lambda/keep.js': HANDLER,
};

/** Sends one event until it is acknowledged, as a client that was cut off does. */
async function send(platform, id) {
  for (;;) {
    try {
      const answer = await platform.request('POST', '/2015-03-31/functions/keep/invocations', {
        headers: { 'x-amz-invocation-type': 'Event', 'content-type': 'application/json' },
        body: JSON.stringify({ id }),
      });
      if (answer.status === 202) {
        return;
      }
    } catch {
      /* the gateway was killed: again */
    }
    await sleep(20);
  }
}

/** Ends one of our own processes that can be started again. */
function killOne(platform) {
  const victims = processTree(platform.pid).filter((pid) => /^mayfly: (gateway|control|zygote|instance)/.test(titleOf(pid) ?? ''));
  if (victims.length > 0) {
    try {
      process.kill(victims[randomInt(victims.length)], 'SIGKILL');
    } catch {
      /* it ended by itself */
    }
  }
}

function handledIds(platform) {
  try {
    return readFileSync(path.join(platform.project, 'data/handled'), 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

test('no acknowledged event is lost, whatever is killed', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const acknowledged = new Set();
  let next = 0;
  const sender = async () => {
    while (next < EVENTS) {
      const id = `event-${next++}`;
      await send(platform, id);
      acknowledged.add(id);
    }
  };
  const killer = async () => {
    for (let i = 0; i < KILLS; i++) {
      const reached = ((i + 1) * EVENTS) / (KILLS + 1);
      await eventually(() => acknowledged.size >= reached, () => `${acknowledged.size} events were acknowledged`, 120_000);
      killOne(platform);
    }
  };
  await Promise.all([killer(), ...Array.from({ length: SENDERS }, sender)]);
  assert.equal(acknowledged.size, EVENTS);
  await eventually(
    () => new Set(handledIds(platform)).size === EVENTS,
    () => `missing: ${[...acknowledged].filter((id) => !handledIds(platform).includes(id)).slice(0, 10).join(' ')}`,
    120_000,
  );
});
