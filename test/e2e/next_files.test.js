/* Routes of a Next.js project that are no route.ts: pages/api, and files of the folder app that are routes by their name. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const PIXEL = Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=', 'base64');

test('pages/api and metadata files beside each other', async (t) => {
  const platform = await startPlatform(t, { files: {
    'package.json': '{ "dependencies": { "next": "16" } }',
    'pages/api/users/[id].js': 'export default (req, res) => res.status(201).json({ query: req.query, body: req.body });\n',
    'pages/api/raw.js': "export const config = { api: { bodyParser: false } };\nexport default (req, res) => req.pipe(res);\n",
    'pages/api/short.js': "export const config = { api: { bodyParser: { sizeLimit: '1kb' } } };\nexport default (req, res) => res.end();\n",
    'pages/api/throws.js': "export default () => { throw new Error('oops'); };\n",
    'app/sitemap.js': "export default () => [{ url: 'https://tea.test' }];\n",
    'app/robots.txt': 'User-Agent: *\n',
    'app/icon.png': PIXEL,
  } });
  const posted = await platform.request('POST', '/api/users/7?a=1', {
    body: '{"b":2}', headers: { 'content-type': 'application/json' },
  });
  assert.deepEqual([posted.status, posted.json], [201, { query: { a: '1', id: '7' }, body: { b: 2 } }]);
  const long = 'x'.repeat(300_000);
  assert.equal((await platform.request('PUT', '/api/raw', { body: long })).text, long);
  const refused = await platform.request('POST', '/api/short', { body: 'x'.repeat(1025) });
  assert.deepEqual([refused.status, refused.reason], [413, 'Body exceeded 1kb limit']);
  const fault = await platform.get('/api/throws');
  assert.deepEqual([fault.status, fault.text], [500, 'Internal Server Error']);

  assert.match((await platform.get('/sitemap.xml')).text, /<loc>https:\/\/tea\.test<\/loc>/);
  assert.equal((await platform.get('/robots.txt')).text, 'User-Agent: *\n');
  const icon = await platform.get('/icon.png');
  assert.deepEqual([icon.headers['content-type'], icon.body], ['image/png', PIXEL]);
});
