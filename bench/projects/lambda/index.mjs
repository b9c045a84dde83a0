/** A tenth of a second of waiting, as for a database. */
export async function handler() {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: '{"hello":"world"}' };
}
