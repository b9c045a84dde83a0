// lambda/image-processor.ts
import { S3Event } from 'aws-lambda'
import sharp from 'sharp'
import { S3Client, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'

const s3 = new S3Client({ region: 'us-east-1' })

export async function handler(event: S3Event) {
  for (const record of event.Records) {
    const bucket = record.s3.bucket.name
    const key = record.s3.object.key

    // Get original image
    const getCommand = new GetObjectCommand({ Bucket: bucket, Key: key })
    const { Body } = await s3.send(getCommand)
    const imageBuffer = await Body!.transformToByteArray()

    // Resize image
    const resized = await sharp(Buffer.from(imageBuffer))
      .resize(800, 600, { fit: 'inside' })
      .jpeg({ quality: 80 })
      .toBuffer()

    // Save thumbnail
    const thumbnailKey = key.replace('uploads/', 'thumbnails/')
    const putCommand = new PutObjectCommand({
      Bucket: bucket,
      Key: thumbnailKey,
      Body: resized,
      ContentType: 'image/jpeg'
    })
    await s3.send(putCommand)

    console.log(`Processed: ${key} → ${thumbnailKey}`)
  }
}
