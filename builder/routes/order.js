/* The order of routes from several platforms in one project, and the numbers that stand for functions in them.
 *
 * Discovery names a function by `target: [function, endpoint]`, the endpoint by its module or its number. Within a phase the order of discovery stays. */

/** What each phase is for, in the order in which the gateway walks them. */
export const PHASES = [
  'hosts', /* by host or by a reserved path: a Worker's or a Lambda function's own address */
  'first', /* redirects and headers */
  'middleware', /* what every request passes that was not redirected */
  'before', /* rewrites and functions that win over static files */
  'files', /* single files under another name or type than their own */
  'exact', /* after static files: literal paths */
  'after', /* rewrites of what was neither a file nor an exact path */
  'dynamic',
  'catchAll',
  'last', /* what remains: fallback rewrites, a platform's own 404 */
];

/** @returns {Record<string, object[]>} */
export function emptyRoutes() {
  return Object.fromEntries(PHASES.map((phase) => [phase, []]));
}

export function addRoutes(target, source) {
  for (const phase of PHASES) {
    target[phase].push(...source[phase]);
  }
}

/** @param {Record<string, object[]>} routes */
export function orderRoutes(routes) {
  const before = { files: [{ label: 'filesystem', continue: true }], exact: [{ static: true }] };
  return PHASES.flatMap((phase) => [...(before[phase] ?? []), ...routes[phase]]);
}

/** @param {{ name: string, endpoints: { module: string }[] }[]} functions */
export function resolveRoutes(routes, functions) {
  const functionOf = new Map(functions.map((fn, f) => [fn.name, f]));
  const endpointOf = new Map(
    functions.flatMap((fn) => fn.endpoints.map((endpoint, e) => [`${fn.name}\0${endpoint.module}`, e])),
  );
  return routes.map(({ target, ...route }) => {
    if (!target) {
      return route;
    }
    const [name, wanted] = target;
    const endpoint = typeof wanted === 'number' ? wanted : endpointOf.get(`${name}\0${wanted}`);
    return { ...route, function: functionOf.get(name), endpoint };
  });
}

const SPECIAL = /[\\^$.*+?()[\]{}|/-]/g;

/** For a literal inside a PCRE pattern. */
export function escapePattern(text) {
  return text.replace(SPECIAL, (character) => (character === '/' || character === '-' ? character : `\\${character}`));
}
