/* What everybody's first Lambda function does. "in/PORT/NAME" says who is told when the thumbnail is stored. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';

const s3 = new S3Client({});

export async function handler({ Records }) {
  if (!Records) {
    return 'ready'; /* the benchmark asks */
  }
  const [{ s3: { bucket, object } }] = Records;
  const [, port, name] = object.key.split('/');
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket.name, Key: object.key }));
  const image = await Body.transformToByteArray();
  const begin = performance.now();
  const thumbnail = await sharp(image).resize(200).jpeg().toBuffer();
  const sharpMs = performance.now() - begin;
  await s3.send(new PutObjectCommand({ Bucket: bucket.name, Key: `out/${name}`, Body: thumbnail }));
  await fetch(`http://127.0.0.1:${port}/${name}?sharp=${sharpMs}`, { method: 'POST' });
}
