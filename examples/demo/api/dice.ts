/* GET /api/dice?sides=20: a Vercel function in the web's shape */
import { randomInt } from 'node:crypto';

export function GET(request: Request) {
  const sides = Number(new URL(request.url).searchParams.get('sides') ?? 6);
  if (!Number.isInteger(sides) || sides < 2 || sides > 1000) {
    return Response.json({ error: 'A die has 2 to 1000 sides' }, { status: 400 });
  }
  return Response.json({ sides, rolled: randomInt(1, sides + 1) });
}
