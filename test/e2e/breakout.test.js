/* What a function tries from inside of its sandbox, as root's platform has it and as an ordinary user's: nothing of what
 * others have may be got, and nobody may notice that it was tried. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { files } from './breakout_project.js';
import { eventually, MAYFLY, startPlatform } from './harness.js';

const NOBODY = 65534;
const SECRET = 'VICTIM-lYjyoGxGsbzLZi7';
const SHELL = 'SHELL-Cy9vuEcCXTwEUeG';

/* In halves, so that who looks for it does not find itself. */
const halves = (secret) => [secret.slice(0, 12), secret.slice(12)];

const invoke = (platform, name, event = {}) => platform.post(`/2015-03-31/functions/${name}/invocations`, event);

/** Starts an invocation that stays; what it says of itself, and its answer in the end. */
async function hold(platform, name) {
  const answer = invoke(platform, name, { hold: true });
  const told = path.join(platform.project, 'data', `${name}.json`);
  await eventually(() => existsSync(told), `${name} does not hold`);
  return { answer, ...JSON.parse(readFileSync(told)) };
}

/* What Linux before 6.12 cannot keep from a function, as `mayfly doctor` says: siblings' signals, and abstract sockets. */
const hasScopes = !/MISSING +Landlock scopes/.test(spawnSync(MAYFLY, ['doctor'], { encoding: 'utf8' }).stdout);
const LOST = hasScopes ? {} : {
  attacker: /^(?:signal (?:thread |the group of )?|queue a signal for )(?!1\b)\d|^connects to @/, /* 1 is the zygote */
  loner: /^connects to @/,
};

const isRoot = process.getuid() === 0;
for (const user of isRoot ? [undefined, NOBODY] : [undefined]) {
  const who = isRoot && user === undefined ? 'root' : 'an ordinary user';

  test(`as ${who}: nothing in a sandbox leads out of it`, async (t) => {
    const platform = await startPlatform(t, { user, files: files({ secret: SECRET }), env: { SHELL_SECRET: SHELL } });
    const before = platform.processes().filter(({ title }) => /zygote|gateway|control|supervisor/.test(title));

    const holders = [await hold(platform, 'victim'), await hold(platform, 'attacker')];
    const targets = {
      pids: [...holders.flatMap(({ pids }) => pids), ...platform.processes().map(({ pid }) => pid), 2 ** 22 - 1],
      paths: [platform.project, path.join(platform.project, 'victim.js'), platform.scratch, MAYFLY, ...holders.map(({ tmp }) => `${tmp}/victim-file`)],
      sockets: ['/tmp/victim.sock'],
      abstract: holders.map(({ abstract }) => abstract),
      secrets: { 'the victim\'s': halves(SECRET), 'the shell\'s': halves(SHELL) },
      known: ['/run/tmp/', '/run/zygote'],
    };
    for (const [name, times] of [['attacker', 1], ['loner', 2]]) {
      for (let time = 1; time <= times; time++) {
        await t.test(`${name}, ${time}`, async () => {
          const answer = await invoke(platform, name, targets);
          assert.equal(answer.status, 200, answer.text);
          assert.deepEqual(answer.json.filter((one) => !LOST[name]?.test(one)), []);
        });
      }
    }

    await t.test('nobody has noticed', async () => {
      writeFileSync(path.join(platform.project, 'data/over'), '');
      for (const { answer } of hasScopes ? holders : holders.slice(0, 1)) { /* its sibling may have killed the other */
        const { status, text, json } = await answer;
        assert.equal(status, 200);
        assert.deepEqual([json.alive, json.file, json.files], [true, 'victim', ['victim-file']], text);
      }
      assert.equal((await holders[0].answer).json.secret, SECRET);
      const now = platform.processes();
      before.forEach((one) => assert.ok(now.some(({ pid, started }) => pid === one.pid && started === one.started), `${one.title} is gone`));
    });

    await t.test('what a function may do with its own output', async () => {
      await invoke(platform, 'printer');
      await platform.log('said');
      await platform.log('mistaken');
    });

    await t.test('a daemon ends with the instance that started it', async () => {
      const daemons = () => platform.processes().filter(({ title }) => title === 'sleep 1234').length;
      await invoke(platform, 'daemon');
      await eventually(() => daemons() === 3, () => `${daemons()} daemons`);
      await invoke(platform, 'daemon', { exit: 0 });
      await eventually(() => daemons() === 0, () => `${daemons()} daemons are left`);
    });
  });
}
