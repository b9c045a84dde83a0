import '@/lib/slow_api'
// Set timeout lower than platform limit
const TIMEOUT = 25000 // 25s (Vercel limit is 60s)

export async function GET() {
  const controller = new AbortController()
  const timeout = setTimeout(() => controller.abort(), TIMEOUT)

  try {
    const data = await fetch('https://slow-api.com', {
      signal: controller.signal
    })
    return Response.json(data)
  } catch (error) {
    if (error.name === 'AbortError') {
      return Response.json({ error: 'Timeout' }, { status: 504 })
    }
    throw error
  } finally {
    clearTimeout(timeout)
  }
}
