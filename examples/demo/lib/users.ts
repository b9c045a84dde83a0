import { randomBytes, randomUUID, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { db } from '@/lib/db';

export const newUser = z.object({
  email: z.email(),
  name: z.string().min(1),
  password: z.string().min(8),
});

export interface User {
  id: string;
  email: string;
  name: string;
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);

async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, 32);
  return `scrypt:${salt.toString('base64')}:${key.toString('base64')}`;
}

/** @returns undefined when somebody has that e-mail address already */
export async function createUser({ email, name, password }: z.infer<typeof newUser>): Promise<User | undefined> {
  const rows = await (await db()).query<User>(
    `insert into users (id, email, name, password, created_at) values ($1, $2, $3, $4, $5)
     on conflict (email) do nothing returning id, email, name`,
    [randomUUID(), email, name, await hashPassword(password), new Date().toISOString()],
  );
  return rows[0];
}

export async function listUsers(page: number, limit: number): Promise<User[]> {
  return (await db()).query<User>('select id, email, name from users order by created_at limit $1 offset $2', [
    limit,
    (page - 1) * limit,
  ]);
}
