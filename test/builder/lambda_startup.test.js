import assert from 'node:assert/strict';
import test from 'node:test';
import { build, evaluate, functionNamed, projectOf } from './harness.js';

const functions = (all) => JSON.stringify({ functions: Object.fromEntries(Object.entries(all).map(([name, rest]) => [name, { runtime: 'nodejs24.x', ...rest }])) });

test("where an agent's handler calls the project's own, that is the function's", async (t) => {
  const manifest = await build(t, projectOf(t, {
    'mayfly.json': functions({
      layer: { handler: '/opt/nodejs/node_modules/datadog-lambda-js/handler.handler', environment: { DD_LAMBDA_HANDLER: 'src/tea.brew' } },
      package: { handler: 'node_modules/datadog-lambda-js/dist/handler.handler', environment: { DD_LAMBDA_HANDLER: 'src/tea.brew' } },
      relic: { handler: 'newrelic-lambda-wrapper.handler', environment: { NEW_RELIC_LAMBDA_HANDLER: 'src/tea.brew' } },
      own: { handler: 'src/tea.other', environment: { DD_LAMBDA_HANDLER: 'src/tea.brew' } },
      other: { handler: '/opt/nodejs/other.handler' },
    }),
    'src/tea.js': "exports.brew = async () => 'brewed';\nexports.other = async () => 'other';\n",
  }));
  for (const name of ['layer', 'package', 'relic']) {
    const fn = functionNamed(manifest, `lambda/${name}`);
    assert.deepEqual([fn.settings.handler, fn.endpoints[0].file], ['src/tea.brew', 'src/tea.js']);
  }
  assert.equal(functionNamed(manifest, 'lambda/own').settings.handler, 'src/tea.other');
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => `${severity} ${text}`).sort(), [
    'error mayfly.json: handler "/opt/nodejs/other.handler" of "other" is a layer\'s: name a file of the project, as in src/index.handler',
    'warning mayfly.json: function "layer": its own handler runs, src/tea.brew, without /opt/nodejs/node_modules/datadog-lambda-js/handler.handler around it',
    'warning mayfly.json: function "package": its own handler runs, src/tea.brew, without node_modules/datadog-lambda-js/dist/handler.handler around it',
    'warning mayfly.json: function "relic": its own handler runs, src/tea.brew, without newrelic-lambda-wrapper.handler around it',
  ]);
});

test('modules that NODE_OPTIONS names are there to run before the handler', async (t) => {
  const says = (name) => `globalThis.ran = [...globalThis.ran ?? [], '${name}'];\n`;
  const manifest = await build(t, projectOf(t, {
    'mayfly.json': functions({
      a: { handler: 'src/a.handler', environment: { NODE_OPTIONS: '--enable-source-maps --import agent/auto -r ./src/first.cjs' } },
      b: { handler: 'src/b.handler', environment: { NODE_OPTIONS: '--import=./src/waits.mjs --require "/opt/nodejs/first.js"' } },
      none: { handler: 'src/a.handler', environment: { NODE_OPTIONS: '--enable-source-maps --max-old-space-size=500' } },
    }),
    'node_modules/agent/package.json': '{ "name": "agent", "exports": { "./auto": { "import": "./auto.mjs" } } }',
    'node_modules/agent/auto.mjs': `await null;\n${says('agent')}`,
    'node_modules/tea/package.json': '{ "name": "tea" }',
    'node_modules/tea/index.js': says('tea'),
    'src/first.cjs': says('first'),
    'src/waits.mjs': `await null;\n${says('waits')}`,
    'src/a.js': "require('tea');\nexports.handler = async () => globalThis.ran;\n",
    'src/b.mjs': "import 'tea';\nexport const handler = async () => globalThis.ran;\n",
  }));
  assert.deepEqual(manifest.diagnostics, []);
  const run = (name, module) => {
    const fn = functionNamed(manifest, `lambda/${name}`);
    return evaluate({ ...fn, env: {} }, `load('${fn.settings.setup}').catch((error) => globalThis.failed = error.code).then(() => load('${module}'))
      .then((m) => m.handler()).then((ran) => [globalThis.failed ?? null, ...ran])`);
  };
  assert.deepEqual(run('a', 'src/a'), [null, 'agent', 'first', 'tea']);
  assert.deepEqual(run('b', 'src/b'), ['MODULE_NOT_FOUND', 'waits', 'tea']);
  assert.equal(functionNamed(manifest, 'lambda/none').settings.setup, undefined);
});
