'use strict';

/* Where the entries of a KV namespace are: a folder of the project that all of its instances may write, one file an
 * entry. A file begins with a line of JSON, { key, expiration, metadata }, and has the value behind it; its name is a
 * digest of the key, for keys may be longer than names. Files are renamed into place: readers see all of one or the
 * other. What has expired stays until it is swept, now and then: whoever met it could remove what was just put in its place. */

const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const path = require('node:path');

/* A key of 512 bytes and metadata of 1024, each byte escaped. */
const HEAD_MAX_BYTES = 16 * 1024;
const READ_AT_ONCE = 64;
const NEWLINE = 10;
const SWEPT = '.swept'; /* when that was */
const SWEEP_MS = 600_000;

const nowSeconds = () => Math.floor(Date.now() / 1000);

async function unlessMissing(promise, instead) {
  try {
    return await promise;
  } catch (error) {
    if (error.code === 'ENOENT') {
      return instead;
    }
    throw error;
  }
}

/* { head, value } of a file's bytes, or null of what is no entry. */
function parse(bytes) {
  const end = bytes.indexOf(NEWLINE);
  try {
    const head = JSON.parse(bytes.toString('utf8', 0, end));
    return typeof head?.key === 'string' ? { head, value: bytes.subarray(end + 1) } : null;
  } catch {
    return null;
  }
}

class KvStore {
  #folder;

  constructor(folder) {
    this.#folder = path.resolve(folder);
  }

  #fileOf(key) {
    return path.join(this.#folder, crypto.createHash('sha256').update(key).digest('hex'));
  }

  /** { value: Buffer, metadata: text or undefined } or null */
  async get(key) {
    const file = this.#fileOf(key);
    const bytes = await unlessMissing(fs.readFile(file), null);
    const entry = bytes && parse(bytes);
    if (!entry || entry.head.key !== key || entry.head.expiration <= nowSeconds()) {
      return null;
    }
    return { value: entry.value, metadata: entry.head.metadata };
  }

  async put(key, value, { expiration, metadata }) {
    const head = Buffer.from(`${JSON.stringify({ key, expiration, metadata })}\n`);
    const draft = path.join(this.#folder, `.${crypto.randomUUID()}`);
    await fs.writeFile(draft, Buffer.concat([head, value]));
    await fs.rename(draft, this.#fileOf(key));
    if (expiration !== undefined) {
      this.#sweep().catch(() => {}); /* the next one tries again */
    }
  }

  async delete(key) {
    await unlessMissing(fs.unlink(this.#fileOf(key)));
  }

  async #headOf(name) {
    const file = await unlessMissing(fs.open(path.join(this.#folder, name)), null);
    if (!file) {
      return null;
    }
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_MAX_BYTES), 0, HEAD_MAX_BYTES, 0);
      return parse(buffer.subarray(0, bytesRead))?.head ?? null;
    } finally {
      await file.close();
    }
  }

  async #isOver(name) {
    if (name.startsWith('.')) { /* the draft of an instance that ended while it wrote */
      const { mtimeMs } = await fs.stat(path.join(this.#folder, name));
      return name !== SWEPT && Date.now() - mtimeMs > SWEEP_MS;
    }
    return (await this.#headOf(name))?.expiration <= nowSeconds();
  }

  async #sweep() {
    const swept = path.join(this.#folder, SWEPT);
    const last = await unlessMissing(fs.stat(swept), null);
    if (last && Math.abs(Date.now() - last.mtimeMs) < SWEEP_MS) {
      return;
    }
    await fs.writeFile(swept, '');
    for (const name of await fs.readdir(this.#folder)) {
      if (await unlessMissing(this.#isOver(name), false)) {
        await unlessMissing(fs.unlink(path.join(this.#folder, name)));
      }
    }
  }

  /** The heads of all entries whose key begins with the prefix, in the order of their keys' bytes. */
  async list(prefix) {
    const names = (await unlessMissing(fs.readdir(this.#folder), [])).filter((name) => !name.startsWith('.'));
    const heads = [];
    for (let i = 0; i < names.length; i += READ_AT_ONCE) {
      heads.push(...await Promise.all(names.slice(i, i + READ_AT_ONCE).map((name) => this.#headOf(name))));
    }
    const now = nowSeconds();
    return heads
      .filter((head) => head && head.key.startsWith(prefix) && !(head.expiration <= now))
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }
}

module.exports = { KvStore };
