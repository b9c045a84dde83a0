export function hello() {
  return Response.json({ hello: 'world' });
}
