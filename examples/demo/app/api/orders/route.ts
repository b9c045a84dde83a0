/* GET /api/orders?status=paid&limit=10, POST /api/orders (a Next.js route handler) */
import { z } from 'zod';
import { invalid, readBody } from '@/lib/input';
import { sendLater } from '@/lib/mails';
import { createOrder, listOrders, newOrder } from '@/lib/orders';

const filter = z.object({
  status: z.enum(['pending', 'paid', 'failed', 'cancelled']).nullable().default(null),
  limit: z.coerce.number().int().min(1).max(100).default(10),
});

export async function GET(request: Request) {
  const parsed = filter.safeParse(Object.fromEntries(new URL(request.url).searchParams));
  if (!parsed.success) {
    return invalid(parsed.error);
  }
  const { limit, status } = parsed.data;
  return Response.json({ orders: await listOrders(limit, status) });
}

export async function POST(request: Request) {
  const wanted = await readBody(request, newOrder);
  if (wanted instanceof Response) {
    return wanted;
  }
  const order = await createOrder(wanted);
  await sendLater({ to: order.email, subject: 'Your order', text: `Order ${order.id} is waiting for your payment.` });
  console.log('order placed', { id: order.id, total: order.total });
  return Response.json(order, { status: 201, headers: { location: `/api/orders/${order.id}` } });
}
