/* Paths of API Gateway: `/users/{id}` and `/files/{proxy+}`. */
import { escapePattern } from './order.js';

/**
 * @param {{ api: string, method: string, path: string }[]} events
 * @returns {{ phase: string, index: number, route: object }[]}
 */
export function lambdaEventRoutes(events) {
  return events.flatMap(({ method, path }, index) => {
    const methods = method === 'ANY' ? {} : { methods: [method] };
    if (path === '$default') {
      return [{ phase: 'catchAll', index, route: { src: '^/', ...methods } }];
    }
    if (!path.includes('{')) {
      return [{ phase: 'exact', index, route: { path, ...methods } }];
    }
    return [{ phase: path === '/{proxy+}' ? 'catchAll' : 'dynamic', index, route: { ...compile(path), ...methods } }];
  });
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
