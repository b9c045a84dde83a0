/* The whole of Node.js works in a sandbox, in the zygote's place and in an instance's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sandbox_fixture.h"

/* Exits 0 when all of it works, else says what does not. */
static const char script[] =
    "const assert = require('node:assert/strict');\n"
    "const os = require('node:os'), fs = require('node:fs'), path = require('node:path');\n"
    "const child = require('node:child_process'), http = require('node:http');\n"
    "const { Worker } = require('node:worker_threads');\n"
    "const { promisify } = require('node:util');\n"
    "const steps = {\n"
    "  system() {\n"
    "    assert.ok(os.cpus().length > 0);\n"
    "    assert.equal(os.hostname(), 'mayfly');\n"
    "    assert.ok(os.totalmem() > 0 && os.freemem() > 0 && os.uptime() > 0);\n"
    "    assert.equal(os.userInfo().username, 'mayfly');\n"
    "    assert.equal(os.userInfo().homedir, '/tmp');\n"
    "    assert.ok(os.networkInterfaces().lo);\n"
    "    assert.equal(os.tmpdir(), '/tmp');\n"
    "    assert.ok(process.memoryUsage().rss > 0);\n"
    "    assert.ok(os.availableParallelism() > 0);\n"
    "  },\n"
    "  async files() {\n"
    "    const dir = await fs.promises.mkdtemp('/tmp/x-');\n"
    "    const file = path.join(dir, 'f');\n"
    "    await fs.promises.writeFile(file, 'a'.repeat(100000));\n"
    "    await fs.promises.copyFile(file, file + '2');\n"
    "    await fs.promises.cp(dir, '/tmp/y', { recursive: true });\n"
    "    await fs.promises.rename(file, '/tmp/y/moved');\n"
    "    assert.equal((await fs.promises.stat('/tmp/y/moved')).size, 100000);\n"
    "    await fs.promises.chmod('/tmp/y/moved', 0o700);\n"
    "    await fs.promises.utimes('/tmp/y/moved', 1, 1);\n"
    "    await fs.promises.symlink('moved', '/tmp/y/link');\n"
    "    await fs.promises.link('/tmp/y/moved', '/tmp/y/hard');\n"
    "    await fs.promises.truncate('/tmp/y/moved', 10);\n"
    "    process.chdir('/tmp/y');\n"
    "    assert.ok(process.cwd().endsWith('/y'));\n"
    "    assert.ok(fs.existsSync('moved'));\n"
    "    assert.ok(fs.readdirSync('/usr').length > 0);\n"
    "    process.chdir('/var/task');\n"
    "    fs.rmSync('/tmp/y', { recursive: true });\n"
    "    const watcher = fs.watch('/tmp');\n"
    "    const changed = new Promise((ok) => watcher.once('change', ok));\n"
    "    fs.writeFileSync('/dev/shm/z', 'z');\n"
    "    await changed;\n"
    "    watcher.close();\n"
    "    assert.equal(require('/var/task/index.js'), 42);\n"
    "  },\n"
    "  async processes() {\n"
    "    assert.equal(child.execSync('echo $((1+1)) | cat').toString(), '2\\n');\n"
    "    assert.equal(child.execSync('id -u').toString(), '1000\\n');\n"
    "    assert.equal(child.execFileSync('node', ['-p', '6*7']).toString(), '42\\n');\n"
    "    child.execSync('echo from-a-child > /tmp/child && ls -l /usr /tmp /proc/self/fd "
    ">/dev/null');\n"
    "    assert.equal(fs.readFileSync('/tmp/child', 'utf8'), 'from-a-child\\n');\n"
    "    assert.equal(child.execSync('printf x | tr a-z A-Z < /dev/stdin').toString(), 'X');\n"
    "    const sleeper = child.spawn('sleep', ['100']);\n"
    "    const exit = new Promise((ok) => sleeper.once('exit', (code, signal) => ok(signal)));\n"
    "    assert.ok(sleeper.kill());\n"
    "    assert.equal(await exit, 'SIGTERM');\n"
    "    fs.writeFileSync('/tmp/fork.js', \"process.on('message', (m) => process.send(m + 1, () => "
    "process.disconnect()))\");\n"
    "    const forked = child.fork('/tmp/fork.js');\n"
    "    forked.send(1);\n"
    "    assert.equal(await new Promise((ok) => forked.once('message', ok)), 2);\n"
    "  },\n"
    "  async threads() {\n"
    "    const workers = [1, 2, 3].map((n) => new Worker(\n"
    "      "
    "'require(\"worker_threads\").parentPort.postMessage(require(\"worker_threads\").workerData * "
    "2)',\n"
    "      { eval: true, workerData: n }));\n"
    "    const answers = await Promise.all(workers.map((w) => new Promise((ok, no) => { "
    "w.once('message', ok); w.once('error', no); })));\n"
    "    assert.deepEqual(answers, [2, 4, 6]);\n"
    "  },\n"
    "  async network() {\n"
    "    const server = http.createServer((req, res) => res.end('hello ' + req.url));\n"
    "    await new Promise((ok) => server.listen(0, '127.0.0.1', ok));\n"
    "    const url = 'http://localhost:' + server.address().port + '/a';\n"
    "    assert.equal(await (await fetch(url)).text(), 'hello /a');\n"
    "    server.close(); server.closeAllConnections();\n"
    "    const local = http.createServer((req, res) => res.end('unix'));\n"
    "    await new Promise((ok) => local.listen('/tmp/socket', ok));\n"
    "    const text = await new Promise((ok) => http.get({ socketPath: '/tmp/socket' }, (res) => "
    "res.on('data', (d) => ok(String(d)))));\n"
    "    assert.equal(text, 'unix');\n"
    "    local.close(); local.closeAllConnections();\n"
    "    const dgram = require('node:dgram').createSocket('udp4');\n"
    "    await new Promise((ok) => dgram.bind(0, '127.0.0.1', ok));\n"
    "    dgram.close();\n"
    "    const found = await require('node:dns').promises.lookup('localhost');\n"
    "    assert.ok(found.address);\n"
    "    assert.ok((await require('node:dns').promises.lookup(os.hostname())).address);\n"
    "    new (require('node:dns').Resolver)().getServers();\n"
    "  },\n"
    "  async crypto() {\n"
    "    const crypto = require('node:crypto'), zlib = require('node:zlib');\n"
    "    await promisify(crypto.scrypt)('a', 'b', 32);\n"
    "    await promisify(crypto.generateKeyPair)('ec', { namedCurve: 'P-256' });\n"
    "    await globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(8));\n"
    "    assert.equal((await promisify(zlib.gunzip)(await promisify(zlib.gzip)('z'))).toString(), "
    "'z');\n"
    "    assert.ok(require('node:tls').getCACertificates('bundled').length > 10);\n"
    "    assert.ok(fs.readdirSync('/etc/ssl/certs').length >= 0);\n"
    "    assert.equal(new Date(0).toLocaleString('de-DE', { timeZone: 'Europe/Berlin' }), "
    "'1.1.1970, 01:00:00');\n"
    "  },\n"
    "  webassembly() {\n"
    "    new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));\n"
    "    const { DatabaseSync } = require('node:sqlite');\n"
    "    const db = new DatabaseSync(fs.mkdtempSync('/tmp/db-') + '/db.sqlite');\n"
    "    db.exec('pragma journal_mode=wal; create table t(a); insert into t values (1)');\n"
    "    assert.equal(db.prepare('select a from t').get().a, 1);\n"
    "    db.close();\n"
    "  },\n"
    "};\n"
    "(async () => {\n"
    "  for (const [name, step] of Object.entries(steps)) {\n"
    "    try { await step(); } catch (e) { console.error(name, e); process.exit(1); }\n"
    "  }\n"
    "  process.exit(0);\n"
    "})();\n";

static void exec_node(struct fixture *f)
{
    char *const argv[] = { (char[]){ "node" }, (char[]){ "--no-warnings" },
                           (char[]){ "/tmp/test.js" }, NULL };
    char *const env[] = { (char[]){ "PATH=/usr/local/bin:/usr/bin:/bin" }, (char[]){ "HOME=/tmp" },
                          NULL };
    scoped_fd int fd = open("/tmp/test.js", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT(f->report, write(fd, script, sizeof(script) - 1) == (ssize_t)sizeof(script) - 1);
    execve(SANDBOX_NODE, argv, env);
    fail_with(f->report, "exec node: %s", strerror(errno));
    _exit(1);
}

static void run_node_twice(struct fixture *f)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        exec_node(f);
    }
    EXPECT(f->report, waitpid(pid, &status, 0) == pid && status == 0);
    instance_wait(f, instance_start(f, "a", exec_node));
}

START_TEST(all_of_node_works)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ~0u);
    add_tmp(&f, "a", 16);
    f.start.plan.tmp_mb = 16;
    fixture_run(&f, run_node_twice);
}
END_TEST

static Suite *make_suite(void)
{
    TCase *tests;
    Suite *suite = suite_make_for_user("Node.js in a sandbox", &tests);
    tcase_add_test(tests, all_of_node_works);
    return suite;
}

int main(void)
{
    return fixture_main(make_suite);
}
