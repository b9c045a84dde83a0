/* An AWS Lambda handler behind a bucket: whatever is uploaded to tea-shop-photos/uploads/ becomes a thumbnail */
import type { S3Event } from 'aws-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';

const s3 = new S3Client({ region: 'us-east-1' });

export async function handler(event: S3Event): Promise<void> {
  for (const { s3: { bucket, object } } of event.Records) {
    const key = decodeURIComponent(object.key.replaceAll('+', ' '));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket.name, Key: key }));
    const small = await sharp(await Body!.transformToByteArray()).resize(320, 320, { fit: 'inside' }).webp().toBuffer();
    const target = `${key.replace('uploads/', 'thumbnails/')}.webp`;
    await s3.send(new PutObjectCommand({ Bucket: bucket.name, Key: target, Body: small, ContentType: 'image/webp' }));
    console.log(`made ${target}, ${small.length} of ${object.size} bytes`);
  }
}
