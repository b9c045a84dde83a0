/** Answers at once and stays open, so that its instance is busy until the client leaves. */
export function GET() {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('held'));
    },
  });
  return new Response(body);
}
