/* GET /landing: the page that the worker in workers/ab-test.ts stands in front of and tests two headlines on */

const HEADLINES: Record<string, string> = {
  A: 'Good tea, delivered.',
  B: 'Your next favourite tea is two days away.',
};

export async function GET(request: Request) {
  const variant = request.headers.get('x-variant') ?? 'A';
  const page = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>The tea shop</title>
  <body style="font: 1.25rem/1.6 system-ui; max-width: 36rem; margin: 15vh auto; padding: 0 1rem">
    <h1>${HEADLINES[variant] ?? HEADLINES.A}</h1>
    <p>This is what visitors of group ${variant === 'B' ? 'B' : 'A'} see. <a href="/">Back</a></p>
  </body>
</html>
`;
  return new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } });
}
