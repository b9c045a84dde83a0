import { db, hashPassword } from '@/lib/shop'
// app/api/users/route.ts
import { NextRequest } from 'next/server'
import { z } from 'zod'

// GET /api/users
export async function GET(req: NextRequest) {
  const searchParams = req.nextUrl.searchParams
  const page = parseInt(searchParams.get('page') || '1')
  const limit = parseInt(searchParams.get('limit') || '10')

  const users = await db.users.findMany({
    skip: (page - 1) * limit,
    take: limit,
    select: { id: true, email: true, name: true }
  })

  return Response.json({ users, page, limit })
}

// POST /api/users
const createUserSchema = z.object({
  email: z.string().email(),
  name: z.string().min(1),
  password: z.string().min(8)
})

export async function POST(req: NextRequest) {
  try {
    const body = await req.json()
    const data = createUserSchema.parse(body)

    const hashedPassword = await hashPassword(data.password)

    const user = await db.users.create({
      data: {
        email: data.email,
        name: data.name,
        password: hashedPassword
      },
      select: { id: true, email: true, name: true }
    })

    return Response.json(user, { status: 201 })
  } catch (error) {
    if (error instanceof z.ZodError) {
      return Response.json({ error: error.errors }, { status: 400 })
    }
    return Response.json({ error: 'Internal server error' }, { status: 500 })
  }
}
