// When an event's handler began, and how many messages were handled, for who sent them to compare.
import { appendFileSync } from 'node:fs';

export async function handler({ id, Records }) {
  if (Records === undefined) {
    appendFileSync('runs/begun', `${id} ${Date.now()}\n`);
  } else {
    appendFileSync(`runs/${Records[0].eventSourceARN.split(':').at(-1)}`, '.'.repeat(Records.length));
  }
}
