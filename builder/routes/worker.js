/* Where a Worker answers: Cloudflare's route patterns by host, `<name>.localhost`, and `/` if nobody else does. */
import { escapePattern } from './order.js';

/**
 * @param {import('../discover/worker.js').Worker} worker
 * @param {{ isMain: boolean, isOnly: boolean, isAlone: boolean }} place isMain: it may answer what no route decides;
 *   isOnly: the project has nothing else, so that it does so in spite of its routes, as under wrangler dev; isAlone: it has
 *   nothing but Workers, so that files are what lies behind them
 * @returns {{ phase: string, route: object }[]}
 */
export function workerRoutes({ name, settings }, { isMain, isOnly, isAlone }) {
  const patterns = patternsOf(settings);
  const own = { phase: 'hosts', route: { host: `^${escapePattern(name.toLowerCase())}\\.localhost$`, src: '^/', shown: `${name.toLowerCase()}.localhost/*` } };
  const routed = patterns.map(compilePattern).filter(Boolean).sort(bySpecificity);
  const result = [own, ...routed.map(({ route }) => ({ phase: 'hosts', route }))];
  if (isMain && (patterns.length === 0 || isOnly)) {
    result.push({ phase: isAlone ? 'before' : 'catchAll', route: { src: '^/', shown: '/*' } });
  }
  return result;
}

function patternsOf({ route, routes }) {
  return [route, ...(Array.isArray(routes) ? routes : [])]
    .map((entry) =>
      typeof entry === 'object' && entry?.custom_domain ? `${entry.pattern}/*` : entry?.pattern ?? entry,
    )
    .filter((pattern) => typeof pattern === 'string' && pattern !== '');
}

/** `*.example.com/images/*`: a star stands for anything, at the start of the host and at the end of the path. */
function compilePattern(pattern) {
  const parsed = /^(?:https?:\/\/|\*:\/\/)?([^/]+)(\/.*)?$/.exec(pattern);
  if (!parsed) {
    return null;
  }
  const [, host, path = '/'] = parsed;
  return {
    weight: [host.replaceAll('*', '').length, path.replaceAll('*', '').length],
    route: { host: `^${starred(host.toLowerCase(), '[^/]*')}$`, src: `^${starred(path, '.*')}$`, shown: host + path },
  };
}

function starred(text, any) {
  return text.split('*').map(escapePattern).join(any);
}

function bySpecificity({ weight: a }, { weight: b }) {
  return b[0] - a[0] || b[1] - a[1];
}
