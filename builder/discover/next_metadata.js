/* Files of the folder app that are routes by their name: robots.txt, sitemap.ts, icon.png, opengraph-image.tsx.
 * https://nextjs.org/docs/app/api-reference/file-conventions/metadata */
import path from 'node:path';

const CODE = 'tsx|ts|jsx|js';
/* name: what may stand as a file, whether only at the top of the folder, whether several may be numbered */
const CONVENTIONS = [
  { name: 'favicon', files: 'ico', top: true, code: false },
  { name: 'robots', files: 'txt', top: true },
  { name: 'manifest', files: 'webmanifest|json', top: true },
  { name: 'sitemap', files: 'xml' },
  { name: 'icon', files: 'ico|jpg|jpeg|png|svg', image: true },
  { name: 'apple-icon', files: 'jpg|jpeg|png', image: true },
  { name: 'opengraph-image', files: 'jpg|jpeg|png|gif', image: true },
  { name: 'twitter-image', files: 'jpg|jpeg|png|gif', image: true },
].map((convention) => ({ ...convention, pattern: patternOf(convention) }));

/* What a path of code answers at. */
const ENDINGS = { robots: '.txt', manifest: '.webmanifest', sitemap: '.xml' };

function patternOf({ name, files, top, code = true, image }) {
  return new RegExp(`${top ? '^' : '(?:^|/)'}(${name}${image ? '\\d?' : ''})\\.(?:(${files})${code ? `|${CODE}` : ''})$`);
}

/**
 * @param {string} inside a path within the folder app
 * @returns {{ kind: 'file'|'robots'|'manifest'|'sitemap'|'image', segments: (facts: object) => string[] }|null}
 *   segments: of its URL, behind those of its folder
 */
export function metadataRoute(inside) {
  for (const { name, image, pattern } of CONVENTIONS) {
    const [, base, file] = pattern.exec(inside) ?? [];
    if (base) {
      const whole = base + (image ? suffixOf(path.posix.dirname(inside)) : '');
      return file
        ? { kind: 'file', segments: () => [`${whole}.${file}`] }
        : { kind: image ? 'image' : name, segments: (facts) => codeSegments(whole, facts) };
    }
  }
  return null;
}

/** One route, or one for each that the module generates. */
function codeSegments(name, facts) {
  const several = facts?.exports.has('generateSitemaps') || facts?.exports.has('generateImageMetadata');
  return several ? [name, '[__metadata_id__]'] : [name + (ENDINGS[name] ?? '')];
}

/** Images of groups and slots, which share a URL, are told apart: `/(shop)/icon.png` is `/icon-1ab2c3.png`. */
function suffixOf(folder) {
  const isShared = folder.split('/').some((name) => /^\(.+\)$/.test(name) || (name.startsWith('@') && name !== '@children'));
  return isShared ? `-${djb2(`/${folder}`).toString(36).slice(0, 6)}` : '';
}

/** The hash that Next.js makes these names with: Bernstein's. */
function djb2(text) {
  let hash = 5381;
  for (let i = 0; i < text.length; i += 1) {
    hash = (hash * 33 + text.charCodeAt(i)) % 2 ** 32;
  }
  return hash;
}
