/* GET /landing: A/B testing at the edge. Visitors keep the group they were given, by a cookie. */

interface Env {
  SHARE_OF_B: string;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const known = /(?:^|;\s*)variant=([AB])(?:;|$)/.exec(request.headers.get('cookie') ?? '')?.[1];
    const variant = known ?? (Math.random() < Number(env.SHARE_OF_B) ? 'B' : 'A');

    // The same request, one step further: to what lies behind the worker, here app/landing/route.ts.
    const toOrigin = new Request(request);
    toOrigin.headers.set('x-variant', variant);
    const page = await fetch(toOrigin);

    const answer = new Response(page.body, page);
    answer.headers.set('x-variant', variant);
    if (!known) {
      answer.headers.append('set-cookie', `variant=${variant}; Path=/; Max-Age=2592000; SameSite=Lax`);
    }
    return answer;
  },
};
