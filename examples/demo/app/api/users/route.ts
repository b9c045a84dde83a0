/* GET /api/users?page=2&limit=10, POST /api/users (a Next.js route handler) */
import type { NextRequest } from 'next/server';
import { readBody } from '@/lib/input';
import { createUser, listUsers, newUser } from '@/lib/users';

function positive(text: string | null, otherwise: number, max: number): number {
  const value = Number.parseInt(text ?? '', 10);
  return value > 0 ? Math.min(value, max) : otherwise;
}

export async function GET(request: NextRequest) {
  const query = request.nextUrl.searchParams;
  const page = positive(query.get('page'), 1, 1_000_000);
  const limit = positive(query.get('limit'), 10, 100);
  return Response.json({ users: await listUsers(page, limit), page, limit });
}

export async function POST(request: NextRequest) {
  const wanted = await readBody(request, newUser);
  if (wanted instanceof Response) {
    return wanted;
  }
  const user = await createUser(wanted);
  return user
    ? Response.json(user, { status: 201 })
    : Response.json({ error: 'That e-mail address is taken' }, { status: 409 });
}
