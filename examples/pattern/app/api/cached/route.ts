import { getExpensiveData } from '@/lib/shop'
// Cache at CDN level
export async function GET(req: Request) {
  const data = await getExpensiveData()

  return new Response(JSON.stringify(data), {
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': 'public, s-maxage=3600, stale-while-revalidate=86400'
    }
  })
}
