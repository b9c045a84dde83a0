/** Projects of Cloudflare Pages: told, since they do not run here. */

const PAGES_FUNCTION = /^functions\/.*\.[cm]?[jt]sx?$/;
/** Firebase's functions, in a folder of that name too, are made by an onRequest. */
const PAGES_EXPORT = /\bexport\s*(?:(?:const|let|var|(?:async\s+)?function\s*\*?)\s+|\{[^}]*\b)onRequest(Get|Head|Post|Put|Patch|Delete|Options)?\b/;

/** Why what a folder's files ask for is not there, and what to do. */
export function pagesFault(files, folder = '') {
  const hasFunctions = pagesFunctions(files, folder).length > 0;
  const way = '; `npx wrangler pages functions build --outdir dist` makes of its folder functions a Worker, to be "main" in wrangler.jsonc';
  return `projects of Cloudflare Pages do not run here, Workers do${hasFunctions ? way : ''}`;
}

/** Other platforms' functions may lie in a folder of that name, too. */
export function pagesFunctions(files, folder) {
  const prefix = folder ? `${folder}/` : '';
  return files.list().filter((file) => file.startsWith(prefix) && PAGES_FUNCTION.test(file.slice(prefix.length)) && PAGES_EXPORT.test(files.read(file)));
}
