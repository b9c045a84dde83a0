/* Vercel's route objects (as @vercel/routing-utils compiles them) to ours. */

/** @returns {{ handle: string|null, route: object }[]} each route of a list with the phase that it stands in; null: the first */
export function withHandles(list) {
  let handle = null;
  return list.flatMap((route) => {
    handle = route.handle ?? handle;
    return route.handle ? [] : [{ handle, route }];
  });
}

/**
 * @param {object} route `{ src, dest, headers, status, has, missing, methods, continue, check }`
 * @param {string} dialect
 * @param {{ ignoresCase?: boolean }} [options] of paths, where the route does not say
 */
export function convertRoute(route, dialect, { ignoresCase = dialect === 'next' } = {}) {
  const headers = { ...route.headers, ...answerHeaders(route.transforms) };
  const locationName = Object.keys(headers).find((name) => name.toLowerCase() === 'location');
  const location = locationName ? headers[locationName] : undefined;
  if (locationName) {
    delete headers[locationName];
  }
  const isExternal = /^https?:\/\//.test(route.dest ?? '');
  const converted = { src: anchored(route, ignoresCase), dialect };
  const members = {
    methods: route.methods,
    has: conditions(route.has),
    missing: conditions(route.missing),
    headers: Object.keys(headers).length > 0 ? headers : undefined,
    location,
    status: route.status,
    external: isExternal ? route.dest : undefined,
    dest: isExternal ? undefined : route.dest,
    /* Vercel looks a rewritten path up among files and functions, whatever phase the rewrite stands in. */
    check: route.dest && !isExternal && !route.continue ? true : undefined,
    without: droppedNames(route.transforms),
    continue: route.continue ? true : undefined,
  };
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) {
      converted[name] = value;
    }
  }
  return converted;
}

const isDropped = ({ type, op, target }) => type === 'request.query' && op === 'delete' && typeof target?.key === 'string';
const isAnswered = ({ type, op, target, args }) =>
  type === 'response.headers' && op === 'set' && typeof target?.key === 'string' && typeof args === 'string';

/** Whether a route's transform is among those that are made. */
export const isKnownTransform = (transform) => isDropped(transform) || isAnswered(transform);

function droppedNames(transforms = []) {
  const names = transforms.filter(isDropped).map(({ target }) => encodeURIComponent(target.key));
  return names.length > 0 ? names.join('&') : undefined;
}

function answerHeaders(transforms = []) {
  return Object.fromEntries(transforms.filter(isAnswered).map(({ target, args }) => [target.key, args]));
}

/** Always the whole path is matched; rules of Next.js and of a build output match without regard to case. */
function anchored({ src, caseSensitive }, ignoresCase) {
  const whole = `${src.startsWith('^') ? '' : '^'}${src}${src.endsWith('$') ? '' : '$'}`;
  return caseSensitive || !ignoresCase ? whole : `(?i)${whole}`;
}

function conditions(list) {
  if (!Array.isArray(list)) {
    return undefined;
  }
  return list.map(({ type, key, value }) => {
    const converted = { type };
    if (key !== undefined) {
      converted.key = key;
    }
    const pattern = conditionPattern(value);
    if (pattern !== undefined) {
      converted.value = pattern;
    }
    return converted;
  });
}

const escape = (text) => String(text).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function conditionPattern(value) {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const { eq, neq, inc, ninc, pre, suf, re } = value;
  const alternatives = (list) => list.map(escape).join('|');
  if (eq !== undefined) return escape(eq);
  if (neq !== undefined) return `(?!${escape(neq)}$).*`;
  if (inc !== undefined) return `(?:${alternatives(inc)})`;
  if (ninc !== undefined) return `(?!(?:${alternatives(ninc)})$).*`;
  if (pre !== undefined) return `${escape(pre)}.*`;
  if (suf !== undefined) return `.*${escape(suf)}`;
  return re;
}
