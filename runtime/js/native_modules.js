'use strict';
/* Native modules that were compiled for another Node.js, as `npm install` leaves them where a project has its own: of what
 * Node.js says of them (`npm rebuild`) the same would come again, so what helps here is said instead. And those that were not
 * compiled at all: what makes them is a script of their package, which npm and pnpm run only for those who allow it. */

const OTHER_NODE = /was compiled against a different Node\.js version/;
const PACKAGE = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/* As the packages bindings and node-gyp-build say it, and who looks for the file by itself. */
const NOT_COMPILED = /Could not locate the bindings file|No native build was found|Cannot find module '[^']*\.node'/;
const PACKAGES = /\/node_modules\/((?:@[^/\s]+\/)?[^/\s'.][^/\s']*)(?=[/\s']|$)/gm;
const FINDERS = new Set(['bindings', 'node-gyp-build', 'node-gyp-build-optional-packages']);

const [major] = process.versions.node.split('.');
const compile = (name) => `npx -p node@${major} npm rebuild${name ? ` ${name}` : ''}`;

/* What is said of an error that comes of such a module, or null. */
function explain(error) {
  if (!NOT_COMPILED.test(error?.message)) {
    return null;
  }
  const named = [...`${error.message}\n${error.stack}`.matchAll(PACKAGES)].map(([, name]) => name);
  const name = named.find((one) => !FINDERS.has(one));
  const [said] = error.message.split('\n');
  return `${said.replace(/\. Tried:$/, '')}: ${name ?? 'a package'} was installed without being compiled. Compile it: ${compile(name)}`;
}

function fault(file) {
  const name = PACKAGE.exec(file)?.[1];
  const text = `${name ?? file} was compiled for another version of Node.js than Mayfly's, ${major}. `
    + `Compile it for this one: ${compile(name)}`;
  return Object.assign(new Error(text), { code: 'ERR_DLOPEN_FAILED' });
}

/* Once it was refused such a file looks as if it were no module at all. */
function install() {
  const { dlopen } = process;
  const refused = new Set();
  process.dlopen = function (module, file, ...flags) {
    try {
      return Reflect.apply(dlopen, this, [module, file, ...flags]);
    } catch (error) {
      if (OTHER_NODE.test(error?.message)) refused.add(file);
      throw refused.has(file) ? fault(file) : error;
    }
  };
}

module.exports = { explain, install };
