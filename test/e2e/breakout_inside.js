'use strict';
/* What a function tries in order to get out of its sandbox. It runs in one, as an npm package of the test's project:
 *
 *     attack(targets) -> ["what succeeded", ...]
 *
 * `targets` says where there is something to get: { pids, paths, secrets, abstract, sockets }. */
const fs = require('node:fs');
const net = require('node:net');
const { call, inChild } = require('./calls.node');

/* errno(3) */
const EPERM = 1, EACCES = 13, ENOSYS = 38;
const REFUSED = [-EPERM, -EACCES, -ENOSYS];

const AT_FDCWD = -100, SIGKILL = 9, O_PATH = 0o10000000;
const text = (string) => Buffer.from(`${string}\0`);
const zeroes = (length = 256) => Buffer.alloc(length);

class Attempts {
  succeeded = [];

  /** Something is wrong if `act` returns anything true. */
  try(what, act) {
    let result;
    try {
      result = act();
    } catch {
      return; /* refused */
    }
    if (result) this.succeeded.push(typeof result === 'string' ? `${what}: ${result}` : what);
  }

  /** A system call that must be refused, and not just fail because of its arguments. */
  refused(name, ...args) {
    const result = call(name, ...args);
    if (!REFUSED.includes(result)) this.succeeded.push(`${name}(${args.map((one) => (Buffer.isBuffer(one) ? '*' : one)).join(', ')}) = ${result}`);
  }
}

const list = (folder) => { try { return fs.readdirSync(folder); } catch { return []; } };
const read = (file) => { try { return fs.readFileSync(file); } catch { return Buffer.alloc(0); } };
const numbers = (names) => names.filter((name) => /^\d+$/.test(name)).map(Number);

/* ---- files ---- */

/* A place behind which a path of the host may be found. */
function waysOut() {
  const descriptors = numbers(list('/proc/self/fd')).map((fd) => `/proc/self/fd/${fd}`);
  const up = '/..'.repeat(12);
  return ['', '/proc/1/root', '/proc/1/cwd', '/proc/self/root', `/proc/self/cwd${up}`, `/tmp${up}`, `/var/task${up}`, ...descriptors.map((fd) => fd + up)];
}

function attackFiles(attempts, { paths }) {
  const wanted = [...paths, '/etc/shadow', '/etc/ssh', '/root', '/home', '/boot', '/sys/kernel', '/sys/fs/cgroup', '/var/lib', '/var/log', '/run/systemd',
    '/proc/kcore', '/proc/kallsyms', '/proc/modules', '/proc/keys', '/proc/timer_list', '/proc/sysrq-trigger', '/run/tmp',
    ...(process.pid === 1 ? [] : ['/proc/1/environ', '/run/zygote'])]; /* who is process 1 has its own there */
  for (const way of waysOut()) {
    for (const target of wanted) {
      attempts.try(`read ${way}${target}`, () => (fs.statSync(way + target).isDirectory() ? fs.readdirSync(way + target).length > 0 : fs.readFileSync(way + target).length > 0));
      /* Files of /proc are covered with /dev/null, which takes what is written. */
      attempts.try(`write ${way}${target}`, () => !target.startsWith('/proc') && fs.openSync(way + target, fs.constants.O_WRONLY) > 0);
    }
  }
  for (const target of wanted) {
    attempts.try(`link to ${target}`, () => { fs.rmSync('/tmp/way', { force: true }); fs.symlinkSync(target, '/tmp/way'); return fs.readFileSync('/tmp/way').length > 0; });
    attempts.try(`hard link to ${target}`, () => { fs.rmSync('/tmp/hard', { force: true }); fs.linkSync(target, '/tmp/hard'); return true; });
    attempts.refused('name_to_handle_at', AT_FDCWD, text(target), zeroes(), zeroes(), 0);
    attempts.refused('open_by_handle_at', AT_FDCWD, zeroes(), 0);
  }
  const ours = ['/', '/var', '/var/task', '/var/runtime', '/usr', '/usr/bin', '/etc', '/dev', '/opt', '/run', '/run/tmp', '/proc', '/proc/sys', '/lib', '/bin'];
  for (const folder of ours) {
    attempts.try(`make a file in ${folder}`, () => { fs.writeFileSync(`${folder}/made`, ''); return true; });
    attempts.try(`make a folder in ${folder}`, () => { fs.mkdirSync(`${folder}/made`); return true; });
    attempts.try(`change the mode of ${folder}`, () => { fs.chmodSync(folder, 0o777); return true; });
    attempts.try(`rename ${folder}`, () => { fs.renameSync(folder, `${folder}-old`); return true; });
  }
  for (const file of ['/var/task/___mayfly.cjs', '/var/runtime/mayfly.node', '/var/runtime/js/zygote.js', '/usr/local/bin/node', '/etc/passwd', '/etc/resolv.conf', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/vm/drop_caches']) {
    attempts.try(`write ${file}`, () => { fs.closeSync(fs.openSync(file, 'r+')); return true; });
    attempts.try(`remove ${file}`, () => { fs.rmSync(file); return true; });
    attempts.try(`truncate ${file}`, () => { fs.truncateSync(file); return true; });
  }
  attempts.try('/tmp is shared', () => list('/tmp').filter((name) => name.startsWith('victim')).join());
  attempts.try('/dev/shm is shared', () => list('/dev/shm').filter((name) => name.startsWith('victim')).join());
}

/* ---- processes ---- */

function descendants() {
  const children = (pid) => numbers(list(`/proc/${pid}/task`)).flatMap((tid) => read(`/proc/${pid}/task/${tid}/children`).toString().split(' ').filter(Boolean).map(Number));
  const found = [process.pid];
  for (const pid of found) found.push(...children(pid));
  return found;
}

function attackProcesses(attempts, { pids }) {
  const mine = new Set([...descendants(), ...numbers(list('/proc/self/task'))]);
  numbers(list('/proc')).filter((pid) => !mine.has(pid)).forEach((pid) => attempts.succeeded.push(`sees process ${pid} in /proc`));
  const others = new Set([...Array(300).keys(), ...pids, process.ppid].filter((pid) => pid > 0 && !mine.has(pid)));
  for (const pid of others) {
    for (const file of ['environ', 'mem', 'maps', 'cmdline', 'status', 'auxv', 'stack', 'syscall', 'io', 'root/etc/passwd', 'cwd/index.js', 'fd/1', 'exe']) {
      attempts.try(`read /proc/${pid}/${file}`, () => fs.openSync(`/proc/${pid}/${file}`, 'r') > 0);
    }
    attempts.try(`write /proc/${pid}/mem`, () => fs.openSync(`/proc/${pid}/mem`, 'r+') > 0);
    attempts.try(`oom_score_adj of ${pid}`, () => { fs.writeFileSync(`/proc/${pid}/oom_score_adj`, '1000'); return true; });
    for (const folder of ['fd', 'task', 'ns', 'map_files', 'cwd', 'root']) {
      attempts.try(`list /proc/${pid}/${folder}`, () => fs.readdirSync(`/proc/${pid}/${folder}`).length > 0);
    }
    attempts.try(`signal ${pid}`, () => process.kill(pid, 0));
    attempts.try(`signal the group of ${pid}`, () => pid > 1 && call('kill', -pid, 0) === 0); /* -1 is everybody, and always works */
    attempts.try(`signal thread ${pid}`, () => call('tgkill', pid, pid, 0) === 0 || call('tkill', pid, 0) === 0);
    attempts.try(`queue a signal for ${pid}`, () => call('rt_sigqueueinfo', pid, 0, zeroes()) === 0 || call('rt_tgsigqueueinfo', pid, pid, 0, zeroes()) === 0);
    attempts.try(`signal ${pid} by pidfd`, () => { const fd = call('pidfd_open', pid, 0); return fd >= 0 && call('pidfd_send_signal', fd, 0, null, 0) === 0; });
  }
  for (const pid of [1, ...pids, process.ppid].filter((one) => one > 0 && !mine.has(one))) {
    for (const request of [16 /* ATTACH */, 0x4206 /* SEIZE */]) attempts.refused('ptrace', request, pid, 0, 0);
    attempts.refused('process_vm_readv', pid, zeroes(), 1, zeroes(), 1, 0);
    attempts.refused('process_vm_writev', pid, zeroes(), 1, zeroes(), 1, 0);
    attempts.refused('kcmp', process.pid, pid, 0, 0, 0);
    attempts.refused('prlimit64', pid, 0, zeroes(), null);
    attempts.refused('setpriority', 0, pid, 19);
    attempts.refused('sched_setaffinity', pid, 8, zeroes().fill(255));
    attempts.refused('sched_setscheduler', pid, 5, zeroes());
    attempts.refused('ioprio_set', 1, pid, 3 << 13);
    attempts.refused('migrate_pages', pid, 8, zeroes(), zeroes());
    attempts.refused('move_pages', pid, 0, null, null, null, 0);
    killByDescriptor(pid);
  }
  attempts.refused('pidfd_getfd', 0, 0, 0);
  attempts.refused('process_madvise', 0, zeroes(), 1, 20, 0);
  attempts.refused('process_mrelease', 0, 0);
  attempts.refused('setpriority', 1, 0, 19);
  attempts.refused('setpriority', 2, 0, 19);
}

/* fcntl(2): a descriptor that is ready sends whom it is set to a signal of its owner's choice. Who hears it has to be
 * seen from outside. */
function killByDescriptor(pid) {
  const F_SETFL = 4, F_SETOWN = 8, F_SETSIG = 10, O_ASYNC = 0o20000;
  const ends = zeroes(8);
  call('socketpair', 1, 1, 0, ends);
  const [reader, writer] = [ends.readInt32LE(0), ends.readInt32LE(4)];
  call('fcntl', reader, F_SETSIG, SIGKILL);
  call('fcntl', reader, F_SETOWN, pid);
  call('fcntl', reader, F_SETFL, O_ASYNC);
  call('write', writer, text('x'), 1);
  call('close', reader);
  call('close', writer);
}

/* ---- memory and environment ---- */

/* Whether a secret, which is given in two halves so that it is not found in what asks for it, lies in our own memory:
 * what a process was before it became ours must not have held it. */
function attackMemory(attempts, { secrets }) {
  const environment = read('/proc/self/environ').toString() + JSON.stringify(process.env);
  for (const [name, halves] of Object.entries(secrets)) {
    if (environment.includes(halves[0]) && environment.includes(halves[1])) attempts.succeeded.push(`${name} is in the environment`);
  }
  const memory = fs.openSync('/proc/self/mem', 'r');
  const regions = read('/proc/self/maps').toString().split('\n').map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line)).filter(Boolean);
  const block = Buffer.alloc(1 << 20);
  for (const [, from, to] of regions) {
    for (let at = parseInt(from, 16); at < parseInt(to, 16); at += block.length - 64) {
      let length = 0;
      try {
        length = fs.readSync(memory, block, 0, Math.min(block.length, parseInt(to, 16) - at), at);
      } catch { /* nothing there */ }
      const seen = block.subarray(0, length);
      for (const [name, halves] of Object.entries(secrets)) {
        for (let i = seen.indexOf(halves[0]); i >= 0; i = seen.indexOf(halves[0], i + 1)) {
          const next = i + halves[0].length;
          if (seen.subarray(next, next + halves[1].length).equals(Buffer.from(halves[1]))) attempts.succeeded.push(`${name} is in memory`);
        }
      }
    }
  }
  fs.closeSync(memory);
}

/* ---- sockets and descriptors ---- */

const connects = (target) => new Promise((resolve) => {
  const socket = net.connect(target);
  socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
});

async function attackSockets(attempts, { abstract, sockets, known }) {
  const named = read('/proc/net/unix').toString().split('\n').slice(1).map((line) => line.split(/\s+/).slice(7).join(' ')).filter(Boolean);
  for (const name of new Set([...named, ...abstract.map((one) => `@${one}`), ...sockets])) {
    if (await connects({ path: name.replace(/^@/, '\0') })) attempts.succeeded.push(`connects to ${name}`);
  }
  for (const fd of numbers(list('/proc/self/fd'))) {
    let target = '';
    try { target = fs.readlinkSync(`/proc/self/fd/${fd}`); } catch { continue; }
    const harmless = /^anon_inode:|^pipe:|^\/dev\/(null|urandom)$|^\/memfd:|^\/proc\/|^\/(usr|var|lib|etc)\//.test(target);
    if (fd > 2 && !harmless && !known.some((one) => target.startsWith(one))) attempts.succeeded.push(`inherits ${fd}: ${target}`);
    attempts.try(`read what others write to descriptor ${fd}`, () => fd <= 2 && /^pipe:/.test(target) && fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK) > 0);
    attempts.try(`trace ${fd} to a folder above`, () => {
      const up = call('openat', fd, text('/..'.repeat(9).slice(1)), O_PATH, 0);
      const names = list(`/proc/self/fd/${up}`);
      call('close', up);
      return names.includes('home') || names.includes('boot');
    });
  }
  const allowed = new Set(['1', '2', '10', '16']); /* UNIX, INET, INET6, and NETLINK of one protocol */
  for (let family = 0; family < 48; family++) {
    for (const type of [1, 2, 3, 5]) {
      const fd = call('socket', family, type, 0);
      if (fd >= 0 && (!allowed.has(String(family)) || (type === 3 && family !== 16 && family !== 1))) attempts.succeeded.push(`socket(${family}, ${type}) = ${fd}`);
      if (fd >= 0) call('close', fd);
    }
  }
  for (let protocol = 1; protocol < 32; protocol++) attempts.refused('socket', 16, 3, protocol);
  for (const protocol of [2, 4, 41, 47, 50, 132, 255]) attempts.refused('socket', 2, protocol === 132 ? 1 : 3, protocol);
}

/* ---- devices, mounts, rights, the kernel ---- */

function attackDevices(attempts) {
  const known = new Set(['fd', 'full', 'null', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'urandom', 'zero']);
  list('/dev').filter((name) => !known.has(name)).forEach((name) => attempts.succeeded.push(`/dev/${name} is there`));
  for (const [mode, device] of [[0o20666, 0x101], [0o60666, 0xfe00], [0o20666, 0x10b]]) {
    attempts.refused('mknod', text('/tmp/device'), mode, device);
    attempts.refused('mknodat', AT_FDCWD, text('/tmp/device'), mode, device);
  }
  for (const request of [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */, 0x1277, 0x5600, 0xae00]) attempts.refused('ioctl', 0, request, zeroes());
}

function attackMounts(attempts) {
  const tmp = text('/tmp');
  for (const [source, target, type, flags] of [['none', '/tmp', 'tmpfs', 0], ['/', '/tmp', '', 4096], ['none', '/', '', 4096 | 32], ['proc', '/tmp', 'proc', 0], ['none', '/tmp', 'cgroup2', 0], ['overlay', '/tmp', 'overlay', 0]]) {
    attempts.refused('mount', text(source), text(target), text(type), flags, null);
  }
  for (const target of ['/proc', '/var/task', '/run/tmp', '/']) attempts.refused('umount2', text(target), 2);
  attempts.refused('pivot_root', tmp, tmp);
  attempts.refused('chroot', tmp);
  attempts.refused('open_tree', AT_FDCWD, text('/'), 1);
  attempts.refused('move_mount', AT_FDCWD, tmp, AT_FDCWD, tmp, 0);
  attempts.refused('fsopen', text('tmpfs'), 0);
  attempts.refused('fspick', AT_FDCWD, text('/'), 0);
  attempts.refused('fsmount', 0, 0, 0);
  attempts.refused('mount_setattr', AT_FDCWD, text('/'), 0, zeroes(), 32);
  /* NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET, and NEWTIME, which clone cannot say */
  for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
    attempts.refused('unshare', flag);
    attempts.refused('clone', flag | 17, null, null, null, null);
  }
  attempts.refused('unshare', 0x80);
  attempts.refused('clone3', zeroes(), 88);
  for (const name of list('/proc/self/ns')) {
    const fd = fs.openSync(`/proc/self/ns/${name}`, 'r');
    attempts.refused('setns', fd, 0);
    fs.closeSync(fd);
  }
  attempts.refused('sethostname', text('x'), 1);
  attempts.refused('setdomainname', text('x'), 1);
}

function attackRights(attempts) {
  for (const name of ['setuid', 'setgid', 'setfsuid', 'setfsgid']) attempts.try(`${name}(0)`, () => call(name, 0) === 0 && process.geteuid() === 0);
  attempts.try('setresuid(0)', () => call('setresuid', 0, 0, 0) === 0);
  attempts.try('setresgid(0)', () => call('setresgid', 0, 0, 0) === 0);
  attempts.try('setgroups(0)', () => call('setgroups', 1, zeroes()) === 0);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x20080522);
  attempts.try('capset', () => call('capset', header, Buffer.alloc(24, 255)) === 0);
  attempts.try('raise an ambient capability', () => call('prctl', 47, 2, 21, 0, 0) === 0);
  attempts.try('clear securebits', () => call('prctl', 28, 0, 0, 0, 0) === 0);
  attempts.try('clear no_new_privs', () => call('prctl', 38, 0, 0, 0, 0) === 0);
  attempts.try('leave seccomp', () => call('prctl', 22, 0, 0, 0, 0) === 0);
  const status = read('/proc/self/status').toString();
  for (const [, name, set] of status.matchAll(/^(Cap\w+):\s*(\w+)/gm)) if (BigInt(`0x${set}`) !== 0n) attempts.succeeded.push(`${name} is ${set}`);
  if (!/^NoNewPrivs:\s*1/m.test(status) || !/^Seccomp:\s*2/m.test(status)) attempts.succeeded.push('no_new_privs or seccomp is off');
  for (const file of ['uid_map', 'gid_map', 'setgroups', 'oom_score_adj', 'loginuid', 'attr/current']) {
    attempts.try(`write ${file}`, () => { fs.writeFileSync(`/proc/self/${file}`, file === 'oom_score_adj' ? '-1000' : '0 0 1'); return true; });
  }
  attempts.try('raise the limit of descriptors', () => { const limit = Buffer.alloc(16, 255); return call('prlimit64', 0, 7, limit, null) === 0; });
  attempts.try('a negative nice value', () => call('setpriority', 0, 0, -5) === 0);
  attempts.try('a real-time priority', () => { const parameter = zeroes(); parameter.writeInt32LE(1); return call('sched_setscheduler', 0, 1, parameter) === 0; });
  attempts.try('make a set-uid program', () => { fs.copyFileSync('/usr/bin/id', '/tmp/id'); fs.chmodSync('/tmp/id', 0o4755); return true; });
  for (const line of read('/proc/self/mountinfo').toString().split('\n').filter(Boolean)) {
    const [, , , , target, options] = line.split(' ');
    if (!options.split(',').includes('nosuid')) attempts.succeeded.push(`set-uid programs of ${target} may run`);
  }
}

function attackKernel(attempts) {
  for (const name of ['io_uring_setup', 'io_uring_enter', 'io_uring_register', 'bpf', 'keyctl', 'add_key', 'request_key', 'userfaultfd', 'perf_event_open',
    'init_module', 'finit_module', 'delete_module', 'kexec_load', 'kexec_file_load', 'swapon', 'swapoff', 'acct', 'quotactl', 'fanotify_init', 'fanotify_mark', 'syslog',
    'vhangup', 'mbind', 'set_mempolicy', 'settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex', 'shmget', 'shmat', 'msgget', 'semget', 'mq_open',
    'openat2', 'iopl', 'ioperm', 'modify_ldt', 'lookup_dcookie', 'nfsservctl', 'uselib', 'sysfs', 'ustat', 'memfd_secret', 'io_setup', 'remap_file_pages', 'sync', 'reboot']) {
    attempts.refused(name, 0, zeroes(), zeroes(), 0, 0, 0);
  }
  attempts.refused('personality', 0x0040000);
  attempts.refused('reboot', 0xfee1dead, 672274793, 0x4321fedc, null);
  for (const way of ['x32', 'int80']) attempts.try(`a system call of another architecture (${way})`, () => inChild(way) === 0);
}

/** Everything, and that the tools work: a list of what succeeded. */
module.exports = async function attack(targets) {
  const attempts = new Attempts();
  if (call('getpid') !== process.pid || !fs.readFileSync('/proc/self/environ')) throw new Error('the attacker cannot attack');
  attackRights(attempts);
  attackMounts(attempts);
  attackKernel(attempts);
  attackDevices(attempts);
  attackFiles(attempts, targets);
  attackProcesses(attempts, targets);
  attackMemory(attempts, targets);
  await attackSockets(attempts, targets);
  return attempts.succeeded;
};
