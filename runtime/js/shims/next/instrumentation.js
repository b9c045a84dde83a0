'use strict';
/* instrumentation.ts, which runs before anything else of a project in each of its processes. */

/** Its module, when register() is through; null without one. A fault in it is one of the whole server. */
async function loadInstrumentation(name, load) {
  if (name === undefined) return null;
  try {
    const module = await load(name);
    await module.register?.();
    return module;
  } catch (error) {
    if (error instanceof Error) {
      const { message, stack } = error;
      error.message = `An error occurred while loading instrumentation hook: ${message}`;
      error.stack = String(stack).replace(message, () => error.message);
    }
    throw error;
  }
}

module.exports = { loadInstrumentation };
