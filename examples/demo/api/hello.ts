/* GET /api/hello?name=Ada: a Vercel function in Node's shape */
import type { VercelRequest, VercelResponse } from '@vercel/node';

export default function handler(request: VercelRequest, response: VercelResponse) {
  const { name = 'world' } = request.query;
  response.status(200).json({ greeting: `Hello, ${name}!` });
}
