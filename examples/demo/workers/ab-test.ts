/* GET /landing: A/B testing at the edge. Visitors keep the group they were given, by a cookie. Each visit becomes a message
 * in a queue, so that counting does not hold anybody up; a batch of them is counted at once. */

interface Visit {
  variant: 'A' | 'B';
  isNew: boolean;
}

interface Env {
  SHARE_OF_B: string;
  VISITS: { send(visit: Visit): Promise<unknown> };
}

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> {
    const known = /(?:^|;\s*)variant=([AB])(?:;|$)/.exec(request.headers.get('cookie') ?? '')?.[1] as Visit['variant'] | undefined;
    const variant = known ?? (Math.random() < Number(env.SHARE_OF_B) ? 'B' : 'A');
    ctx.waitUntil(env.VISITS.send({ variant, isNew: !known }));

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

  async queue(batch: { messages: { body: Visit }[] }): Promise<void> {
    const count = (variant: Visit['variant']) => batch.messages.filter(({ body }) => body.variant === variant).length;
    console.log(`visits: A ${count('A')}, B ${count('B')}`);
  },
};
