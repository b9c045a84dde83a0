/* POST /.netlify/functions/newsletter-background: a Netlify background function. Whoever calls it is answered 202 at once;
 * it has a quarter of an hour, and two more tries if it fails. */
import { setTimeout as pause } from 'node:timers/promises';

const READERS = ['ada@example.com', 'grace@example.com', 'margaret@example.com'];

export default async (request: Request) => {
  const { subject = 'News from the tea shop' } = await request.json();
  for (const reader of READERS) {
    await pause(200);
    console.log(`newsletter to ${reader}: ${subject}`);
  }
};
