/* Large bodies both ways, and server-sent events that carry when they were sent. */
const CHUNK = new Uint8Array(64 * 1024).fill(120);

export async function countUpload(request) {
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.byteLength;
  }
  return Response.json({ bytes });
}

export function download(request) {
  let left = Number(new URL(request.url).searchParams.get('bytes'));
  const body = new ReadableStream({
    pull(controller) {
      if (left <= 0) {
        controller.close();
        return;
      }
      controller.enqueue(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK);
      left -= CHUNK.length;
    },
  });
  return new Response(body, { headers: { 'content-type': 'application/octet-stream' } });
}

/** Wall clock with fractions of a millisecond: comparable between processes of one machine. */
const now = () => performance.timeOrigin + performance.now();

export function events(request) {
  let left = Number(new URL(request.url).searchParams.get('count'));
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start(controller) {
      const timer = setInterval(() => {
        controller.enqueue(encoder.encode(`data: ${now()}\n\n`));
        left -= 1;
        if (left === 0) {
          clearInterval(timer);
          controller.close();
        }
      }, 5);
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
