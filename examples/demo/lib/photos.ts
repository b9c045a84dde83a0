/* Photos of teapots, in S3. lambda/thumbnail.ts makes a small one of each that is uploaded. */
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const BUCKET = 'tea-shop-photos'; // infra/photos.tf
const s3 = new S3Client({ region: 'us-east-1' });

export async function keepPhoto(id: string, bytes: Uint8Array, type: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `uploads/${id}`, Body: bytes, ContentType: type }));
}

/** @returns undefined while there is none (yet) */
export async function findThumbnail(id: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: `thumbnails/${id}.webp` }));
    return Uint8Array.from(await Body!.transformToByteArray());
  } catch (error) {
    if (error instanceof NoSuchKey) {
      return undefined;
    }
    throw error;
  }
}
