'use strict';

/* The content-type of an asset, by its name's ending: what the package mime says, which wrangler asks, of the endings
 * that sites have; text says that it is UTF-8. */

const TYPES = {
  'text/html': 'html htm shtml', 'text/css': 'css', 'text/plain': 'txt text conf log ini list in def',
  'text/javascript': 'js mjs', 'text/markdown': 'md markdown', 'text/csv': 'csv', 'text/calendar': 'ics ifb',
  'text/vtt': 'vtt', 'text/jsx': 'jsx', 'text/yaml': 'yaml yml', 'text/tab-separated-values': 'tsv', 'text/x-vcard': 'vcf',
  'application/json': 'json map', 'application/ld+json': 'jsonld', 'application/json5': 'json5',
  'application/manifest+json': 'webmanifest', 'application/geo+json': 'geojson', 'application/xml': 'xml xsl xsd rng',
  'application/xhtml+xml': 'xhtml xht', 'application/rss+xml': 'rss', 'application/atom+xml': 'atom',
  'application/pdf': 'pdf', 'application/wasm': 'wasm', 'application/zip': 'zip', 'application/gzip': 'gz',
  'application/x-tar': 'tar', 'application/x-bzip2': 'bz2', 'application/x-7z-compressed': '7z',
  'application/toml': 'toml', 'application/sql': 'sql', 'application/graphql': 'gql', 'application/node': 'cjs',
  'application/octet-stream': 'bin dms lrf mar so dist pkg dump exe dll deb dmg iso img msi',
  'application/rtf': 'rtf', 'application/epub+zip': 'epub', 'application/msword': 'doc dot',
  'application/vnd.ms-excel': 'xls', 'application/vnd.ms-powerpoint': 'ppt', 'application/vnd.ms-fontobject': 'eot',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'image/png': 'png', 'image/jpeg': 'jpg jpeg jpe', 'image/gif': 'gif', 'image/webp': 'webp', 'image/avif': 'avif',
  'image/svg+xml': 'svg svgz', 'image/vnd.microsoft.icon': 'ico', 'image/bmp': 'bmp', 'image/tiff': 'tif tiff',
  'image/heic': 'heic', 'image/apng': 'apng', 'image/jxl': 'jxl',
  'font/woff': 'woff', 'font/woff2': 'woff2', 'font/ttf': 'ttf', 'font/otf': 'otf', 'font/collection': 'ttc',
  'audio/mpeg': 'mp3 mpga mp2', 'audio/ogg': 'ogg oga spx opus', 'audio/wav': 'wav', 'audio/mp4': 'm4a mp4a', 'audio/x-flac': 'flac',
  'audio/x-aac': 'aac', 'audio/midi': 'mid midi', 'audio/webm': 'weba',
  'video/mp4': 'mp4 mp4v mpg4', 'video/webm': 'webm', 'video/ogg': 'ogv', 'video/quicktime': 'qt mov', 'video/mpeg': 'mpeg mpg',
  'video/mp2t': 'ts m2t m2ts mts', 'video/x-msvideo': 'avi', 'video/x-matroska': 'mkv', 'video/x-m4v': 'm4v',
  'model/gltf+json': 'gltf', 'model/gltf-binary': 'glb', 'model/obj': 'obj', 'model/stl': 'stl',
};

const byEnding = new Map(
  Object.entries(TYPES).flatMap(([type, endings]) => endings.split(' ').map((ending) => [ending, type])),
);

/** undefined where the ending is not known. */
function typeOf(file) {
  const ending = /\.([^./]+)$/.exec(file)?.[1].toLowerCase();
  const type = byEnding.get(ending);
  return type?.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

module.exports = { typeOf };
