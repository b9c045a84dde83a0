/* GET /api/cron/cleanup, every night (vercel.json): orders that were never paid for are forgotten after a month */
import { forgetAbandoned } from '@/lib/orders';

const DAYS = 30;

export async function GET(request: Request) {
  if (request.headers.get('authorization') !== `Bearer ${process.env.CRON_SECRET}`) {
    return Response.json({ error: 'Unauthorized' }, { status: 401 });
  }
  const forgotten = await forgetAbandoned(new Date(Date.now() - DAYS * 24 * 60 * 60 * 1000));
  console.log(`forgot ${forgotten} abandoned orders`);
  return Response.json({ forgotten });
}
