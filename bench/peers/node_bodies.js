/* Large bodies and events for node:http. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const CHUNK = Buffer.alloc(64 * 1024, 120);

export async function answerUpload(request, response) {
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ bytes }));
}

export async function answerDownload(request, response, query) {
  function* chunks(left) {
    for (; left > 0; left -= CHUNK.length) {
      yield left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
    }
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  await pipeline(Readable.from(chunks(Number(query.get('bytes')))), response);
}

export function answerEvents(request, response, query) {
  let left = Number(query.get('count'));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => {
    response.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
    left -= 1;
    if (left === 0) {
      clearInterval(timer);
      response.end();
    }
  }, 5);
}
