// When an event's handler began, for who sent it to compare.
import { appendFileSync } from 'node:fs';

export async function handler({ id, Records }) {
  if (Records === undefined) {
    appendFileSync('runs/begun', `${id} ${Date.now()}\n`);
  }
}
