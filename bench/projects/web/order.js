/* One order of about 1 KB, validated. The same code runs in Mayfly and in every peer. */
import { z } from 'zod';

const Order = z.object({
  customer: z.object({
    id: z.uuid(),
    name: z.string().min(1).max(100),
    email: z.email(),
    address: z.object({
      street: z.string(), city: z.string(), postcode: z.string().regex(/^\d{4,5}$/), country: z.string().length(2),
    }),
  }),
  items: z.array(z.object({
    sku: z.string().regex(/^[A-Z]{3}-\d{4}$/),
    title: z.string().max(80),
    quantity: z.int().positive(),
    price: z.number().nonnegative(),
  })).min(1).max(50),
  note: z.string().max(500).optional(),
  express: z.boolean(),
});

export function checkOrder(value) {
  const order = Order.parse(value);
  const total = order.items.reduce((sum, item) => sum + item.quantity * item.price, 0);
  return { id: order.customer.id, items: order.items.length, total };
}

export async function answerOrder(request) {
  return Response.json(checkOrder(await request.json()));
}
