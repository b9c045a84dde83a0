import assert from 'node:assert/strict';
import test from 'node:test';
import { build, functionNamed, projectOf, visit } from './harness.js';

const api = { 'api/a.ts': 'export const GET = () => new Response();\nexport const POST = GET;\n' };
const schema = {
  env: {
    DATABASE_URL: { required: true, pattern: '^postgres', description: 'where orders are kept' },
    JWT_SECRET: { minLength: 32 }, OPTIONAL: { required: false }, STRIPE_KEY: { pattern: '^sk_' },
  },
};

test('all that is wrong with the environment is one message, and nothing starts', async (t) => {
  const project = projectOf(t, { ...api, 'mayfly.json': JSON.stringify(schema), '.env': 'JWT_SECRET=short\nSTRIPE_KEY=pk_1\n' });
  const failed = await build(t, project);

  assert.equal(failed.type, 'failed');
  assert.equal(failed.diagnostics.length, 1);
  assert.equal(failed.diagnostics[0].severity, 'error');
  assert.equal(failed.diagnostics[0].text, [
    '3 environment variables are missing or wrong:',
    '  DATABASE_URL is not set (where orders are kept)',
    '  JWT_SECRET is too short: 5 of at least 32 characters',
    '  STRIPE_KEY does not match ^sk_',
    'Set them in .env.local or in the shell.',
  ].join('\n'));
});

test('.env files in the ecosystem\'s order, expanded; the shell wins in development', async (t) => {
  const files = {
    ...api,
    '.env': 'A=env\nB=env\nC=env\nD=env\nURL=http://${HOST_NAME}:80\nHOST_NAME=h\nQUOTED="a b#c"\n',
    '.env.development': 'B=development\nC=development\n', '.env.production': 'B=production\n',
    '.env.local': 'C=local\n', '.env.development.local': 'D=devlocal\n',
  };
  const development = await build(t, projectOf(t, files), { watch: true, env: { A: 'shell', NODE_OPTIONS: '', MAYFLY_X: '1' } });
  const { env } = functionNamed(development, 'api');
  assert.deepEqual([env.A, env.B, env.C, env.D, env.URL, env.QUOTED], ['shell', 'development', 'local', 'devlocal', 'http://h:80', 'a b#c']);
  assert.deepEqual([env.NODE_OPTIONS, env.MAYFLY_X, env.PATH, env.HOME], [undefined, undefined, undefined, undefined]);

  const production = await build(t, projectOf(t, files), { env: { A: 'shell' } });
  const built = functionNamed(production, 'api').env;
  assert.deepEqual([built.A, built.B, built.D], ['env', 'production', 'env']);
});

test('AWS credentials of the shell stay there, unless their endpoint comes along', async (t) => {
  const files = { ...api, 'f.js': 'exports.handler = async () => 1;\n', 'mayfly.json': '{ "functions": { "f": { "handler": "f.handler" } } }' };
  const shell = { AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's', AWS_PROFILE: 'p', AWS_REGION: 'eu-west-1' };
  const seen = (manifest) => ['api', 'lambda/f'].map((name) => Object.keys(functionNamed(manifest, name).env).filter((key) => key.startsWith('AWS_')).sort());

  const alone = await build(t, projectOf(t, files), { watch: true, env: shell });
  assert.deepEqual(seen(alone), [['AWS_REGION'], ['AWS_REGION']]);
  const elsewhere = await build(t, projectOf(t, files), { watch: true, env: { ...shell, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000' } });
  assert.deepEqual(seen(elsewhere)[1], ['AWS_ACCESS_KEY_ID', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION', 'AWS_SECRET_ACCESS_KEY']);
  const own = await build(t, projectOf(t, { ...files, '.env': 'AWS_PROFILE=shop\n' }), { watch: true });
  assert.deepEqual(seen(own), [['AWS_PROFILE'], ['AWS_PROFILE']]);
});

test('mayfly.json sets limits for all and for one', async (t) => {
  const project = projectOf(t, {
    ...api, 'worker.ts': 'export default { fetch: () => new Response() };\n',
    'mayfly.json': `{
      // comments are fine
      "idleSeconds": 0.5, "maxInstances": 4,
      "functions": { "worker": { "concurrency": 2, "memory": 96, "minInstances": 1 }, "/api/a": { "timeout": 1.5 }, "nope": {} },
    }`,
  });
  const manifest = await build(t, project);
  const worker = functionNamed(manifest, 'worker');

  assert.deepEqual([worker.idle_s, worker.max_instances, worker.concurrency, worker.memory_mb, worker.min_instances], [0.5, 4, 2, 96, 1]);
  assert.equal(functionNamed(manifest, 'api').idle_s, 0.5);
  assert.equal(functionNamed(manifest, 'api').endpoints[0].timeout_ms, 1500);
  assert.match(manifest.diagnostics[0].text, /no function "nope"/);
});

test('a Lambda function of mayfly.json that cannot run is told once', async (t) => {
  const functions = { py: { handler: 'f.handler', runtime: 'python3.12' }, 'lambda/f': { handler: 'lambda/f.handler', memory: 256 } };
  const { diagnostics } = await build(t, projectOf(t, { ...api, 'lambda/f.js': 'exports.handler = async () => 1;\n', 'mayfly.json': JSON.stringify({ functions: { f: { handler: 'lambda/f.handler' }, ...functions } }) }));
  assert.deepEqual(diagnostics.map(({ text }) => text), [
    'mayfly.json: function "py" needs python3.12, which does not run here', 'mayfly.json: "lambda/f" is not a name that Lambda accepts: up to 64 letters, digits, - and _',
  ]);
});

test('files that begin with a byte order mark, as some editors write it, are read like others', async (t) => {
  const marked = Object.entries({
    'mayfly.json': '{ "env": ["FIRST"], "memory": 300 }', 'vercel.json': '{ "functions": { "api/a.ts": { "maxDuration": 7 } } }', '.env': 'FIRST=1\n', 'package.json': '{ "name": "shop" }',
  }).map(([file, text]) => [file, `\uFEFF${text}`]);
  const { functions, diagnostics } = await build(t, projectOf(t, { ...api, ...Object.fromEntries(marked) }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual([functions[0].memory_mb, functions[0].endpoints[0].timeout_ms, functions[0].env.FIRST], [300, 7000, '1']);
});

test('members of mayfly.json that are misspelt are told, wherever they are', async (t) => {
  const { diagnostics } = await build(t, projectOf(t, {
    ...api, 'f.js': 'exports.handler = async () => 1;\n',
    'mayfly.json': JSON.stringify({
      $schema: 'x', concurency: 2, timeout: 3, env: { A: { required: false, patern: 'x' } }, functions: { f: { handler: 'f.handler', timeot: 3, environment: { ANY: 'x' } } },
      routes: { '/api/a': { durable: { retry: 1 }, onSuccess: { url: 'http://a.test', key: 'x' } } },
      events: { queues: { jobs: { fifo: true } }, buckets: { photos: { notifications: [{ events: 's3:ObjectCreated:*', function: 'f', sufix: '.png' }] } } },
    }),
  }));
  const told = diagnostics.filter(({ text }) => text.includes('there is no "')).map(({ severity, text }) => `${severity} ${text.replace(/; there are .*/, '')}`);
  assert.deepEqual(told, [
    'warning mayfly.json: there is no "concurency"',
    'warning mayfly.json: env.A: there is no "patern"',
    'warning mayfly.json: functions.f: there is no "timeot"',
    'warning mayfly.json: routes["/api/a"].durable: there is no "retry"',
    'warning mayfly.json: routes["/api/a"].onSuccess: there is no "key"',
    'warning mayfly.json: events.queues.jobs: there is no "fifo"',
    'warning mayfly.json: events.buckets.photos.notifications[0]: there is no "sufix"',
  ]);
});

test('what is of the wrong kind or out of range in mayfly.json is told with its place, and left out', async (t) => {
  const { diagnostics, events, ...manifest } = await build(t, projectOf(t, {
    ...api, 'f.js': 'exports.handler = async () => 1;\n',
    'mayfly.json': `{
  "timeout": 0, "stacks": "Dev",
  "env": { "A": { "required": false, "minLength": "x" } },
  "functions": { "f": { "handler": "f.handler", "url": "yes", "code": 7, "memory": 16 }, "/api/a": { "timeout": 2, "memory": 64 } },
  "routes": { "/api/a": { "durable": true, "idempotent": { "header": "x id" } } },
  "events": {
    "buckets": { "photos": { "versioning": "yes", "notifications": ["x"] } },
    "queues": { "jobs": { "function": "f", "reportFailures": "yes", "batchSize": "10" } },
    "schedules": { "s": { "enabled": "no" } },
    "users": { "alice": { "accessKeyId": 7, "secretAccessKey": "s" } },
  }
}`,
  }));
  const told = diagnostics.map(({ line, column, text }) => `${line}:${column} ${text.replace('mayfly.json: ', '')}`);
  assert.deepEqual(told.sort(), [
    '2:3 timeout: must be a number from 0.001 to 86400, not 0',
    '2:17 stacks: must be a list, not "Dev"',
    '3:38 env.A.minLength: must be a whole number from 0 on, not "x"',
    '4:49 functions.f.url: must be true or false, or an object, not "yes"',
    '4:63 functions.f.code: must be text, not 7',
    '4:74 functions.f.memory: must be a whole number from 32 to 65536, not 16',
    '4:90 functions["/api/a"]: of a route only "timeout" can be set; memory can be set of its function, "api"',
    '5:15 routes["/api/a"]: "idempotent" must be a path in the JSON body such as "$.id", { "header": "Idempotency-Key" }, or "standard-webhooks"',
    '7:30 events.buckets.photos.versioning: must be true or false, not "yes"',
    '7:69 events.buckets.photos.notifications[0]: must be an object, not "x"',
    '8:44 events.queues.jobs.reportFailures: must be true or false, not "yes"',
    '8:69 events.queues.jobs.batchSize: must be a whole number from 1 to 10000, not "10"',
    '9:20 events.schedules.s: there is no such schedule; no file declares one',
    '9:27 events.schedules.s.enabled: must be true or false, not "no"',
    '10:27 events.users.alice.accessKeyId: must be text, not 7',
  ].sort());
  assert.equal(functionNamed(manifest, 'api').timeout_ms, 300_000);
  assert.deepEqual(events.users, []);
});

test('more instances are not kept than there may be', async (t) => {
  const manifest = await build(t, projectOf(t, { ...api, 'mayfly.json': '{ "minInstances": 10, "maxInstances": 5 }' }));
  assert.match(manifest.diagnostics[0].text, /minInstances of api is 10, and more than its maxInstances, 5: so many are kept/);
  assert.equal(functionNamed(manifest, 'api').min_instances, 5);
});

test('what a function URL may be told in mayfly.json is known', async (t) => {
  const url = { authType: 'NONE', invokeMode: 'BUFFERED', cors: { allowOrigins: ['*'], allowMethods: ['GET'], maxAge: 60 } };
  const config = { functions: { f: { handler: 'f.handler', url } } };
  const { diagnostics } = await build(t, projectOf(t, { 'f.js': 'exports.handler = async () => 1;\n', 'mayfly.json': JSON.stringify(config) }));
  assert.deepEqual(diagnostics, []);
});

test('wrong members of mayfly.json are told and left out', async (t) => {
  const project = projectOf(t, { ...api, 'mayfly.json': '{ "idleSeconds": "long", "concurrency": 1.5, "functions": [], "env": { "A": { "required": false, "pattern": "(" } } }' });
  const manifest = await build(t, project);
  assert.equal(manifest.type, 'manifest');
  assert.equal(manifest.diagnostics.length, 4);
  assert.equal(functionNamed(manifest, 'api').concurrency, 64);
});

test('files full of nonsense are told, never fatal', async (t) => {
  const nonsense = ['\0\0\0', '{', '[[[[', 'null', '"text"', '- - -\n\t:', '${${${', '\ud800', '{"a":'.repeat(500), 'a = """', '!Sub {'];
  const names = ['vercel.json', 'wrangler.toml', 'w/wrangler.json', 'netlify.toml', 'main.tf', 'template.yaml', 'mayfly.json', 'package.json', 'tsconfig.json', 'next.config.js', '_redirects', '_headers', '.env', '.dev.vars', 'netlify/functions/f.ts'];
  for (const text of nonsense) {
    const files = Object.fromEntries(names.map((name) => [name, text]));
    const manifest = await build(t, projectOf(t, { ...files, ...api }));
    assert.equal(manifest.type, 'manifest', JSON.stringify(text.slice(0, 20)));
    assert.equal(visit(manifest, 'GET', '/api/a').function, 'api');
    assert.deepEqual(manifest.logs.filter(({ level }) => level === 'error'), []);
  }
});

test('the root of a workspace has nothing to serve: where its packages are is told', async (t) => {
  const told = async (files) => (await build(t, projectOf(t, files))).diagnostics.map(({ text }) => text);
  const packages = { 'apps/api/package.json': '{}', 'apps/web/package.json': '{}', 'apps/web/src/lib/package.json': '{}' };
  const text = 'apps/api and 1 more package: the packages of a workspace are served each by itself: mayfly dev apps/api';
  assert.deepEqual(await told({ ...packages, 'package.json': '{ "workspaces": ["apps/*"] }' }), [text]);
  assert.deepEqual(await told({ ...packages, 'package.json': '{}', 'pnpm-workspace.yaml': 'packages: ["apps/*"]\n' }), [text]);
  assert.deepEqual(await told({ ...packages, 'package.json': '{}' }), []);
  const api = { 'api/x.js': 'export const GET = () => new Response();\n' };
  assert.deepEqual(await told({ ...packages, ...api, 'package.json': '{ "workspaces": ["apps/*"] }' }), []);
});
