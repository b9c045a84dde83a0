/* What a function does wrong is answered as its platform answers it, is logged once with its cause, and harms nobody
 * else: neither other functions, nor, where its process survives, the other requests of its own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BODY_BYTES, files, MEMORY_MB, TMP_MB } from './faults_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const invoke = (name) => `/2015-03-31/functions/${name}/invocations`;

/* Where each dialect is asked: path and host, and of the brief ones. */
const DIALECTS = {
  vercel: { path: '/api/vercel', brief: '/api/brief' },
  next: { path: '/next', brief: '/brief' },
  netlify: { path: '/.netlify/functions/faulty', brief: '/.netlify/functions/brief' },
  worker: { path: '/', host: 'edge.localhost' },
  roomy: { path: '/', host: 'roomy.localhost' }, /* it has memory for a thousand processes */
  spinner: { path: '/', host: 'spinner.localhost' }, /* a worker that may use 400 ms of a processor */
  url: { path: '/', host: 'faulty.localhost', briefHost: 'brief.localhost' },
  invoke: { path: invoke('faulty'), brief: invoke('brief') },
};

/* `?fault=NAME` says what it does, or the event; `bytes` more of body go with it. */
function send(platform, dialect, fault, { brief, bytes, headers } = {}) {
  const { path, host, brief: briefPath = path, briefHost = host } = DIALECTS[dialect];
  const to = { host: brief ? briefHost : host, headers };
  const at = brief ? briefPath : path;
  const body = bytes && 'x'.repeat(bytes);
  if (dialect === 'invoke') return platform.post(at, { fault, body }, to);
  return platform.request(body ? 'POST' : 'GET', `${at}?fault=${fault}`, { ...to, body });
}

/** The answer to a fault, and the record that its request leaves. */
async function ask(platform, dialect, fault, options = {}) {
  const trace = randomBytes(16).toString('hex');
  const answer = await send(platform, dialect, fault, { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` }, ...options });
  const usage = await platform.usage((one) => one.trace === trace);
  return { answer, usage };
}

async function askOk(platform, dialect, options) {
  const { answer } = await ask(platform, dialect, 'ok', options);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.ok, true);
  return answer;
}

/* Lines come in order, so what is said of a request has been said when a later one has ended. */
async function errorsOf(platform, dialect, request) {
  await askOk(platform, dialect);
  return platform.records.filter((one) => one.type === 'log' && /warn|error/.test(one.level) && one.request === request);
}

/** Asks another function until what it returns is called, which fails if that has not always answered. */
function askBystander(t, platform) {
  let over = false;
  t.after(() => { over = true; });
  const asked = (async () => {
    const bad = [];
    for (; !over; await sleep(20)) {
      const answer = await platform.get('/', { host: 'bystander.localhost' }).catch((error) => ({ text: String(error) }));
      if (answer.text !== 'unharmed') bad.push(answer.text);
    }
    return bad;
  })();
  return async () => {
    over = true;
    assert.deepEqual(await asked, []);
  };
}

/* ---- how each platform answers ---- */

function vercel(status, code) {
  return (answer) => {
    assert.equal(answer.status, status);
    assert.equal(answer.headers['x-vercel-error'], code);
    assert.match(answer.text, new RegExp(`\n\n${code}\n`));
  };
}
const vercelFailed = vercel(500, 'FUNCTION_INVOCATION_FAILED');
const vercelTimeout = vercel(504, 'FUNCTION_INVOCATION_TIMEOUT');
const vercelBody = vercel(413, 'FUNCTION_PAYLOAD_TOO_LARGE');
const vercelSize = vercel(500, 'FUNCTION_RESPONSE_PAYLOAD_TOO_LARGE');

function says(status, text) {
  return (answer) => {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, text);
  };
}
const survived = says(200, /"survived":true/); /* what fails beside a worker's handler, or is a promise of Next.js' that nobody waits for, fails no request */
const nextFailed = says(500, /^$/);
const urlFailed = says(502, /^Internal Server Error$/);
const worker1101 = says(500, /^error code: 1101\n$/);
const worker1102 = says(503, /^error code: 1102\n$/);
const lambdaBody = says(413, /Request must be smaller than/);

function reports(status, errorType, errorMessage) {
  return (answer) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.errorType, errorType);
    assert.match(answer.json.errorMessage, errorMessage);
  };
}
const invoked = (...report) => (answer) => {
  reports(200, ...report)(answer);
  assert.equal(answer.headers['x-amz-function-error'], 'Unhandled');
};
const tooLarge = ['Function.ResponseSizeTooLarge', /^Response payload size exceeded/];
const exited = (how) => ['Runtime.ExitError', new RegExp(`Runtime exited with error: ${how}$`)];

const memory = {
  outcome: 'memory', cause: new RegExp(`exceeded its memory limit of ${MEMORY_MB} MB`), vercel: vercelFailed, next: vercelFailed,
};
const timeout = {
  brief: true, outcome: 'timeout', cause: /after 1000 ms/, vercel: vercelTimeout, next: vercelTimeout,
  netlify: reports(500, 'Sandbox.Timedout', /Task timed out after 1\.00 seconds$/),
  url: urlFailed, invoke: invoked('Sandbox.Timedout', /Task timed out after 1\.00 seconds$/),
};

/* The outcome in the usage record, the cause in the log, then how each dialect answers. `told`: to whom it is
 * a result like others, because their runtime makes a report of it, or goes on. */
const faults = {
  throw: {
    outcome: 'throw', told: ['netlify', 'invoke'], cause: /boom/, vercel: vercelFailed, next: nextFailed, netlify: says(500, /^Error: boom\n/),
    worker: says(500, /^Error: boom\n {4}at /), url: urlFailed, invoke: invoked('Error', /^boom$/),
  },
  reject: {
    outcome: 'throw', told: ['netlify', 'invoke', 'worker', 'next'], cause: /not handled/, vercel: vercelFailed, next: survived, netlify: says(500, /^Error: not handled\n/),
    worker: survived, url: urlFailed, invoke: invoked('Runtime.UnhandledPromiseRejection', /^Error: not handled$/),
  },
  uncaught: {
    outcome: 'throw', told: ['netlify', 'invoke', 'worker'], cause: /late boom/, vercel: vercelFailed, next: nextFailed, netlify: says(500, /^Error: late boom\n/),
    worker: survived, url: urlFailed, invoke: invoked('Error', /^late boom$/),
  },
  exit: {
    outcome: 'throw', told: ['invoke'], cause: /exit/, vercel: vercelFailed, next: nextFailed, netlify: reports(500, 'ProcessExit', /process\.exit\(3\)/),
    worker: says(500, /process\.exit\(3\)/), url: urlFailed, invoke: invoked(...exited('exit status 3')),
  },
  abort: {
    outcome: 'crash', cause: /signal 6 \(Aborted\)/, vercel: vercelFailed, next: vercelFailed, netlify: reports(502, ...exited('signal: aborted')),
    worker: worker1101, url: urlFailed, invoke: invoked(...exited('signal: aborted')),
  },
  native: {
    outcome: 'crash', cause: /signal 11 \(Segmentation fault\)/, vercel: vercelFailed, next: vercelFailed,
    netlify: reports(502, ...exited('signal: segmentation fault')), url: urlFailed, invoke: invoked(...exited('signal: segmentation fault')),
  },
  oom: {
    ...memory, netlify: reports(502, ...exited('signal: killed')), worker: worker1102, url: urlFailed, invoke: invoked(...exited('signal: killed')),
  },
  heap: memory,
  loop: timeout,
  never: timeout,
  big: {
    outcome: 'throw', cause: /larger than|over its limit/, vercel: vercelSize, next: vercelSize, netlify: reports(502, ...tooLarge),
    worker: worker1101, url: urlFailed, invoke: invoked(...tooLarge),
  },
  ok: {
    bytes: BODY_BYTES + 1, outcome: 'ok', cause: /larger than its limit/, vercel: vercelBody, next: vercelBody, netlify: says(413, /larger than/),
    worker: says(413, /larger than/), url: lambdaBody, invoke: lambdaBody,
  },
};

test('what a function does wrong', { concurrency: true }, async (t) => {
  const platform = await startPlatform(t, { files: files() });
  const stopAsking = askBystander(t, platform);

  await Promise.all(Object.keys(DIALECTS).map((dialect) => t.test(`${dialect}: is answered as there, and told once`, async (dialectTest) => {
    for (const [name, fault] of Object.entries(faults).filter(([, one]) => one[dialect])) {
      await dialectTest.test(fault.bytes ? 'body' : name, async () => {
        await askOk(platform, dialect);
        const { answer, usage } = await ask(platform, dialect, name, fault);
        fault[dialect](answer);
        assert.equal(usage.outcome, fault.told?.includes(dialect) ? 'ok' : fault.outcome, JSON.stringify(usage));
        const errors = await errorsOf(platform, dialect, usage.request);
        assert.equal(errors.length, 1, JSON.stringify(errors));
        assert.match(errors[0].text, fault.cause);
      });
    }
  })));

  await t.test('it has harmed nobody', stopAsking);
});

/* What one request does to others of its own function. */
test('what a function survives', async (t) => {
  const platform = await startPlatform(t, { files: files() });

  for (const dialect of ['vercel', 'next', 'netlify', 'worker']) {
    await t.test(`${dialect}: requests of the same instance finish whatever another one throws`, async () => {
      for (const fault of ['throw', 'reject', 'uncaught']) {
        await eventually(async () => {
          const from = platform.records.length;
          const slow = send(platform, dialect, 'slow');
          const { instance } = await platform.log('slow has begun', { from });
          const failed = await ask(platform, dialect, fault);
          assert.match(failed.answer.text + failed.usage.error, /boom|not handled|survived/);
          assert.equal((await slow).status, 200, fault);
          return failed.usage.instance === instance; /* on a busy machine another one may have been quicker */
        }, 'no instance had both');
      }
    });

    await t.test(`${dialect}: what it says when its request is over is told, too`, async () => {
      const from = platform.records.length;
      const { usage } = await ask(platform, dialect, 'after');
      assert.equal((await platform.log('said afterwards', { from })).instance, usage.instance);
    });

    await t.test(`${dialect}: a client that goes away aborts request.signal`, async () => {
      const from = platform.records.length;
      const { path, host = 'localhost' } = DIALECTS[dialect];
      const request = http.get({ host: '127.0.0.1', port: platform.port, path: `${path}?fault=aborted`, headers: { host } }).on('error', () => {});
      await platform.log('waits', { from });
      request.destroy();
      await platform.log('client gone: AbortError', { from });
      assert.equal((await platform.usage(`${path}?fault=aborted`, { from })).outcome, 'client');
    });
  }

  await t.test('who times out keeps its instance while its loop turns, and what it does later is still told', async () => {
    await eventually(async () => {
      const from = platform.records.length;
      const before = await askOk(platform, 'vercel');
      assert.equal((await send(platform, 'vercel', 'late', { brief: true })).status, 504);
      const told = await platform.log('late effect', { from });
      const after = await askOk(platform, 'vercel');
      /* on a busy machine it may have been another's turn */
      return String(told.instance) === before.instance && after.instance === before.instance;
    }, 'it has not been kept');
  });

  await t.test('who spins is killed when its time is over, and another instance serves the others meanwhile', async () => {
    await askOk(platform, 'vercel');
    const from = platform.records.length;
    const spin = platform.get('/api/spins?fault=loop');
    const spinner = String((await platform.log('spins', { from })).instance);
    let over = false;
    spin.finally(() => { over = true; });
    let answered = 0;
    for (; !over; answered += 1) {
      assert.notEqual((await askOk(platform, 'vercel')).instance, spinner);
    }
    assert.ok(answered > 1, `${answered} answers in the five seconds in which it spun`);
    assert.equal((await spin).status, 504);
    assert.notEqual((await askOk(platform, 'vercel')).instance, spinner);
    const spins = ({ title, state }) => /instance api/.test(title) && state === 'R';
    await eventually(() => !platform.processes().some(spins), 'it still spins');
  });

  await t.test('a Lambda environment does not survive a time-out', async () => {
    /* Even a cold start may take its second on a busy machine: then once more. */
    const askBrief = () => eventually(async () => {
      const answer = await send(platform, 'invoke', 'ok', { brief: true });
      return answer.json.ok && answer;
    }, 'it never answers in its time');
    const before = await askBrief();
    assert.equal((await send(platform, 'invoke', 'never', { brief: true })).json.errorType, 'Sandbox.Timedout');
    assert.notEqual((await askBrief()).instance, before.instance);
  });

  await t.test('CPU time is limited where waiting is not', async () => {
    assert.equal((await ask(platform, 'spinner', 'slow')).answer.json.slow, true);
    const { answer, usage } = await ask(platform, 'spinner', 'loop');
    assert.equal(answer.status, 503);
    assert.equal(answer.text, 'error code: 1102\n');
    assert.equal(usage.outcome, 'cpu');
    assert.ok(usage.duration_ms >= 390, `${usage.duration_ms} ms`);
    const errors = await errorsOf(platform, 'spinner', usage.request);
    assert.equal(errors.length, 1);
    assert.match(errors[0].text, /exceeded its CPU time limit of 400 ms/);
  });

  await t.test('a full /tmp is an error that can be caught', async () => {
    for (const dialect of Object.keys(DIALECTS)) {
      const { answer } = await ask(platform, dialect, 'full');
      assert.deepEqual(answer.json, { megabytes: TMP_MB, code: 'ENOSPC' }, dialect);
    }
  });

  await t.test('a fork bomb stays small, others are served, and it goes with its instance', async () => {
    /* Where there are no control groups the limit is that of all of the function's processes. */
    const most = /MISSING +process limit/.test((await runMayfly(['doctor'])).stdout) ? 4096 : 1024;
    const bombs = () => platform.processes().filter(({ title }) => title.endsWith('/bomb')).length;
    const stopAsking = askBystander(t, platform);
    /* By POST: a GET goes to a second instance too when the bomb keeps the first from saying that it has it. */
    const bombed = send(platform, 'roomy', 'bomb', { bytes: 1 });
    await eventually(() => bombs() > 900, () => `${bombs()} processes`);
    assert.ok(bombs() <= most, `${bombs()} processes`);
    await askOk(platform, 'next');
    await stopAsking();
    const all = platform.processes();
    const instance = all.find(({ pid, title }) => /instance lambda/.test(title) && all.some(({ parent }) => parent === pid));
    process.kill(instance.pid, 'SIGKILL');
    urlFailed(await bombed);
    await eventually(() => bombs() === 0, () => `${bombs()} processes are left`);
    await askOk(platform, 'roomy');
  });

  await t.test('nothing is left of one that still grows when the platform is stopped', async () => {
    send(platform, 'roomy', 'bomb').catch(() => {});
    await eventually(() => platform.processes().some(({ title }) => title.endsWith('/bomb')), 'it does not fork');
    await platform.stop(); /* looks for what is left */
  });
});
