import { z } from 'zod';

/** The request's body as `schema` describes it, or the answer that says what is wrong with it. */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T | Response> {
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    return Response.json({ error: 'The body is not JSON' }, { status: 400 });
  }
  const parsed = schema.safeParse(body);
  return parsed.success ? parsed.data : invalid(parsed.error);
}

export function invalid(error: z.ZodError): Response {
  const issues = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  return Response.json({ error: 'Invalid input', issues }, { status: 400 });
}
