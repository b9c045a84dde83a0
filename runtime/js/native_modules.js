'use strict';
/* Native modules that were compiled for another Node.js, as `npm install` leaves them where a project has its own: of what
 * Node.js says of them (`npm rebuild`) the same would come again, so what helps here is said instead. */

const OTHER_NODE = /was compiled against a different Node\.js version/;
const PACKAGE = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

function fault(file) {
  const [major] = process.versions.node.split('.');
  const name = PACKAGE.exec(file)?.[1];
  const text = `${name ?? file} was compiled for another version of Node.js than Mayfly's, ${major}. `
    + `Compile it for this one: npx -p node@${major} npm rebuild${name ? ` ${name}` : ''}`;
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

module.exports = { install };
