'use strict';

/* Events of the service worker syntax. */

class ExtendableEvent extends Event {
  #context;

  constructor(type, context) {
    super(type, { cancelable: true });
    this.#context = context;
  }

  waitUntil(promise) {
    this.#context.waitUntil(promise);
  }
}

class FetchEvent extends ExtendableEvent {
  #context;
  #answer = null;

  constructor(request, context) {
    super('fetch', context);
    this.#context = context;
    this.request = request;
  }

  respondWith(response) {
    if (this.#answer) {
      throw new DOMException(
        'FetchEvent.respondWith() has already been called; it can only be called once.',
        'InvalidStateError'
      );
    }
    this.#answer = Promise.resolve(response);
    /* Whoever waits for the answer gets the rejection. */
    this.#answer.catch(() => {});
  }

  passThroughOnException() {
    this.#context.passThroughOnException();
  }

  /* The promise of a Response, or null. */
  get answer() {
    return this.#answer;
  }

  /* The first listener that answers is the last. */
  get isStopped() {
    return this.#answer !== null || this.defaultPrevented;
  }
}

/* What a module's handler gets as its first argument, as an event. */
function ofController(type, members, methods) {
  return class extends ExtendableEvent {
    constructor(controller, context) {
      super(type, context);
      for (const name of members) {
        Object.defineProperty(this, name, { value: controller[name], enumerable: true, configurable: true });
      }
      for (const name of methods) {
        this[name] = (...args) => controller[name](...args);
      }
    }

    /* All listeners are called. */
    get isStopped() {
      return false;
    }
  };
}

class ScheduledEvent extends ofController('scheduled', ['scheduledTime', 'cron'], ['noRetry']) {}
class QueueEvent extends ofController('queue', ['messages', 'queue', 'metadata'], ['retryAll', 'ackAll']) {}

class EmailEvent extends ExtendableEvent {
  constructor(message, context) {
    super('email', context);
    this.message = message;
  }

  /* All listeners are called. */
  get isStopped() {
    return false;
  }
}

module.exports = { EmailEvent, ExtendableEvent, FetchEvent, QueueEvent, ScheduledEvent };
