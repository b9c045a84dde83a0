/* What a discoverer is given, and what it gives. Apart from all.js, which imports them all. */
import { emptyRoutes } from '../routes/order.js';
import { emptyEvents } from '../events/found.js';

/**
 * @typedef {object} Context what a discoverer may use
 * @property {string} project
 * @property {import('../files.js').Files} files
 * @property {object} config mayfly.json
 * @property {Record<string,string>} env of .env files and, in development, the shell
 * @property {Record<string,string>} shell
 * @property {boolean} development
 * @property {number} port of the site, 0 where it is not known
 * @property {import('../diagnostics.js').Diagnostics} diagnostics
 * @property {(level: string, text: string) => void} log
 *
 * @typedef {object} Found
 * @property {import('../project.js').Draft[]} drafts
 * @property {Record<string, object[]>} routes by phase, see routes/order.js
 * @property {{ prefix: string, directory: string, compress?: boolean }[]} static
 * @property {boolean} compress whether its platform compresses what it answers
 * @property {boolean} apiLeadsPast whether an API has routes that lead past the project's functions, which then must not answer them
 * @property {string[]} notRun names of Lambda functions that are told and left out, as those in other languages
 * @property {import('../events/found.js').Events} events the manifest's, once all are found
 */

/** @returns {Found} */
export function nothing() {
  return { drafts: [], routes: emptyRoutes(), static: [], compress: false, apiLeadsPast: false, notRun: [], events: emptyEvents() };
}
