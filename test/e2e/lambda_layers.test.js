/* Layers of Lambda functions, as they lie at /opt. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const TEMPLATE = `
Resources:
  layered:
    Type: AWS::Serverless::Function
    Properties: { Handler: index.handler, Runtime: nodejs24.x, CodeUri: src, Layers: [!Ref Tools, !Ref More, !Ref Built] }
  plain: { Type: AWS::Serverless::Function, Properties: { Handler: plain.handler, Runtime: nodejs24.x, CodeUri: src } }
  Tools: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: tools } }
  More: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: more } }
  Built:
    Type: AWS::Serverless::LayerVersion
    Properties: { ContentUri: built }
    Metadata: { BuildMethod: nodejs24.x }
`;

test('what layers hold lies at /opt, one over the other: programs, data and packages', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'template.yaml': TEMPLATE,
      'tools/bin/brew': { program: '#!/bin/sh\nread cups < /opt/share/cups\necho "$cups of $1"\n' },
      'tools/share/cups': 'two cups\n',
      'tools/share/kind': 'of the first layer\n',
      'tools/nodejs/node_modules/one/index.js': 'exports.text = "one";\n',
      'more/share/kind': 'of the second layer\n',
      'more/nodejs/node_modules/two/index.js': 'exports.text = "two";\n',
      'built/node_modules/three/index.js': 'exports.text = "three";\n',
      'src/index.js': `
        const { execFileSync } = require('node:child_process');
        const { readdirSync, readFileSync, writeFileSync } = require('node:fs');
        const attempt = (act) => { try { act(); return 'written'; } catch { return 'refused'; } };
        exports.handler = async () => ({
          said: execFileSync('brew', ['tea'], { encoding: 'utf8' }),
          kind: readFileSync('/opt/share/kind', 'utf8'),
          packages: readdirSync('/opt/nodejs/node_modules').sort(),
          texts: ['one', 'two', 'three'].map((name) => require(name).text),
          chosen: ['one', 'three'].map((name) => module.require('/opt/nodejs/node_modules/' + name).text),
          writes: ['/opt/new', '/opt/share/cups', '/opt/nodejs/new'].map((file) => attempt(() => writeFileSync(file, 'x'))),
        });`,
      'src/plain.js': "exports.handler = async () => require('node:fs').readdirSync('/opt');\n",
    },
  });
  const invoke = async (name) => (await platform.post(`/2015-03-31/functions/${name}/invocations`, {})).json;
  assert.deepEqual(await invoke('layered'), {
    said: 'two cups of tea\n', kind: 'of the second layer\n', packages: ['one', 'three', 'two'], texts: ['one', 'two', 'three'],
    chosen: ['one', 'three'], writes: ['refused', 'refused', 'refused'],
  });
  assert.deepEqual(await invoke('plain'), []);
});
