/* GET /api/clock?ticks=5: server-sent events, each of which arrives at once */

export async function GET(request: Request) {
  const ticks = Math.min(Number(new URL(request.url).searchParams.get('ticks')) || 60, 3600);
  return new Response(clock(ticks), {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  });
}

function clock(ticks: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout;
  return new ReadableStream({
    start(controller) {
      let tick = 0;
      const send = () => {
        tick += 1;
        controller.enqueue(encoder.encode(`id: ${tick}\ndata: ${new Date().toISOString()}\n\n`));
        if (tick === ticks) {
          clearInterval(timer);
          controller.close();
        }
      };
      timer = setInterval(send, 1000);
      send();
    },
    /** The client has gone away. */
    cancel() {
      clearInterval(timer);
    },
  });
}
