import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { db } from '@/lib/db';

/** Prices in cents. What an order costs is ours to say, not the client's. */
export const CATALOGUE = {
  assam: { name: 'Assam, second flush', price: 890 },
  sencha: { name: 'Sencha, first harvest', price: 1450 },
  rooibos: { name: 'Rooibos', price: 620 },
  teapot: { name: 'Teapot, 1.2 l', price: 3900 },
} as const;

export const newOrder = z.object({
  email: z.email(),
  items: z
    .array(
      z.object({
        product: z.enum(Object.keys(CATALOGUE) as (keyof typeof CATALOGUE)[]),
        quantity: z.int().min(1).max(99),
      }),
    )
    .min(1)
    .max(20),
});

export type NewOrder = z.infer<typeof newOrder>;

export interface Order {
  id: string;
  email: string;
  items: NewOrder['items'];
  total: number;
  status: 'pending' | 'paid' | 'failed' | 'cancelled';
  createdAt: string;
  paidAt: string | null;
}

type Row = Omit<Order, 'items' | 'createdAt' | 'paidAt'> & { items: string; created_at: string; paid_at: string | null };

function fromRow({ items, created_at, paid_at, ...rest }: Row): Order {
  return { ...rest, items: JSON.parse(items), createdAt: created_at, paidAt: paid_at };
}

export async function createOrder({ email, items }: NewOrder): Promise<Order> {
  const total = items.reduce((sum, { product, quantity }) => sum + CATALOGUE[product].price * quantity, 0);
  const rows = await (await db()).query<Row>(
    `insert into orders (id, email, items, total, status, created_at)
     values ($1, $2, $3, $4, 'pending', $5) returning *`,
    [randomUUID(), email, JSON.stringify(items), total, new Date().toISOString()],
  );
  return fromRow(rows[0]);
}

export async function listOrders(limit: number, status: string | null): Promise<Order[]> {
  const rows = await (await db()).query<Row>(
    `select * from orders where status = coalesce($1, status) order by created_at desc limit $2`,
    [status, limit],
  );
  return rows.map(fromRow);
}

export async function findOrder(id: string): Promise<Order | undefined> {
  const rows = await (await db()).query<Row>('select * from orders where id = $1', [id]);
  return rows.map(fromRow)[0];
}

/**
 * Moves an order that is still pending to another state. A notice that is delivered twice changes nothing the second
 * time.
 * @returns the order, or undefined when it was not pending (any more)
 */
export async function settleOrder(id: string, status: Exclude<Order['status'], 'pending'>): Promise<Order | undefined> {
  const paidAt = status === 'paid' ? new Date().toISOString() : null;
  const rows = await (await db()).query<Row>(
    `update orders set status = $2, paid_at = $3 where id = $1 and status = 'pending' returning *`,
    [id, status, paidAt],
  );
  return rows.map(fromRow)[0];
}

/** @returns how many pending orders there were from before `then` */
export async function forgetAbandoned(then: Date): Promise<number> {
  const rows = await (await db()).query<{ id: string }>(
    `delete from orders where status = 'pending' and created_at < $1 returning id`,
    [then.toISOString()],
  );
  return rows.length;
}
