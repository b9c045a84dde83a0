'use strict';
/* Loading one module of many that share a process: one that never finishes must not keep the others from serving. */

/* Within what a whole function has (LIMIT_LOAD_MS in src/base/limits.h). */
const MODULE_MS = 20_000;

/** Settles as the promise does, or rejects when that takes too long. */
async function settleInTime(promise, file) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${file} did not finish loading within ${MODULE_MS / 1000} seconds: `
      + 'does a top-level await never settle?')), MODULE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

module.exports = { settleInTime };
