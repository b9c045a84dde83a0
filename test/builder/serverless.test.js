import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { build, evaluate, functionNamed, projectOf, visit, writeFiles } from './harness.js';

const handler = (text) => `exports.handler = async () => ${JSON.stringify(text)};\n`;

test('serverless.yml: functions with their limits, variables, HTTP events and URLs', async (t) => {
  const project = projectOf(t, {
    'serverless.yml': `
service: shop
custom:
  prefix: \${self:service}-\${sls:stage}
  table: \${self:custom.prefix}-\${file(tables.yml):orders, 'none'}
provider:
  name: aws
  runtime: nodejs24.x
  stage: \${opt:stage, 'test'}
  memorySize: 256
  environment:
    TABLE: \${self:custom.table}
    HOME_OF: \${env:NOT_SET_ANYWHERE, 'nowhere'}
  httpApi:
    cors: true
functions:
  users:
    handler: src/users.handler
    timeout: 9
    events:
      - httpApi: GET /users/{id}
      - httpApi: { method: post, path: /users }
      - schedule: rate(1 hour)
  admin:
    handler: src/admin.handler
    name: \${self:custom.prefix}-boss
    environment: { OWN: "1" }
    url: { invokeMode: RESPONSE_STREAM, authorizer: aws_iam }
    events:
      - http: { path: 'admin/{proxy+}', method: any, cors: true }
`,
    'tables.yml': 'orders: orders-v2\n',
    'src/users.js': handler('users'), 'src/admin.ts': 'export const handler = async (): Promise<number> => 1;\n',
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const users = functionNamed(manifest, 'lambda/shop-test-users');
  assert.deepEqual([users.timeout_ms, users.memory_mb, users.settings.runtime], [9000, 256, 'nodejs24.x']);
  assert.deepEqual([users.env.TABLE, users.env.HOME_OF], ['shop-test-orders-v2', 'nowhere']);
  assert.deepEqual(users.endpoints.slice(2).map(({ settings }) => [settings.api, settings.route_key, settings.cors.allow_origins]), [
    ['http', 'GET /users/{id}', ['*']], ['http', 'POST /users', ['*']],
  ]);
  const admin = functionNamed(manifest, 'lambda/shop-test-boss');
  assert.deepEqual([admin.timeout_ms, admin.env.OWN, admin.env.TABLE], [6000, '1', 'shop-test-orders-v2']);
  assert.deepEqual(admin.endpoints[0].settings, { url: true, auth_type: 'AWS_IAM', invoke_mode: 'RESPONSE_STREAM' });
  assert.equal(visit(manifest, 'PUT', '/admin/a/b').function, 'lambda/shop-test-boss');
  assert.equal(visit(manifest, 'GET', '/users/7').function, 'lambda/shop-test-users');
});

test('serverless.yml: what is not AWS, or does not parse, is not taken for Lambda functions', async (t) => {
  const other = await build(t, projectOf(t, {
    'serverless.yml': 'service: x\nprovider: { name: azure }\nfunctions: { a: { handler: a.handler } }\n', 'a.js': handler('a'),
  }));
  assert.deepEqual(other.functions, []);
  const broken = await build(t, projectOf(t, { 'serverless.yml': 'service: [\n', 'a.js': handler('a') }));
  assert.equal(broken.diagnostics[0].file, 'serverless.yml');
});

test('serverless.yml: functions of several files', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'serverless.yml': 'service: shop\nprovider: aws\nfunctions:\n  - ${file(one.yml)}\n  - two: { handler: a.handler }\n',
    'one.yml': 'one: { handler: a.handler, events: [httpApi: GET /one] }\n', 'a.js': handler('a'),
  }));
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(manifest.functions.map(({ name }) => name).sort(), ['lambda/shop-dev-one', 'lambda/shop-dev-two']);
  assert.equal(visit(manifest, 'GET', '/one').function, 'lambda/shop-dev-one');
});

test('serverless.yml: the stack is called as the framework calls it', async (t) => {
  const stackOf = async (provider) => {
    const { functions: [fn] } = await build(t, projectOf(t, {
      'a.js': handler('a'),
      'serverless.yml': `service: shop\nprovider: { name: aws, runtime: nodejs24.x${provider} }\nfunctions: { a: { handler: a.handler, environment: { STACK: !Ref "AWS::StackName" } } }\n`,
    }));
    return fn.env.STACK;
  };
  assert.equal(await stackOf(''), 'shop-dev');
  assert.equal(await stackOf(', stage: live'), 'shop-live');
  assert.equal(await stackOf(', stackName: mine'), 'mine');
});

test('serverless.yml: anchors are merged, and lists may end anywhere', async (t) => {
  const { diagnostics, functions } = await build(t, projectOf(t, {
    'a.js': handler('a'),
    'serverless.yml': `
service: shop
provider: { name: aws, runtime: nodejs24.x }
custom:
  common: &common
    timeout: 9
    environment: { FLAG: yes }
functions:
  a:
    <<: *common
    handler: a.handler
    events: [
    {
 httpApi: "*"
}, { httpApi:
  GET /b }
  ]
`,
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual([functions[0].timeout_ms, functions[0].env.FLAG, functions[0].endpoints.length], [9000, 'yes', 4]);
});

test('serverless.yml: what its REST APIs do without a function is told', async (t) => {
  const { diagnostics } = await build(t, projectOf(t, {
    'a.js': handler('a'),
    'serverless.yml': `
service: shop
provider: { name: aws, runtime: nodejs24.x }
custom: { apiGatewayServiceProxies: [{ sqs: { path: /q, method: post } }] }
functions:
  a:
    handler: a.handler
    events:
      - http: { path: a, method: get, integration: lambda }
      - http: { path: b, method: get, integration: mock }
      - http: { path: c, method: get, integration: LAMBDA_PROXY }
      - http: GET /d
      - websocket: $connect
      - websocket: $default
`,
  }));
  assert.deepEqual(diagnostics.map(({ severity, text }) => `${severity}: ${text}`), [
    'warning: serverless.yml: custom.apiGatewayServiceProxies is a plugin\'s (serverless-apigateway-service-proxy): its routes are not served here',
    'warning: serverless.yml: a (mock): integrations other than lambda-proxy and lambda do not run here: the function is invoked as by lambda-proxy',
    'warning: serverless.yml: a.websocket and 1 more: events of this kind (websocket) do not come by themselves here: invoke the function with one',
  ]);
});

test('serverless.yml: functions of another provider than AWS are told', async (t) => {
  for (const provider of ['azure', '{ name: azure, runtime: nodejs24.x }']) {
    const { functions, diagnostics } = await build(t, projectOf(t, {
      'a.js': handler('a'), 'serverless.yml': `service: shop\nprovider: ${provider}\nfunctions: { a: { handler: a.handler } }\n`,
    }));
    assert.equal(functions.length, 0);
    assert.deepEqual(diagnostics.map(({ text }) => text), ['serverless.yml: functions of the provider "azure" do not run here, those of "aws" do']);
  }
});

test('serverless.yml: layers of the service, parameters of the stage, and references by way of others', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'api/serverless.yml': `
service: shop
params:
  default: { domain: shop.test, region: eu }
  dev: { domain: dev.shop.test }
provider:
  name: aws
  runtime: nodejs24.x
  environment:
    PLACE: \${param:domain}/\${param:region}
    FLAG: \${strToBool('true')}
    GREETING: \${self:custom.settings.greeting}
custom: \${file(./custom.yml)}
layers:
  shared-code: { path: layer }
functions:
  one: { handler: one.handler, layers: [ !Ref SharedDashcodeLambdaLayer ] }
`,
    'api/custom.yml': 'settings: ${file(./settings.yml)}\n', 'api/settings.yml': 'greeting: hello\n',
    'api/one.js': "const { text } = require('of-layer');\nexports.handler = async () => text;\n",
    'api/layer/nodejs/node_modules/of-layer/index.js': "exports.text = 'of the layer';\n",
  }));
  assert.deepEqual(manifest.diagnostics, []);
  const fn = functionNamed(manifest, 'lambda/shop-dev-one');
  assert.deepEqual([fn.env.PLACE, fn.env.FLAG, fn.env.GREETING], ['dev.shop.test/eu', 'true', 'hello']);
  assert.equal(evaluate(fn, "load('api/one').handler()"), 'of the layer');
});

test('serverless.yml: a function without a handler, which may be misspelt, is told', async (t) => {
  const { functions, diagnostics } = await build(t, projectOf(t, {
    'serverless.yml': `
service: shop
provider: { name: aws, runtime: nodejs24.x }
functions:
  one: { handler: one.handler }
  two: { handlr: one.handler }
`,
    'one.js': handler('one'),
  }));
  assert.deepEqual(diagnostics.map(({ text }) => text), ['serverless.yml: functions.two: it has no handler']);
  assert.deepEqual(functions.map(({ name }) => name), ['lambda/shop-dev-one']);
});

test('serverless.yml: variables that only a deployment knows are told, unless .env has them', async (t) => {
  const { functions, diagnostics } = await build(t, projectOf(t, {
    'serverless.yml': `
service: shop
provider: { name: aws, runtime: nodejs24.x, environment: { SECRET: '\${ssm:/shop/secret}', OWN: '\${cf:other.Out}' } }
functions:
  one: { handler: one.handler, environment: { MADE: '\${file(values.js):made}', KNOWN: '\${self:service}' } }
`,
    'one.js': handler('one'), '.env': 'OWN=mine\n',
  }));
  assert.deepEqual(diagnostics.map(({ text }) => text), ['serverless.yml: the files do not say what is in the variables SECRET, MADE: .env may']);
  assert.deepEqual([functions[0].env.OWN, functions[0].env.KNOWN], ['mine', 'shop']);
});

test('serverless.ts: what it exports is known, with the files that it imports', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'tsconfig.json': '{ "extends": "./tsconfig.paths.json" }',
    'tsconfig.paths.json': '{ "compilerOptions": { "baseUrl": ".", "paths": { "@functions/*": ["src/functions/*"], "@libs/*": ["src/libs/*"] } } }',
    'serverless.ts': `
import type { AWS } from '@serverless/typescript';
import { hello, bye } from '@functions/index';
const serverlessConfiguration: AWS = {
  service: 'shop', frameworkVersion: '3', plugins: ['serverless-esbuild'],
  provider: { name: 'aws', runtime: 'nodejs24.x', stage: "\${opt:stage, 'test'}", environment: { NODE_OPTIONS: '--enable-source-maps', OF: '\${self:custom.of}' } },
  functions: { hello, bye },
  custom: { of: '\${self:service}-\${self:provider.stage}', esbuild: { bundle: true } },
};
module.exports = serverlessConfiguration;
`,
    'src/functions/index.ts': "export { default as hello } from './hello';\nexport * from './bye';\n",
    'src/functions/hello/index.ts': `
import schema from './schema';
import { handlerPath } from '@libs/handler-resolver';
export default { handler: \`\${handlerPath(__dirname)}/handler.main\`, events: [{ http: { method: 'post', path: 'hello', request: { schemas: { 'application/json': schema } } } }] };
`,
    'src/functions/hello/schema.ts': "export default { type: 'object' } as const;\n",
    'src/functions/hello/handler.ts': "export const main = async () => 'hello';\n",
    'src/functions/bye.ts': "export const bye = { handler: 'src/bye.handler' };\n", 'src/bye.js': handler('bye'),
    'src/libs/handler-resolver.ts': `
export const handlerPath = (context: string) => {
  return \`\${context.split(process.cwd())[1].substring(1).replace(/\\\\/g, '/')}\`
};
`,
  }));
  assert.deepEqual(manifest.diagnostics, []);
  const hello = functionNamed(manifest, 'lambda/shop-test-hello');
  assert.deepEqual([hello.settings.handler, hello.env.OF], ['src/functions/hello/handler.main', 'shop-test']);
  assert.equal(visit(manifest, 'POST', '/hello').function, 'lambda/shop-test-hello');
  assert.equal(functionNamed(manifest, 'lambda/shop-test-bye').settings.handler, 'src/bye.handler');
});

test('serverless.ts: what only running it would tell is told', async (t) => {
  const told = async (files) => (await build(t, projectOf(t, files))).diagnostics.map(({ file, text }) => `${file}: ${text}`);
  const way = '`npx serverless print > serverless.yml` writes what is read';
  const service = (functions) => `export default { service: 'x', provider: { name: 'aws' }, functions: ${functions} };\n`;
  assert.deepEqual(await told({ 'serverless.ts': `import { handlerOf } from 'some-package';\n${service("{ a: { handler: handlerOf('a') } }")}` }), [
    `serverless.ts: it is evaluated, not run, which does not tell functions.a: ${way}`,
  ]);
  assert.deepEqual(await told({ 'serverless.ts': "import make from 'some-package';\nexport default make();\n" }), [
    `serverless.ts: it is evaluated, not run, which does not tell its service: ${way}`,
  ]);
  const other = { 'serverless.js': "const app = require('./app');\nmodule.exports.handler = app;\n", 'app.js': '' };
  assert.deepEqual(await told({ ...other, 'mayfly.json': '{ "functions": { "a": { "handler": "serverless.handler" } } }' }), []);
});

test('serverless.yml: values of programs, which may be functions', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'serverless.yml': `
service: shop
provider: { name: aws, runtime: nodejs24.x, stage: prod, environment: { A: '\${file(./config.js):table}', B: '\${file(./\${self:provider.stage}.mjs):name}', C: '\${file(config.js):later}' } }
custom: { all: '\${file(all.ts)}' }
functions:
  one: { handler: one.handler, environment: { D: '\${self:custom.all.deep}' } }
`,
    'one.js': handler('one'), 'config.js': "const name = 'orders';\nmodule.exports = { table: `${name}-v2`, later: async () => 'later' };\n",
    'prod.mjs': "export const name = 'production';\n", 'all.ts': "export default async ({ options }) => ({ deep: options.stage ?? 'dive' });\n",
  }));
  assert.deepEqual(manifest.diagnostics, []);
  const { A, B, C, D } = functionNamed(manifest, 'lambda/shop-prod-one').env;
  assert.deepEqual([A, B, C, D], ['orders-v2', 'production', 'later', 'dive']);
});

test('serverless.yml: container images are told', async (t) => {
  const { functions, diagnostics } = await build(t, projectOf(t, {
    'serverless.yml': 'service: shop\nprovider: { name: aws }\nfunctions: { a: { handler: a.handler }, b: { image: some/image } }\n', 'a.js': handler('a'),
  }));
  assert.equal(functions.length, 1);
  assert.deepEqual(diagnostics.map(({ text }) => text), ['serverless.yml: function "shop-dev-b" is a container image, which does not run here']);
});

test('a handler of NestJS is what the project\'s compiler has made of it, and what that lacks is told', async (t) => {
  const project = projectOf(t, {
    'package.json': '{ "scripts": { "build": "nest build" } }',
    'tsconfig.json': '{ "compilerOptions": { "emitDecoratorMetadata": true, "outDir": "./dist" } }',
    'serverless.yml': 'service: shop\nprovider: { name: aws }\nfunctions:\n  main: { handler: dist/lambda.handler }\n  local: { handler: src/lambda.handler }\n',
    'src/lambda.ts': "import { App } from './app';\nexport const handler = () => new App();\n",
    'src/app.ts': '@Controller()\nexport class App {}\n',
  });
  const toldOf = ({ diagnostics }) => diagnostics.map(({ severity, text }) => `${severity}: ${text}`);
  const why = "only the project's own compiler makes what its decorators need (emitDecoratorMetadata)";
  assert.deepEqual(toldOf(await build(t, project)), [`error: ${why}: run \`npm run build\`, and what that makes is served`]);

  writeFiles(project, { 'dist/lambda.js': "exports.handler = () => 'compiled';\n" });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.functions.map(({ endpoints: [{ file }] }) => file), ['dist/lambda.js', 'dist/lambda.js']);
  assert.deepEqual(toldOf(manifest), [`warning: dist/lambda.js is served: ${why}. Run \`npm run build -- --watch\` beside this`]);

  utimesSync(path.join(project, 'src/app.ts'), new Date(), new Date(Date.now() + 60_000));
  assert.match(toldOf(await build(t, project)).join(), /^warning: it has changed since dist\/lambda.js was made, which is served: run `npm run build/);
});
