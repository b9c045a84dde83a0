/* ES modules of several endpoints in one process: what one of them imports is no other's fault. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const PACKAGES = {
  'package.json': '{ "type": "module", "dependencies": { "next": "16.0.0" } }',
  'node_modules/tea/package.json': '{ "name": "tea", "type": "module", "exports": "./index.js" }',
  'node_modules/tea/index.js': "export const leaf = 'oolong';\n",
  'node_modules/boom/package.json': '{ "name": "boom", "type": "module", "exports": "./index.js" }',
  'node_modules/boom/index.js': "throw new Error('BOOM_KEY is not set');\n",
  'lib/cups.js': "import { leaf } from 'tea';\nlet cups = 0;\nexport const next = () => `${leaf} ${cups += 1}`;\n",
};

const LINKS = "import { next } from '../../lib/cups.js';\nimport { nobody } from 'tea';\n";
const THROWS = "import { next } from '../../lib/cups.js';\nimport 'boom';\n";
const SERVES = "import { next } from '../../lib/cups.js';\nawait null;\n";
const GET = 'export const GET = () => new Response(next());\n';

const DIALECTS = {
  vercel: { file: (name) => `api/v1/${name}.js`, path: (name) => `/api/v1/${name}`, code: GET },
  netlify: {
    file: (name) => `netlify/functions/${name}.mjs`, path: (name) => `/.netlify/functions/${name}`,
    code: 'export default async () => new Response(next());\n',
  },
  /* Next.js's own are CommonJS but for those that wait at their top. */
  next: { file: (name) => `app/${name}/route.js`, path: (name) => `/${name}`, code: `await null;\n${GET}` },
};

for (const [dialect, { file, path, code }] of Object.entries(DIALECTS)) {
  test(`${dialect}: an ES module that does not link, or whose package throws, fails alone`, async (t) => {
    const platform = await startPlatform(t, {
      files: {
        ...PACKAGES,
        [file('links')]: `${LINKS}${code}console.log(nobody);\n`,
        [file('throws')]: THROWS + code,
        [file('serves')]: SERVES + code,
        [file('too')]: SERVES + code,
      },
    });
    assert.equal((await platform.get(path('links'))).status, 500);
    assert.equal((await platform.get(path('throws'))).status, 500);
    const [first, second] = [await platform.get(path('serves')), await platform.get(path('too'))];
    assert.deepEqual([first.text, second.text], ['oolong 1', 'oolong 2'], 'what the endpoints share is one');

    const { snapshot, unloaded } = platform.records.find((record) => record.type === 'function');
    assert.ok(snapshot);
    assert.match(unloaded, /links\S*: \S*links\S*:2\nimport \{ nobody \} from .tea.;\n[^]*does not provide an export named 'nobody'/);
    assert.match(unloaded, /throws\S*: Error: BOOM_KEY is not set/);
    assert.doesNotMatch(unloaded, /serves|too|___mayfly/);
  });
}
