/* A function has nothing in common with what it was forked from: no pipe, no event loop, no memory. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const NOBODY = 65534;

const FUNCTION = `
import fs from 'node:fs';
const links = () => fs.readdirSync('/proc/self/fd').flatMap((fd) => { try { return [fs.readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; } });
const shared = () => fs.readFileSync('/proc/self/maps', 'latin1').split('\\n').filter((line) => / .{3}s /.test(line));

export function GET() {
  return Response.json({ pipes: links().filter((link) => link.startsWith('pipe:')), rings: [...links(), ...shared()].filter((one) => one.includes('io_uring')) });
}

/* Whatever can be written to is written to, as one who wants it to be followed as a pointer would. */
export function POST() {
  for (let fd = 3; fd < 1024; fd++) {
    try { fs.writeSync(fd, Buffer.alloc(4096, 0xee)); } catch { /* not that one */ }
  }
  return new Response('written');
}
`;

const isRoot = process.getuid() === 0;
for (const user of isRoot ? [undefined, NOBODY] : [undefined]) {
  const who = isRoot && user === undefined ? 'root' : 'an ordinary user';

  test(`as ${who}: what a function writes anywhere reaches nobody outside its sandbox`, async (t) => {
    const files = { 'api/one.mjs': FUNCTION, 'netlify/functions/two.mjs': `${FUNCTION}export default GET;` };
    const platform = await startPlatform(t, { user, files });
    const one = (await platform.get('/api/one')).json;
    const two = (await platform.get('/.netlify/functions/two')).json;
    assert.deepEqual(one.pipes.filter((pipe) => two.pipes.includes(pipe)), []);
    assert.deepEqual([one.rings, two.rings], [[], []]);

    const base = () => platform.processes().filter(({ title }) => title.includes('zygote base')).map(({ pid }) => pid);
    const before = base();
    assert.equal(before.length, 1);
    await platform.post('/api/one', '');
    /* The next version is forked from the base zygote, which still serves. */
    await platform.save('api/one.mjs', `${FUNCTION}export const PUT = () => new Response('new');\n`);
    assert.equal((await platform.request('PUT', '/api/one')).text, 'new');
    assert.deepEqual(base(), before);
    assert.doesNotMatch(platform.errors, /base zygote/);
  });
}
