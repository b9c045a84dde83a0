import { db } from '@/lib/shop'
// app/api/cron/cleanup/route.ts
import { NextRequest } from 'next/server'

export async function GET(req: NextRequest) {
  // Verify cron secret
  const authHeader = req.headers.get('authorization')
  if (authHeader !== `Bearer ${process.env.CRON_SECRET}`) {
    return Response.json({ error: 'Unauthorized' }, { status: 401 })
  }

  // Delete old sessions (> 30 days)
  const deleted = await db.sessions.deleteMany({
    where: {
      expiresAt: {
        lt: new Date(Date.now() - 30 * 24 * 60 * 60 * 1000)
      }
    }
  })

  console.log(`Deleted ${deleted.count} expired sessions`)

  return Response.json({ deleted: deleted.count })
}
