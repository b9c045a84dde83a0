/* POST /api/photos: keeps a picture. Its thumbnail is made meanwhile, and found at the answer's location. */
import { randomUUID } from 'node:crypto';
import { keepPhoto } from '@/lib/photos';

const TYPES = ['image/jpeg', 'image/png', 'image/webp'];
const MAX_BYTES = 5_000_000;

export async function POST(request: Request) {
  const type = request.headers.get('content-type') ?? '';
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (!TYPES.includes(type) || bytes.length === 0 || bytes.length > MAX_BYTES) {
    return Response.json({ error: `A photo is one of ${TYPES.join(', ')}, of at most 5 MB` }, { status: 400 });
  }
  const id = randomUUID();
  await keepPhoto(id, bytes, type);
  return Response.json({ id }, { status: 202, headers: { location: `/api/photos/${id}` } });
}
