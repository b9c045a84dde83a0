/* Disks that are full soon. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const DISK = 24 * 1024 * 1024;

/** A disk of its own. It is let go of when nobody uses it any more. */
function smallDisk(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-disk-'));
  t.after(() => {
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=755`, 'tmpfs', folder]);
  assert.equal(made.status, 0, String(made.stderr));
  return folder;
}

/** A test whose data is on a small disk, where this user may mount one. */
export function testOnDisk(name, run) {
  test(name, async (t) => {
    if (process.getuid() === 0) {
      await run(t, smallDisk(t));
    } else {
      t.diagnostic('this user may not mount a disk: nothing was tested');
    }
  });
}

/** Takes all that is left of the disk, as another program does. */
export function fill(file) {
  assert.throws(() => {
    for (;;) {
      appendFileSync(file, Buffer.alloc(4096));
    }
  }, { code: 'ENOSPC' });
}

export const isFull = (error) => error.$metadata?.httpStatusCode === 507;
