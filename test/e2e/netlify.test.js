/* Netlify sites through the whole platform, where that is more than their dialect. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

test('a site with pages, rules and functions', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'netlify.toml': '[build]\npublish = "site"\n',
      'site/about.html': '<h1>about</h1>',
      'site/lost.html': 'lost',
      'site/_redirects': '/api/* /.netlify/functions/:splat 200\n/nothing/* /lost.html 404\n',
      'netlify/functions/where.mjs': `
export default async (request, context) => Response.json({ url: request.url, site: context.site.url, local: process.env.NETLIFY_LOCAL });`,
      'netlify/functions/late.mjs': `
export default () => new Promise(() => setTimeout(() => { throw new Error('too late'); }, 1));`,
    },
  });
  const about = await platform.get('/about');
  assert.deepEqual([about.status, about.text, about.headers['content-type']], [200, '<h1>about</h1>', 'text/html; charset=utf-8']);
  assert.equal((await platform.get('/about/')).text, '<h1>about</h1>');

  const lost = await platform.get('/nothing/there', { headers: { range: 'bytes=0-1' } });
  assert.deepEqual([lost.status, lost.text], [404, 'lost']);
  assert.deepEqual(await platform.get('/nothing/there', { headers: { 'if-none-match': lost.headers.etag } }).then(({ status }) => status), 404);
  const head = await platform.request('HEAD', '/nothing/there');
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [404, '4', 0]);

  const where = (await platform.get('/api/where?q=1')).json;
  assert.deepEqual([where.url, where.local], [`${platform.origin.replace('localhost', '127.0.0.1')}/api/where?q=1`, 'true']);
  assert.equal(where.site, `http://localhost:${platform.port}`);

  const late = await platform.get('/.netlify/functions/late');
  assert.equal(late.status, 500);
  assert.match(late.text, /^Error: too late\n/);
});

test('a site: redirects without its headers, and a page of its own for what is not there', async (t) => {
  const platform = await startPlatform(t, { files: {
    'netlify.toml': '[build]\npublish = "site"\n[[redirects]]\nfrom = "/old/*"\nto = "/new/:splat"\n'
      + '[[headers]]\nfor = "/*"\n[headers.values]\nx-all = "yes"\n',
    'site/index.html': '<p>home', 'site/404.html': '<p>missing', 'netlify/functions/hi.mjs': "export default () => new Response('hi');\n",
  } });
  const moved = await platform.get('/old/a?q=1');
  assert.deepEqual([moved.status, moved.headers.location, moved.text, moved.headers['x-all'], moved.headers['content-type']],
    [301, '/new/a?q=1', 'Redirecting to /new/a?q=1', undefined, undefined]);
  const missing = await platform.get('/nope');
  assert.deepEqual([missing.status, missing.text, missing.headers['content-type']], [404, '<p>missing', 'text/html; charset=utf-8']);
  const refused = await platform.request('POST', '/nope');
  assert.deepEqual([refused.status, refused.headers.allow], [405, 'GET, HEAD']);
  assert.equal((await platform.get('/')).headers['x-all'], 'yes');
  assert.equal((await platform.get('/.netlify/functions/hi')).text, 'hi');
});
