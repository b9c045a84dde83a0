/* Paths of API Gateway: `/users/{id}` and `/files/{proxy+}`. */
import { escapePattern } from './order.js';

/**
 * @param {{ api: string, method: string, path: string, cors?: object }[]} events
 * @returns {{ phase: string, index: number, route: object }[]}
 */
export function lambdaEventRoutes(events) {
  return events.flatMap(({ method, path, cors }, index) => {
    const methods = method === 'ANY' ? {} : { methods: cors ? [...new Set([method, 'OPTIONS'])] : [method] };
    if (path === '$default') {
      return [{ phase: 'catchAll', index, route: { src: '^/', ...methods } }];
    }
    if (!path.includes('{')) {
      return [{ phase: 'exact', index, route: { path, ...methods } }];
    }
    return [{ phase: path === '/{proxy+}' ? 'catchAll' : 'dynamic', index, route: { ...compile(path), ...methods } }];
  });
}

/** As API Gateway chooses: a verb before any, a greedy parameter after all else, the longer path first. */
function precedes(one, other) {
  const isGreedy = ({ params = [], src }) => Number(src === '^/') * 2 + Number(params.some((param) => param.endsWith('*')));
  const length = ({ src = '' }) => src.replace(/\(.*?\)/g, '').length;
  return isGreedy(one) - isGreedy(other) || length(other) - length(one) || Number(!one.methods) - Number(!other.methods);
}

/** Whatever functions they lead to. */
export function sortApiRoutes(routes) {
  for (const phase of ['exact', 'dynamic', 'catchAll']) {
    routes[phase].sort(precedes);
  }
}

function compile(path) {
  const params = [];
  const parts = path.split('/').slice(1).map((part) => {
    const parameter = /^\{([^}+]+)(\+)?\}$/.exec(part);
    if (!parameter) {
      return escapePattern(part);
    }
    params.push(parameter[1] + (parameter[2] ? '*' : ''));
    return parameter[2] ? '(.+)' : '([^/]+)';
  });
  return { src: `^/${parts.join('/')}/?$`, params };
}
