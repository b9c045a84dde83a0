/* sharp alone in plain Node.js: sharp_alone.js IMAGE WARM_UP ROUNDS prints the milliseconds of each round after so
 * many that are not counted, as JSON. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';

const [image, warmUp, rounds] = process.argv.slice(2);
const bytes = readFileSync(image);
const took = [];
for (let i = 0; i < Number(warmUp) + Number(rounds); i++) {
  const begin = performance.now();
  await sharp(bytes).resize(200).jpeg().toBuffer();
  took.push(performance.now() - begin);
}
process.stdout.write(JSON.stringify(took.slice(Number(warmUp))));
