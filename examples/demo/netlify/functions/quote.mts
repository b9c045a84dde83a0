/* GET /quote and /quote/:author: a Netlify function */
import type { Config, Context } from '@netlify/functions';

const QUOTES = [
  { author: 'Lovelace', text: 'That brain of mine is something more than merely mortal, as time will show.' },
  { author: 'Hopper', text: 'A ship in port is safe, but that is not what ships are for.' },
  { author: 'Hamilton', text: 'There was no choice but to be pioneers.' },
];

export default async (_request: Request, context: Context) => {
  const { author } = context.params;
  const found = author ? QUOTES.filter((quote) => quote.author.toLowerCase() === author.toLowerCase()) : QUOTES;
  if (found.length === 0) {
    return Response.json({ error: `Nothing by ${author}` }, { status: 404 });
  }
  return Response.json(found[Math.floor(Math.random() * found.length)]);
};

export const config: Config = {
  path: ['/quote', '/quote/:author'],
  method: 'GET',
};
