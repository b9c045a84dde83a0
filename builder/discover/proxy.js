/* A rewrite to another site becomes a function of its own that forwards: its runtime needs the destination only. */

/**
 * Replaces `external` routes, whose requests get `externalHeaders`, by routes to a proxy function, which it adds to the drafts.
 * @param {{ phase: string, route: object }[]} routes
 * @param {string} platform names the function
 * @param {import('../project.js').Draft[]} drafts
 */
export function withProxies(routes, platform, drafts, { env }) {
  const name = `proxy/${platform}`;
  const endpoints = [];
  const replaced = routes.map(({ phase, route }) => {
    if (!route.external) {
      return { phase, route };
    }
    const { external, externalHeaders: headers, ...rest } = route;
    const module = `proxy/${endpoints.length}`;
    const names = captureNames(route);
    endpoints.push({
      name: external, file: '', module, methods: null, timeout_ms: 0,
      settings: { destination: external, captures: names, ...(headers ? { headers } : {}) },
    });
    return { phase, route: { ...rest, params: names, target: [name, module] } };
  });
  if (endpoints.length > 0) {
    drafts.push({
      name, dialect: 'proxy', build: 'files', files: new Map(), entry: '', endpoints,
      memory_mb: 256, timeout_ms: 120_000, env: { NODE_ENV: env.NODE_ENV ?? 'production' }, settings: {},
    });
  }
  return replaced;
}

/** Unnamed captures are called "1", "2", as the destination has them ($1, $2). */
function captureNames({ src }) {
  const names = [];
  const openings = src.replace(/\\./g, '__').replace(/\[[^\]]*\]/g, (set) => '_'.repeat(set.length));
  for (const [, name] of openings.matchAll(/\((?!\?)|\(\?<([A-Za-z_]\w*)>/g)) {
    names.push(name ?? String(names.length + 1));
  }
  return names;
}
