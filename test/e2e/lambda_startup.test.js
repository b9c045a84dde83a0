/* What NODE_OPTIONS has a Lambda function load before its handler. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

test('modules that NODE_OPTIONS names run before the handler is loaded; one of a layer that is not here is told', async (t) => {
  const functions = {
    watched: { handler: 'tea.handler', runtime: 'nodejs24.x', environment: { NODE_OPTIONS: '--import agent/auto' } },
    layered: { handler: 'tea.handler', runtime: 'nodejs24.x', environment: { NODE_OPTIONS: '--require /opt/agent.js' } },
    broken: { handler: 'tea.handler', runtime: 'nodejs24.x', environment: { NODE_OPTIONS: '--import ./throws.mjs' } },
  };
  const platform = await startPlatform(t, {
    files: {
      'mayfly.json': JSON.stringify({ functions }),
      'node_modules/agent/package.json': '{ "name": "agent", "exports": { "./auto": { "import": "./auto.mjs" } } }',
      'node_modules/agent/auto.mjs': 'await null;\nglobalThis.agent = process.env.NODE_OPTIONS;\n',
      'throws.mjs': "throw new Error('AGENT_KEY is not set');\n",
      'tea.js': 'const { agent } = globalThis;\nexports.handler = async () => agent ?? null;\n',
    },
  });
  const invoke = async (name) => (await platform.post(`/2015-03-31/functions/${name}/invocations`, {})).json;
  assert.equal(await invoke('watched'), '--import agent/auto');
  assert.equal(await invoke('layered'), null);
  await platform.record(({ type, text }) => type === 'log' && /NODE_OPTIONS asks for what is not here.*\/opt\/agent\.js/.test(text));
  const { loaded, reason } = await platform.record((record) => record.type === 'function' && /broken/.test(record.function ?? record.name));
  assert.equal(loaded, false);
  assert.match(reason, /AGENT_KEY is not set/);
});
