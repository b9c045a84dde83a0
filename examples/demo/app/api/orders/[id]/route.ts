/* GET /api/orders/:id, DELETE /api/orders/:id (a Next.js route handler with a dynamic segment) */
import { findOrder, settleOrder } from '@/lib/orders';

interface Context {
  params: Promise<{ id: string }>;
}

const notFound = () => Response.json({ error: 'There is no such order' }, { status: 404 });

export async function GET(_request: Request, { params }: Context) {
  const order = await findOrder((await params).id);
  return order ? Response.json(order) : notFound();
}

/** Cancels it, as long as it is not paid. */
export async function DELETE(_request: Request, { params }: Context) {
  const { id } = await params;
  if (await settleOrder(id, 'cancelled')) {
    return new Response(null, { status: 204 });
  }
  const order = await findOrder(id);
  return order ? Response.json({ error: `The order is ${order.status}` }, { status: 409 }) : notFound();
}
