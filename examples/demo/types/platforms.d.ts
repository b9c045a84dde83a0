/* What this project uses of the platforms' types, so that an editor is content without their (large) packages. Mayfly
 * brings `next/server` and `next/headers` itself; with `next` and `@vercel/node` installed this file is not needed. */

declare module 'next/server' {
  export class NextRequest extends Request {
    readonly nextUrl: URL;
  }
}

declare module 'next/headers' {
  export function headers(): Promise<Headers>;
}

declare module '@vercel/node' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface VercelRequest extends IncomingMessage {
    query: Record<string, string | string[]>;
  }
  export interface VercelResponse extends ServerResponse {
    status(code: number): VercelResponse;
    json(body: unknown): VercelResponse;
  }
}
