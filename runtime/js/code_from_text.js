'use strict';
/* Keeps eval() and the constructors of functions from making code, as the platforms do that run many tenants in a process. */

const DISALLOWED = 'Code generation from strings disallowed for this context';

const MAKERS = [
  function () {}, function* () {}, async function () {}, async function* () {},
].map((fn) => Object.getPrototypeOf(fn).constructor);

/* A constructor of functions, also for who asks a function for its constructor. */
function guardMaker(maker, check) {
  const guarded = new Proxy(maker, {
    apply(target, self, args) {
      check();
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget) {
      check();
      return Reflect.construct(target, args, newTarget);
    },
  });
  Object.defineProperty(maker.prototype, 'constructor', { value: guarded, configurable: true });
  return guarded;
}

/** Before the user's code loads. isRefused() is asked each time. What is no text is no code. */
function guardCodeFromText(isRefused) {
  const check = () => {
    if (isRefused()) throw new EvalError(DISALLOWED);
  };
  const { eval: evaluate } = globalThis;
  const guarded = { eval(text) {
    if (typeof text === 'string') check();
    return evaluate(text);
  } };
  const [value] = MAKERS.map((maker) => guardMaker(maker, check));
  Object.defineProperty(globalThis, 'Function', { value, writable: true, configurable: true, enumerable: false });
  Object.defineProperty(globalThis, 'eval', { value: guarded.eval, writable: true, configurable: true, enumerable: false });
}

module.exports = { guardCodeFromText };
