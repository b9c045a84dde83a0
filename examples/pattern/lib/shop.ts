/* What the samples use and do not define: a database with the few calls they make of an ORM, and what stands around
 * it. Kept in memory. */
import { randomUUID, scrypt as scryptCallback } from 'node:crypto'
import { promisify } from 'node:util'

type Row = Record<string, any>
type Select = Record<string, boolean>

const scrypt = promisify(scryptCallback)
const DAY = 24 * 60 * 60 * 1000

class Table {
  constructor(private rows: Row[] = []) {}

  async findMany({ skip = 0, take = Infinity, select }: { skip?: number; take?: number; select?: Select } = {}) {
    return this.rows.slice(skip, skip + take).map((row) => pick(row, select))
  }

  async create({ data, select }: { data: Row; select?: Select }) {
    const row = { id: randomUUID(), ...data }
    this.rows.push(row)
    return pick(row, select)
  }

  async update({ where, data }: { where: { id: string }; data: Row }) {
    const row = this.rows.find(({ id }) => id === where.id)
    if (!row) {
      throw new Error(`There is no row with the id ${where.id}`)
    }
    return Object.assign(row, data)
  }

  async deleteMany({ where }: { where: Record<string, { lt: Date }> }) {
    const before = this.rows.length
    this.rows = this.rows.filter((row) => Object.entries(where).some(([key, { lt }]) => row[key] >= lt))
    return { count: before - this.rows.length }
  }
}

function pick(row: Row, select?: Select): Row {
  return select ? Object.fromEntries(Object.keys(select).filter((key) => select[key]).map((key) => [key, row[key]])) : row
}

export const db = {
  users: new Table(),
  orders: new Table([{ id: 'order-1', status: 'pending' }]),
  sessions: new Table([40, 31, 2].map((days) => ({ id: `${days} days`, expiresAt: new Date(Date.now() - days * DAY) }))),
}

export async function hashPassword(password: string) {
  return ((await scrypt(password, 'salt', 32)) as Buffer).toString('hex')
}

export async function sendEmail({ to, subject }: { to: string; subject: string; body: string }) {
  console.log(`mail to ${to}: ${subject}`)
}

export async function handlePaymentFailure({ metadata }: { metadata: Record<string, string> }) {
  console.log(`payment failed: ${metadata.orderId}`)
}

export async function getExpensiveData() {
  return { expensive: true }
}
