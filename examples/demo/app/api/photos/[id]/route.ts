/* GET /api/photos/:id: a photo's thumbnail */
import { findThumbnail } from '@/lib/photos';

interface Context {
  params: Promise<{ id: string }>;
}

export async function GET(_request: Request, { params }: Context) {
  const bytes = await findThumbnail((await params).id);
  return bytes
    ? new Response(bytes, { headers: { 'content-type': 'image/webp' } })
    : Response.json({ error: 'There is no such photo, or it is still being made small' }, { status: 404 });
}
