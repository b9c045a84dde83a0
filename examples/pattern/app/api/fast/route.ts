// app/api/fast/route.ts
export const runtime = 'edge' // Cold start < 50ms

export async function GET() {
  return Response.json({ message: 'Fast!' })
}
