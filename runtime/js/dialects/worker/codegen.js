'use strict';

/* Code from text: Workers may make it while their module loads, and not in a handler. */

const { current } = require('../../context');

const DISALLOWED = 'Code generation from strings disallowed for this context';

const makers = [
  function () {}, function* () {}, async function () {}, async function* () {},
].map((fn) => Object.getPrototypeOf(fn).constructor);

function refuseInHandler() {
  if (current()) {
    throw new EvalError(DISALLOWED);
  }
}

/* A constructor of functions, also for who asks a function for its constructor. */
function guardMaker(maker) {
  const guarded = new Proxy(maker, {
    apply(target, self, args) {
      refuseInHandler();
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget) {
      refuseInHandler();
      return Reflect.construct(target, args, newTarget);
    },
  });
  Object.defineProperty(maker.prototype, 'constructor', { value: guarded, configurable: true });
  return guarded;
}

/* In the function's zygote, before its module loads. What is no text is no code. */
function install() {
  const [guarded] = makers.map(guardMaker);
  globalThis.Function = guarded;
  const { eval: evaluate } = globalThis;
  globalThis.eval = { eval(text) {
    if (typeof text === 'string') {
      refuseInHandler();
    }
    return evaluate(text);
  } }.eval;
}

module.exports = { install };
