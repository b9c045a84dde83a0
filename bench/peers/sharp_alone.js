/* sharp alone in plain Node.js: sharp_alone.js IMAGE ROUNDS prints the milliseconds of each as JSON. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';

const [image, rounds] = process.argv.slice(2);
const bytes = readFileSync(image);
const took = [];
for (let i = 0; i < Number(rounds) + 5; i++) {
  const begin = performance.now();
  await sharp(bytes).resize(200).jpeg().toBuffer();
  took.push(performance.now() - begin);
}
process.stdout.write(JSON.stringify(took.slice(5))); /* the first ones warm up */
