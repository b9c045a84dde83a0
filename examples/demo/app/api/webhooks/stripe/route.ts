/* POST /api/webhooks/stripe: Stripe tells how a payment went. `npm run pay -- ORDER_ID` plays Stripe's part. */
import { headers } from 'next/headers';
import Stripe from 'stripe';
import { settleOrder } from '@/lib/orders';

const stripe = new Stripe(process.env.STRIPE_SECRET_KEY!);

export async function POST(request: Request) {
  const body = await request.text(); // the signature is of these very bytes
  const signature = (await headers()).get('stripe-signature') ?? '';

  let event: Stripe.Event;
  try {
    event = stripe.webhooks.constructEvent(body, signature, process.env.STRIPE_WEBHOOK_SECRET!);
  } catch {
    return Response.json({ error: 'Invalid signature' }, { status: 400 });
  }

  switch (event.type) {
    case 'payment_intent.succeeded':
      await settle(event.data.object, 'paid');
      break;
    case 'payment_intent.payment_failed':
      await settle(event.data.object, 'failed');
      break;
    default:
      console.log(`nothing to do for ${event.type}`);
  }
  return Response.json({ received: true });
}

async function settle(payment: Stripe.PaymentIntent, status: 'paid' | 'failed') {
  const { orderId } = payment.metadata;
  const order = orderId && (await settleOrder(orderId, status));
  console.log(order ? `order ${status}` : 'no pending order for this payment', { orderId });
}
