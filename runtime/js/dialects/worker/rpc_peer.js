'use strict';

/* One end of a conversation between two workers. Both ends are alike: each keeps objects for the other, under numbers,
 * and calls what the other keeps. A message is [verb, number, ...]:
 *
 *   call  id target name args   name null: the target itself; args null: read the member
 *   done  id value              the answer
 *   threw id isWhole value      what was thrown, or the parts of an error
 *   drop  target                what is kept under this number is not needed any more
 *
 * What came with a call's arguments is let go when the call is over; who wants to keep it makes a dup(). What came with
 * a result is the caller's to dispose, and goes with the conversation at the latest. */

const rpc = require('./rpc');
const errors = require('./rpc_errors');
const { countedStubOf } = require('./rpc_stub');

const MAIN = 0;
const LOST = 'The connection to the other worker was lost.';

class Peer {
  #send;
  #run;
  #onIdle;
  #kept = new Map();
  #calls = new Map();
  #number = MAIN;
  #callNumber = 0;
  #held = 0; /* what the other side keeps for this one */
  #isOver = false;

  /** send(bytes); main: what the other side's calls begin with; run(fn): in whose context; onIdle(): nothing is kept */
  constructor({ send, main, run = (fn) => fn(), onIdle = () => {} }) {
    this.#send = send;
    this.#run = run;
    this.#onIdle = onIdle;
    if (main !== undefined) {
      this.#kept.set(MAIN, main);
    }
  }

  /* Calls */

  call(name, args, target = MAIN) {
    return this.#ask((id) => ['call', id, target, name, args]);
  }

  get(name, target = MAIN) {
    return this.#ask((id) => ['call', id, target, name, null]);
  }

  #ask(messageOf) {
    if (this.#isOver) {
      return Promise.reject(new Error(LOST));
    }
    const id = (this.#callNumber += 1);
    const { promise, resolve, reject } = Promise.withResolvers();
    this.#calls.set(id, { resolve, reject });
    this.#post(messageOf(id)).catch((error) => {
      this.#calls.delete(id);
      reject(error);
      this.#checkIdle();
    });
    return promise;
  }

  /* Sends at once, but for what has blobs: that is overtaken by what comes while they are read. References that were made
   * for a message that cannot be sent are let go again. */
  async #post(message) {
    const made = [];
    try {
      const packed = rpc.pack(message, (object) => {
        this.#number += 1;
        this.#kept.set(this.#number, object);
        made.push(this.#number);
        return this.#number;
      });
      this.#send(packed instanceof Promise ? await packed : packed);
    } catch (error) {
      made.forEach((number) => this.#drop(number));
      throw error;
    }
  }

  /* A stub of what the other side keeps, counted by how many hold it. */
  #hold(target) {
    this.#held += 1;
    return countedStubOf({
      call: (name, args) => this.call(name, args, target),
      get: (name) => this.get(name, target),
      end: () => this.#letGo(target),
    });
  }

  #letGo(target) {
    this.#held -= 1;
    if (!this.#isOver) {
      this.#post(['drop', target]);
      this.#checkIdle();
    }
  }

  /* Messages */

  receive(bytes) {
    const brought = [];
    const [verb, id, ...rest] = rpc.unpack(bytes, (number) => {
      const stub = this.#hold(number);
      brought.push(stub);
      return stub;
    });
    if (verb === 'call') {
      this.#run(() => this.#serve(id, rest, brought));
    } else if (verb === 'done') {
      this.#finish(id, ({ resolve }) => resolve(disposable(rest[0], brought)));
    } else if (verb === 'threw') {
      this.#finish(id, ({ reject }) => reject(rpc.thrownOf(rest[1], rest[0])));
    } else if (verb === 'drop') {
      this.#drop(id);
      this.#checkIdle();
    }
  }

  async #serve(id, [target, name, args], brought) {
    let message;
    try {
      const object = this.#kept.get(target);
      message = ['done', id, await (args === null ? rpc.memberOf(object, name) : rpc.call(object, name, args))];
    } catch (error) {
      message = errors.isWhole(error) ? ['threw', id, true, error] : ['threw', id, false, errors.partsOf(error)];
    }
    if (this.#isOver) {
      return;
    }
    try {
      await this.#post(message);
    } catch (error) {
      await this.#post(['threw', id, false, errors.partsOf(error)]);
    }
    brought.forEach((stub) => stub[Symbol.dispose]());
    this.#checkIdle();
  }

  #finish(id, settle) {
    const waiting = this.#calls.get(id);
    this.#calls.delete(id);
    if (waiting) {
      settle(waiting);
    }
    this.#checkIdle();
  }

  #drop(number) {
    const object = this.#kept.get(number);
    this.#kept.delete(number);
    try {
      object?.[Symbol.dispose]?.();
    } catch (error) {
      console.error(error);
    }
  }

  /* The end */

  #checkIdle() {
    const keeps = [...this.#kept.keys()].some((number) => number !== MAIN);
    if (!this.#isOver && !keeps && this.#held === 0 && this.#calls.size === 0) {
      this.#onIdle();
    }
  }

  /** The other side is gone, or is not needed any more. */
  close(error = new Error(LOST)) {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    [...this.#calls.values()].forEach(({ reject }) => reject(error));
    this.#calls.clear();
    [...this.#kept.keys()].filter((number) => number !== MAIN).forEach((number) => this.#drop(number));
  }
}

/* A result that holds stubs lets all of them go at once, by `using` or Symbol.dispose. */
function disposable(value, brought) {
  if (typeof value === 'object' && value !== null && Object.isExtensible(value) && value[Symbol.dispose] === undefined) {
    Object.defineProperty(value, Symbol.dispose, {
      value: () => brought.forEach((stub) => stub[Symbol.dispose]()), configurable: true, writable: true,
    });
  }
  return value;
}

module.exports = { Peer };
