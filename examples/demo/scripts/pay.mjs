/* Plays Stripe's part: tells the shop that an order is paid, signed as Stripe signs it.
 *
 *     npm run pay -- ORDER_ID [URL of the shop] */
import Stripe from 'stripe';

const [orderId, shop = 'http://localhost:3000'] = process.argv.slice(2);
if (!orderId) {
  console.error('usage: npm run pay -- ORDER_ID [URL]');
  process.exit(1);
}

const payload = JSON.stringify({
  id: `evt_demo_${Date.now()}`,
  object: 'event',
  type: 'payment_intent.succeeded',
  data: { object: { id: 'pi_demo', object: 'payment_intent', metadata: { orderId } } },
});
const stripe = new Stripe(process.env.STRIPE_SECRET_KEY);
const signature = stripe.webhooks.generateTestHeaderString({ payload, secret: process.env.STRIPE_WEBHOOK_SECRET });

const response = await fetch(`${shop}/api/webhooks/stripe`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'stripe-signature': signature },
  body: payload,
});
console.log(response.status, await response.text());
