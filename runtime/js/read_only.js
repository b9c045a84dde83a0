'use strict';
/* What a function could not write while it loaded, which ends many a server that keeps its data beside its program:
 * what there is for that is said with the fault. */

/* Where Vite puts what it has made of its configuration, before it does anything else:
 * https://vite.dev/config/ (configLoader). */
const VITE = /\/\.vite(?:-temp)?(?:\/|$)/;
const NO_VITE = "Vite's development server does not run here: build the project, and set NODE_ENV=production in .env if that has its server use what was built";
const VOLUMES = 'the project is read-only for what it runs, but for the folders that "volumes" in mayfly.json names';

/** @returns {string} '' for faults of another kind */
function explain(error) {
  if (error?.code !== 'EROFS') return '';
  return VITE.test(error.path ?? error.message) ? NO_VITE : VOLUMES;
}

module.exports = { explain };
