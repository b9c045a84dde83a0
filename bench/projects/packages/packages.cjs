/* Three packages that real functions import; each is used, so that nothing stays lazy. CommonJS, because plain
 * Node.js finds "next/server" only so. */
const { NextResponse } = require('next/server');
const Stripe = require('stripe');
const { z } = require('zod');

const stripe = new Stripe('sk_test_0123456789', { httpClient: Stripe.createFetchHttpClient() });
const Amount = z.object({ amount: z.int().positive(), currency: z.string().length(3) });

exports.answerPackages = function answerPackages() {
  const { amount } = Amount.parse({ amount: 1200, currency: 'eur' });
  return NextResponse.json({ amount, version: stripe.getApiField('version') });
};
