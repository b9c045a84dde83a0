'use strict';

/* The gateway numbers streams so that those of an instance at one time differ in their low bits (FRAME_SLOT_BITS in
 * src/channel/frame.h). One that it gave up waiting for may still run here when its bits are another's. */
const SLOTS = 4096;

/**
 * What is kept for requests in flight, by their stream.
 *
 * Not a Map: V8 makes a Map's table anew every few removals, and the old one points to the next (for its iterators). Once a
 * table has become old, each later one is kept by it until a full collection, and with it the requests that were under way as it
 * was replaced, with all their objects: of a Node.js handler's requests that were most, 100 MB a second.
 */
class InFlight {
  #streams = [];
  #values = [];
  #given = new Map(); /* up by the gateway */
  #size = 0;

  get size() {
    return this.#size;
  }

  set(stream, value) {
    const slot = stream % SLOTS;
    const before = this.#values[slot];
    if (before !== undefined) this.#given.set(this.#streams[slot], before);
    this.#streams[slot] = stream;
    this.#values[slot] = value;
    this.#size += 1;
  }

  get(stream) {
    const slot = stream % SLOTS;
    return this.#streams[slot] === stream ? this.#values[slot] : this.#given.get(stream);
  }

  delete(stream) {
    if (this.get(stream) === undefined) return;
    const slot = stream % SLOTS;
    if (this.#streams[slot] === stream) this.#values[slot] = undefined;
    else this.#given.delete(stream);
    this.#size -= 1;
  }

  values() {
    return [...this.#values.filter((value) => value !== undefined), ...this.#given.values()];
  }
}

module.exports = { InFlight };
