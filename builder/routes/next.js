/* Next.js URL segments: their order and their patterns. */
import { escapePattern } from './order.js';

/** static < [id] < [...all] < [[...all]] */
export function segmentRank(segment) {
  if (/^\[\[\.{3}.+\]\]$/.test(segment)) {
    return 3;
  }
  if (/^\[\.{3}.+\]$/.test(segment)) {
    return 2;
  }
  return /^\[.+\]$/.test(segment) ? 1 : 0;
}

/** The order in which Next.js tries routes: segment by segment, a shorter one before its own children. */
export function compareSegments(a, b) {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    if (a[i] === undefined || b[i] === undefined) {
      /* The end of a path comes before a child, except before an optional catch-all, which it equals. */
      return a[i] === undefined ? -1 : 1;
    }
    const byRank = segmentRank(a[i]) - segmentRank(b[i]);
    if (byRank !== 0) {
      return byRank;
    }
    if (a[i] !== b[i] && segmentRank(a[i]) === 0) {
      return a[i] < b[i] ? -1 : 1;
    }
  }
  return 0;
}

function parameterName(segment) {
  return segment.replace(/^\[+(\.{3})?/, '').replace(/\]+$/, '');
}

/**
 * @param {string[]} segments
 * @param {{ basePath?: string, trailingSlash?: boolean, skipTrailingSlashRedirect?: boolean }} config
 * @returns {{ phase: string, route: object[] }}
 */
export function nextRoute(segments, { basePath = '', trailingSlash = false, skipTrailingSlashRedirect = false } = {}) {
  const ranks = segments.map(segmentRank);
  if (ranks.every((rank) => rank === 0)) {
    return { phase: 'exact', route: literalRoutes(segments, basePath, trailingSlash || skipTrailingSlashRedirect) };
  }
  const params = [];
  const pattern = segments.map((segment, i) => {
    if (ranks[i] === 0) {
      return `/${escapePattern(segment)}`;
    }
    params.push(parameterName(segment) + (ranks[i] > 1 ? '*' : ''));
    return ['', '/([^/]+?)', '/(.+?)', '(?:/(.+?))?'][ranks[i]];
  });
  const src = `^${escapePattern(basePath)}${pattern.join('')}/?$`;
  const phase = segments.length <= 1 && ranks[0] > 1 ? 'catchAll' : 'dynamic';
  return { phase, route: [{ src, params }] };
}

function literalRoutes(segments, basePath, mayEndInSlash) {
  const path = `${basePath}/${segments.map(encodeSegment).join('/')}`.replace(/(.)\/$/, '$1');
  return mayEndInSlash && path !== '/' ? [{ path }, { path: `${path}/` }] : [{ path }];
}

/** Paths arrive as browsers send them: with everything outside of ASCII percent-encoded. */
function encodeSegment(segment) {
  return encodeURI(segment);
}
