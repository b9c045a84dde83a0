import assert from 'node:assert/strict';
import test from 'node:test';
import { build, evaluate, functionNamed, projectOf, visit } from './harness.js';

/* What next start says of each route on Node.js. */
const VARY = { vary: 'rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch' };
const handler = (text) => `export function GET() { return new Response(${JSON.stringify(text)}); }\n`;

test('static segments win over dynamic ones, those over catch-alls, those over optional catch-alls', async (t) => {
  const project = projectOf(t, {
    'app/shop/[[...all]]/route.ts': handler('optional'),
    'app/shop/[id]/route.ts': handler('dynamic'),
    'app/shop/[id]/reviews/route.ts': handler('reviews'),
    'app/shop/[id]/[...rest]/route.ts': handler('rest'),
    'app/shop/new/route.ts': handler('static'),
    'app/(group)/docs/[...slug]/route.js': handler('docs'),
  });
  const manifest = await build(t, project);
  const at = (url) => visit(manifest, 'GET', url);

  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(at('/shop/new').file, 'app/shop/new/route.ts');
  assert.equal(at('/shop/7').file, 'app/shop/[id]/route.ts');
  assert.deepEqual(at('/shop/7').params, { id: '7' });
  assert.equal(at('/shop/7/reviews').file, 'app/shop/[id]/reviews/route.ts');
  assert.deepEqual(at('/shop/7/a/b').params, { id: '7', 'rest*': 'a/b' });
  assert.equal(at('/shop').file, 'app/shop/[[...all]]/route.ts');
  assert.deepEqual(at('/docs/a/b').params, { 'slug*': 'a/b' });
  assert.equal(at('/docs').status, 404);
  assert.equal(functionNamed(manifest, 'app').dialect, 'next');
});

test('private folders, slots and groups are not part of a URL', async (t) => {
  const project = projectOf(t, {
    'src/app/_lib/route.ts': handler('private'),
    'src/app/%5Finternal/route.ts': handler('underscore'),
    'src/app/@modal/(.)photo/route.ts': handler('interception'),
    'src/app/(a)/(b)/x/route.mjs': handler('x'),
  });
  const manifest = await build(t, project);

  assert.equal(visit(manifest, 'GET', '/_lib').status, 404);
  assert.equal(visit(manifest, 'GET', '/_internal').file, 'src/app/%5Finternal/route.ts');
  assert.equal(visit(manifest, 'GET', '/x').file, 'src/app/(a)/(b)/x/route.mjs');
  assert.equal(manifest.functions[0].endpoints.length, 2);
});

test('src/app is not looked at beside app', async (t) => {
  const project = projectOf(t, { 'app/a/route.ts': handler('a'), 'src/app/b/route.ts': handler('b') });
  const manifest = await build(t, project);
  assert.equal(visit(manifest, 'GET', '/b').status, 404);
});

test('a trailing slash is redirected away, or to, with 308', async (t) => {
  const files = { 'app/api/users/[id]/route.ts': handler('user') };
  const without = await build(t, projectOf(t, files));
  assert.deepEqual(visit(without, 'GET', '/api/users/7/'), { status: 308, location: '/api/users/7', headers: {} });

  const config = 'export default { trailingSlash: true, basePath: "/docs" };';
  const withSlash = await build(t, projectOf(t, { ...files, 'next.config.mjs': config }));
  assert.equal(visit(withSlash, 'GET', '/docs/api/users/7').location, '/docs/api/users/7/');
  assert.deepEqual(visit(withSlash, 'GET', '/docs/api/users/7/').params, { id: '7' });
  assert.equal(visit(withSlash, 'GET', '/api/users/7/').status, 404);
});

test('redirects, rewrites and headers of next.config are read without running it', async (t) => {
  const project = projectOf(t, {
    'app/new/[slug]/route.ts': handler('new'),
    'next.config.ts': `
      import type { NextConfig } from 'next';
      throw new Error('must not run');
      const nextConfig: NextConfig = {
        async redirects() { return [{ source: '/old/:slug', destination: '/new/:slug', permanent: true }]; },
        rewrites: async () => [{ source: '/alias/:slug*', destination: '/new/:slug*' }],
        async headers() { return [{ source: '/new/(.*)', headers: [{ key: 'x-a', value: 'b' }] }]; },
      };
      export default nextConfig;`,
  });
  const manifest = await build(t, project);

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(visit(manifest, 'GET', '/old/x'), { status: 308, location: '/new/x', headers: {} });
  assert.deepEqual(visit(manifest, 'GET', '/alias/x').params, { slug: 'x' });
  assert.deepEqual(visit(manifest, 'GET', '/new/x').headers, { 'x-a': 'b', ...VARY });
});

test('rules of next.config match with a slash at the end, without regard to case, and below the basePath', async (t) => {
  const project = projectOf(t, {
    'app/api/x/route.ts': handler('x'), 'public/a.txt': 'a',
    'next.config.js': `module.exports = { basePath: '/shop', trailingSlash: true,
      redirects: async () => [{ source: '/old/:id', destination: '/new/:id', permanent: true },
        { source: '/bad', destination: 'https://example.com/:nothing', permanent: true }],
      rewrites: async () => [{ source: '/r', destination: '/api/x' }] };`,
  });
  const manifest = await build(t, project);
  assert.equal(visit(manifest, 'GET', '/shop/OLD/7/').location, '/shop/new/7');
  assert.equal(visit(manifest, 'GET', '/shop/r/').file, 'app/api/x/route.ts');
  assert.equal(visit(manifest, 'GET', '/shop').location, '/shop/');
  assert.equal(visit(manifest, 'GET', '/shop/a.txt/').location, '/shop/a.txt');
  assert.deepEqual(manifest.static.map(({ prefix }) => prefix), ['/shop']);
  assert.match(manifest.diagnostics[0].text, /redirects: \/shop\/bad: .*:nothing/);
});

test('a next.config that is computed is understood as far as it can be without running it', async (t) => {
  const project = projectOf(t, {
    'app/api/x/route.ts': handler('x'), '.env': 'VERSION=v9',
    'lib/rules.mjs': "export const moved = ['a', 'b'].map((name) => ({ source: `/list/${name}`, destination: `/api/x?n=${name}`, permanent: false }));",
    'next.config.ts': `
      import type { NextConfig } from 'next';
      import analyzer from '@next/bundle-analyzer';
      import { moved } from './lib/rules.mjs';
      const withAnalyzer = analyzer({ enabled: process.env.ANALYZE === 'true' });
      const isProduction = process.env.NODE_ENV === 'production';
      const version = process.env.VERSION || 'v0';
      const config: NextConfig = {
        ...(isProduction ? {} : { basePath: '' }),
        async redirects() {
          const list = [];
          for (const rule of moved) { if (rule.source !== '/nothing') list.push(rule); }
          return [...list, { source: '/unknown', destination: analyzer.somewhere, permanent: false }];
        },
        rewrites: async () => [{ source: \`/\${version}/:path*\`, destination: '/api/:path*' }],
        headers: async () => Object.entries({ 'x-one': '1' }).map(([key, value]) => ({ source: '/api/x', headers: [{ key, value }] })),
      };
      export default withAnalyzer(config);`,
  });
  const manifest = await build(t, project);
  assert.equal(visit(manifest, 'GET', '/list/b').location, '/api/x?n=b');
  assert.equal(visit(manifest, 'GET', '/v9/x').file, 'app/api/x/route.ts');
  assert.deepEqual(visit(manifest, 'GET', '/api/x').headers, { 'x-one': '1', ...VARY });
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), ['next.config.ts: redirects() is computed in part, which is not applied']);
});

test('a next.config may be a function of the phase, and never holds the builder up', async (t) => {
  const phases = projectOf(t, {
    'app/x/route.ts': handler('x'),
    'next.config.js': `const { PHASE_DEVELOPMENT_SERVER } = require('next/constants');
      module.exports = async (phase, { defaultConfig }) => ({ ...defaultConfig, basePath: phase === PHASE_DEVELOPMENT_SERVER ? '/dev' : '/live' });`,
  });
  assert.equal(visit(await build(t, phases), 'GET', '/live/x').file, 'app/x/route.ts');
  for (const endless of [
    'const f = () => f(); f(); module.exports = {};',
    "let s = 'x'; const l = Array.from(Array(1000)); for (const i of [1,2,3]) for (const j of [1,2,3,4,5,6,7,8,9,10]) s = s + s + s; module.exports = {};",
    "const grow = (list) => { for (const x of list) { list.push(x); } }; grow([1]); module.exports = { basePath: '/x' };",
  ]) {
    const manifest = await build(t, projectOf(t, { 'app/x/route.ts': handler('x'), 'next.config.js': endless }));
    assert.match(manifest.diagnostics[0].text, /next\.config\.js is computed/);
    assert.equal(visit(manifest, 'GET', '/x').file, 'app/x/route.ts');
  }
});

test('a package that is made for Next.js gets the project\'s next/server', async (t) => {
  const project = projectOf(t, {
    'app/x/route.js': "import { answer } from 'auth-kit';\nexport const GET = () => answer();\n",
    'node_modules/auth-kit/package.json': JSON.stringify({ name: 'auth-kit', type: 'module', exports: './index.js', peerDependencies: { next: '*' } }),
    'node_modules/auth-kit/index.js': "import { NextResponse } from 'next/server';\nimport link from 'next/link';\nimport where from 'plain';\n"
      + 'export const answer = () => NextResponse.json([where, link]);\n',
    'node_modules/plain/package.json': JSON.stringify({ name: 'plain' }),
    'node_modules/plain/index.js': 'module.exports = __filename.split("/").slice(-2).join("/");\n',
    'node_modules/next/package.json': JSON.stringify({ name: 'next' }),
    'node_modules/next/link.js': "module.exports = 'link';\n",
  });
  const app = functionNamed(await build(t, project), 'app');
  assert.deepEqual(evaluate(app, "Promise.resolve(load('app/x/route')).then((it) => it.GET()).then((it) => it.json())"), ['plain/index.js', 'link']);
});

test('env and authInterrupts of next.config reach the routes', async (t) => {
  const config = "export default { env: { SITE: 'shop', N: 7 }, experimental: { authInterrupts: true } };";
  const app = functionNamed(await build(t, projectOf(t, { 'app/x/route.ts': handler('x'), 'next.config.mjs': config })), 'app');
  assert.equal(app.env.SITE, 'shop');
  assert.equal(app.env.N, undefined);
  assert.equal(app.settings.auth_interrupts, true);
});

test('segment options become the endpoint\'s limits', async (t) => {
  const project = projectOf(t, {
    'app/slow/route.ts': `export const maxDuration = 5 * 6;\nexport const runtime = 'edge';\n${handler('slow')}`,
    'vercel.json': JSON.stringify({ functions: { 'app/fast/route.ts': { maxDuration: 2, memory: 512 } } }),
    'app/fast/route.ts': handler('fast'),
  });
  const manifest = await build(t, project);
  const [slow] = functionNamed(manifest, 'app/edge').endpoints;
  const small = functionNamed(manifest, 'app/512mb');

  assert.equal(slow.timeout_ms, 30_000);
  assert.equal(slow.settings.runtime, 'edge');
  assert.deepEqual(slow.methods, ['GET']);
  assert.equal(small.memory_mb, 512);
  assert.equal(small.endpoints[0].timeout_ms, 2000);
});

test('modules of a group share state', async (t) => {
  const counting = projectOf(t, {
    'lib/count.ts': 'let n = 0;\nexport const next = () => ++n;\n',
    'app/a/route.ts': "import { next } from '../../lib/count';\nexport const GET = () => Response.json(next());\n",
    'app/b/route.ts': "import { next } from '../../lib/count';\nexport const GET = () => Response.json(next());\n",
  });
  const shared = await build(t, counting);
  const expression = "(async () => [await (await load('app/a/route').GET()).json(), await (await load('app/b/route').GET()).json()])()";
  assert.deepEqual(evaluate(functionNamed(shared, 'app'), expression), [1, 2]);
});

test('two files for one URL are told, and the first answers', async (t) => {
  const project = projectOf(t, { 'app/(a)/x/route.ts': handler('a'), 'app/(b)/x/route.ts': handler('b') });
  const manifest = await build(t, project);
  assert.match(manifest.diagnostics[0].text, /both answer \/x/);
  assert.equal(visit(manifest, 'GET', '/x').file, 'app/(a)/x/route.ts');
});

test('instrumentation.ts beside the folder app is loaded before the routes', async (t) => {
  const route = 'export const GET = () => new Response();\n';
  const hook = 'export const register = async () => "registered";\n';
  for (const folder of ['', 'src/']) {
    const files = { [`${folder}app/api/x/route.ts`]: route, [`${folder}instrumentation.ts`]: hook };
    const app = functionNamed(await build(t, projectOf(t, files)), 'app');
    assert.equal(app.settings.setup, 'instrumentation');
    assert.equal(app.env.NEXT_RUNTIME, 'nodejs');
    assert.equal(evaluate(app, 'Promise.resolve(load("instrumentation")).then((it) => it.register())'), 'registered');
  }
  const elsewhere = await build(t, projectOf(t, { 'app/api/x/route.ts': route, 'src/instrumentation.ts': hook }));
  assert.equal(functionNamed(elsewhere, 'app').settings.setup, undefined);
});

test('an instrumentation.ts that does not build is told at every route', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'app/a/route.ts': 'export const GET = () => new Response();\n', 'app/b/route.ts': 'export const GET = () => new Response();\n',
    'instrumentation.ts': 'export function register( {\n', 'vercel.json': '{}',
  }));
  const app = functionNamed(manifest, 'app');
  assert.equal(app.settings.setup, undefined);
  assert.equal(app.env.NEXT_RUNTIME, 'nodejs');
  assert.deepEqual(app.endpoints.map(({ settings }) => settings.broken.file), ['instrumentation.ts', 'instrumentation.ts']);
});

test('files of the folder app are routes by their name', async (t) => {
  const image = 'export default () => new Response();\n';
  const project = projectOf(t, {
    'app/api/x/route.ts': handler('x'),
    'app/robots.txt': 'User-Agent: *\n',
    'app/docs/robots.ts': 'export default () => ({ rules: [] });\n',
    'app/sitemap.ts': 'export default () => [];\n',
    'app/products/sitemap.ts': 'export const generateSitemaps = () => [];\nexport default () => [];\n',
    'app/manifest.js': 'export default () => ({});\n',
    'app/blog/[slug]/opengraph-image.tsx': image,
    'app/(shop)/icon2.svg': '<svg/>',
    'app/_private/icon.png': 'x',
    'app/favicon.ico': 'x',
  });
  const manifest = await build(t, project);
  const at = (url) => visit(manifest, 'GET', url);

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(['/robots.txt', '/sitemap.xml', '/manifest.webmanifest', '/favicon.ico'].map((url) => at(url).file),
    ['app/robots.txt', 'app/sitemap.ts', 'app/manifest.js', 'app/favicon.ico']);
  assert.deepEqual(at('/products/sitemap/3.xml').params, { __metadata_id__: '3.xml' });
  assert.deepEqual(at('/blog/tea/opengraph-image').params, { slug: 'tea' });
  assert.equal(at('/icon2-12nzgn.svg').file, 'app/(shop)/icon2.svg');
  assert.deepEqual(['/docs/robots.txt', '/_private/icon.png', '/products/sitemap.xml', '/icon2.svg'].map((url) => at(url).status),
    [404, 404, 404, 404]);
  assert.equal(evaluate(functionNamed(manifest, 'app'), "String(load('app/robots.txt').default)"), 'User-Agent: *\n');
});

test('a folder app of something else has no such routes', async (t) => {
  const manifest = await build(t, projectOf(t, { 'app/icon.png': 'x', 'app/sitemap.ts': 'export default () => [];\n', 'api/x.js': handler('x') }));
  assert.equal(manifest.functions.length, 1);
  assert.equal(visit(manifest, 'GET', '/icon.png').status, 404);
});

test('files of pages/api are routes', async (t) => {
  const page = 'export default (req, res) => res.end();\n';
  const project = projectOf(t, {
    'src/pages/api/index.js': page,
    'src/pages/api/users/[id].ts': page,
    'src/pages/api/users/me.ts': 'module.exports = (req, res) => res.end();\n',
    'src/pages/api/files/[...path].ts': page,
    'src/pages/api/quick.ts': "export const config = { runtime: 'edge', maxDuration: 7 };\nexport default () => new Response();\n",
    'src/pages/index.tsx': 'export default () => null;\n',
    'src/pages/api/of-astro.ts': handler('another framework'),
  });
  const manifest = await build(t, project);
  const at = (url) => visit(manifest, 'GET', url);

  assert.deepEqual(['/api', '/api/users/me', '/api/users/7', '/api/quick'].map((url) => at(url).file), [
    'src/pages/api/index.js', 'src/pages/api/users/me.ts', 'src/pages/api/users/[id].ts', 'src/pages/api/quick.ts']);
  assert.deepEqual(at('/api/files/a/b').params, { 'path*': 'a/b' });
  assert.equal(at('/api/of-astro').status, 404);
  const edge = functionNamed(manifest, 'app/edge');
  assert.deepEqual(edge.endpoints.map(({ name, timeout_ms: time }) => [name, time]), [['/api/quick', 7000]]);
});

test('a redirect of next.config has none of its headers, and an empty path takes its slash along', async (t) => {
  const config = `export default {
    async redirects() { return [{ source: '/old/:path*', destination: '/new/:path*', permanent: true }]; },
    async headers() { return [{ source: '/:path*', headers: [{ key: 'x-all', value: '1' }] }]; },
  };`;
  const manifest = await build(t, projectOf(t, { 'next.config.mjs': config, 'app/api/x/route.ts': handler('x') }));
  assert.deepEqual(visit(manifest, 'GET', '/old/a/b'), { status: 308, location: '/new/a/b', headers: {} });
  assert.deepEqual(visit(manifest, 'GET', '/old'), { status: 308, location: '/new', headers: {} });
  assert.equal(visit(manifest, 'GET', '/api/x').headers['x-all'], '1');
});

test('pages, which need Next.js\' own server, are told once and in one line', async (t) => {
  const route = { 'app/api/x/route.js': 'export const GET = () => new Response("x");\n' };
  const page = 'export default () => null;\n';
  const told = async (files) => (await build(t, projectOf(t, files))).diagnostics.map(({ severity, text }) => `${severity}: ${text}`);
  const next = { 'package.json': JSON.stringify({ dependencies: { next: '15' } }) };
  const why = "Next.js' pages are not served here, only its route handlers, API routes and middleware: run `next dev` for them";
  assert.deepEqual(await told({ ...next, ...route, 'app/page.tsx': page, 'app/(shop)/cart/page.mdx': '', 'app/layout.tsx': page, 'app/_lib/page.js': page }), [
    `warning: app/(shop)/cart/page.mdx and 1 more page: ${why}`,
  ]);
  assert.deepEqual(await told({ ...next, 'pages/index.tsx': page, 'pages/_app.tsx': page, 'pages/api/x.ts': page }), [`warning: pages/index.tsx: ${why}`]);
  assert.deepEqual(await told({ ...next, ...route, 'app/layout.tsx': page, 'pages/_app.tsx': page, 'pages/404.tsx': page }), []);
  assert.deepEqual(await told({ ...route, 'app/page.tsx': page }), []);
  const worker = { 'wrangler.jsonc': '{ "main": "worker.js" }', 'worker.js': 'export default { fetch: () => new Response() };\n' };
  assert.deepEqual(await told({ ...next, ...worker, 'app/page.tsx': page }), []);
});

test('skipTrailingSlashRedirect: both forms of a path are answered, and proxy.ts sees the one that was asked for', async (t) => {
  const files = {
    'app/about/route.ts': handler('about'), 'app/users/[id]/route.ts': handler('user'), 'proxy.ts': 'export function proxy() {}\n',
  };
  for (const trailingSlash of [true, false]) {
    const config = `export default { trailingSlash: ${trailingSlash}, skipTrailingSlashRedirect: true };`;
    const manifest = await build(t, projectOf(t, { ...files, 'next.config.mjs': config }));
    for (const url of ['/about', '/about/', '/users/7', '/users/7/']) {
      assert.equal(visit(manifest, 'GET', url).function, 'middleware', url);
    }
    const behind = { ...manifest, routes: manifest.routes.filter(({ function: index }) => manifest.functions[index]?.name !== 'middleware') };
    for (const url of ['/about', '/about/', '/users/7', '/users/7/']) {
      assert.equal(visit(behind, 'GET', url).function, 'app', url);
    }
    assert.equal(visit(manifest, 'GET', '/a//b').location, '/a/b');
  }
});

test('profiles of cacheLife are those of next.config, and PORT is that of the site', async (t) => {
  const profiles = "{ blog: { stale: 60, revalidate: 5, expire: Infinity }, default: { revalidate: 7, expire: 9 } }";
  for (const config of [`{ cacheComponents: true, cacheLife: ${profiles} }`, `{ experimental: { useCache: true, cacheLife: ${profiles} } }`]) {
    const { functions: [app] } = await build(t, projectOf(t, {
      'next.config.ts': `export default ${config};\n`, 'app/api/a/route.ts': 'export const GET = () => new Response();\n',
    }), { port: 4321 });
    assert.deepEqual(app.settings.cache_life, { blog: { stale: 60, revalidate: 5 }, default: { revalidate: 7, expire: 9 } });
    assert.equal(app.env.PORT, '4321');
  }
});

test('workflows, which are not compiled here, are told', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'package.json': JSON.stringify({ dependencies: { next: '16' } }),
    'app/api/a/route.ts': 'import { greet } from "../../../workflows/greet";\nexport const GET = () => greet();\n',
    'workflows/greet.ts': "export async function greet() {\n  'use workflow';\n}\n",
  }));
  assert.deepEqual(manifest.diagnostics.map(({ severity, file, line, text }) => [severity, file, line, text]), [
    ['warning', 'workflows/greet.ts', 2, "'use workflow': workflows do not run here, and start() fails: run `next dev` for them"],
  ]);
});

/* As Turbopack does, whatever the project's own form of modules; in Node.js's way next-auth's providers are no functions. */
test('the default of a package that was compiled from ES modules is the one that it meant', async (t) => {
  for (const type of ['commonjs', 'module']) {
    const manifest = await build(t, projectOf(t, {
      'package.json': JSON.stringify({ type, dependencies: { next: '16' } }),
      'node_modules/made/index.js': 'exports.__esModule = true;\nexports.default = () => "meant";\n',
      'node_modules/kit/package.json': JSON.stringify({ name: 'kit', peerDependencies: { next: '*' } }),
      'node_modules/kit/index.js': 'exports.__esModule = true;\nexports.default = () => "bundled";\n',
      'node_modules/plain/index.js': 'module.exports = () => "all";\n',
      'app/api/a/route.ts': 'import made from "made";\nimport kit from "kit";\nimport plain from "plain";\n'
        + 'export const GET = () => `${made()} ${kit()} ${plain()}`;\n',
    }));
    assert.equal(evaluate(manifest.functions[0], "(async () => (await load('app/api/a/route')).GET())()"), 'meant bundled all', type);
  }
});

test("'use cache': a function's results are kept by its parameters and what it closes over, in its file's own form of module", async (t) => {
  const route = `
import { cacheLife, cacheTag } from 'next/cache';
let calls = 0;
async function data(n: number, { deep = 0 }: { deep?: number } = {}) { 'use cache'; cacheLife('hours'); cacheTag('all'); return { n, deep, call: ++calls }; }
export const own = async () => { 'use cache: private'; return ++calls; };
export async function GET(text: string) {
  const inner = async () => { "use cache"; return text + ++calls; };
  const open = async () => { 'use cache'; return new Response(String(++calls)); };
  return [(await data(1)).call, (await data(1)).call, (await data(1, { deep: 1 })).call, await inner(), await (await open()).text(), await own()].join();
}
`;
  for (const type of ['commonjs', 'module']) {
    const manifest = await build(t, projectOf(t, {
      'package.json': JSON.stringify({ type, dependencies: { next: '16' } }), 'app/api/a/route.ts': route,
      'app/api/b/route.ts': "'use cache';\nlet calls = 0;\nexport async function GET() { return ++calls; }\nexport const POST = async () => ++calls;\n",
    }));
    const seen = evaluate(manifest.functions[0], `(async () => {
      const [a, b] = [await load('app/api/a/route'), await load('app/api/b/route')];
      return [await a.GET('x'), await a.GET('x'), await a.GET('y'), await b.GET(), await b.GET(), await b.POST()].join(' ');
    })()`);
    assert.equal(seen, '1,1,2,x3,4,5 1,1,2,x3,6,7 1,1,2,y8,9,10 1 1 2');
  }
});
