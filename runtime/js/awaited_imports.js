'use strict';

/* Packages with top-level await in a bundle that is CommonJS. What a file imports of packages outside of the bundle is required there, and
 * Node.js requires no module that waits (ERR_REQUIRE_ASYNC_MODULE), nor one that imports such a module; Next.js's bundler waits for it,
 * and so must we. Which do is known only when they are tried: then such a module is imported, what requires it is given what it
 * exports, and who failed for it is loaded again. Nothing runs twice by that: what a file imports comes before all else that it does, and
 * the builder lets a module of the bundle that has failed so begin again (withSecondTries() in builder/bundle/esbuild.js). */

const Module = require('node:module');
const { pathToFileURL } = require('node:url');

const REQUIRED = /^Required module: (.+)$/m;

function awaitedFile(error) {
  return error?.code === 'ERR_REQUIRE_ASYNC_MODULE' ? REQUIRED.exec(error.message)?.[1] : undefined;
}

/* As Node.js shows an ES module to who requires it (nodejs.org/api/modules.html#loading-ecmascript-modules-using-require). */
function shownToRequire(namespace) {
  if ('module.exports' in namespace) return namespace['module.exports'];
  if (!('default' in namespace) || '__esModule' in namespace) return namespace;
  const shown = Object.create(null, { __esModule: { value: true, enumerable: true } });
  for (const name of Object.keys(namespace)) {
    Object.defineProperty(shown, name, { enumerable: true, get: () => namespace[name] });
  }
  return shown;
}

async function provide(file) {
  const namespace = await import(pathToFileURL(file));
  const module = new Module(file);
  Object.assign(module, { filename: file, exports: shownToRequire(namespace), loaded: true });
  Module._cache[file] = module;
}

/* What load() gives, once all that it requires has been waited for. */
async function loadAwaited(load) {
  const provided = new Set();
  for (;;) {
    try {
      return await load();
    } catch (error) {
      const file = awaitedFile(error);
      if (file === undefined || provided.has(file)) throw error;
      provided.add(file);
      await provide(file);
    }
  }
}

module.exports = { loadAwaited };
